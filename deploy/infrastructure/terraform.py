"""The service as a Terraform configuration in JSON, for Terraform's `aws` provider alone.

Terraform compares its state with what AWS has, so what deploys change is ignored: the code, and where the
alias points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.infrastructure import roles
from deploy.infrastructure.alarms import alarms_of
from deploy.infrastructure.iam import trust_service
from deploy.infrastructure.names import add_new, snake
from deploy.infrastructure.placeholder import FILE
from deploy.infrastructure.references import Joined, as_json, expression, join, resolve
from deploy.infrastructure.terraform_api import api_outputs, api_resources
from deploy.infrastructure.tools import tools_of
from deploy.release.description import PLACEHOLDER

if TYPE_CHECKING:
    from deploy.infrastructure.alarms import Alarm
    from deploy.infrastructure.service import Function, Service
    from deploy.target.environment import Target
    from deploy.target.shift_settings import Shift

# What deploys own: https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle#ignore_changes
CODE = ["filename", "source_code_hash", "s3_bucket", "s3_key", "s3_object_version", "publish"]
ALIAS = ["function_version", "routing_config", "description"]

REFERENCES = {
    "partition": "data.aws_partition.current.partition",
    "region": "data.aws_region.current.id",
    "account": "data.aws_caller_identity.current.account_id",
    "suffix": "data.aws_partition.current.dns_suffix",
    "api": "aws_api_gateway_rest_api.api.id",
}
LONGEST_PREFIX = 38  # characters of a role's name, before what Terraform appends

# Resources by type, and by name.
Resources = dict[str, dict[str, Any]]


def configuration(service: Service, target: Target) -> dict[str, Any]:
    """Return the configuration; the settings of `target` are the deployer's, its function does not matter.

    Raise InputError if the settings lack something that the service needs.
    """
    resources: Resources = {}
    functions = [(each, roles.function_policy(each)) for each in service.functions]
    for function, policy in [*functions, *tools_of(service, target)]:
        _function(resources, function, policy)
    for function in service.functions:
        _alias(resources, function, service)
        _alarms(resources, function, service)
    for function, shift in roles.shifts(service, target):
        _shift(resources, function, shift, service)
    resources |= api_resources(service)
    _add(
        resources,
        "aws_iam_policy",
        "deployer",
        {
            "name_prefix": f"{service.functions[0].name}-deployer-",
            "description": "What a deploy of this service needs; attach it to who deploys.",
            "policy": as_json(roles.deployer_policy(service, target)),
        },
    )
    data = ("aws_caller_identity", "aws_partition", "aws_region")
    content = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "data": {name: {"current": {}} for name in data},
        "resource": resources,
        "output": {**_outputs(service, target), **api_outputs(service)},
    }
    result: dict[str, Any] = resolve(content, _template, _escaped)
    return result


def _template(text: Joined) -> str:
    """Return a text with references as a string template; a name that is not ours is an expression."""
    return "".join(
        _escaped(part) if isinstance(part, str) else f"${{{REFERENCES.get(part.name, part.name)}}}"
        for part in text.parts
    )


def _escaped(text: str) -> str:
    """Return a text in which Terraform reads no expression."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _add(resources: Resources, kind: str, name: str, arguments: dict[str, Any]) -> None:
    add_new(resources.setdefault(kind, {}), {name: arguments})


def _role(resources: Resources, name: str, prefix: str, service: str, policy: dict[str, Any]) -> Joined:
    """Add a role with a policy of its own, and return its ARN."""
    trust = as_json(trust_service(service))
    _add(
        resources,
        "aws_iam_role",
        name,
        {"name_prefix": f"{prefix[: LONGEST_PREFIX - 1]}-", "assume_role_policy": trust},
    )
    of_role = {"name": name, "role": expression(f"aws_iam_role.{name}.id"), "policy": as_json(policy)}
    _add(resources, "aws_iam_role_policy", name, of_role)
    return expression(f"aws_iam_role.{name}.arn")


