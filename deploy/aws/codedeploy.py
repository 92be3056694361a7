"""AWS CodeDeploy, as far as it shifts the traffic of a function's alias: typed calls.

Each call names the permission that it needs, and raises DeployError with AWS's code.
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_<Operation>.html
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ReadTimeoutError

from deploy.aws import deployment as answers
from deploy.aws.calls import LONGEST_READ
from deploy.aws.deployment import NO_APPLICATION, NO_CONFIG, NO_GROUP, NOT_STARTED, OVER, UNDER_WAY
from deploy.aws.permissions import deployment_config_arn, deployment_group_arn
from deploy.aws.wait import retry_reading, within
from deploy.errors import DeployError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from deploy.aws.deployment import Deployment, Pace, Shifted
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.target.shift_settings import Shift

Answer = TypeVar("Answer")

# Whatever the group says: what has failed or was stopped must not leave weights on the alias.
ROLLBACK = {
    "enabled": True,
    "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
}


class CodeDeploy:
    """CodeDeploy in a session's account and region, for one shift's application and group."""

    def __init__(self, session: Session, shift: Shift, cancellation: Cancellation) -> None:
        self.shift = shift
        self._session = session
        self._cancellation = cancellation
        self._client = session.client("codedeploy")
        self._names = {"applicationName": shift.application, "deploymentGroupName": shift.group}
        self._group = deployment_group_arn(session.target)

    def create(self, goes: Shifted, description: str, *, ignores_alarms: bool = False) -> str:
        """Start a deployment and return its ID. Needs codedeploy:CreateDeployment on the group.

        And codedeploy:GetDeploymentConfig, GetApplicationRevision and RegisterApplicationRevision.
        """
        content = answers.app_spec(goes, self.shift)
        app_spec_content = {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()}
        alarms: dict[str, Any] = {"overrideAlarmConfiguration": {"enabled": False}} if ignores_alarms else {}
        with self._explaining("codedeploy:CreateDeployment", self._group):
            answer = self._client.create_deployment(
                **self._names,
                revision={"revisionType": "AppSpecContent", "appSpecContent": app_spec_content},
                deploymentConfigName=self.shift.config,
                description=description,
                autoRollbackConfiguration=ROLLBACK,
                **alarms,
            )
            return answers.text_of(answer, "deploymentId")

    def stop(self, deployment_id: str) -> None:
        """Stop a deployment and roll it back, unless it is over. Needs codedeploy:StopDeployment."""
        try:
            with self._explaining("codedeploy:StopDeployment", "*"):
                self._client.stop_deployment(deploymentId=deployment_id, autoRollbackEnabled=True)
        except DeployError as error:
            if error.code != OVER:
                raise

    def running(self) -> list[str]:
        """Return the IDs of the group's deployments that are under way. Needs codedeploy:ListDeployments."""

        def read() -> list[str]:
            pages = self._client.get_paginator("list_deployments").paginate(
                **self._names, includeOnlyStatuses=list(UNDER_WAY)
            )
            return [str(each) for page in pages for each in page["deployments"]]

        return self._read("codedeploy:ListDeployments", self._group, read)

    def deployment(self, deployment_id: str) -> Deployment:
        """Read a deployment. Needs codedeploy:GetDeployment on the group."""

        def read() -> Deployment:
            return answers.deployment_of(
                self._client.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
            )

        return self._read("codedeploy:GetDeployment", self._group, read)

    def shifted(self, deployment_id: str) -> Shifted | None:
        """Read what a deployment shifts, None if it has not begun.

        Needs codedeploy:ListDeploymentTargets and codedeploy:GetDeploymentTarget.
        """

        def list_targets() -> list[str]:
            return list(self._client.list_deployment_targets(deploymentId=deployment_id)["targetIds"])

        def read() -> Shifted | None:
            answer = self._client.get_deployment_target(deploymentId=deployment_id, targetId=ids[0])
            return answers.shifted_of(answer["deploymentTarget"])

        try:
            ids = self._read("codedeploy:ListDeploymentTargets", "*", list_targets)
            return self._read("codedeploy:GetDeploymentTarget", "*", read) if ids else None
        except DeployError as error:
            if error.code == NOT_STARTED:
                return None
            raise

    def check(self) -> Pace:
        """Return the pace of the deployment config; raise InputError if it, or the group, can't shift.

        Needs codedeploy:GetDeploymentGroup and codedeploy:GetDeploymentConfig.
        """
        group = self._read("codedeploy:GetDeploymentGroup", self._group, self._read_group)
        platform = group.get("computePlatform", "Lambda")
        if platform != "Lambda":
            raise InputError(
                f"The deployment group {self.shift.name} is for {platform}, and not for Lambda.",
                why="The compute platform belongs to the application, and can't be changed.",
                todo="Create an application for Lambda, and name it in _LAMBDA_CODEDEPLOY: "
                f"`aws deploy create-application --application-name {self.shift.application}-lambda "
                "--compute-platform Lambda`",
            )
        return self.pace(self.shift.config)

    def pace(self, config: str) -> Pace:
        """Return how a deployment config shifts. Needs codedeploy:GetDeploymentConfig on it."""

        def read() -> Mapping[str, Any]:
            answer = self._client.get_deployment_config(deploymentConfigName=config)
            found: Mapping[str, Any] = answer["deploymentConfigInfo"]
            return found

        resource = deployment_config_arn(self._session.target, config)
        return answers.pace_of(self._read("codedeploy:GetDeploymentConfig", resource, read))

    def _read_group(self) -> Mapping[str, Any]:
        answer = self._client.get_deployment_group(**self._names)
        group: Mapping[str, Any] = answer["deploymentGroupInfo"]
        return group

    def _read(self, action: str, resource: str, read: Callable[[], Answer]) -> Answer:
        def try_once() -> Answer:
            with self._explaining(action, resource):
                try:
                    return within(LONGEST_READ, read, self._cancellation)
                except TimeoutError:
                    raise ReadTimeoutError(endpoint_url=self._client.meta.endpoint_url) from None

        return retry_reading(try_once, self._cancellation)

    @contextlib.contextmanager
    def _explaining(self, action: str, resource: str) -> Iterator[None]:
        try:
            with self._session.explaining(action, resource):
                yield
        except DeployError as error:
            if missing := _explain_missing(error, self._session.target.region, self.shift):
                raise missing from error
            raise


def _explain_missing(error: DeployError, region: str, shift: Shift) -> InputError | None:
    """Return what an error means for a shift, if it is that something is missing."""
    missing = {
        NO_APPLICATION: f"There is no CodeDeploy application {shift.application} in {region}.",
        NO_GROUP: f"There is no deployment group {shift.group} in CodeDeploy's application "
        f"{shift.application} in {region}.",
        NO_CONFIG: f"There is no deployment config {shift.config} in CodeDeploy in {region}.",
    }
    if error.code not in missing:
        return None
    todo = "Create both as docs/shifting.md shows, or name others: _LAMBDA_CODEDEPLOY=application/group"
    if error.code == NO_CONFIG:
        todo = "Correct _LAMBDA_SHIFT, or create it: `aws deploy create-deployment-config`"
    explained = InputError(missing[error.code], why=error.why, todo=todo)
    explained.code = error.code
    return explained
