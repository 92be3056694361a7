"""AWS CodeDeploy as a hook sees it: which version a deployment shifts to, and the hook's own status.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from deploy.aws.answers import VERSION
from deploy.aws.result import CONFIG, report_once
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError
from deploy.target.arn import parse_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.target.arn import FunctionReference

Answer = TypeVar("Answer")
Status = Literal["Succeeded", "Failed"]

LIST = "codedeploy:ListDeploymentTargets"
GET = "codedeploy:GetDeploymentTarget"
READ = "codedeploy:GetDeployment"
REPORT = "codedeploy:PutLifecycleEventHookExecutionStatus"

# The event has a status already: of an earlier run, or by the end of CodeDeploy's patience.
COMPLETED = frozenset({"LifecycleEventAlreadyCompletedException"})


@dataclass(frozen=True)
class NewVersion:
    """What a deployment shifts traffic to."""

    function: FunctionReference
    version: str


class Lifecycle:
    """CodeDeploy's calls for a hook."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = session.client("codedeploy", CONFIG)

    def find_new_version(self, deployment_id: str, cancellation: Cancellation) -> NewVersion:
        """Return what a deployment shifts to; raise DeployError if it is not one of a Lambda function.

        Needs codedeploy:ListDeploymentTargets and codedeploy:GetDeploymentTarget. If CodeDeploy has not
        noted there yet what it shifts to, the AppSpec says it, which needs codedeploy:GetDeployment.
        """

        def read(action: str, call: Callable[[], Answer]) -> Answer:
            return retry_reading(lambda: self._explained(action, call), cancellation)

        targets = read(LIST, lambda: self._targets(deployment_id))
        info: Mapping[str, Any] = {}
        if targets:  # a deployment of the platform Lambda has one
            info = read(GET, lambda: self._function_info(deployment_id, targets[0]))
        if not info.get("targetVersion"):
            info = read(READ, lambda: self._described(deployment_id))
        return _new_version(info)

    def report(
        self, deployment_id: str, execution_id: str, status: Status, cancellation: Cancellation
    ) -> bool:
        """Report the hook's status; return whether CodeDeploy was waiting for it.

        Needs codedeploy:PutLifecycleEventHookExecutionStatus.
        """
        put = functools.partial(
            self._client.put_lifecycle_event_hook_execution_status,
            deploymentId=deployment_id,
            lifecycleEventHookExecutionId=execution_id,
            status=status,
        )
        return report_once(lambda: self._explained(REPORT, put), COMPLETED, cancellation)

    def _explained(self, action: str, call: Callable[[], Answer]) -> Answer:
        with self._session.explaining(action, "*"):
            return call()

    def _targets(self, deployment_id: str) -> list[str]:
        targets: list[str] = self._client.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        return targets

    def _function_info(self, deployment_id: str, target: str) -> Mapping[str, Any]:
        answer = self._client.get_deployment_target(deploymentId=deployment_id, targetId=target)
        found = answer["deploymentTarget"]
        if found.get("deploymentTargetType", "LambdaTarget") != "LambdaTarget":
            raise _other_platform()
        info: Mapping[str, Any] = found.get("lambdaTarget", {}).get("lambdaFunctionInfo", {})
        return info

    def _described(self, deployment_id: str) -> Mapping[str, Any]:
        """Return the same out of the AppSpec, if that is in JSON as those of `deploy` are."""
        deployment = self._client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        revision = deployment["revision"]
        content = (revision.get("appSpecContent") or revision["string"])["content"]
        try:
            (resource,) = json.loads(content)["Resources"]
            (described,) = resource.values()
            if described["Type"] != "AWS::Lambda::Function":
                raise _other_platform()
            properties = described["Properties"]
            return {"functionName": properties["Name"], "targetVersion": properties["TargetVersion"]}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DeployError(
                "CodeDeploy does not say which version the deployment shifts to.",
                why="Its target has no function yet, and its AppSpec is not in JSON.",
            ) from None


def _new_version(info: Mapping[str, Any]) -> NewVersion:
    name, version = str(info.get("functionName", "")), str(info.get("targetVersion", ""))
    try:
        function = parse_function(name)
    except ValueError:
        function = None
    if function is None or not VERSION.fullmatch(version):
        raise DeployError("CodeDeploy names a function or a version that can't be one.")
    return NewVersion(function, version)


def _other_platform() -> DeployError:
    return DeployError("The deployment is not one of a Lambda function.")