def _function(resources: Resources, function: Function, policy: dict[str, Any]) -> None:
    name = snake(function.key)
    logs = {"name": roles.log_group(function), "retention_in_days": function.log_retention}
    _add(resources, "aws_cloudwatch_log_group", name, logs)
    arguments: dict[str, Any] = {
        "function_name": function.name,
        "handler": function.handler,
        "runtime": function.runtime,
        "architectures": [function.architecture],
        "memory_size": function.memory,
        "timeout": function.timeout,
        "role": _role(resources, name, function.name, "lambda", policy),
        "filename": FILE,
        "publish": True,
        "depends_on": [f"aws_cloudwatch_log_group.{name}", f"aws_iam_role_policy.{name}"],
        "lifecycle": {"ignore_changes": CODE},
    }
    if function.description:
        arguments["description"] = function.description
    if function.environment:
        arguments["environment"] = {"variables": dict(function.environment)}
    if function.layers:
        arguments["layers"] = [*function.layers]
    if function.vpc:
        arguments["vpc_config"] = {
            "subnet_ids": [*function.vpc.subnets],
            "security_group_ids": [*function.vpc.security_groups],
        }
    if function.storage:
        arguments["ephemeral_storage"] = {"size": function.storage}
    if function.event_age:
        age = {"maximum_event_age_in_seconds": function.event_age}
        named = {"function_name": expression(f"aws_lambda_function.{name}.function_name")}
        _add(resources, "aws_lambda_function_event_invoke_config", name, {**named, **age})
    _add(resources, "aws_lambda_function", name, arguments)


def _alias(resources: Resources, function: Function, service: Service) -> None:
    name = snake(function.key)
    arguments = {
        "name": service.alias,
        "description": PLACEHOLDER,
        "function_name": expression(f"aws_lambda_function.{name}.function_name"),
        "function_version": expression(f"aws_lambda_function.{name}.version"),
        "lifecycle": {"ignore_changes": ALIAS},
    }
    _add(resources, "aws_lambda_alias", name, arguments)


def _alarms(resources: Resources, function: Function, service: Service) -> None:
    for alarm in alarms_of(function, service.alias):
        statistic = (
            {"statistic": alarm.statistic} if alarm.statistic else {"extended_statistic": alarm.percentile}
        )
        arguments = {
            "alarm_name": f"{function.name}-{service.alias}-{alarm.metric.lower()}",
            "alarm_description": alarm.description,
            "namespace": "AWS/Lambda",
            "metric_name": alarm.metric,
            "dimensions": dict(alarm.dimensions),
            **statistic,
            "period": alarm.period,
            "evaluation_periods": 1,
            "threshold": alarm.threshold,
            "comparison_operator": "GreaterThanOrEqualToThreshold",
            "treat_missing_data": "notBreaching",
            **({"alarm_actions": [alarm.notify]} if alarm.notify else {}),
        }
        _add(resources, "aws_cloudwatch_metric_alarm", _alarm(function, alarm), arguments)


def _alarm(function: Function, alarm: Alarm) -> str:
    return f"{snake(function.key)}_{alarm.metric.lower()}"


def _shift(resources: Resources, function: Function, shift: Shift, service: Service) -> None:
    name = snake(function.key)
    policy = roles.shift_policy(function, shift)
    prefix = f"{function.name}-shift"
    role = _role(resources, f"{name}_shift", prefix, "codedeploy", policy)
    _add(resources, "aws_codedeploy_app", name, {"name": shift.application, "compute_platform": "Lambda"})
    alarms = [_alarm(function, alarm) for alarm in alarms_of(function, service.alias)]
    group: dict[str, Any] = {
        "app_name": expression(f"aws_codedeploy_app.{name}.name"),
        "deployment_group_name": shift.group,
        "deployment_config_name": shift.config,
        "deployment_style": {"deployment_type": "BLUE_GREEN", "deployment_option": "WITH_TRAFFIC_CONTROL"},
        "service_role_arn": role,
        "auto_rollback_configuration": {"enabled": True, "events": roles.rollback_events(bool(alarms))},
    }
    if alarms:
        names = [expression(f"aws_cloudwatch_metric_alarm.{alarm}.alarm_name") for alarm in alarms]
        group["alarm_configuration"] = {"enabled": True, "alarms": names}
    _add(resources, "aws_codedeploy_deployment_group", name, group)


def _outputs(service: Service, target: Target) -> dict[str, Any]:
    arns: list[str | Joined] = []
    for function in service.functions:
        arns += [",", expression(f"aws_lambda_function.{snake(function.key)}.arn")]
    outputs = {
        "_LAMBDA_FUNCTION_ARN": join(*arns[1:]),
        "_LAMBDA_ALIAS": service.alias,
        **roles.shift_outputs(service, target),
        "deployer_policy_arn": expression("aws_iam_policy.deployer.arn"),
    }
    return {name: {"value": value} for name, value in outputs.items()}
