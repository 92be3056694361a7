"""The base of a Java app: which JAR or ZIP it is, and what its owner learns about it."""

from pathlib import Path

import pytest

from bases import fill, jar, make_base, refusal
from deploy.artifact.base import BASE_ZIP, read
from jars import THIN
from zips import zip_of


@pytest.mark.parametrize("build_file", ["pom.xml", "build.gradle", "build.gradle.kts"])
@pytest.mark.parametrize("folder", ["target", "build/libs"])
def test_the_only_candidate_is_the_base(app: Path, build_file: str, folder: str) -> None:
    """Sources, Javadoc, tests, the original of a shaded JAR and Gradle's plain one are none."""
    fill(app, build_file, "package.json")
    jar(
        app,
        *(f"{folder}/{name}.jar" for name in ("f-1.0", "f-1.0-sources", "f-javadoc", "f-tests", "f-plain")),
    )
    jar(app, f"{folder}/original-f-1.0.jar")
    base, _ = make_base(app)
    assert (base.kind, base.base, base.entries) == ("java", f"{folder}/f-1.0.jar", 1)
    assert not (app / BASE_ZIP).exists()


@pytest.mark.parametrize("end", ["-shaded.jar", "-jar-with-dependencies.jar", "-all.jar", "-aws.jar"])
def test_the_jar_with_dependencies_is_preferred(app: Path, end: str) -> None:
    """Where the build left both, the function needs the one that has its dependencies in it."""
    fill(app, "pom.xml")
    jar(app, "target/f-1.0.jar", f"target/f-1.0{end}", "target/f-1.0.zip")
    assert make_base(app)[0].base == f"target/f-1.0{end}"


def test_two_candidates_are_listed(app: Path) -> None:
    """Nobody guesses which of two JARs is the function."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar", "target/b.jar", "target/b-sources.jar")
    text = refusal(app)
    assert "  target/a.jar\n  target/b.jar\n" in text
    assert "sources" not in text
    assert "set _LAMBDA_ARTIFACT=target/a.jar" in text


def test_the_setting_names_the_jar_or_zip(app: Path) -> None:
    """_LAMBDA_JAR_FILE, the older name, decides, also for a ZIP in a folder where none is looked for."""
    fill(app, "build.gradle")
    jar(app, "build/libs/a.jar", "build/libs/b.jar", "build/distributions/f.zip")
    assert make_base(app, jar_file="build/libs/b.jar")[0].base == "build/libs/b.jar"
    assert make_base(app, jar_file="build/distributions/f.zip")[0].base == "build/distributions/f.zip"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("target/c.jar", "The artifact that _LAMBDA_JAR_FILE names is not there: target/c.jar.\n"),
        ("../other.jar", "../other.jar leads out of the app"),
        ("/etc/passwd", "is not there: /etc/passwd.\n"),
        ("/etc", "is not there: /etc.\n"),
        ("loop", "is not there: loop.\n"),
        ("x" * 5000, f"is not there: {'x' * 5000}.\n"),
        ("a\nb\udcff", "is not there: a\\nb\\udcff.\n"),
    ],
)
def test_a_wrong_setting_is_explained(app: Path, named: str, expected: str) -> None:
    """The message repeats it, and lists what the build left."""
    fill(app, "pom.xml", "target/a.zip")
    jar(app, "target/a.jar", "../other.jar", "module/target/b.jar")
    (app / "loop").symlink_to("loop")
    text = refusal(app, jar_file=named)
    assert expected in text
    if "leads out" not in expected:
        assert "The build left:\n  target/a.jar\n  module/target/b.jar\n  target/a.zip\n" in text


def test_a_jar_behind_an_absolute_link_is_found_after_the_move(app: Path, tmp_path: Path) -> None:
    """The link would lead to the build folder, which is gone in the dyno; build.json names the JAR itself."""
    fill(app, "pom.xml")
    jar(app, "out/real.jar")
    (app / "target").mkdir()
    (app / "target/f.jar").symlink_to(app / "out/real.jar")
    assert make_base(app)[0].base == "out/real.jar"
    assert read(app.rename(tmp_path / "moved")).base == "out/real.jar"


def test_no_jar_at_all_is_explained(app: Path) -> None:
    """The usual reason is a missing heroku/java."""
    fill(app, "pom.xml")
    text = refusal(app)
    assert "There is no JAR to deploy" in text
    assert "Looked in target and build/libs, which hold:\n  no JAR at all\n" in text
    assert "heroku/java or heroku/gradle before this buildpack" in text


@pytest.mark.parametrize(
    ("found", "shown", "suggested"),
    [
        (["module/target/f.jar"], ["module/target/f.jar"], "module/target/f.jar"),
        (["a/build/libs/a.jar", "b/build/libs/b-all.jar"], None, "b/build/libs/b-all.jar"),
        (
            ["m/target/f-sources.jar", "m/target/original-f.jar", "m/target/f.jar"],
            ["m/target/f.jar"],
            "m/target/f.jar",
        ),
        (["target/f.zip", "target/f.war"], ["target/f.zip", "target/f.war"], "target/f.zip"),
        (["build/libs/f.zip", "m/target/f.jar"], ["m/target/f.jar", "build/libs/f.zip"], "m/target/f.jar"),
    ],
)
def test_what_else_may_be_the_function_is_listed(
    app: Path, found: list[str], shown: list[str] | None, suggested: str
) -> None:
    """Modules leave their JARs elsewhere: the page names them, and the setting that takes one."""
    fill(app, "pom.xml")
    jar(app, *found, ".cache/target/x.jar")
    text = refusal(app)
    label = {"target/f.war": " (Lambda can't run a WAR)"}
    listed = "".join(f"  {name}{label.get(name, '')}\n" for name in shown or found)
    assert f"  no JAR at all\nThe build left as well:\n{listed}" in text
    assert f"set _LAMBDA_ARTIFACT={suggested}" in text
    assert "heroku/java" not in text
    assert make_base(app, jar_file=suggested)[0].base == suggested


def test_a_war_is_no_jar(app: Path) -> None:
    """Lambda can't run one, so nobody is told to name it."""
    fill(app, "pom.xml")
    jar(app, "target/f.war", "target/f-sources.jar")
    text = refusal(app)
    assert "which hold:\n  target/f-sources.jar\nThe build left as well:\n  target/f.war (Lambda" in text
    assert "Lambda can run none of them. Have the build make a JAR" in text
    assert "_LAMBDA_JAR_FILE" not in text


