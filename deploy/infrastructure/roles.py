"""The least privilege of what is set up: the functions, CodeDeploy, the tools and the deployer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.infrastructure.hook import PREFIX_OF_HOOKS, hook_role
from deploy.infrastructure.iam import allow, document
from deploy.infrastructure.policy import policy
from deploy.infrastructure.references import Joined, arn, with_references
from deploy.target.arn import FunctionReference

if TYPE_CHECKING:
    from deploy.infrastructure.service import Function, Service
    from deploy.target.environment import Target
    from deploy.target.shift_settings import Shift

LONGEST_NAME = 64  # characters of a function's name
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
# Those of AWS's own policy AWSCodeDeployRoleForLambdaLimited, on our functions alone.
SHIFT = ("lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig")


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


def shift_policy(function: Function, shift: Shift) -> dict[str, Any]:
    """Return what CodeDeploy may do to shift a function's traffic."""
    name = f"function:{function.name}"
    hooks = [_function_arn(hook) for hook in (shift.hook_before, shift.hook_after) if hook]
    return document(
        [
            allow("Shift", SHIFT, [arn("lambda", name), arn("lambda", f"{name}:*")]),
            allow("WatchAlarms", ["cloudwatch:DescribeAlarms"], ["*"]),
            allow("RunHooks", ["lambda:InvokeFunction"], hooks or [_function_arn(f"{PREFIX_OF_HOOKS}*")]),
        ]
    )


def _function_arn(name: str) -> str | Joined:
    return name if name.startswith("arn:") else arn("lambda", f"function:{name}")


def rollback_events(has_alarms: bool) -> list[str]:
    """Return what CodeDeploy takes back a shift after."""
    alarm = ["DEPLOYMENT_STOP_ON_ALARM"] if has_alarms else []
    return ["DEPLOYMENT_FAILURE", *alarm, "DEPLOYMENT_STOP_ON_REQUEST"]


def targets_of(service: Service, target: Target) -> list[Target]:
    """Return a target for each function, in the account and region that a template is applied in.

    Raise InputError if several functions would share a deployment group.
    """
    hook = hook_name(service)
    settings = replace(target.settings, alias=service.alias)
    if hook is not None:
        settings = replace(settings, hook_before=hook)
    if settings.shares_group and sum(each.shift is not None for each in service.functions) > 1:
        raise InputError(
            "Several functions would have the same deployment group, by _LAMBDA_CODEDEPLOY.",
            todo="Put {name} into it, which stands for the function's name.",
        )
    targets = []
    for each in service.functions:
        function = FunctionReference(each.name, TOKEN_ACCOUNT)
        own = replace(settings, function=function, shift=each.shift)
        targets.append(replace(target, region=TOKEN_REGION, function=function, settings=own))
    return targets


def shifts(service: Service, target: Target) -> list[tuple[Function, Shift]]:
    """Return the functions whose traffic CodeDeploy shifts, and how."""
    pairs = zip(service.functions, targets_of(service, target), strict=True)
    return [(function, shift) for function, each in pairs if (shift := each.settings.shifting)]


def shift_outputs(service: Service, target: Target) -> dict[str, str]:
    """Return the settings with which a deploy shifts, if all functions that shift do it in the same way."""
    configs = {shift.config for _, shift in shifts(service, target)}
    if len(configs) != 1:
        return {}
    hook = hook_name(service)
    return {"_LAMBDA_SHIFT": configs.pop(), **({"_LAMBDA_HOOK_BEFORE": hook} if hook else {})}


def hook_name(service: Service) -> str | None:
    """Return the name of the function that verifies versions in a shift, if the service has it."""
    if service.hook_environment is None:
        return None
    return f"{PREFIX_OF_HOOKS}{service.functions[0].name}"[:LONGEST_NAME]


def hook_policy(service: Service, target: Target) -> Any:  # noqa: ANN401 - a document
    """Return what the hook's function may do: as `deploy doctor --policy --hook` prints, with its own log."""
    role = hook_role(targets_of(service, target), hook_name(service) or "")
    return with_references(role["hook"]["policy"])


def deployer_policy(service: Service, target: Target) -> Any:  # noqa: ANN401 - a document
    """Return what the deployer needs: the same as `deploy doctor --policy` prints."""
    return with_references(policy(*targets_of(service, target)))
