"""Drift: what somebody else has changed since a deploy, found by one read call."""

import io
from typing import Any

import pytest

from deploy.aws.answers import Alias
from deploy.aws.codes import NOT_FOUND
from deploy.errors import DeployError
from deploy.output import Console, Report
from deploy.release.deployed import Deployed
from deploy.release.watch import DriftFinder, find_drift
from states import OTHER, OURS, alias, latest, version


class FakeFunction:
    """A function with one answer to each question, or with a refusal."""

    name = "my-function"

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def configuration(self, qualifier: str = "$LATEST") -> object:
        if isinstance(self._answer, DeployError):
            raise self._answer
        if qualifier == "$LATEST":
            return self._answer
        if self._answer is None:
            raise refused(NOT_FOUND)
        return version(self._answer.version) if isinstance(self._answer, Alias) else self._answer

    def alias(self, name: str) -> object:
        assert name == "live"
        return self._answer


def drift(answer: object, *, name: str | None = None, is_older: bool = False) -> str | None:
    """Look for drift from our code, or from version 3 of an alias."""
    function: Any = FakeFunction(answer)
    return find_drift(function, Deployed(OURS, name, "3" if name else None, is_older, "", False, {}))


def refused(code: str) -> DeployError:
    error = DeployError("No.")
    error.code = code
    return error


def test_without_an_alias_different_code_is_drift() -> None:
    """An update that is under way is looked at again later; one that failed is drift."""
    assert drift(latest(OURS)) is None
    assert drift(latest(OTHER, update_status="InProgress")) is None
    assert "a different package" in str(drift(latest(OTHER)))
    assert "failed: No layer" in str(drift(latest(OURS, update_status="Failed", update_reason="No layer")))
    assert "failed: No role" in str(drift(latest(OURS, state="Failed", state_reason="No role")))


def test_with_an_alias_a_different_version_is_drift() -> None:
    """$LATEST serves no traffic, and weights are a shift that somebody else makes."""
    assert drift(alias("3"), name="live") is None
    assert drift(alias("4", v3=0.5), name="live") is None
    assert "version 4, not at version 3" in str(drift(alias("4"), name="live"))
    assert "is gone" in str(drift(None, name="live"))


def test_a_version_that_has_failed_is_drift_although_the_alias_serves_it() -> None:
    """Nothing has moved, and still nobody gets an answer."""
    failed = version("3", state="Failed", state_reason="No role")
    assert "Version 3 of my-function, which live serves, has failed: No role" in str(
        drift(failed, name="live")
    )


def test_a_note_is_added_to_each_drift() -> None:
    """Without an alias: what it would take to have it corrected."""
    function: Any = FakeFunction(latest(OTHER))
    finder = DriftFinder(function, Report(Console(io.StringIO(), io.StringIO())), "It needs an alias.")
    assert str(finder.find(Deployed(OURS, None, None, False, "", False, {}))).endswith("\nIt needs an alias.")
    assert finder.find(Deployed(OTHER, None, None, False, "", False, {})) is None


def test_a_skipped_release_does_not_mind_what_runs() -> None:
    """A newer one is live, and that is as it should be."""
    assert drift(latest(OTHER), is_older=True) is None


def test_who_may_not_look_is_told_so_once() -> None:
    """The deploy itself needs one permission alone; any other refusal is a failure."""
    stderr = io.StringIO()
    deployed = Deployed(OURS, None, None, False, "", False, {})
    function: Any = FakeFunction(refused("AccessDeniedException"))
    finder = DriftFinder(function, Report(Console(io.StringIO(), stderr)))
    assert [finder.find(deployed) for _ in range(3)] == [None] * 3
    assert stderr.getvalue().count("Drift can't be seen") == 1
    gone: Any = FakeFunction(refused(NOT_FOUND))
    with pytest.raises(DeployError):
        DriftFinder(gone, Report(Console(io.StringIO(), stderr))).find(deployed)
