"""Each fault at each call of each plan, and a kill at each call that changes what counts.

The quick part, and what is proved, is in tests/aws/test_faults.py.
"""

from functools import partial
from pathlib import Path

import pytest

from fault_plays import CASES, CASES_OF_READS, reads, survive_fault, survive_interruption, survive_kill
from fault_proxy import Fault
from fault_stage import PLANS, Stage


@pytest.mark.parametrize(("fault", "attempts"), CASES, ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_a_fault_is_survived(name: str, fault: Fault, attempts: int, slug: Path, stage: Stage) -> None:
    """At each call of the plan, with and without the SDK trying again by itself."""
    plan = PLANS[name]
    numbers = [
        number
        for number, call in enumerate(stage.calls(slug, plan), 1)
        if (not plan.own or call in plan.own) and ((fault, attempts) in CASES_OF_READS or not reads(call))
    ]
    cases = (partial(survive_fault, stage.scene(slug, plan), plan, fault, each, attempts) for each in numbers)
    stage.play(name, cases)


def test_an_interruption_at_each_call_is_survived(slug: Path, stage: Stage) -> None:
    """AWS has carried out the call, its answer has not come: the hardest moment to be ended at."""
    plan = PLANS["alias, next"]
    numbers = range(1, len(stage.calls(slug, plan)) + 1)
    cases = (partial(survive_interruption, stage.scene(slug, plan), plan, number) for number in numbers)
    stage.play("SIGTERM", cases)


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "PublishVersion"])
def test_a_kill_is_survived(operation: str, slug: Path, stage: Stage) -> None:
    """A process that has no time for anything."""
    plan = PLANS["alias, next"]
    stage.play("SIGKILL", [partial(survive_kill, stage.scene(slug, plan), plan, operation)])
