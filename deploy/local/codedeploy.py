"""AWS CodeDeploy on loopback, for one lifecycle event: it says what shifts, and takes the hook's status.

Calls of any other service that come here are refused, so that none leaves this machine.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeploymentTarget.html
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.local.loopback import Handler, Refused, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SERVICE = "CodeDeploy_20141006"
SCOPE = re.compile(r"Credential=[^/]*/[^/]*/[^/]*/([\w-]+)/")
BEFORE, AFTER = "BeforeAllowTraffic", "AfterAllowTraffic"
EVENTS = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
STATUSES = ("Succeeded", "Failed")  # CodeDeploy takes no others of a hook
# In the form of the older services; SDKs of the newer ones take it as a message.
OTHERS = (
    b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Only AWS CodeDeploy and Invoke are served "
    b"here, so that no call leaves this machine.</Message></Error></ErrorResponse>"
)
ALIAS = "live"  # of a function that has none in its settings


@dataclass(frozen=True)
class Deployment:
    """A shift of a function's alias from a version to the next one, at one of its lifecycle events."""

    function: str
    event: str
    alias: str = ALIAS
    current: str = "1"
    target: str = "2"
    id: str = "d-LOCAL0000"
    execution_id: str = "local"

    def hook_event(self) -> bytes:
        """Return the event that a hook is given."""
        event = {"DeploymentId": self.id, "LifecycleEventHookExecutionId": self.execution_id}
        return json.dumps(event).encode()

    def describe_target(self) -> dict[str, Any]:
        """Return the target as GetDeploymentTarget has it."""
        position = EVENTS.index(self.event)
        events = [
            {
                "lifecycleEventName": name,
                "status": "Succeeded" if each < position else "InProgress" if each == position else "Pending",
            }
            for each, name in enumerate(EVENTS)
        ]
        function = {
            "functionName": self.function,
            "functionAlias": self.alias,
            "currentVersion": self.current,
            "targetVersion": self.target,
            "targetVersionWeight": 0.0 if self.event == BEFORE else 100.0,
        }
        target = {
            "deploymentId": self.id,
            "targetId": self.function,
            "status": "InProgress",
            "lifecycleEvents": events,
            "lambdaFunctionInfo": function,
        }
        return {"deploymentTargetType": "LambdaTarget", "lambdaTarget": target}

    def describe(self) -> dict[str, Any]:
        """Return the deployment as GetDeployment has it, with its AppSpec."""
        properties = {
            "Name": self.function,
            "Alias": self.alias,
            "CurrentVersion": self.current,
            "TargetVersion": self.target,
        }
        resource = {self.function: {"Type": "AWS::Lambda::Function", "Properties": properties}}
        content = json.dumps({"version": 0.0, "Resources": [resource]})
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
        return {
            "deploymentId": self.id,
            "applicationName": self.function,
            "deploymentGroupName": self.alias,
            "status": "InProgress",
            "computePlatform": "Lambda",
            "revision": revision,
        }


class Fault(Exception):  # noqa: N818 - an answer
    """What CodeDeploy refuses: its name for it, and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CodeDeploy(Server):
    """The API of one deployment. `status` is what the hook reports, `refused` what it asked for in vain."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(_Handler)
        self.deployment = deployment
        self.status = ""
        self.refused: list[str] = []

    def call(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a call; raise Fault if it is refused."""
        deployment = self.deployment
        known: dict[str, Callable[[], dict[str, Any]]] = {
            "ListDeploymentTargets": lambda: {"targetIds": [deployment.function]},
            "GetDeploymentTarget": lambda: {"deploymentTarget": self._target(given)},
            "GetDeployment": lambda: {"deploymentInfo": deployment.describe()},
            "PutLifecycleEventHookExecutionStatus": lambda: self._take(given),
        }
        if operation not in known:
            raise Fault("AccessDeniedException", f"{operation} is not served on this machine.")
        if given.get("deploymentId") != deployment.id:
            raise Fault("DeploymentDoesNotExistException", "The deployment does not exist.")
        return known[operation]()

    def _target(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("targetId") != self.deployment.function:
            raise Fault("DeploymentTargetDoesNotExistException", "The deployment has no such target.")
        return self.deployment.describe_target()

    def _take(self, given: Mapping[str, Any]) -> dict[str, Any]:
        execution_id, status = given.get("lifecycleEventHookExecutionId"), given.get("status")
        if execution_id != self.deployment.execution_id:
            raise Fault("InvalidLifecycleEventHookExecutionIdException", "The hook has no such execution.")
        if status not in STATUSES:
            message = f"The status has to be one of {', '.join(STATUSES)}."
            raise Fault("InvalidLifecycleEventHookExecutionStatusException", message)
        if self.status:
            raise Fault("LifecycleEventAlreadyCompletedException", "The event has a status already.")
        self.status = status
        return {"lifecycleEventHookExecutionId": execution_id}


class _Handler(Handler):
    server: CodeDeploy

    def serve(self, _method: str, body: bytes) -> None:
        service, _, operation = self.headers.get("X-Amz-Target", "").rpartition(".")
        if service != SERVICE:
            scope = SCOPE.search(self.headers.get("Authorization", ""))
            self.server.refused.append(f"a call of {scope[1] if scope else 'another service'}")
            self.answer(403, OTHERS, {"Content-Type": "text/xml"})
            return
        try:
            given = json.loads(body)
            status, answer = 200, self.server.call(operation, given if isinstance(given, dict) else {})
        except ValueError:
            raise Refused(400, "The body is not JSON.") from None
        except Fault as fault:
            self.server.refused.append(f"codedeploy:{operation} ({fault.code})")
            status, answer = 400, {"__type": fault.code, "message": str(fault)}
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
        self.answer(status, json.dumps(answer).encode(), headers)
