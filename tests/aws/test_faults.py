"""Each kind of fault at each kind of call: nothing is ever lost, and nobody is told anything wrong.

The table at the end of the test run counts the cases: survived at once (exit status 0, and it is so),
survived by the second run (exit status 1, what serves traffic is as it was or verified, and the next
deploy completes it), lost (anything else; must be 0). Each fault at each call of each plan is in
tests/slow/test_faults.py.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fault_plays import (
    CASES,
    CASES_OF_READS,
    LOST_ANSWER,
    reads,
    survive_fault,
    survive_interruption,
    survive_kill,
)
from fault_stage import PLANS, Stage

# The plans that have each kind of call between them, and which of their calls; there each fault comes.
EACH_KIND: dict[str, Callable[[str], bool]] = {
    "alias, next": lambda _call: True,
    "alias, first": lambda call: call == "CreateAlias",
    "via S3": lambda call: call.endswith(("Bucket", "Object", "Upload", "UploadPart")),
}


def kinds(calls: list[str]) -> dict[str, int]:
    """Return the number of the last call of each kind."""
    return {call: number for number, call in enumerate(calls, 1)}


def _none(_call: str) -> bool:
    return False


@pytest.mark.parametrize("name", PLANS)
def test_faults_are_survived(name: str, slug: Path, stage: Stage) -> None:
    """With and without the SDK trying again by itself; each plan survives the lost answer to each write."""
    plan, every = PLANS[name], EACH_KIND.get(name, _none)
    chosen = [
        (fault, number, attempts)
        for call, number in kinds(stage.calls(slug, plan)).items()
        for fault, attempts in (CASES_OF_READS if reads(call) else CASES)
        if every(call) or ((fault, attempts) == LOST_ANSWER and not reads(call))
    ]
    assert chosen
    stage.play(name, (partial(survive_fault, stage.scene(slug, plan), plan, *each) for each in chosen))


def test_an_interruption_is_survived(slug: Path, stage: Stage) -> None:
    """AWS has carried out the call, its answer has not come: the hardest moment to be ended at."""
    plan = PLANS["alias, next"]
    numbers = kinds(stage.calls(slug, plan)).values()
    cases = (partial(survive_interruption, stage.scene(slug, plan), plan, number) for number in numbers)
    stage.play("SIGTERM", cases)


def test_a_kill_is_survived(slug: Path, stage: Stage) -> None:
    """A process that has no time for anything, where AWS has moved the alias already."""
    plan = PLANS["alias, next"]
    stage.play("SIGKILL", [partial(survive_kill, stage.scene(slug, plan), plan, "UpdateAlias")])
