"""The execution of a plan: step by step, until one fails or somebody asks for the end."""

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from deploy.aws.permissions import Grant
from deploy.aws.wait import Deadline
from deploy.cancel import NOTHING_CHANGED, Cancellation, Cancelled
from deploy.errors import DeployError
from deploy.output import Report
from deploy.release.deploy import execute
from deploy.release.plan import Plan
from deploy.release.steps.step import Execution
from deploy.target.environment import Target
from deploy.terminal import Console
from states import version


@dataclass
class MadeUp:
    """What a step looks like from outside; it is no subclass, so that nobody takes it for one of a deploy."""

    action: Callable[[Execution], object] = lambda _execution: None
    leaves: str = ""

    order: ClassVar[int] = 0
    services: ClassVar[frozenset[str]] = frozenset()

    def execute(self, execution: Execution) -> None:
        self.action(execution)

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        del target
        yield from ()


@dataclass
class FakeFunction:
    """A function whose versions have states that change with each look."""

    name: str = "my-function"
    states: dict[str, list[str]] = field(default_factory=dict)

    def configuration(self, qualifier: str) -> object:
        states = self.states[qualifier]
        state = states.pop(0) if len(states) > 1 else states[0]
        return version(qualifier, state=state, state_reason="It is so.")


class Hurried(Cancellation):
    """Lets the time pass at once."""

    def wait(self, seconds: float) -> None:
        del seconds
        self.check()


def execution(function: Any = None, cancellation: Cancellation | None = None) -> Execution:
    cancellation = cancellation or Hurried()
    report = Report(Console(io.StringIO(), io.StringIO()))
    called: Any = function or FakeFunction()
    return Execution(called, Deadline(60, report, cancellation), report, cancellation)


def plan(*steps: Any) -> Plan:
    return Plan(steps)


# --- the end of a plan -----------------------------------------------------------------------------


def test_the_steps_are_taken_in_their_order_and_share_what_they_find() -> None:
    """A version that one publishes is the one that the others go on with."""
    done: list[str | None] = []

    def publish(execution: Execution) -> None:
        execution.version = "7"

    three = plan(
        MadeUp(lambda _: done.append("first")),
        MadeUp(publish),
        MadeUp(lambda each: done.append(each.version)),
    )
    assert execute(three, execution()) == "7"
    assert done == ["first", "7"]
    assert execute(plan(), execution()) is None


def test_an_error_says_what_the_steps_before_it_left() -> None:
    """A step that knows better says it itself; before the first change nothing was changed."""

    def fail(_: Execution) -> None:
        raise DeployError("No.")

    def fail_and_know(_: Execution) -> None:
        error = DeployError("No.")
        error.left = "Half of it is there."
        raise error

    done = MadeUp(leaves="The first half is there.")
    for steps, left in (
        ([MadeUp(fail)], NOTHING_CHANGED),
        ([done, MadeUp(), MadeUp(fail)], "The first half is there."),
        ([done, MadeUp(fail_and_know)], "Half of it is there."),
    ):
        with pytest.raises(DeployError) as caught:
            execute(plan(*steps), execution())
        assert caught.value.left == left


# --- the end that somebody asks for ----------------------------------------------------------------


def test_a_request_lets_the_step_in_hand_finish_and_begins_no_other() -> None:
    """What it leaves is what the steps that were taken leave."""
    cancellation, done = Cancellation(), list[str]()

    def work(_: Execution) -> None:
        cancellation.request("SIGTERM")
        cancellation.check()
        done.append("first")

    steps = plan(MadeUp(work, "The first half is there."), MadeUp(lambda _: done.append("second")))
    with pytest.raises(Cancelled):
        execute(steps, execution(cancellation=cancellation))
    assert done == ["first"]
    assert cancellation.consequence == "The first half is there."


def test_before_the_first_step_nothing_is_left() -> None:
    """A signal while the package is made changes nothing."""
    cancellation = Cancellation()
    cancellation.request("SIGTERM")
    with pytest.raises(Cancelled):
        execute(plan(MadeUp(leaves="Something.")), execution(cancellation=cancellation))
    assert cancellation.consequence == NOTHING_CHANGED


@pytest.mark.parametrize(
    "look",
    [lambda each: each.cancellation.wait(60), lambda each: each.progress("Uploaded")(1, 2)],
    ids=["a wait", "an upload"],
)
def test_a_cancellation_ends_a_step_in_hand_at_once(look: Callable[[Execution], None]) -> None:
    """In its waits and in the progress of its uploads; it says itself what it leaves."""
    cancellation, begun = Cancellation(), threading.Event()

    def work(each: Execution) -> None:
        with cancellation.leaving("Half of it is there."):
            begun.set()
            while True:
                look(each)

    def cancel() -> None:
        begun.wait()
        cancellation.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(Cancelled):
        execute(plan(MadeUp(leaves="All."), MadeUp(work)), execution(cancellation=cancellation))
    canceller.join()
    assert cancellation.consequence == "Half of it is there."


# --- what steps share ------------------------------------------------------------------------------


def test_a_version_is_waited_for_once() -> None:
    """The verification and the alias both need it ready."""
    function = FakeFunction(states={"7": ["Pending", "Pending", "Active", "nobody looks again"]})
    shared = execution(function)
    assert shared.when_ready("7") == "7"
    shared.version = "7"
    assert shared.when_ready(None) == "7"
    assert function.states["7"] == ["nobody looks again"]


def test_a_version_that_does_not_become_ready_ends_it() -> None:
    """AWS's reason is in the message."""
    with pytest.raises(DeployError) as caught:
        execution(FakeFunction(states={"7": ["Pending", "Failed"]})).when_ready("7")
    assert "Version 7" in caught.value.what
    assert "It is so." in caught.value.why


def test_a_plan_out_of_order_is_a_bug() -> None:
    """A version that nobody has published can't be waited for."""
    with pytest.raises(RuntimeError):
        execution().when_ready(None)
