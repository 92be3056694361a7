"""Each kind of fault, and an end, at each call of a shift and of a rollback that stops one."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

import deploy.cli
from command import make_slug
from embedded_aws import EmbeddedAWS
from fault_proxy import Fault, FaultProxy
from fault_stage import Plan, Stage
from shift_stage import BACK, FAULTS, NEXT, end_at, survive

PLANS = {"shift": NEXT, "stop": BACK}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture
def stage(aws: EmbeddedAWS, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Set the stage, without the SDK's pauses, and with a moment for a command that is stuck."""
    record, patch = (request.getfixturevalue(name) for name in ("record_property", "monkeypatch"))
    patch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    patch.setattr(deploy.cli, "UNWINDING", 0.1)
    with FaultProxy(aws.url) as proxy:
        yield Stage(aws, proxy, "", tmp_path, record, patch)
    aws.deployments.reset()


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
