"""CodeDeploy as it shifts the traffic of an alias of the embedded Lambda, with AWS's rules.

Requests are checked by the SDK's own model of the API. Time passes as it is looked at: each GetDeployment
takes `pace` seconds, and a test may let more of them pass by `advance`.

The alias has to be at the current version, without weights; the two versions are different ones; a group
makes one deployment at a time; a hook that does not report within an hour has failed; a deployment that is
stopped without a rollback leaves its weights.
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from api_model import parameters, refused
from aws_calls import Call, partition_of
from iam import Identities
from lambda_api import Functions
from lambda_function import Alias, LambdaFunction

HOOK_TIMEOUT = 3600  # seconds
_RUNNING = {"Created", "InProgress"}
_EVENTS = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
_MISSING = (
    "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration "
)

Hook = Callable[["DeploymentOfTests"], str | None]


@dataclass
class Group:
    """A deployment group: its platform, its alarms and those of them that are on."""

    platform: str = "Lambda"
    alarms: tuple[str, ...] = ()
    alarms_on: set[str] = field(default_factory=set)
    rolls_back: bool = False


@dataclass
class DeploymentOfTests:
    """A deployment: what it was asked for, and how far it is."""

    id: str
    where: tuple[str, str]  # account and region
    asked: Mapping[str, Any]
    spec: Mapping[str, Any]
    created: float
    status: str = "Created"
    events: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_EVENTS, "Pending"))
    messages: dict[str, str] = field(default_factory=dict)
    traffic_since: float | None = None
    hook_since: float | None = None
    error: tuple[str, str] | None = None
    rollback_id: str = ""
    undoes: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.status in _RUNNING

    @property
    def group(self) -> tuple[str, str]:
        """Return application and group."""
        return self.asked["applicationName"], self.asked["deploymentGroupName"]

    @property
    def properties(self) -> Mapping[str, str]:
        """Return what the AppSpec says of the function."""
        (resource,) = self.spec["Resources"][0].values()
        properties: Mapping[str, str] = resource["Properties"]
        return properties

    def hook(self, event: str) -> str:
        """Return the name of the function that is called at an event."""
        hooks: dict[str, str] = {}
        for each in self.spec.get("Hooks", []):
            hooks |= each
        return hooks.get(event, "")


def _config(kind: str, percent: int = 0, minutes: int = 0, platform: str = "Lambda") -> dict[str, Any]:
    routing: dict[str, Any] = {"type": kind}
    if kind == "TimeBasedCanary":
        routing["timeBasedCanary"] = {"canaryPercentage": percent, "canaryInterval": minutes}
    if kind == "TimeBasedLinear":
        routing["timeBasedLinear"] = {"linearPercentage": percent, "linearInterval": minutes}
    return {"computePlatform": platform, "trafficRoutingConfig": routing}


class Deployments:
    """CodeDeploy. `hooks` are what functions report, by name: Succeeded, Failed, or None if they never do."""

    def __init__(self, identities: Identities, functions: Functions) -> None:
        self.groups: dict[tuple[str, str], Group] = {}
        self.configs = {
            "CodeDeployDefault.LambdaAllAtOnce": _config("AllAtOnce"),
            "CodeDeployDefault.LambdaCanary10Percent5Minutes": _config("TimeBasedCanary", 10, 5),
            "CodeDeployDefault.LambdaLinear10PercentEvery1Minute": _config("TimeBasedLinear", 10, 1),
            "Slowly": _config("TimeBasedLinear", 25, 10),
            "CodeDeployDefault.OneAtATime": _config("AllAtOnce", platform="Server"),
        }
        self.hooks: dict[str, Hook] = {}
        self.deployments: dict[str, DeploymentOfTests] = {}
        self._identities = identities
        self._functions = functions
        self._now = 0.0
        self.reset()

    def reset(self) -> None:
        """Return to the defaults."""
        self.pace = 60.0
        self.wipes_descriptions = False
        self.hooks.clear()

    def create_group(self, function: str, alias: str = "live", **group: Any) -> Group:
        """Create an application and a group that are called like a function and its alias."""
        created = self.groups[function, alias] = Group(**group)
        return created

    def advance(self, seconds: float) -> None:
        """Let time pass, in small steps as it does."""
        end = self._now + seconds
        while self._now < end:
            self._now = min(end, self._now + 30)
            self._update()

    def of(self, function: str) -> list[DeploymentOfTests]:
        """Return all deployments of a function, oldest first."""
        return [each for each in self.deployments.values() if each.properties["Name"] == function]

    def stop(self, deployment_id: str, *, rolls_back: bool = False) -> None:
        """Stop a deployment, as somebody does in the console."""
        self._fail(
            self.deployments[deployment_id], "Stopped", "MANUAL_STOP", "Stopped by a user.", rolls_back
        )

    # --- the API --------------------------------------------------------------------------------------

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call."""
        asked = parameters("codedeploy", call.operation, body)
        where = (self._identities.account(call), call.region)
        self._identities.check(call, call.action, _resource(call, where, asked, self.deployments))
        operations: dict[str, Callable[..., dict[str, Any]]] = {
            "CreateDeployment": self._create,
            "GetDeployment": self._get,
            "GetDeploymentConfig": self._get_config,
            "GetDeploymentGroup": self._get_group,
            "GetDeploymentTarget": self._get_target,
            "ListDeploymentTargets": self._list_targets,
            "ListDeployments": self._list,
            "StopDeployment": self._stop,
        }
        self._update()
        answer = operations[call.operation](asked, where, call)
        return Response(json.dumps(answer), content_type="application/x-amz-json-1.1")

    def _create(self, asked: Mapping[str, Any], where: tuple[str, str], call: Call) -> dict[str, Any]:
        self._check_group(asked)
        config = asked.get("deploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce")
        self._find_config(config)
        for action, resource in (
            ("codedeploy:GetDeploymentConfig", f"deploymentconfig:{config}"),
            ("codedeploy:GetApplicationRevision", f"application:{asked['applicationName']}"),
            ("codedeploy:RegisterApplicationRevision", f"application:{asked['applicationName']}"),
        ):
            self._identities.check(call, action, _arn(where, resource))
        if "fileExistsBehavior" in asked:
            raise refused("InvalidFileExistsBehaviorException", "It is not for Lambda.")
        spec = _spec(asked)
        group = (asked["applicationName"], asked["deploymentGroupName"])
        for other in self.deployments.values():
            if other.is_running and other.group == group:
                raise refused(
                    "DeploymentLimitExceededException",
                    f"The Deployment Group '{group[1]}' already has an active Deployment '{other.id}'",
                )
        return {"deploymentId": self._start(where, asked, spec).id}

    def _start(
        self, where: tuple[str, str], asked: Mapping[str, Any], spec: Mapping[str, Any], undoes: str = ""
    ) -> DeploymentOfTests:
        deployment_id = f"d-{uuid.uuid4().hex[:9].upper()}"
        started = DeploymentOfTests(deployment_id, where, asked, spec, self._now, undoes=undoes)
        self.deployments[deployment_id] = started
        return started

    def _get(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        found = self._find(asked)
        answer = {
            "applicationName": found.group[0],
            "deploymentGroupName": found.group[1],
            "deploymentConfigName": found.asked.get("deploymentConfigName"),
            "deploymentId": found.id,
            "status": found.status,
            "createTime": time.time(),
            "description": found.asked.get("description", ""),
            "creator": "codeDeployRollback" if found.undoes else "user",
            "computePlatform": "Lambda",
        }
        if found.error:
            answer["errorInformation"] = dict(zip(("code", "message"), found.error, strict=True))
        if found.rollback_id:
            answer["rollbackInfo"] = {"rollbackDeploymentId": found.rollback_id}
        self.advance(self.pace)
        return {"deploymentInfo": answer}

    def _get_config(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        name = asked["deploymentConfigName"]
        return {"deploymentConfigInfo": {"deploymentConfigName": name, **self._find_config(name)}}

    def _get_group(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        group = self._check_group(asked)
        return {"deploymentGroupInfo": {**asked, "computePlatform": group.platform}}

    def _get_target(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        found = self._find(asked)
        self._check_started(found)
        properties = found.properties
        if asked["targetId"] != f"{properties['Name']}:{properties['Alias']}":
            raise refused("DeploymentTargetDoesNotExistException", "There is no such target.")
        events = [
            {
                "lifecycleEventName": name,
                "status": status,
                **({"startTime": time.time()} if status != "Pending" else {}),
                "diagnostics": {"errorCode": "UnknownError", "message": found.messages[name]}
                if name in found.messages
                else {},
            }
            for name, status in found.events.items()
            if name == "AllowTraffic" or found.hook(name)
        ]
        info = {
            "functionName": properties["Name"],
            "functionAlias": properties["Alias"],
            "currentVersion": properties["CurrentVersion"],
            "targetVersion": properties["TargetVersion"],
        }
        target = {"deploymentId": found.id, "lifecycleEvents": events, "lambdaFunctionInfo": info}
        return {"deploymentTarget": {"deploymentTargetType": "LambdaTarget", "lambdaTarget": target}}

    def _list_targets(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        found = self._find(asked)
        self._check_started(found)
        return {"targetIds": [f"{found.properties['Name']}:{found.properties['Alias']}"]}

    def _list(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        self._check_group(asked)
        group = (asked["applicationName"], asked["deploymentGroupName"])
        wanted = asked.get("includeOnlyStatuses", ())
        found = [
            each.id
            for each in self.deployments.values()
            if each.group == group and (not wanted or each.status in wanted)
        ]
        return {"deployments": found}

    def _stop(self, asked: Mapping[str, Any], *_: object) -> dict[str, Any]:
        found = self._find(asked)
        if not found.is_running:
            raise refused("DeploymentAlreadyCompletedException", f"The deployment {found.id} is complete.")
        self.stop(found.id, rolls_back=asked.get("autoRollbackEnabled", False))
        return {"status": "Pending", "statusMessage": "Stopping."}

    def _find(self, asked: Mapping[str, Any]) -> DeploymentOfTests:
        found = self.deployments.get(asked["deploymentId"])
        if found is None:
            raise refused("DeploymentDoesNotExistException", "There is no such deployment.")
        return found

    def _check_started(self, found: DeploymentOfTests) -> None:
        if found.status == "Created":
            raise refused("DeploymentNotStartedException", f"The deployment {found.id} has not started.")

    def _find_config(self, name: str) -> dict[str, Any]:
        if name not in self.configs:
            raise refused("DeploymentConfigDoesNotExistException", f"No Deployment Configuration {name}")
        return self.configs[name]

    def _check_group(self, asked: Mapping[str, Any]) -> Group:
        application, name = asked["applicationName"], asked["deploymentGroupName"]
        if all(known != application for known, _ in self.groups):
            raise refused("ApplicationDoesNotExistException", f"No application found for name: {application}")
        if (application, name) not in self.groups:
            raise refused(
                "DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}"
            )
        return self.groups[application, name]

    # --- what happens -----------------------------------------------------------------------------------

    def _update(self) -> None:
        for deployment in list(self.deployments.values()):
            if deployment.is_running:
                self._proceed(deployment)

    def _proceed(self, deployment: DeploymentOfTests) -> None:
        """Take a deployment as far as it gets by now."""
        function, alias = self._alias(deployment)
        properties = deployment.properties
        current, goal = properties["CurrentVersion"], properties["TargetVersion"]
        if deployment.undoes:
            self._undo(deployment, alias, goal)
            return
        if deployment.status == "Created":
            if self._now <= deployment.created:
                return
            deployment.status = "InProgress"
            wrong = _wrong(function, alias, current, goal)
            if wrong:
                self._fail(deployment, "Failed", "INVALID_LAMBDA_CONFIGURATION", f"{_MISSING}{wrong}")
                return
        alarms = self.groups[deployment.group].alarms_on & set(self.groups[deployment.group].alarms)
        if alarms and deployment.asked.get("overrideAlarmConfiguration", {}).get("enabled", True):
            message = f"One or more alarms have been activated. Activated alarms: {', '.join(sorted(alarms))}"
            self._fail(deployment, "Stopped", "ALARM_ACTIVE", message)
            return
        if alias is None or alias.version not in {current, goal}:
            self._fail(
                deployment, "Failed", "INVALID_LAMBDA_CONFIGURATION", f"{_MISSING}The alias was moved."
            )
            return
        if not self._pass_hook(deployment, "BeforeAllowTraffic"):
            return
        if deployment.events["AllowTraffic"] != "Succeeded":
            self._shift(deployment, alias, goal)
        if deployment.events["AllowTraffic"] == "Succeeded" and self._pass_hook(
            deployment, "AfterAllowTraffic"
        ):
            deployment.status = "Succeeded"

    def _undo(self, deployment: DeploymentOfTests, alias: Alias | None, goal: str) -> None:
        deployment.status = "InProgress"
        if self._now >= deployment.created + 60:
            self._route(alias, goal, {})
            deployment.status = "Succeeded"

    def _shift(self, deployment: DeploymentOfTests, alias: Alias, goal: str) -> None:
        if deployment.traffic_since is None:
            deployment.traffic_since = self._now
            deployment.events["AllowTraffic"] = "InProgress"
        passed = (self._now - deployment.traffic_since) / 60
        name = deployment.asked.get("deploymentConfigName", "CodeDeployDefault.LambdaAllAtOnce")
        weight = _weight(self.configs[name]["trafficRoutingConfig"], passed)
        if weight >= 1:
            self._route(alias, goal, {})
            deployment.events["AllowTraffic"] = "Succeeded"
        elif alias.weights != {goal: weight}:
            self._route(alias, alias.version, {goal: weight})

    def _pass_hook(self, deployment: DeploymentOfTests, event: str) -> bool:
        """Call a hook, and return whether it has passed by now."""
        name = deployment.hook(event)
        if deployment.events[event] == "Succeeded" or not name:
            deployment.events[event] = "Succeeded"
            return True
        if deployment.events[event] == "Pending":
            deployment.events[event], deployment.hook_since = "InProgress", self._now
            return False
        hook = self.hooks.get(name)
        reported = hook(deployment) if hook else None
        if reported == "Succeeded":
            deployment.events[event] = "Succeeded"
            return True
        if reported == "Failed" or self._now - (deployment.hook_since or 0) >= HOOK_TIMEOUT:
            why = "reported Failed" if reported else "did not report within an hour"
            deployment.events[event], deployment.messages[event] = "Failed", f"The function {name} {why}."
            self._fail(deployment, "Failed", "HOOK_EXECUTION_FAILURE", "A validation function has failed.")
        return False

    def _fail(
        self, deployment: DeploymentOfTests, status: str, code: str, message: str, rolls_back: bool = False
    ) -> None:
        """End a deployment, and undo it if that was asked for; else what is there stays."""
        deployment.status, deployment.error = status, (code, message)
        event = {
            "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
            "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
        }.get(code, "DEPLOYMENT_FAILURE")
        asked = deployment.asked.get("autoRollbackConfiguration", {})
        wants = asked.get("enabled", False) and event in asked.get("events", ())
        has_begun = deployment.traffic_since is not None
        if (
            has_begun
            and code != "INVALID_LAMBDA_CONFIGURATION"
            and (rolls_back or (wants and code != "MANUAL_STOP"))
        ):
            properties = dict(deployment.properties)
            properties["CurrentVersion"], properties["TargetVersion"] = (
                properties["TargetVersion"],
                properties["CurrentVersion"],
            )
            resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
            back = self._start(
                deployment.where, deployment.asked, {"Resources": [{"Back": resource}]}, deployment.id
            )
            deployment.rollback_id = back.id

    def _alias(self, deployment: DeploymentOfTests) -> tuple[LambdaFunction, Alias | None]:
        account, region = deployment.where
        name = deployment.properties["Name"]
        arn = f"arn:{partition_of(region)}:lambda:{region}:{account}:function:{name}"
        function = self._functions.function(arn)
        return function, function.aliases.get(deployment.properties["Alias"])

    def _route(self, alias: Alias | None, version: str, weights: dict[str, float]) -> None:
        if alias is None:
            return
        alias.version, alias.weights, alias.revision = version, weights, str(uuid.uuid4())
        if self.wipes_descriptions:
            alias.description = ""


def _wrong(function: LambdaFunction, alias: Alias | None, current: str, goal: str) -> str:
    if alias is None or alias.version != current:
        return "is invalid. The Lambda function alias version does not match the current version."
    if alias.weights:
        return "is invalid. The Lambda function alias routes by weights."
    if current == goal:
        return "is invalid. The two versions are the same."
    missing = {current, goal} - set(function.versions)
    return f"is invalid. There is no version {min(missing)}." if missing else ""


def _weight(routing: Mapping[str, Any], minutes: float) -> float:
    """Return the share of the traffic that the target version has after some minutes."""
    if canary := routing.get("timeBasedCanary"):
        return 1.0 if minutes >= canary["canaryInterval"] else canary["canaryPercentage"] / 100
    if linear := routing.get("timeBasedLinear"):
        steps = int(minutes // linear["linearInterval"]) + 1
        return float(min(1.0, round(steps * linear["linearPercentage"] / 100, 2)))
    return 1.0


def _spec(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the AppSpec of a request; refuse one that CodeDeploy could not read."""
    revision = asked.get("revision", {})
    if revision.get("revisionType") != "AppSpecContent":
        raise refused("InvalidRevisionException", "The embedded CodeDeploy takes AppSpecContent alone.")
    content: str = revision["appSpecContent"]["content"]
    if hashlib.sha256(content.encode()).hexdigest() != revision["appSpecContent"]["sha256"]:
        raise refused("InvalidRevisionException", "The SHA-256 is not that of the content.")
    spec: dict[str, Any] = json.loads(content)
    (resource,) = spec["Resources"]
    ((_, what),) = resource.items()
    properties = what["Properties"]
    numbers = (properties["CurrentVersion"], properties["TargetVersion"])
    known = set(properties) == {"Name", "Alias", "CurrentVersion", "TargetVersion"}
    if what["Type"] != "AWS::Lambda::Function" or not known or set(spec) - {"version", "Resources", "Hooks"}:
        raise refused("InvalidRevisionException", "The AppSpec is not one for Lambda.")
    if not all(re.fullmatch("[1-9][0-9]*", str(number)) for number in numbers):
        raise refused("InvalidRevisionException", "A version is not a positive integer.")
    for hook in spec.get("Hooks", []):
        if set(hook) - {"BeforeAllowTraffic", "AfterAllowTraffic"}:
            raise refused("InvalidRevisionException", "A hook is at an event that Lambda does not have.")
    return spec


def _arn(where: tuple[str, str], resource: str) -> str:
    account, region = where
    return f"arn:{partition_of(region)}:codedeploy:{region}:{account}:{resource}"


def _resource(
    call: Call,
    where: tuple[str, str],
    asked: Mapping[str, Any],
    deployments: Mapping[str, DeploymentOfTests],
) -> str:
    """Return the ARN that IAM looks at; some actions have none."""
    if call.operation in {"StopDeployment", "GetDeploymentTarget", "ListDeploymentTargets"}:
        return "*"
    if call.operation == "GetDeploymentConfig":
        return _arn(where, f"deploymentconfig:{asked['deploymentConfigName']}")
    if call.operation == "GetDeployment":
        found = deployments.get(asked["deploymentId"])
        return _arn(where, f"deploymentgroup:{'/'.join(found.group)}") if found else "*"
    return _arn(where, f"deploymentgroup:{asked['applicationName']}/{asked['deploymentGroupName']}")
