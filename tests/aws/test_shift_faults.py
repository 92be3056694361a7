"""A fault or an end in a shift: the alias is whole, or in a shift that CodeDeploy owns.

At the calls that change something here, and at some that read; tests/slow has them all.
"""

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from command import command
from fault_proxy import Fault
from fault_stage import Plan, Stage
from paths import REPOSITORY
from shift_stage import BACK, FAULTS, NEXT, STUCK, end_at, is_owned, is_whole, reads, survive

Record = Callable[[str, object], None]
PLANS = {"shift": NEXT, "stop": BACK}


def sample(calls: list[str]) -> list[int]:
    """Choose the calls after the package is uploaded that change something, and the first of each read."""
    first = calls.index("PublishVersion") if "PublishVersion" in calls else 0
    chosen = [
        number
        for number, call in enumerate(calls, 1)
        if number > first and (not reads(call) or calls.index(call) == number - 1)
    ]
    return chosen[-8:]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_a_fault_is_survived(name: str, fault: Fault, slug: Path, stage: Stage) -> None:
    """AWS refuses, has not got the request, or has carried it out, and the next run completes it."""
    plan = PLANS[name]
    numbers = [
        number
        for number in sample(stage.calls(slug, plan))
        if not reads(stage.calls(slug, plan)[number - 1]) or fault.at == "within the answer"
    ]
    stage.play(name, (partial(_survive, stage, slug, plan, fault, number) for number in numbers))


def _survive(stage: Stage, slug: Path, plan: Plan, fault: Fault, number: int) -> bool:
    return survive(stage.scene(slug, plan), plan, fault, number)


@pytest.mark.parametrize("name", PLANS)
def test_an_end_is_survived(name: str, slug: Path, stage: Stage) -> None:
    """By a signal, at a call that AWS has carried out."""
    plan = PLANS[name]
    numbers = [n for n in sample(stage.calls(slug, plan)) if not reads(stage.calls(slug, plan)[n - 1])]
    stage.play(f"SIGTERM, {name}", [partial(_end, stage, slug, plan, number) for number in numbers])


def _end(stage: Stage, slug: Path, plan: Plan, number: int) -> bool:
    return end_at(stage.scene(slug, plan), plan, number)


def test_a_kill_leaves_the_shift_to_codedeploy(slug: Path, stage: Stage) -> None:
    """Of a process that has no time for anything, just after the deployment has begun."""
    scene = stage.scene(slug, NEXT)
    scene.proxy.arm(STUCK, number=1, operation="CreateDeployment")
    with subprocess.Popen(
        command(scene.slug),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **scene.environment(attempts=1)},
        stdout=subprocess.DEVNULL,
    ) as process:
        assert scene.proxy.struck.wait(30)
        process.kill()
    scene.proxy.reset()
    assert is_owned(scene)
    assert scene.deploy().status == 0
    assert is_whole(scene)
    assert NEXT.is_home(scene)
    assert len(scene.aws.deployments.of(scene.function.name)) == 1
