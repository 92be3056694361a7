"""Each kind of fault at each call of each plan: nothing is ever lost, and nobody is told anything wrong.

The table at the end of the test run counts the cases: survived at once (exit status 0, and it is so),
survived by the second run (exit status 1, what serves traffic is as it was or verified, and the next
deploy completes it), lost (anything else; must be 0).
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

import deploy.cli
from command import command, make_slug
from embedded_aws import EmbeddedAWS
from fault_proxy import Fault, FaultProxy
from fault_stage import PLANS, Plan, Scene, Stage
from in_process import Outcome
from paths import REPOSITORY

# With the number of tries that the SDK has: AWS refuses, has not got the request, or has carried it out.
CASES = [
    (Fault(409, "ResourceConflictException"), 1),
    (Fault(503, "ServiceUnavailableException"), 1),
    (Fault(at="within the body"), 1),
    (Fault(at="before the answer"), 1),
    (Fault(at="within the answer"), 1),
    (Fault(at="before the answer"), 3),
]
CASES_OF_READS = CASES[1:2] + CASES[4:5]
STUCK = Fault(at="before the answer", stalls=True, seconds=None)
SECONDS = 30  # for what takes a moment


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture(scope="module")
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to this worker's AWS."""
    with FaultProxy(aws.url) as started:
        yield started


@pytest.fixture(scope="module")
def bucket(aws: EmbeddedAWS) -> str:
    """Create a bucket."""
    return aws.create_bucket()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the SDK's pauses, and wait only a moment for a command that is stuck."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    monkeypatch.setattr(deploy.cli, "UNWINDING", 0.1)


@pytest.fixture
def stage(
    aws: EmbeddedAWS, proxy: FaultProxy, bucket: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """Set the stage."""
    record, patch = (request.getfixturevalue(name) for name in ("record_property", "monkeypatch"))
    yield Stage(aws, proxy, bucket, tmp_path, record, patch)
    proxy.reset()


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
    cases = (partial(_survive, stage.scene(slug, plan), plan, fault, each, attempts) for each in numbers)
    stage.play(name, cases)


def reads(call: str) -> bool:
    """Whether a call changes nothing, so that it does not matter whether AWS has got it."""
    return call.startswith(("Get", "List", "Head"))


def _survive(scene: Scene, plan: Plan, fault: Fault, number: int, attempts: int) -> bool:
    """Carry out the plan with a fault at a call; tell whether it was survived at once."""
    before = scene.state
    scene.proxy.arm(fault, number=number)
    outcome = scene.deploy(*plan.arguments, attempts=attempts)
    assert scene.proxy.struck.is_set()
    where = f"{fault} at call {number} of {scene.proxy.seen}: {outcome}"
    scene.proxy.reset()

    assert outcome.status in {0, 1}, where
    said = outcome.stdout + outcome.stderr
    for untrue in ("Traceback", "stopped at an internal error", "Another deploy or a person"):
        assert untrue not in said, where
    if "Nothing was changed" in said:
        assert scene.state == before, where
    for version, earlier in zip(scene.state[2:], before[2:], strict=True):
        assert version == earlier or version in scene.verified, where
    if outcome.status == 0:
        assert plan.is_home(scene), where
    else:
        assert outcome.stderr.startswith(" !     "), where
    for key in scene.left:
        assert key in outcome.stderr, where  # it could not be deleted, and that is told
        scene.aws.s3().delete_object(Bucket=scene.bucket, Key=key)

    again = scene.deploy(*(plan.again or plan.arguments))
    assert again.status == 0, f"{where}, then {again}"
    assert plan.is_home(scene), where
    assert scene.left == []
    return outcome.status == 0


# --- signals ---------------------------------------------------------------------------------------


def test_an_interruption_at_each_call_is_survived(slug: Path, stage: Stage) -> None:
    """AWS has carried out the call, its answer has not come: the hardest moment to be ended at."""
    plan = PLANS["alias, next"]

    def interrupt(number: int) -> bool:
        scene = stage.scene(slug, plan)
        before = scene.state
        scene.proxy.arm(STUCK, number=number)
        outcome = _interrupted(scene)
        assert "Traceback" not in outcome.stderr, outcome
        assert "Nothing was changed" not in outcome.stderr or scene.state == before, outcome
        return _survive_end(scene, plan, before[2])

    numbers = range(1, len(stage.calls(slug, plan)) + 1)
    stage.play("SIGTERM", [partial(interrupt, number) for number in numbers])


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"])
def test_a_kill_is_survived(operation: str, slug: Path, stage: Stage) -> None:
    """A process that has no time for anything, at each call that changes what counts."""
    plan = PLANS["alias, next"]
    scene = stage.scene(slug, plan)

    def kill() -> bool:
        before = scene.function.alias()
        scene.proxy.arm(STUCK, number=1, operation=operation)
        with subprocess.Popen(
            command(scene.slug),
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "DYNO": "run.1", **scene.environment(attempts=1)},
            stdout=subprocess.DEVNULL,
        ) as process:
            assert scene.proxy.struck.wait(SECONDS)
            process.kill()
        scene.proxy.reset()
        return _survive_end(scene, plan, before)

    stage.play("SIGKILL", [kill])


def _interrupted(scene: Scene) -> Outcome:
    """Deploy, and send this process SIGTERM once the command is stuck."""

    def terminate() -> None:
        assert scene.proxy.struck.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    before = set(threading.enumerate())
    threading.Thread(target=terminate).start()
    outcome = scene.deploy()
    assert outcome.status == 1, outcome
    assert outcome.stderr.startswith(" !     Interrupted by SIGTERM. "), outcome
    state = scene.state
    scene.proxy.reset()
    for thread in set(threading.enumerate()) - before:
        if "(work)" in thread.name:  # the command's; others serve connections
            thread.join(SECONDS)
    assert scene.state == state, "the command went on"
    return outcome


def _survive_end(scene: Scene, plan: Plan, alias: str | None) -> bool:
    """Look at what an end has left, and at what the next deploy makes of it."""
    assert scene.function.alias() in {alias, *scene.verified}
    assert scene.function.alias() in scene.function.versions()
    again = scene.deploy()
    assert again.status == 0, again
    assert plan.is_home(scene)
    assert len(scene.function.versions()) <= 3, "a version was published twice"
    return False
