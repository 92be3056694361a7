"""CodeDeploy's side of a hook, on loopback: deployments that wait for the status of a lifecycle event.

Requests are checked by the SDK's own model of the API, answers are made by it, and each execution of a hook
takes one status: Succeeded or Failed.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_PutLifecycleEventHookExecutionStatus.html
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any

from api_model import find_problems, operation_of

if TYPE_CHECKING:
    from typing_extensions import Self


TARGET = re.compile(r"CodeDeploy_20141006\.(\w+)")
SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=\w+/\d{8}/[\w-]+/codedeploy/aws4_request,")


class _Refused(Exception):  # noqa: N818 - an answer
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class DeploymentOfTests:
    """A deployment and its hook's execution; `info` is the target's function, `app_spec` the AppSpec.

    `statuses` are those that were reported and taken.
    """

    info: Mapping[str, Any] | None
    app_spec: str
    kind: str = "LambdaTarget"
    id: str = field(default_factory=lambda: f"d-{uuid.uuid4().hex[:9].upper()}")
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    statuses: list[str] = field(default_factory=list)

    @property
    def event(self) -> dict[str, str]:
        """Return the event that CodeDeploy gives the hook."""
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": self.execution_id}

    @property
    def target_id(self) -> str:
        """Return the target's ID, whose form AWS does not document."""
        return f"target-of-{self.id}"

    def list_targets(self) -> dict[str, Any]:
        """Answer ListDeploymentTargets."""
        return {"targetIds": [] if self.info is None else [self.target_id]}

    def target(self, target_id: str) -> dict[str, Any]:
        """Answer GetDeploymentTarget."""
        if target_id != self.target_id:
            raise _Refused("DeploymentTargetDoesNotExistException")
        target: dict[str, Any] = {"deploymentId": self.id, "targetId": self.target_id}
        if self.kind == "LambdaTarget" and self.info:
            target["lambdaFunctionInfo"] = self.info
        member = f"{self.kind[0].lower()}{self.kind[1:]}"
        return {"deploymentTarget": {"deploymentTargetType": self.kind, member: target}}

    def describe(self) -> dict[str, Any]:
        """Answer GetDeployment."""
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": self.app_spec}}
        return {"deploymentInfo": {"deploymentId": self.id, "revision": revision}}

    def take(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Answer PutLifecycleEventHookExecutionStatus."""
        if given["lifecycleEventHookExecutionId"] != self.execution_id:
            raise _Refused("InvalidLifecycleEventHookExecutionIdException")
        if given["status"] not in {"Succeeded", "Failed"}:
            raise _Refused("InvalidLifecycleEventHookExecutionStatusException")
        if self.statuses:
            raise _Refused("LifecycleEventAlreadyCompletedException")
        self.statuses.append(given["status"])
        return {"lifecycleEventHookExecutionId": self.execution_id}


class Lifecycle:
    """The server. `refuses` names operations that the caller may not call, `fails` what to answer first."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.lifecycle = self  # type: ignore[attr-defined]
        self._deployments: dict[str, DeploymentOfTests] = {}
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.refuses: set[str] = set()
        self.fails: dict[str, list[str]] = {}
        self.calls: list[str] = []

    def __enter__(self) -> "Self":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def start(self, function: str, *, current: str = "1", target: str = "2") -> DeploymentOfTests:
        """Start a deployment that shifts a function's alias from a version to another one."""
        info = {
            "functionName": function,
            "functionAlias": "live",
            "currentVersion": current,
            "targetVersion": target,
            "targetVersionWeight": 0.0,
        }
        properties = {
            "Name": function,
            "Alias": "live",
            "CurrentVersion": current,
            "TargetVersion": target,
        }
        resource = {"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
        deployment = DeploymentOfTests(info, json.dumps({"version": 0.0, "Resources": [resource]}))
        self._deployments[deployment.id] = deployment
        return deployment

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """Return the answer to a call; raise an exception if it is refused."""
        self.calls.append(operation)
        if operation in self.refuses:
            raise _Refused("AccessDeniedException")
        if failures := self.fails.get(operation):
            raise _Refused(failures.pop(0))
        given = json.loads(body)
        problems = find_problems(operation_of("codedeploy", operation).input_shape, given)
        assert not problems, problems
        deployment = self._deployments.get(given["deploymentId"])
        if deployment is None:
            raise _Refused("DeploymentDoesNotExistException")
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "ListDeploymentTargets": deployment.list_targets,
            "GetDeploymentTarget": lambda: deployment.target(given["targetId"]),
            "GetDeployment": deployment.describe,
            "PutLifecycleEventHookExecutionStatus": lambda: deployment.take(given),
        }
        return answers[operation]()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        found = TARGET.fullmatch(self.headers["X-Amz-Target"])
        assert found
        assert SCOPE.match(self.headers["Authorization"])
        lifecycle: Lifecycle = self.server.lifecycle  # type: ignore[attr-defined]
        try:
            status, answer = 200, lifecycle.answer(found[1], body)
            problems = find_problems(operation_of("codedeploy", found[1]).output_shape, answer)
            assert not problems, problems
        except _Refused as refused:
            status = 500 if refused.code == "InternalFailure" else 400
            answer = {"__type": refused.code, "message": f"Refused: {refused.code}"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""
