"""What somebody changed in a slug after the build: each command says so and ends, and nothing is uploaded."""

import io
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from command import make_slug
from deploy.artifact.assembly import AssembledFile, Span
from deploy.artifact.package import Package, write
from deploy.cancel import Cancellation
from deploy.errors import InputError
from deploy.release.deploy import connect
from deploy.target.environment import read_target
from embedded_aws import Function
from in_process import deploy

BASE, BUILD_FILE = ".lambda-deploy/base.zip", ".lambda-deploy/build.json"
COMMANDS: tuple[list[str], ...] = ([], ["plan"], ["package", "-o", "package.zip"], ["status"], ["doctor"])
SECONDS = 30


def replaced_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replaced_by_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def replaced_by_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


CHANGES = (replaced_by_a_pipe, replaced_by_a_folder, replaced_by_a_loop, replaced_by_a_device)


@pytest.fixture
def slug(tmp_path: Path) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path / "slug")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Fail where a command waits for ever."""

    def fail(_number: int, _frame: object) -> None:
        pytest.fail(f"it took more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def check_refused(slug: Path, function: Function, command: list[str], expected: str) -> None:
    before = function.code_sha256()
    outcome = deploy(slug, *command, env=function.aws.settings(function))
    said = outcome.stdout + outcome.stderr
    assert outcome.status == 2, said
    assert re.search(expected, said), said
    assert "stopped at an internal error" not in said
    assert "Traceback" not in said
    assert function.code_sha256() == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:1]) or "deploy")
@pytest.mark.parametrize("change", CHANGES)
def test_a_base_that_is_no_file_is_refused(
    slug: Path, function: Function, change: Callable[[Path], None], command: list[str]
) -> None:
    """No command waits for a pipe, reads a device without an end, or stumbles over a loop of links."""
    change(slug / BASE)
    expected = "base.zip" if change in (replaced_by_a_pipe, replaced_by_a_folder) else ".lambda-deploy/"
    check_refused(slug, function, command, expected)


@pytest.mark.parametrize("change", CHANGES)
def test_a_build_json_that_is_no_file_is_refused(
    slug: Path, function: Function, change: Callable[[Path], None]
) -> None:
    """It is read before anything else."""
    change(slug / BUILD_FILE)
    check_refused(slug, function, [], f"{BUILD_FILE} (is not what the buildpack writes|can't be read)")


HOSTILE: dict[str, list[Any]] = {
    "size": [None, "x", [], -1, 1.5, True, 10**400],
    "entries": [None, "x"],
    "source_version": [5, True, 1.5, []],
    "base": [None, 5, "../base.zip", "/etc/passwd", "a\0b", "\ud800"],
    "sha256": [5],
    "kind": [None],
    "unknown": ["x"],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_build_json_with_a_hostile_value_is_refused(slug: Path, function: Function, name: str) -> None:
    """Whoever wrote it, no value of another type, size or place is taken."""
    build_file = slug / BUILD_FILE
    build = json.loads(build_file.read_text())
    for value in HOSTILE[name]:
        build_file.write_text(json.dumps({**build, name: value}))
        for command in ([], ["doctor"]):
            check_refused(
                slug, function, command, f"{BUILD_FILE} (is not what the buildpack writes|can't be read)"
            )


def test_doctor_tells_one_story_of_a_base_that_is_cut_short(slug: Path, function: Function) -> None:
    """What became of it is one thing, whatever it is looked at for."""
    with (slug / BASE).open("r+b") as file:
        file.truncate(100)
    outcome = deploy(slug, "doctor", env=function.aws.settings(function))
    assert outcome.stdout.count("is not what the build left there") == 1
    assert "not a whole ZIP" not in outcome.stdout


def test_a_base_that_is_changed_while_it_is_written_is_told(slug: Path, tmp_path: Path) -> None:
    """`deploy package` prints the CodeSha256 of what it wrote, or nothing is there."""
    target = tmp_path / "package.zip"
    for other in (b"PACKAGE", b"pack"):
        content = b"package"
        package = Package(partial(io.BytesIO, other), sha256(content).digest(), len(content), 0)
        with pytest.raises(InputError, match="The base was changed while"):
            write(package, target)
        assert list(tmp_path.iterdir()) == [slug]


class Changing(io.BytesIO):
    """A base that is another one when it is read for the second time."""

    def __init__(self, content: bytes, other: bytes) -> None:
        super().__init__(content)
        self._other = other
        self._starts = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        if (offset, whence) == (0, os.SEEK_SET):
            self._starts += 1
            if self._starts == 2:
                self.truncate(0)
                super().seek(0)
                self.write(self._other)
        return super().seek(offset, whence)


@pytest.mark.parametrize(
    "other", [b"PACKAGE" * 30_000, b"package" * 20_000, b""], ids=["bytes", "cut", "empty"]
)
def test_a_package_that_is_changed_while_it_is_sent_is_told(function: Function, other: bytes) -> None:
    """AWS refuses what is not what was signed, and the page tells why and not what AWS makes of it."""
    content = b"package" * 30_000
    file = AssembledFile(Changing(content, other), (Span(0, len(content)),))
    package = Package(lambda: cast("BinaryIO", file), sha256(content).digest(), len(content), 0)
    before = function.code_sha256()
    target = read_target({**function.aws.settings(function), "_AWS_MAX_ATTEMPTS": "1"}, Path())
    with pytest.raises(InputError, match="The base was changed while it was being deployed"):
        connect(target, Cancellation()).update_code(package, lambda _done, _total: None)
    assert function.code_sha256() == before
