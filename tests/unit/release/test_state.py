"""Reading the state: versions that a deploy could use again, and whether they have failed."""

import io
from typing import Any

import pytest

from deploy.aws.answers import Alias, Configuration
from deploy.aws.codes import NOT_FOUND
from deploy.aws.wait import Deadline
from deploy.cancel import Cancellation
from deploy.errors import DeployError
from deploy.output import Report
from deploy.release.plan import decide
from deploy.release.state import State, read_state
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.code import UpdateCode
from deploy.release.steps.version import PublishVersion
from deploy.terminal import Console
from states import OTHER, OURS, alias, candidate, latest, version
from targets import target

LIVE = target(_LAMBDA_ALIAS="live")


class FakeFunction:
    """A function whose versions are listed without a state, as AWS lists them."""

    name = "my-function"

    def __init__(self, now: Configuration, *versions: Configuration, live: Alias | None = None) -> None:
        self.session: Any = self
        self.target = LIVE
        self.asked: list[str] = []
        self._versions = list(versions)
        self._known = {each.version: each for each in (now, *versions)}
        self._live = live

    def configuration(self, qualifier: str = "$LATEST") -> Configuration:
        self.asked.append(qualifier)
        found = self._known[qualifier]
        if found.state == "gone":
            error = DeployError("Gone.")
            error.code = NOT_FOUND
            raise error
        return found

    def versions(self) -> list[Configuration]:
        stateless = {"state": "", "update_status": ""}
        return [version(each.version, each.code_sha256, **stateless) for each in self._versions]

    def alias(self, _name: str) -> Alias | None:
        return self._live


def failed(number: str, code_sha256: str = OURS) -> Configuration:
    return version(number, code_sha256, state="Failed", state_reason="No role.")


def state_of(function: FakeFunction) -> State:
    report = Report(Console(io.StringIO(), io.StringIO()))
    called: Any = function
    return read_state(called, Deadline(60, report, Cancellation()), OURS)


def steps(function: FakeFunction) -> list[type]:
    plan = decide(candidate(), LIVE.settings, state_of(function))
    return [type(step) for step in plan.steps]


def test_one_version_is_looked_at_if_it_can_be_used() -> None:
    """The newest with this code: listings have no states, and each look is a call."""
    function = FakeFunction(latest(), version("1"), version("2", OTHER), version("3"), live=alias("3"))
    assert steps(function) == []
    assert function.asked == ["$LATEST", "3"]


def test_no_version_is_looked_at_if_none_has_this_code() -> None:
    """They are no candidates."""
    function = FakeFunction(latest(), failed("1", OTHER), live=alias("1"))
    assert steps(function) == [UpdateCode, PublishVersion, MoveAlias]
    assert function.asked == ["$LATEST"]


@pytest.mark.parametrize("state", [{"state": "Failed"}, {"update_status": "Failed"}])
def test_a_failed_version_is_not_nothing_to_do(state: dict[str, str]) -> None:
    """Although the alias serves it, and it has the wanted code: nobody gets an answer."""
    function = FakeFunction(latest(OURS), version("3", **state), live=alias("3"))
    assert steps(function) == [PublishVersion, MoveAlias]


def test_a_failed_version_is_not_used_again() -> None:
    """An older one that works is, or a new one is published."""
    function = FakeFunction(latest(OURS), version("1"), failed("2"), live=alias("2"))
    plan = decide(candidate(), LIVE.settings, state_of(function))
    (move,) = plan.steps
    assert isinstance(move, MoveAlias)
    assert move.version == "1"
    assert function.asked == ["$LATEST", "2", "1"]
    function = FakeFunction(latest(), failed("1"), failed("2"), live=alias("2"))
    assert steps(function) == [UpdateCode, PublishVersion, MoveAlias]


@pytest.mark.parametrize("state", [{"state": "Failed"}, {"update_status": "Failed"}])
def test_a_failed_function_is_not_nothing_to_do(state: dict[str, str]) -> None:
    """$LATEST with the wanted code is uploaded again, with an alias and without."""
    now = latest(OURS, **state)
    assert [type(step) for step in decide(candidate(), target().settings, State(now)).steps] == [UpdateCode]
    assert steps(FakeFunction(now, live=alias("1"))) == [UpdateCode, PublishVersion, MoveAlias]


def test_a_version_that_was_deleted_meanwhile_is_not_used_again() -> None:
    """Another deploy's cleanup came between the listing and the look."""
    function = FakeFunction(latest(), version("1"), version("2", state="gone"), live=alias("1"))
    assert steps(function) == []
    assert function.asked == ["$LATEST", "2", "1"]
