"""Waiting for AWS: how long, how often, and for whom."""

import io
from typing import Any

import pytest

from deploy.aws.codes import CONFLICT
from deploy.aws.wait import FIRST_PAUSE, LONGEST_PAUSE, Deadline, retry_on_conflict, wait_until_ready
from deploy.cancel import Cancellation, Cancelled
from deploy.errors import DeployError
from deploy.output import Report
from deploy.terminal import Console
from states import latest


class Recorded(Cancellation):
    """Lets the time pass at once, and ends after so many pauses."""

    def __init__(self, most: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._most = most

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == self._most:
            self.cancel()
        self.check()


class FakeFunction:
    """A function that gives some configurations, one after the other."""

    name = "my-function"

    def __init__(self, *configurations: Any) -> None:
        self.configurations = list(configurations)

    def configuration(self, qualifier: str) -> Any:
        assert qualifier == "$LATEST"
        return self.configurations.pop(0)


def deadline(seconds: int, cancellation: Cancellation) -> Deadline:
    return Deadline(seconds, Report(Console(io.StringIO(), io.StringIO())), cancellation)


def conflict() -> DeployError:
    error = DeployError("Another update is under way.")
    error.code = CONFLICT
    return error


def test_it_waits_until_nothing_is_under_way() -> None:
    """Neither a function that is being made nor an update that is being put in place."""
    pending, updating, ready = latest(state="Pending"), latest(update_status="InProgress"), latest()
    function: Any = FakeFunction(pending, updating, ready)
    cancellation = Recorded()
    assert wait_until_ready(function, deadline(60, cancellation)) is ready
    assert len(cancellation.pauses) == 2


def test_pauses_grow_up_to_the_longest_and_can_be_ended() -> None:
    """Quick updates are seen at once, long ones are not asked for all the time."""
    function: Any = FakeFunction(*[latest(state="Pending")] * 20)
    cancellation = Recorded(20)
    with pytest.raises(Cancelled):
        wait_until_ready(function, deadline(1000, cancellation))
    assert cancellation.pauses[0] == FIRST_PAUSE
    assert cancellation.pauses == sorted(cancellation.pauses)
    assert cancellation.pauses[-1] == LONGEST_PAUSE


def test_there_is_one_look_even_without_time() -> None:
    """And the error says how long it waited, and which setting gives it more."""
    function: Any = FakeFunction(latest())
    wait_until_ready(function, deadline(0, Recorded()))
    function = FakeFunction(latest(state="Pending"))
    with pytest.raises(DeployError) as caught:
        wait_until_ready(function, deadline(0, Recorded()))
    assert "within 0 seconds" in caught.value.what
    assert "_LAMBDA_TIMEOUT" in caught.value.todo


def test_a_call_is_made_again_as_long_as_another_update_stands_in_its_way() -> None:
    """And no longer: any other refusal is one."""
    function: Any = FakeFunction()
    answers: list[DeployError | str] = [conflict(), conflict(), "done"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, DeployError):
            raise answer
        return answer

    assert retry_on_conflict(call, function, deadline(60, Recorded())) == "done"
    answers = [DeployError("No.")]
    with pytest.raises(DeployError, match="No"):
        retry_on_conflict(call, function, deadline(60, Recorded()))
    answers = [conflict()]
    with pytest.raises(DeployError, match="Another update"):
        retry_on_conflict(call, function, deadline(0, Recorded()))
