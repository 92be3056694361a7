"""What CodeDeploy answers about deployments that shift an alias, as values, and the request that creates one.

What is not of AWS's form is refused by a ValueError.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.target.shift_settings import Shift

LIMIT = "DeploymentLimitExceededException"  # the group has a deployment already
OVER = "DeploymentAlreadyCompletedException"
NOT_STARTED = "DeploymentNotStartedException"
NO_APPLICATION = "ApplicationDoesNotExistException"
NO_GROUP = "DeploymentGroupDoesNotExistException"
NO_CONFIG = "DeploymentConfigDoesNotExistException"

# What a deployment failed of.
ALARM = "ALARM_ACTIVE"
STOPPED = "MANUAL_STOP"

UNDER_WAY = ("Created", "Queued", "InProgress", "Baking", "Ready")


@dataclass(frozen=True)
class Deployment:
    """What CodeDeploy says of a deployment; `rollback_id` is the deployment that undoes it."""

    id: str
    status: str
    config: str = ""
    started: float = 0.0  # seconds since the epoch
    error_code: str = ""
    error: str = ""
    rollback_id: str = ""
    is_rollback: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it does not go on."""
        return self.status not in UNDER_WAY


@dataclass(frozen=True)
class Event:
    """A phase of a deployment, and what CodeDeploy says of its hook."""

    name: str
    status: str
    message: str = ""
    started: float = 0.0  # seconds since the epoch


@dataclass(frozen=True)
class Shifted:
    """The alias that a deployment shifts, and how far it has come."""

    function: str
    alias: str
    origin: str
    goal: str
    events: tuple[Event, ...] = ()

    def event(self, name: str) -> Event | None:
        """Return a phase, if the deployment has it."""
        return next((each for each in self.events if each.name == name), None)


@dataclass(frozen=True)
class Pace:
    """How a deployment config shifts: by `percent` every `minutes`; once only if it `is_canary`."""

    percent: int = 100
    minutes: int = 0
    is_canary: bool = False

    @property
    def seconds(self) -> int:
        """Seconds from the first step to the last one."""
        steps = 1 if self.is_canary else -(-100 // max(self.percent, 1)) - 1
        return steps * self.minutes * 60


def app_spec(goes: Shifted, shift: Shift) -> str:
    """Return the AppSpec of a shift, in JSON.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
    """
    properties = {
        "Name": goes.function,
        "Alias": goes.alias,
        "CurrentVersion": goes.origin,
        "TargetVersion": goes.goal,
    }
    hooks = {"BeforeAllowTraffic": shift.hook_before, "AfterAllowTraffic": shift.hook_after}
    named = [{phase: name} for phase, name in hooks.items() if name]
    resources = [{"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    return json.dumps({"version": 0.0, "Resources": resources, **({"Hooks": named} if named else {})})


def pace_of(info: Mapping[str, Any]) -> Pace:
    """Return how a deployment config shifts; raise InputError if it is not one for Lambda."""
    if info.get("computePlatform") != "Lambda":
        raise InputError(
            f"The deployment config {info.get('deploymentConfigName')} is not one for Lambda.",
            todo="Name another one in _LAMBDA_SHIFT, such as Canary10Percent5Minutes.",
        )
    routing = info.get("trafficRoutingConfig", {})
    if canary := routing.get("timeBasedCanary"):
        return Pace(int(canary["canaryPercentage"]), int(canary["canaryInterval"]), is_canary=True)
    if linear := routing.get("timeBasedLinear"):
        return Pace(int(linear["linearPercentage"]), int(linear["linearInterval"]))
    return Pace()


def deployment_of(info: Mapping[str, Any]) -> Deployment:
    """Return what CodeDeploy says of a deployment."""
    error, rollback = info.get("errorInformation") or {}, info.get("rollbackInfo") or {}
    started = info.get("startTime") or info.get("createTime")
    return Deployment(
        id=text_of(info, "deploymentId"),
        status=text_of(info, "status"),
        config=str(info.get("deploymentConfigName", "")),
        started=started.timestamp() if started else 0.0,
        error_code=str(error.get("code", "")),
        error=str(error.get("message", "")),
        rollback_id=str(rollback.get("rollbackDeploymentId", "")),
        is_rollback=info.get("creator") == "codeDeployRollback",
    )


def shifted_of(target: Mapping[str, Any]) -> Shifted | None:
    """Return what a deployment shifts; None if CodeDeploy does not say."""
    of_lambda = target.get("lambdaTarget") or {}
    info = of_lambda.get("lambdaFunctionInfo")
    if not info:
        return None
    events = of_lambda.get("lifecycleEvents") or []
    return Shifted(
        text_of(info, "functionName"),
        text_of(info, "functionAlias"),
        str(info.get("currentVersion", "")),
        str(info.get("targetVersion", "")),
        tuple(
            Event(
                str(each.get("lifecycleEventName", "")),
                str(each.get("status", "")),
                str((each.get("diagnostics") or {}).get("message", "")),
                each["startTime"].timestamp() if each.get("startTime") else 0.0,
            )
            for each in events
        ),
    )


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """Return a text that is never missing in an answer of AWS's."""
    text = answer.get(name)
    if not isinstance(text, str) or not text:
        raise ValueError(f"no {name}")
    return text
