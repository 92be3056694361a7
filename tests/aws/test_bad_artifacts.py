"""Artifacts that can't be deployed: the build refuses them, and a deploy takes nothing but what was built.

The message names the entry or the base, the exit status is 2, and nothing is uploaded.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.artifact.limits import UNZIPPED_LIMIT
from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome
from in_process import deploy as run
from zips import zip_of

JAR = "target/function.jar"
NAME = "com/example/Handler.class"
HANDLER = os.urandom(1000) * 100
FILES = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n", NAME: HANDLER, "z.txt": b"z" * 500}

MB = 1024 * 1024


def encrypted() -> bytes:
    base = bytearray(zip_of(FILES))
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        local = file.getinfo(NAME).header_offset
    record = base.index(b"PK\x01\x02", base.rindex(NAME.encode()) - 46)
    base[local + 6] |= 1
    base[record + 8] |= 1
    return bytes(base)


def duplicate() -> bytes:
    other = NAME.replace("com", "org")
    return zip_of({**FILES, other: b""}).replace(other.encode(), NAME.encode())


def declaring(size: int) -> bytes:
    """Make a JAR whose handler declares a size, with ZIP64 if necessary."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in FILES.items():
            file.writestr(name, content)
        file.getinfo(NAME).file_size = size
    return target.getvalue()


def damaged() -> bytes:
    base = bytearray(zip_of(FILES))
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        info = file.getinfo(NAME)
    base[info.header_offset + info.compress_size // 2] ^= 0x10
    return bytes(base)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut short": (lambda: zip_of(FILES)[:-1], "is not a whole ZIP or JAR file"),
    "an empty file": (lambda: b"", "is not a whole ZIP or JAR file"),
    "without entries": (lambda: zip_of({}), "The artifact holds no entry"),
    "encrypted": (encrypted, f"The entry {NAME} of the artifact is encrypted"),
    "unsupported": (
        lambda: zip_of(FILES, method=zipfile.ZIP_LZMA),
        "The entry META-INF/MANIFEST.MF of the artifact is neither stored nor deflated",
    ),
    "duplicate": (duplicate, f"The entry {NAME} of the artifact is there twice"),
    "a name outside": (
        lambda: zip_of({**FILES, "lib/../../evil": b""}),
        "The entry lib/../../evil of the artifact has a name that leads out",
    ),
    "too large": (lambda: declaring(UNZIPPED_LIMIT), f"250.0 MiB  {NAME}\n"),
    "over 4 GiB": (lambda: declaring(5 * 1024 * MB), f"5120.0 MiB  {NAME}\n"),
    "damaged": (damaged, f"The entry {NAME} of the artifact is damaged"),
}


def java_app(folder: Path, jar: bytes) -> Path:
    """Make a Java app as Maven leaves it."""
    (folder / JAR).parent.mkdir(parents=True)
    (folder / "pom.xml").touch()
    (folder / JAR).write_bytes(jar)
    return folder


def said(outcome: Outcome) -> str:
    """Give the error page as it was before it was indented."""
    assert outcome.status == 2, outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome.stderr.replace(" !     ", "")


