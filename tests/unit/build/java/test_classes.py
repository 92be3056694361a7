"""A JAR without its libraries: noticed by what its classes use, and only if nothing speaks against it."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bases import fill, jar, make_base
from deploy.artifact.archive import read_directory
from deploy.build.java.classes import problem_of
from jars import GSON, HANDLER, THIN, WHOLE, class_file
from zips import zip_of


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
