"""The verification of a version: its time, and what an end of it leaves."""

import io
import time
from collections.abc import Callable
from typing import Any

import pytest

from deploy.aws.answers import Configuration, Invocation
from deploy.aws.codes import NOT_FOUND, REPLACED
from deploy.aws.wait import Deadline
from deploy.cancel import Cancellation
from deploy.errors import DeployError
from deploy.output import Report
from deploy.release.steps import verification
from deploy.release.steps.step import Execution
from deploy.release.steps.verification import VerifyVersion
from deploy.target.settings import Verification
from deploy.terminal import Console
from states import version

LEFT = "Version 7 was not verified; the alias was not moved."


class FakeFunction:
    """A function that answers an invocation in the way that a test says."""

    name = "my-function"

    def __init__(self, invoke: Callable[[float], Invocation]) -> None:
        self._invoke = invoke

    def configuration(self, qualifier: str) -> Configuration:
        return version(qualifier)

    def invoke(self, qualifier: str, _payload: bytes, seconds: float) -> Invocation:
        assert qualifier == "7"
        return self._invoke(seconds)


def verify(invoke: Callable[[float], Invocation], *, expect: str | None = None, seconds: int = 60) -> None:
    cancellation = Cancellation()
    report = Report(Console(io.StringIO(), io.StringIO()))
    function: Any = FakeFunction(invoke)
    execution = Execution(function, Deadline(seconds, report, cancellation), report, cancellation)
    VerifyVersion(Verification(b"{}", expect), "7").execute(execution)


def test_the_search_gets_the_time_that_the_answer_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """_LAMBDA_TIMEOUT is for the verification as a whole."""
    given: list[float] = []

    def invoke(seconds: float) -> Invocation:
        given.append(seconds)
        time.sleep(0.05)
        return Invocation("pong", "", "")

    def matches(_pattern: str, _text: str, seconds: float, _check: object) -> bool:
        given.append(seconds)
        return True

    monkeypatch.setattr(verification, "matches", matches)
    verify(invoke, expect="pong", seconds=10)
    assert given[0] == 10
    assert 0 < given[1] <= 10 - 0.05


def test_a_search_without_any_time_left_is_too_slow() -> None:
    """An answer that came at the last moment: the search is not given a minute of its own."""

    def invoke(_seconds: float) -> Invocation:
        time.sleep(1.1)
        return Invocation("a" * 40, "", "")

    with pytest.raises(DeployError, match="in 1 seconds the search for _LAMBDA_VERIFY_EXPECT") as caught:
        verify(invoke, expect="(a+)+b", seconds=1)
    assert caught.value.left == LEFT


def test_no_answer_in_time_leaves_the_alias() -> None:
    """And the version, which the next deploy verifies again."""

    def invoke(_seconds: float) -> Invocation:
        raise TimeoutError

    with pytest.raises(DeployError, match="no answer in 60 seconds") as caught:
        verify(invoke)
    assert caught.value.left == LEFT


def test_a_version_that_was_deleted_meanwhile_is_told_as_that() -> None:
    """A deploy with a release's number looks again; the others say what has happened."""

    def invoke(_seconds: float) -> Invocation:
        error = DeployError("Not found.")
        error.code = NOT_FOUND
        raise error

    with pytest.raises(DeployError, match="deleted version 7 at the same time") as caught:
        verify(invoke)
    assert (caught.value.code, caught.value.left) == (REPLACED, "The alias was not moved.")


@pytest.mark.parametrize("error", ["Unhandled", ""])
def test_a_wrong_answer_leaves_the_alias(error: str) -> None:
    """Whether the function failed or answered something else."""
    with pytest.raises(DeployError) as caught:
        verify(lambda _seconds: Invocation('"no"', error, ""), expect="pong")
    assert caught.value.left == LEFT