@pytest.mark.parametrize(("make", "expected"), BAD.values(), ids=BAD.keys())
def test_the_build_refuses_a_bad_jar(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    """`deploy build` ends with status 2 and names the entry, and leaves nothing that could be deployed."""
    app = java_app(tmp_path / "app", make())
    text = said(run(app, "build", str(app), env={}))
    assert expected in text
    assert JAR in text
    assert list((app / ".lambda-deploy").iterdir()) == []


@pytest.mark.parametrize("kind", ["cut short", "duplicate"])
def test_a_jar_that_went_bad_after_the_build_is_not_deployed(
    aws: EmbeddedAWS, function: Function, tmp_path: Path, kind: str
) -> None:
    """A deploy checks only that it is the build's; AWS is not called at all."""
    make, expected = BAD[kind]
    slug = java_app(tmp_path / "slug", zip_of(FILES))
    assert run(slug, "build", str(slug), env={}).status == 0
    (slug / JAR).write_bytes(make())
    before = function.code_sha256()
    outcome = run(slug, env=aws.settings(function))
    assert outcome.status == 2
    assert f"{JAR} is not what the build left there" in outcome.stderr
    assert expected not in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert function.deploy_calls == []
    assert function.code_sha256() == before


def test_a_good_jar_goes_the_same_way(aws: EmbeddedAWS, function: Function, tmp_path: Path) -> None:
    """What all cases above have in common is no reason to refuse them."""
    slug = java_app(tmp_path / "slug", zip_of(FILES))
    assert run(slug, "build", str(slug), env={}).status == 0
    assert run(slug, env={**aws.settings(function), "NAME": "value"}).status == 0
    with zipfile.ZipFile(io.BytesIO(function.code())) as file:
        assert file.testzip() is None
        assert file.read(NAME) == HANDLER


# --- sizes -----------------------------------------------------------------------------------------


def test_a_jar_over_the_limit_is_told_what_it_is_made_of(tmp_path: Path) -> None:
    """The page of the build names size and limit, the five largest entries, and what to leave out."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for number in (30, 70, 40, 60, 50, 10):
            name = f"model-{number}.bin"
            file.writestr(name, b"")
            file.getinfo(name).file_size = number * MB
    app = java_app(tmp_path / "app", target.getvalue())
    assert run(app, "build", str(app), env={}) == Outcome(
        2,
        "-----> Finding the JAR to deploy\n",
        f""" !     {JAR} is 260.0 MiB unzipped, 10.0 MiB over the 250 MiB that Lambda takes.
 !
 !     250 MiB is AWS Lambda's limit for the function's code and its layers together. The largest entries are:
 !         70.0 MiB  model-70.bin
 !         60.0 MiB  model-60.bin
 !         50.0 MiB  model-50.bin
 !         40.0 MiB  model-40.bin
 !         30.0 MiB  model-30.bin
 !
 !     To make it smaller, leave out what the function does not need. Node.js: name it in .lambdaignore, \
drop development dependencies (`npm prune --omit=dev`), or bundle the code. Python: drop boto3, which \
Lambda has. Java: give what Lambda has the scope `provided`, or minimize the JAR.
""",
    )


@pytest.mark.parametrize(
    ("size", "shown"), [(UNZIPPED_LIMIT - len(b"{}"), "250.0 MiB"), (5 * 1024 * MB, "5120.0 MiB")]
)
def test_a_nodejs_app_over_the_limit_is_refused_before_it_is_compressed(
    tmp_path: Path, size: int, shown: str
) -> None:
    """At 250 MiB to the byte, and with a file that no ZIP entry holds: no byte of it is read."""
    (tmp_path / "package.json").write_bytes(b"{}")
    large = tmp_path / "node_modules/model/weights.bin"
    large.parent.mkdir(parents=True)
    with large.open("wb") as file:
        file.truncate(size)
    outcome = run(tmp_path, "build", str(tmp_path), env={})
    assert outcome.stdout == "-----> Making the base ZIP\n"
    assert f"The app is {shown} unzipped" in said(outcome)
    assert f"{shown}  node_modules/model/weights.bin\n" in said(outcome)
    assert list((tmp_path / ".lambda-deploy").iterdir()) == []
    (tmp_path / ".lambdaignore").write_text("weights.bin\n")
    assert run(tmp_path, "build", str(tmp_path), env={}).status == 0


@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_of_a_nodejs_app_holds_to_the_byte(tmp_path: Path, over: int) -> None:
    """A byte below it is built, and its size is the one that was counted before, links included."""
    (tmp_path / "package.json").write_bytes(b"{}")
    (tmp_path / "link").symlink_to("zeros")
    with (tmp_path / "zeros").open("wb") as file:
        file.truncate(UNZIPPED_LIMIT - 1 - len(b"{}") - len("zeros") + over)
    outcome = run(tmp_path, "build", str(tmp_path), env={})
    if over:
        assert "The app is 250.0 MiB unzipped" in said(outcome)
        return
    assert outcome.status == 0, outcome.stderr
    build = json.loads((tmp_path / ".lambda-deploy/build.json").read_text())
    assert build["unzipped_size"] == UNZIPPED_LIMIT - 1


def test_the_check_of_a_jar_is_shown_where_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log tells how far it has come, in bytes unzipped."""
    monkeypatch.setattr("deploy.progress.AFTER", 0.0)
    app = java_app(tmp_path / "app", zip_of({"a": bytes(MB), "b": bytes(MB), "c": bytes(2 * MB)}))
    outcome = run(app, "build", str(app), env={})
    assert outcome.stdout.splitlines()[1].startswith("       Checking 2.0 of 4.0 MiB (50%), ")
