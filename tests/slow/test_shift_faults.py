"""Each kind of fault, and an end, at each call of a shift and of a rollback that stops one."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fault_proxy import Fault
from fault_stage import Plan, Stage
from shift_stage import BACK, FAULTS, NEXT, end_at, survive

Record = Callable[[str, object], None]
PLANS = {"shift": NEXT, "stop": BACK}


@pytest.mark.parametrize("fault", [*FAULTS, None], ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_whatever_happens_the_alias_is_whole_or_codedeploys(
    name: str, fault: Fault | None, slug: Path, stage: Stage
) -> None:
    """And the next run says which, and completes it; without a fault it is an end by a signal."""
    plan = PLANS[name]
    numbers = range(1, len(stage.calls(slug, plan)) + 1)
    stage.play(
        f"{name}, {fault or 'SIGTERM'}", (partial(_play, stage, slug, plan, fault, n) for n in numbers)
    )


def _play(stage: Stage, slug: Path, plan: Plan, fault: Fault | None, number: int) -> bool:
    scene = stage.scene(slug, plan)
    return survive(scene, plan, fault, number) if fault else end_at(scene, plan, number)
