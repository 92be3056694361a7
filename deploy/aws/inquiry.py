"""What doctor asks AWS: calls that read, that AWS only rehearses, or that it simulates.

Nothing here can change anything, not even if an endpoint is an imitation of AWS that ignores a parameter:
UpdateFunctionCode and Invoke are dry runs, which AWS has for this; all others read.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from deploy.aws.codes import CONFLICT, DENIED, INVALID, LATEST, NOT_FOUND
from deploy.aws.deployment import NO_APPLICATION, NO_CONFIG, NO_GROUP
from deploy.aws.permissions import example
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.aws.permissions import Grant
    from deploy.aws.session import Session
    from deploy.target.shift_settings import Shift

NO_VERSION = "999999999"  # versions are counted one by one
NO_ALIAS = "deploy-doctor"  # any will do: calls about aliases are authorized on the function
SIMULATE = "iam:SimulatePrincipalPolicy"

# What AWS gives after it has authorized a call, if the call could not be carried out.
AUTHORIZED = frozenset(
    {NOT_FOUND, CONFLICT, INVALID, "CodeVerificationFailedException", "InvalidCodeSignatureException"}
) | {NO_APPLICATION, NO_GROUP, NO_CONFIG}

# A person waits for the answers.
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"})

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
ASSUMED_ROLE = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.*")


@dataclass(frozen=True)
class Answer:
    """What AWS answered: what was asked for, or an error.

    `received` is our time then, in seconds since 1970.
    """

    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error: DeployError | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int = 0
    received: float = 0.0

    @property
    def code(self) -> str:
        """AWS's name for the error; empty if there is none, or no answer at all."""
        return self.error.code if self.error else ""

    @property
    def allows(self) -> bool:
        """Whether AWS would have let the call pass."""
        return self.error is None or self.code in AUTHORIZED

    @property
    def denies(self) -> bool:
        """Whether the permission is missing."""
        return self.code in DENIED


