"""Which JAR or ZIP of a Java build is the function: chosen where it is certain, listed where it is not."""

from pathlib import Path

import pytest

from bases import fill, jar, make_base, refusal
from jars import LIBRARY, THIN, WHOLE
from programs import elf
from zips import zip_of

WITHOUT = "without its libraries"


def gradle_zip() -> dict[str, bytes]:
    """Return what Gradle's buildZip of AWS's documents makes: classes, and JARs in lib/."""
    return {**THIN, **LIBRARY}


def maven_zip() -> dict[str, bytes]:
    """Return what Maven's assembly makes for Lambda: all JARs in lib/, the app's too."""
    return {"lib/f.jar": zip_of(THIN), **LIBRARY}


@pytest.mark.parametrize("path", ["target/function.zip", "build/function.zip"])
@pytest.mark.parametrize("content", [gradle_zip(), {"bootstrap": elf()}, WHOLE])
def test_of_a_quarkus_build_the_function_zip_is_chosen(
    app: Path, path: str, content: dict[str, bytes]
) -> None:
    """For Java, native and as an uber-JAR; the JARs beside it lack their libraries, or the Lambda part."""
    fill(app, "pom.xml")
    folder = {"target": "target", "build": "build/libs"}[path.split("/", maxsplit=1)[0]]
    jar(app, f"{folder}/f-1.0.jar", f"{folder}/f-1.0-runner.jar", **THIN)
    (app / path).write_bytes(zip_of(content, mode=0o100755))
    base, shown = make_base(app)
    assert (base.kind, base.base) == ("java", path)
    assert base.architecture == ("x86_64" if "bootstrap" in content else None)
    assert " !" not in shown


@pytest.mark.parametrize(
    ("thin", "assembly"),
    [
        ("target/f.jar", "target/f-bin.zip"),
        ("build/libs/f.jar", "build/distributions/f.zip"),
        ("build/libs/f.jar", "build/libs/f-lambda.zip"),
    ],
)
@pytest.mark.parametrize("content", [gradle_zip(), maven_zip()])
@pytest.mark.parametrize("jar_is_known_to_be_thin", [True, False])
def test_of_a_thin_jar_and_a_zip_with_its_libraries_the_zip_is_chosen(
    app: Path, thin: str, assembly: str, content: dict[str, bytes], jar_is_known_to_be_thin: bool
) -> None:
    """The ZIP has the JAR or its classes in it, and more; an archive of sources beside it does not matter."""
    other = {} if jar_is_known_to_be_thin else {"other/Package.class": b""}
    jar_content = {**THIN, **other}
    library = {"lib/f.jar": zip_of(jar_content)} if "lib/f.jar" in content else other
    fill(app, "pom.xml")
    jar(app, thin, **jar_content)
    jar(app, assembly, **{**content, **library})
    jar(app, assembly.replace(".zip", "-src.zip"), **{"f-1.0/src/Handler.java": b""})
    base, shown = make_base(app)
    assert base.base == assembly
    assert " !" not in shown


def test_an_only_zip_with_libraries_is_chosen(app: Path) -> None:
    """Where a build makes nothing but the ZIP, there is nothing to ask."""
    fill(app, "build.gradle")
    jar(app, "build/distributions/f.zip", **gradle_zip())
    assert make_base(app)[0].base == "build/distributions/f.zip"
    jar(app, "build/distributions/g.zip", **gradle_zip())
    assert "  build/distributions/f.zip\n  build/distributions/g.zip\n" in refusal(app)


@pytest.mark.parametrize(
    ("jar_content", "zip_content"),
    [
        (WHOLE, {"f-1.0/lib/f.jar": b"", "f-1.0/bin/f": b""}),
        (WHOLE, {"java/lib/gson.jar": b""}),
        (WHOLE, LIBRARY),
        (WHOLE, {"lib/f.jar": zip_of(WHOLE)}),
        (THIN, {"java/lib/gson.jar": b""}),
        ({**THIN, **LIBRARY}, {"lib/other.jar": b""}),
    ],
)
def test_a_zip_beside_the_only_jar_is_passed_over_if_it_is_no_assembly_of_it(
    app: Path, jar_content: dict[str, bytes], zip_content: dict[str, bytes]
) -> None:
    """Gradle's distributions, layers and ZIPs of something else were no reason to ask, and are none now."""
    fill(app, "build.gradle")
    jar(app, "build/libs/f.jar", **jar_content)
    jar(app, "build/distributions/f.zip", **zip_content)
    assert make_base(app)[0].base == "build/libs/f.jar"


def test_where_it_is_not_certain_zips_are_listed_and_what_can_not_work_is_not_recommended(app: Path) -> None:
    """A thin JAR and a ZIP that does not hold it: the ZIP is recommended, and each other has its reason."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar", **THIN)
    jar(app, "target/a-bin.zip", **{**LIBRARY, "lib/other-version.jar": b""})
    jar(app, "target/a-site.zip", **{"index.html": b""})
    text = refusal(app)
    assert text.startswith("There is more than one JAR or ZIP that could be the function.\nCandidates are:\n")
    assert (
        f"  target/a.jar ({WITHOUT})\n  target/a-bin.zip\n"
        "  target/a-site.zip (no class in it, and no JAR in its lib/)\n"
    ) in text
    assert "set _LAMBDA_ARTIFACT=target/a-bin.zip" in text
    assert make_base(app, jar_file="target/a-bin.zip")[0].base == "target/a-bin.zip"


def test_of_several_jars_one_that_works_is_recommended(app: Path) -> None:
    """Spring Boot's executable JAR, one without a class, a thin and a damaged one are listed as just that."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar", **{"BOOT-INF/classes/Handler.class": b""})
    jar(app, "target/b.jar", **{"a.txt": b""})
    jar(app, "target/c.jar", **THIN)
    fill(app, "target/d.jar")
    text = refusal(app)
    assert text.startswith("There is more than one JAR that could be the function.\n")
    assert "  target/a.jar (an executable JAR of Spring Boot)\n  target/b.jar (no class in it" in text
    assert f"  target/c.jar ({WITHOUT})\n  target/d.jar (not a whole JAR or ZIP)\n" in text
    assert "Lambda can run none of them. Have the build make a JAR that holds the app" in text
    assert "_LAMBDA_ARTIFACT" not in text
    jar(app, "target/e.jar", **WHOLE)
    assert "set _LAMBDA_ARTIFACT=target/e.jar" in refusal(app)


def test_a_damaged_jar_beside_an_assembly_is_not_certain(app: Path) -> None:
    """What can't be read can't be compared; the ZIP is recommended."""
    fill(app, "pom.xml", "target/f.jar")
    jar(app, "target/f.zip", **gradle_zip())
    assert "_LAMBDA_ARTIFACT=target/f.zip" in refusal(app)
