"""What faults, signals and kills at calls of a plan may leave, and that the next deploy completes it."""

import os
import signal
import subprocess
import threading

from command import command
from fault_proxy import Fault
from fault_stage import Plan, Scene
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
LOST_ANSWER = CASES[3]
STUCK = Fault(at="before the answer", stalls=True, seconds=None)
SECONDS = 30  # for what takes a moment


def reads(call: str) -> bool:
    """Whether a call changes nothing, so that it does not matter whether AWS has got it."""
    return call.startswith(("Get", "List", "Head"))


def survive_fault(scene: Scene, plan: Plan, fault: Fault, number: int, attempts: int) -> bool:
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


def survive_interruption(scene: Scene, plan: Plan, number: int) -> bool:
    """Send SIGTERM at a call that AWS has carried out, and whose answer has not come."""
    before = scene.state
    scene.proxy.arm(STUCK, number=number)
    outcome = _interrupted(scene)
    assert "Traceback" not in outcome.stderr, outcome
    assert "Nothing was changed" not in outcome.stderr or scene.state == before, outcome
    return _survive_end(scene, plan, before[2])


def survive_kill(scene: Scene, plan: Plan, operation: str) -> bool:
    """Kill a process at an operation that AWS has carried out, and whose answer has not come."""
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
