"""The base of a Java app: which JAR or ZIP it is, and what its owner learns about it."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bases import fill, jar, make_base, refusal
from deploy.artifact.archive import read_directory
from deploy.artifact.base import BASE_ZIP, read
from deploy.build.classes import problem_of
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
    assert "heroku config:set _LAMBDA_JAR_FILE=target/a.jar" in text


def test_the_setting_names_the_jar_or_zip(app: Path) -> None:
    """_LAMBDA_JAR_FILE decides, also for a ZIP in a folder where none is looked for."""
    fill(app, "build.gradle")
    jar(app, "build/libs/a.jar", "build/libs/b.jar", "build/distributions/f.zip")
    assert make_base(app, jar_file="build/libs/b.jar")[0].base == "build/libs/b.jar"
    assert make_base(app, jar_file="build/distributions/f.zip")[0].base == "build/distributions/f.zip"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("target/c.jar", "The file that _LAMBDA_JAR_FILE names is not there: target/c.jar.\n"),
        ("../other.jar", "../other.jar leads out of the app"),
        ("/etc/passwd", "is not there: /etc/passwd.\n"),
        ("/etc", "is not there: /etc.\n"),
        ("/", "is not there: / is a folder.\n"),
        ("loop", "is not there: loop.\n"),
        ("x" * 5000, f"is not there: {'x' * 5000}.\n"),
        ("a\nb\udcff", "is not there: a\\nb\\udcff.\n"),
        ("target", "is not there: target is a folder.\n"),
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
    assert f"`heroku config:set _LAMBDA_JAR_FILE={suggested}`" in text
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
    "`heroku config:set _LAMBDA_JAR_FILE=path/in/the/app.jar`.\n"
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["BOOT-INF/classes/a.class", "org/springframework/boot/loader/Launcher.class"], EXECUTABLE),
        (["META-INF/MANIFEST.MF", "a.txt"], NO_CLASS),
        (["other/a.jar"], NO_CLASS),
        (["example/Handler.class"], None),
        (["META-INF/MANIFEST.MF", "lib/a.jar"], None),
        (["META-INF/MANIFEST.MF", "bootstrap"], None),
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


# --- a JAR or a ZIP ---------------------------------------------------------------------------------


def class_file(*used: str) -> bytes:
    """Make the beginning of a class file, with the names of these classes among its constants."""
    constants = [struct.pack(">BQ", 5, 2**40), struct.pack(">BHH", 10, 1, 1)]
    for name in used:
        index = len(constants) + 3  # a long takes two places, and counting begins with 1
        text = name.encode()
        constants += [struct.pack(">BH", 7, index), struct.pack(">BH", 1, len(text)) + text]
    return struct.pack(">L3H", 0xCAFEBABE, 0, 61, len(constants) + 2) + b"".join(constants)


HANDLER = class_file(
    "com/example/Handler", "java/lang/Object", "com/google/gson/Gson", "[[Ljava/lang/String;"
)
THIN = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n", "com/example/Handler.class": HANDLER}
GSON = {
    "com/google/gson/Gson.class": class_file("com/google/gson/Gson", "sun/misc/Unsafe", "absent/Optional")
}
WHOLE = {**THIN, **GSON}
LIBRARY = {"lib/gson-2.11.0.jar": zip_of(GSON)}
WITHOUT = "without its libraries"


def gradle_zip() -> dict[str, bytes]:
    """Return what Gradle's buildZip of AWS's documents makes: classes, and JARs in lib/."""
    return {**THIN, **LIBRARY}


def maven_zip() -> dict[str, bytes]:
    """Return what Maven's assembly makes for Lambda: all JARs in lib/, the app's too."""
    return {"lib/f.jar": zip_of(THIN), **LIBRARY}


@pytest.mark.parametrize("path", ["target/function.zip", "build/function.zip"])
@pytest.mark.parametrize("content", [gradle_zip(), {"bootstrap": b"\x7fELF"}, WHOLE])
def test_of_a_quarkus_build_the_function_zip_is_chosen(
    app: Path, path: str, content: dict[str, bytes]
) -> None:
    """For Java, native and as an uber-JAR; the JARs beside it lack their libraries, or the Lambda part."""
    fill(app, "pom.xml")
    folder = {"target": "target", "build": "build/libs"}[path.split("/", maxsplit=1)[0]]
    jar(app, f"{folder}/f-1.0.jar", f"{folder}/f-1.0-runner.jar", **THIN)
    jar(app, path, **content)
    base, shown = make_base(app)
    assert (base.kind, base.base) == ("java", path)
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
    assert "`heroku config:set _LAMBDA_JAR_FILE=target/a-bin.zip`" in text
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
    assert "_LAMBDA_JAR_FILE" not in text
    jar(app, "target/e.jar", **WHOLE)
    assert "`heroku config:set _LAMBDA_JAR_FILE=target/e.jar`" in refusal(app)


def test_a_damaged_jar_beside_an_assembly_is_not_certain(app: Path) -> None:
    """What can't be read can't be compared; the ZIP is recommended."""
    fill(app, "pom.xml", "target/f.jar")
    jar(app, "target/f.zip", **gradle_zip())
    assert "_LAMBDA_JAR_FILE=target/f.zip" in refusal(app)


# --- a JAR without its libraries --------------------------------------------------------------------


def notice_of(files: dict[str, bytes]) -> str:
    file = io.BytesIO(zip_of(files))
    problem = problem_of(file, read_directory(file))
    return problem.notice if problem else ""


def test_a_thin_jar_is_pointed_out_with_a_class_that_it_lacks(app: Path) -> None:
    """Its deploy would be green, and each call would fail; but a layer may have the libraries."""
    fill(app, "pom.xml")
    jar(app, "target/f.jar", **THIN)
    base, shown = make_base(app)
    assert base.base == "target/f.jar"
    assert (
        " !     target/f.jar has no libraries in it: com.example.Handler uses com.google.gson.Gson, which is "
        "neither there nor in Java.\n !     Unless a layer of the function has them, deploy a JAR with"
    ) in shown
    jar(app, "target/f.jar", **WHOLE)
    assert " !" not in make_base(app)[1]


@pytest.mark.parametrize("used", ["kotlin/jvm/internal/Intrinsics", "[Lcom/google/gson/Gson;", "Unpackaged"])
def test_what_a_class_lacks_is_found_in_each_form(used: str) -> None:
    """Any language's, an array's, and a class without a package."""
    name = used.removeprefix("[L").removesuffix(";").replace("/", ".")
    assert f" uses {name}, which" in notice_of({"com/example/A.class": class_file("com/example/A", used)})


@pytest.mark.parametrize(
    "used",
    [
        "java/util/List", "javax/crypto/Cipher", "jdk/net/Sockets", "com/sun/net/httpserver/HttpServer",
        "org/w3c/dom/Node", "[I", "[[J", "com/example/B", "[Lcom/example/B;",
        "com/amazonaws/services/lambda/runtime/RequestHandler",
    ],
)  # fmt: skip
def test_what_java_lambda_and_the_app_itself_have_is_not_missed(used: str) -> None:
    """Lambda's runtimes bring the interfaces of handlers, but not the events."""
    classes = {"com/example/A.class": class_file(used), "com/example/deep/B.class": class_file()}
    classes["com/example/B.class"] = class_file("com/example/A")
    assert notice_of(classes) == ""
    event = class_file("com/amazonaws/services/lambda/runtime/events/S3Event")
    assert "runtime.events.S3Event, which" in notice_of({**classes, "com/example/C.class": event})