def test_a_damaged_jar_is_refused_when_it_is_built(app: Path) -> None:
    """Not months later, in a release phase; the page says which JAR it is."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar")
    (app / "target/a.jar").write_bytes((app / "target/a.jar").read_bytes()[:-30])
    text = refusal(app)
    assert "not a whole ZIP or JAR file" in text
    assert "\nThe artifact is target/a.jar. Reading it, " in text
    assert "_LAMBDA_JAR_FILE" not in text


def test_a_file_that_is_named_and_is_no_jar_is_refused_with_the_setting(app: Path) -> None:
    """It may be the setting that is wrong, not the build."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar")
    text = refusal(app, jar_file="pom.xml")
    assert "The artifact is not a whole ZIP or JAR file" in text
    assert "\nThe artifact is pom.xml, which _LAMBDA_JAR_FILE names. Reading it, " in text
    todo = (
        "If that is the wrong file, correct _LAMBDA_JAR_FILE, and push again. If not, build the app again: "
    )
    assert f"\n{todo}" in text


EXECUTABLE = (
    "is an executable JAR of Spring Boot, with the app in its BOOT-INF/, where Lambda's Java runtimes "
    "don't look.\n !     Deploy a JAR that holds the classes of the app and of its dependencies themselves: "
    "maven-shade-plugin makes one, or Gradle's shadow.\n"
)
NO_CLASS = (
    "holds no class, and no JAR in lib/: there is nothing for Lambda to run.\n"
    " !     Look at what the build puts into it, or name another file: "
    "set _LAMBDA_ARTIFACT to its path in the app, or write the path into .lambda-artifact.\n"
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["BOOT-INF/classes/a.class", "org/springframework/boot/loader/Launcher.class"], EXECUTABLE),
        (["META-INF/MANIFEST.MF", "a.txt"], NO_CLASS),
        (["other/a.jar"], NO_CLASS),
        (["example/Handler.class"], None),
        (["META-INF/MANIFEST.MF", "lib/a.jar"], None),
    ],
)
def test_a_jar_that_lambda_would_not_run_is_pointed_out(
    app: Path, names: list[str], expected: str | None
) -> None:
    """It is whole, so it is the base all the same; its owner learns of it before the function fails."""
    fill(app, "pom.xml")
    (app / "target").mkdir()
    for name in ("f.jar", "f.zip"):
        (app / "target" / name).write_bytes(zip_of(dict.fromkeys(names, b"")))
    shown = make_base(app)[1]
    notice = f" !     target/f.jar {expected}" if expected else ""
    first, _, rest = shown.partition("\n")
    assert first == "-----> Finding the JAR to deploy"
    assert rest.startswith(f"{notice}       target/f.jar: ")
    # A ZIP may be for any runtime.
    assert " !" not in make_base(app, jar_file="target/f.zip")[1]


# --- the setting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["/target/f.jar", "//target/f.jar", "/./target/../target/f.jar"])
def test_a_slash_at_the_beginning_is_the_apps_folder(app: Path, named: str) -> None:
    """So it was in the first version of the buildpack, and so apps have it in their config."""
    fill(app, "pom.xml")
    jar(app, "target/f.jar", "target/g.jar")
    assert make_base(app, jar_file=named)[0].base == "target/f.jar"


def test_a_jar_that_is_named_is_looked_into_as_well(app: Path) -> None:
    """The notices do not depend on how it was found; modes and names are looked at in any artifact."""
    fill(app, "pom.xml")
    jar(app, "target/f.jar", "target/g.jar", **THIN)
    assert "has no libraries in it" in make_base(app, jar_file="target/f.jar")[1]
    (app / "f.zip").write_bytes(zip_of({"bootstrap": b"", "a\x07": b""}, mode=0o100600))
    shown = make_base(app, jar_file="f.zip")[1]
    assert " !     The function can't read:\n !       bootstrap\n" in shown
    assert "control characters or backslashes in the name of:\n !       a\\x07\n" in shown