class Inquiry:
    """Asks AWS with a target's settings."""

    def __init__(self, session: Session) -> None:
        self._session = session
        target = session.target
        self._settings = target.settings
        self._function = {"FunctionName": target.function.identifier}
        self._lambda = session.client("lambda", CONFIG)
        self._simulates = True

    def identity(self) -> Answer:
        """Ask whose the credentials are, which needs no permission."""
        return self._ask("sts", "sts:GetCallerIdentity", "get_caller_identity", {})

    def latest(self) -> Answer:
        """Ask what $LATEST is. Needs lambda:GetFunctionConfiguration."""
        action = "lambda:GetFunctionConfiguration"
        parameters = {**self._function, "Qualifier": LATEST}
        answer = self._ask("lambda", action, "get_function_configuration", parameters)
        if answer.error is None and not answer.content.get("CodeSha256"):
            return replace(answer, error=_not_aws(action))
        return answer

    def serving(self) -> Answer:
        """Ask what the version is that the alias points at. Needs lambda:GetFunctionConfiguration on it."""
        parameters = {**self._function, "Qualifier": self._settings.alias}
        return self._ask(
            "lambda", "lambda:GetFunctionConfiguration", "get_function_configuration", parameters
        )

    def hook(self, name: str) -> Answer:
        """Ask whether a hook's function is there. Needs lambda:GetFunctionConfiguration on it."""
        action = "lambda:GetFunctionConfiguration"
        return self._ask("lambda", action, "get_function_configuration", {"FunctionName": name})

    def dry_run(self) -> Answer:
        """Rehearse an update of the code. Needs lambda:UpdateFunctionCode."""
        parameters = {**self._function, "ZipFile": _tiny_zip(), "DryRun": True}
        return self._ask("lambda", "lambda:UpdateFunctionCode", "update_function_code", parameters)

    def permission(self, action: str) -> Answer | None:
        """Ask by a call that changes nothing whether an action is allowed; None if there is no such call."""
        publishes = self._settings.publishes
        version = {**self._function, "Qualifier": NO_VERSION if publishes else LATEST}
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "lambda:GetFunctionConfiguration": ("get_function_configuration", version),
            "lambda:GetFunction": ("get_function", version),
            "lambda:GetAlias": ("get_alias", {**self._function, "Name": self._settings.alias or NO_ALIAS}),
            "lambda:ListVersionsByFunction": ("list_versions_by_function", {**self._function, "MaxItems": 1}),
            "lambda:ListAliases": ("list_aliases", {**self._function, "MaxItems": 1}),
            "lambda:InvokeFunction": (
                "invoke",
                {**self._function, "Qualifier": NO_VERSION, "InvocationType": "DryRun"},
            ),
        }
        if shift := self._settings.shifting:
            calls |= _shift_calls(shift)
        if action not in calls:
            return None
        operation, parameters = calls[action]
        return self._ask(action.partition(":")[0], action, operation, parameters)

    def bucket(self) -> Answer:
        """Ask for the bucket. Needs s3:ListBucket for a good answer, nothing to be told its region."""
        answer = self._ask("s3", "s3:ListBucket", "head_bucket", {"Bucket": self._settings.s3_bucket})
        if answer.error and answer.code == "403":
            # An answer to HEAD has no body that would name the error.
            answer.error.code = "AccessDenied"
        return answer

    def versioning(self) -> Answer:
        """Ask whether the bucket keeps what is deleted. Needs s3:GetBucketVersioning."""
        parameters = {"Bucket": self._settings.s3_bucket}
        return self._ask("s3", "s3:GetBucketVersioning", "get_bucket_versioning", parameters)

    def simulate(self, identity: str, grant: Grant) -> Mapping[str, bool]:
        """Return for each action of a grant whether the policies of an identity allow it; nothing if unknown.

        Needs iam:SimulatePrincipalPolicy, and does not ask again if that was refused. It does not see the
        policies of buckets and keys.
        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        if not identity or not self._simulates:
            return {}
        account = identity.split(":")[4]
        parameters = {
            "PolicySourceArn": _principal(identity),
            "ActionNames": [permission.action for permission in grant.permissions],
            "ResourceArns": [example(resource, account) for resource in grant.resources],
            "ContextEntries": [
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "stringList"}
                for keys in grant.condition.values()
                for key, value in keys.items()
            ],
        }
        answer = self._ask("iam", SIMULATE, "simulate_principal_policy", parameters)
        self._simulates = answer.error is None
        results: dict[str, bool] = {}
        for result in answer.content.get("EvaluationResults", ()):
            action = result.get("EvalActionName", "")
            results[action] = results.get(action, True) and result.get("EvalDecision") == "allowed"
        return results

    def _ask(self, service: str, action: str, operation: str, parameters: Mapping[str, Any]) -> Answer:
        response: Mapping[str, Any] = {}
        failure: DeployError | None = None
        try:
            with self._session.explaining(action):
                client = self._lambda if service == "lambda" else self._session.client(service, CONFIG)
                response = getattr(client, operation)(**parameters)
        except DeployError as error:
            failure = error
            # If there was no answer, some of the SDK's errors have none, and some have None.
            response = getattr(error.__cause__, "response", None) or {}
        metadata = response.get("ResponseMetadata", {})
        return Answer(
            content={} if failure else response,
            error=failure,
            headers=metadata.get("HTTPHeaders", {}),
            status=metadata.get("HTTPStatusCode", 0),
            received=time.time(),
        )


def _shift_calls(shift: Shift) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the calls that ask CodeDeploy what a shift needs."""
    group = {"applicationName": shift.application, "deploymentGroupName": shift.group}
    config = {"deploymentConfigName": shift.config}
    return {
        "codedeploy:GetDeploymentGroup": ("get_deployment_group", group),
        "codedeploy:ListDeployments": ("list_deployments", group),
        "codedeploy:GetDeploymentConfig": ("get_deployment_config", config),
    }


def _principal(identity: str) -> str:
    """Return the user or role whose policies count for an identity.

    A role's path is not in the ARN of a session; a role with a path is not found, and so not checked.
    """
    if session := ASSUMED_ROLE.fullmatch(identity):
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
    return identity


def _not_aws(action: str) -> DeployError:
    return DeployError(
        f"What answers to {action} is not AWS.",
        why="Its answer is in a different form from AWS's: a proxy or a portal may have given it.",
        todo="Check the network, and _AWS_ENDPOINT_URL and _HTTPS_PROXY if they are set.",
    )


def _tiny_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("doctor.txt", "sent by deploy doctor, as a dry run\n")
    return content.getvalue()
