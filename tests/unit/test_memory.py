"""With too little memory: an error that says so and exit status 1, wherever it runs out."""

import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest

from command import command
from deploy.aws.errors import explained
from deploy.aws.refusals import Call
from deploy.errors import DeployError, has_room, unexpected
from deploy.release.match import PROGRAM, matches
from paths import REPOSITORY
from targets import VALID, target

MEGABYTE = 1024 * 1024
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "DYNO": "run.1",
    "_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "_AWS_MAX_ATTEMPTS": "1",
    **VALID,
}
# Between what Python itself takes and what a deploy takes.
LIMITS = (26, 36, 48, 60, 75, 90)


@pytest.mark.parametrize("megabytes", LIMITS)
def test_a_deploy_with_too_little_memory_says_so(slug: Path, megabytes: int) -> None:
    """Whatever library it is that runs out of it, and whatever that raises."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, megabytes * MEGABYTE))

    done = subprocess.run(
        command(slug),
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(" !     There is too little memory here"), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_a_lack_of_memory_is_no_internal_error(error: Exception) -> None:
    """Python has an exception for it, and so has the system."""
    explained_error = unexpected(error)
    assert explained_error.what == "There is too little memory here."
    assert "100 MiB" in explained_error.todo
    assert explained_error.exit_code == 1
    assert "internal error" in unexpected(OSError(errno.ENOENT, "No such file")).what


def test_a_lack_of_memory_within_a_call_is_no_answer_of_aws() -> None:
    """It is not explained as one that can't be understood."""
    with pytest.raises(MemoryError), explained(Call("lambda:GetAlias", target())):
        raise MemoryError


def test_what_libraries_raise_without_memory_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS and encodings have errors of their own; that there is none left can be asked."""
    monkeypatch.setattr("deploy.errors.has_room", lambda _size: False)
    with pytest.raises(MemoryError), explained(Call("lambda:GetAlias", target())):
        raise LookupError("unknown encoding: idna")
    monkeypatch.undo()
    with (
        pytest.raises(DeployError, match="cut off or makes no sense"),
        explained(Call("lambda:GetAlias", target())),
    ):
        raise LookupError("unknown encoding: idna")


def test_the_system_tells_whether_there_is_room() -> None:
    """Nothing is taken by asking."""
    assert has_room(MEGABYTE)
    assert not has_room(2**60)


def test_a_search_that_runs_out_of_memory_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that searches is one of its own."""
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({64 * MEGABYTE}, {64 * MEGABYTE}))\n"
    monkeypatch.setattr("deploy.release.match.PROGRAM", f"{limit}{PROGRAM}")
    assert matches("a$", "a", 20)
    with pytest.raises(MemoryError):
        matches("a$", "a" * 40 * MEGABYTE, 20)
