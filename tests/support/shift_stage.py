"""Shifts with a fault or an end at a call: each of a function of its own, behind a proxy with the fault."""

import os
import signal
import threading
from collections.abc import Callable

from deploy.cancel import NOTHING_CHANGED
from fault_proxy import Fault
from fault_stage import ALIAS, Plan, Scene, zip_of
from in_process import Outcome

__all__ = ["BACK", "FAULTS", "NEXT", "STUCK", "end_at", "reads", "survive"]

SHIFT = {**ALIAS, "_LAMBDA_SHIFT": "Slowly"}
SECONDS = 30  # for what takes a moment
FAULTS = (
    Fault(503, "ServiceUnavailableException"),
    Fault(at="within the body"),
    Fault(at="before the answer"),
    Fault(at="within the answer"),
)
STUCK = Fault(at="before the answer", stalls=True, seconds=None)


def _prepare(scene: Scene) -> None:
    scene.settings |= SHIFT
    scene.publish(zip_of("one"), zip_of("two"))
    scene.point("2", "[previous version: 1]")


def _begin(scene: Scene) -> None:
    scene.aws.deployments.create_group(scene.function.name)
    scene.aws.deployments.pace = 600


def _is_live(scene: Scene) -> bool:
    return is_whole(scene) and scene.function.code_sha256("live") == scene.code_sha256


def _begin_shift(scene: Scene) -> None:
    """Have a shift under way."""
    _begin(scene)
    begun = scene.deploy("--no-wait")
    assert begun.status == 0, begun
    scene.aws.deployments.pace = 60


def _is_back(scene: Scene) -> bool:
    return is_whole(scene) and scene.function.alias() == "2"


NEXT = Plan(_prepare, _is_live, begin=_begin)
BACK = Plan(_prepare, _is_back, ("rollback",), ("rollback", "2"), begin=_begin_shift)


def weights(scene: Scene) -> dict[str, float]:
    """Return the weights of the alias."""
    alias = scene.aws.client().get_alias(FunctionName=scene.function.name, Name="live")
    return alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def is_whole(scene: Scene) -> bool:
    """Whether all traffic goes to one version."""
    return not weights(scene)


def is_owned(scene: Scene) -> bool:
    """Whether CodeDeploy makes a deployment of the function."""
    return any(each.is_running for each in scene.aws.deployments.of(scene.function.name))


def reads(call: str) -> bool:
    """Whether a call changes nothing."""
    return call.startswith(("Get", "List"))


def survive(scene: Scene, plan: Plan, fault: Fault, number: int) -> bool:
    """Carry out the plan with a fault at a call; tell whether it was survived at once."""
    before = _recorded(scene)
    scene.proxy.arm(fault, number=number)
    outcome = scene.deploy(*plan.arguments)
    assert scene.proxy.struck.is_set()
    where = f"{fault} at call {number} of {scene.proxy.seen}: {outcome}"
    scene.proxy.reset()
    said = outcome.stdout + outcome.stderr
    assert outcome.status in {0, 1}, where
    for untrue in ("Traceback", "stopped at an internal error", "Another deploy or a person"):
        assert untrue not in said, where
    if NOTHING_CHANGED in said:
        assert _recorded(scene) == before, where
    if outcome.status == 0:
        assert plan.is_home(scene), where
    _go_on(scene, plan, where)
    return outcome.status == 0


def end_at(scene: Scene, plan: Plan, number: int) -> bool:
    """Carry out the plan, and end it by SIGTERM at a call that AWS has carried out."""
    scene.proxy.arm(STUCK, number=number)
    outcome = _interrupted(lambda: scene.deploy(*plan.arguments), scene)
    where = f"an end at call {number} of {scene.proxy.seen}: {outcome}"
    scene.proxy.reset()
    assert "Traceback" not in outcome.stderr, where
    _go_on(scene, plan, where)
    return False


def _go_on(scene: Scene, plan: Plan, where: str) -> None:
    """Look at what is left: the alias is whole, or CodeDeploy shifts it; the next run says which."""
    owned = is_owned(scene)
    assert is_whole(scene) or owned, where
    scene.aws.deployments.pace, pace = 0, scene.aws.deployments.pace
    status = scene.deploy("status")
    scene.aws.deployments.pace = pace
    assert status.status == 0, f"{where}, then {status}"
    if not is_whole(scene):
        assert "of the traffic so far; " in status.stdout, f"{where}, then {status}"
    again = scene.deploy(*(plan.again or plan.arguments))
    assert again.status == 0, f"{where}, then {again}"
    assert plan.is_home(scene), where


def _recorded(scene: Scene) -> object:
    """Return what a deploy may change; where an alias is that CodeDeploy shifts is CodeDeploy's."""
    alias = scene.aws.client().get_alias(FunctionName=scene.function.name, Name="live")
    version = None if weights(scene) else alias["FunctionVersion"]
    return (scene.state[:2], version, alias["Description"])


def _interrupted(deploy: Callable[[], Outcome], scene: Scene) -> Outcome:
    def terminate() -> None:
        assert scene.proxy.struck.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    before = set(threading.enumerate())
    threading.Thread(target=terminate).start()
    outcome = deploy()
    assert outcome.status == 1, outcome
    assert outcome.stderr.startswith(" !     Interrupted by SIGTERM. "), outcome
    scene.proxy.reset()
    for thread in set(threading.enumerate()) - before:
        if "(work)" in thread.name:  # the command's; others serve connections
            thread.join(SECONDS)
    return outcome