@pytest.mark.parametrize(
    "more",
    [
        GSON,
        {"lib/a.jar": b""},
        {"bootstrap": b""},
        {f"META-INF/maven/com.example/{name}/pom.properties": b"" for name in "ab"},
    ],
)
def test_libraries_use_what_need_not_be_there(more: dict[str, bytes]) -> None:
    """With libraries in it nobody can tell what is missing: nothing is said."""
    assert notice_of(THIN)
    assert notice_of({**THIN, **more}) == ""
    assert notice_of({**THIN, "META-INF/versions/11/com/other/A.class": b"", "module-info.class": b""})


@given(st.binary(), st.integers(0, len(HANDLER)), st.binary(max_size=20))
def test_any_content_of_a_class_is_taken(content: bytes, start: int, changed: bytes) -> None:
    """What is not a class file, or not a whole one, lacks nothing and stops nothing."""
    damaged = HANDLER[:start] + changed + HANDLER[start + len(changed) :]
    for file in (content, damaged, HANDLER[:start]):
        notice_of({"com/example/A.class": file})


def test_names_in_class_files_are_shown_safely(app: Path) -> None:
    """A class can be called anything."""
    fill(app, "pom.xml")
    jar(app, "target/f.jar", **{"com/example/A.class": class_file("a/\x1b[31m\nB")})
    assert "uses a.\\x1b[31m\\nB, which" in make_base(app)[1]


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
