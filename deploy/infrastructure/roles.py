"""The least privilege of what is set up: the functions, CodeDeploy, the tools and the deployer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.infrastructure.policy import VERSION, policy
from deploy.infrastructure.references import Joined, arn, with_references
from deploy.target.arn import FunctionReference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.infrastructure.service import Function, Service
    from deploy.target.environment import Target

TOKEN_REGION, TOKEN_ACCOUNT = "{region}", "{account}"  # as references.py knows them

WRITE_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
# A function in a VPC has network interfaces, whose ARNs nobody knows before:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
USE_VPC = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
# CodeDeploy has no resources for these:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodedeploy.html
FOLLOW_SHIFT = (
    "codedeploy:GetDeployment",
    "codedeploy:GetDeploymentTarget",
    "codedeploy:ListDeploymentTargets",
    "codedeploy:PutLifecycleEventHookExecutionStatus",
)
# Those of AWS's own policy AWSCodeDeployRoleForLambdaLimited, on our functions alone.
SHIFT = ("lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig")


def allow(sid: str, actions: Iterable[str], resources: Iterable[str | Joined]) -> dict[str, Any]:
    """Return a statement."""
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": [*resources]}


def document(statements: Iterable[object]) -> dict[str, Any]:
    """Return a policy."""
    return {"Version": VERSION, "Statement": [*statements]}


def trust(service: str) -> dict[str, Any]:
    """Return the trust policy for an AWS service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document([statement])


def function_policy(function: Function) -> dict[str, Any]:
    """Return what a function may do: write its log, reach its VPC, and what it asks for."""
    statements: list[object] = [
        allow("WriteLog", WRITE_LOG, [arn("logs", f"log-group:{log_group(function)}:*")])
    ]
    if function.vpc:
        statements.append(allow("UseVpc", USE_VPC, ["*"]))
    return document([*statements, *function.policy])


def log_group(function: Function) -> str:
    """Return the name of a function's log group."""
    return f"/aws/lambda/{function.name}"


def shift_policy(service: Service, function: Function, hook: Function | None) -> dict[str, Any]:
    """Return what CodeDeploy may do to shift a function's traffic."""
    name = f"function:{function.name}"
    statements = [
        allow("Shift", SHIFT, [arn("lambda", name), arn("lambda", f"{name}:{service.alias}")]),
        allow("WatchAlarms", ["cloudwatch:DescribeAlarms"], ["*"]),
    ]
    hooks: list[str | Joined] = [arn("lambda", "function:CodeDeployHook_*")]
    if hook is not None:
        hooks = [arn("lambda", f"function:{hook.name}")]
    statements.append(allow("RunHooks", ["lambda:InvokeFunction"], hooks))
    return document(statements)


def rollback_events(has_alarms: bool) -> list[str]:
    """Return what CodeDeploy takes back a shift after."""
    alarm = ["DEPLOYMENT_STOP_ON_ALARM"] if has_alarms else []
    return ["DEPLOYMENT_FAILURE", *alarm, "DEPLOYMENT_STOP_ON_REQUEST"]


def hook_policy(service: Service) -> list[dict[str, Any]]:
    """Return what the hook's function may do besides writing its log: invoke versions, and report."""
    versions = [arn("lambda", f"function:{each.name}:*") for each in service.functions]
    return [allow("Shift", FOLLOW_SHIFT, ["*"]), allow("InvokeVersions", ["lambda:InvokeFunction"], versions)]


def targets_of(service: Service, target: Target) -> list[Target]:
    """Return a target for each function, in the account and region that a template is applied in."""
    settings = replace(target.settings, alias=service.alias)
    here = replace(target, region=TOKEN_REGION, settings=settings)
    return [replace(here, function=FunctionReference(each.name, TOKEN_ACCOUNT)) for each in service.functions]


def deployer_policy(service: Service, target: Target) -> Any:  # noqa: ANN401 - a document
    """Return what the deployer needs: the same as `deploy doctor --policy` prints."""
    return with_references(policy(*targets_of(service, target)))
