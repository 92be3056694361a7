"""The service as a CloudFormation template: the stable side, whose properties deploys never touch.

What a deploy changes is in no property that could change here: the code is a placeholder, the version is the
first one, and the alias points at it for CloudFormation for ever. CloudFormation compares templates and not
what AWS has, so an update leaves the code and the alias alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.infrastructure import roles
from deploy.infrastructure.alarms import alarms_of
from deploy.infrastructure.cloudformation_api import api_outputs, api_resources
from deploy.infrastructure.iam import trust_service
from deploy.infrastructure.intrinsics import check_documents
from deploy.infrastructure.names import add_new, pascal
from deploy.infrastructure.placeholder import FILE, inline_code
from deploy.infrastructure.references import Joined, resolve
from deploy.infrastructure.tools import tools_of
from deploy.release.description import PLACEHOLDER

if TYPE_CHECKING:
    from deploy.infrastructure.service import Function, Service
    from deploy.target.environment import Target
    from deploy.target.shift_settings import Shift

VERSION = "2010-09-09"  # of the templates' language
PSEUDO = {
    "partition": "AWS::Partition",
    "region": "AWS::Region",
    "account": "AWS::AccountId",
    "suffix": "AWS::URLSuffix",
    "api": "RestApi",
}

Resources = dict[str, dict[str, Any]]


def template(service: Service, target: Target) -> dict[str, Any]:
    """Return the template; the settings of `target` are the deployer's, and its function does not matter.

    Raise InputError if the settings lack something that the service needs.
    """
    check_documents(service)
    resources: Resources = {}
    for function, policy in [
        *((each, roles.function_policy(each)) for each in service.functions),
        *tools_of(service, target),
    ]:
        add_new(resources, _function(function, policy, target))
    for function in service.functions:
        add_new(resources, _alias(function, service))
        add_new(resources, _alarms(function, service))
    for function, shift in roles.shifts(service, target):
        add_new(resources, _shift(function, shift, service))
    add_new(resources, api_resources(service))
    resources["DeployerPolicy"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "What a deploy of this service needs; attach it to who deploys.",
            "PolicyDocument": roles.deployer_policy(service, target),
        },
    }
    content = {
        "AWSTemplateFormatVersion": VERSION,
        "Description": f"The stable side of {', '.join(each.name for each in service.functions)}"[:1024],
        "Resources": resources,
        "Outputs": {**_outputs(service, target), **api_outputs(service)},
    }
    result: dict[str, Any] = resolve(content, _sub, str)
    return result


def _sub(text: Joined) -> object:
    """Return a text with references as an intrinsic function."""
    written = "".join(
        part.replace("${", "${!") if isinstance(part, str) else f"${{{PSEUDO[part.name]}}}"
        for part in text.parts
    )
    return {"Fn::Sub": written}


def _function(function: Function, policy: dict[str, Any], target: Target) -> Resources:
    name = pascal(function.key)
    role = {
        "AssumeRolePolicyDocument": trust_service("lambda"),
        "Policies": [{"PolicyName": "function", "PolicyDocument": policy}],
    }
    properties: dict[str, Any] = {
        "FunctionName": function.name,
        **({"Description": function.description} if function.description else {}),
        "Handler": function.handler,
        "Runtime": function.runtime,
        "Architectures": [function.architecture],
        "MemorySize": function.memory,
        "Timeout": function.timeout,
        "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
        "Code": _code(function, target),
    }
    if function.environment:
        properties["Environment"] = {"Variables": dict(function.environment)}
    if function.layers:
        properties["Layers"] = [*function.layers]
    if function.vpc:
        properties["VpcConfig"] = {
            "SubnetIds": [*function.vpc.subnets],
            "SecurityGroupIds": [*function.vpc.security_groups],
        }
    if function.storage:
        properties["EphemeralStorage"] = {"Size": function.storage}
    logs = {"LogGroupName": roles.log_group(function), "RetentionInDays": function.log_retention}
    events: Resources = {}
    if function.event_age:
        limits = {"Qualifier": "$LATEST", "MaximumEventAgeInSeconds": function.event_age}
        properties_of_events = {"FunctionName": {"Ref": f"{name}Function"}, **limits}
        events[f"{name}Events"] = {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": properties_of_events,
        }
    return {
        f"{name}Logs": {"Type": "AWS::Logs::LogGroup", "Properties": logs},
        f"{name}Role": {"Type": "AWS::IAM::Role", "Properties": role},
        f"{name}Function": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": f"{name}Logs",
            "Properties": properties,
        },
        **events,
    }


def _code(function: Function, target: Target) -> dict[str, Any]:
    if code := inline_code(function):
        return {"ZipFile": code}
    bucket = target.settings.bucket
    if bucket is None:
        raise InputError(
            f"The function {function.name} needs a bucket for its first code.",
            why=f"A template can hold code for Node.js and Python, and not for {function.runtime}.",
            todo=f"Set _LAMBDA_S3_BUCKET, and put a package there that the first deploy replaces: "
            f"`deploy infrastructure placeholder -o {FILE}` writes it, and `aws s3 cp {FILE} "
            f"s3://BUCKET/PREFIX{FILE}` copies it, with the prefix of _LAMBDA_S3_PREFIX.",
        )
    return {"S3Bucket": bucket.name, "S3Key": f"{bucket.prefix}{FILE}"}


def _alias(function: Function, service: Service) -> Resources:
    name = pascal(function.key)
    of_function = {"FunctionName": {"Ref": f"{name}Function"}}
    return {
        f"{name}Version": {
            "Type": "AWS::Lambda::Version",
            # It goes with its function, and not before: an alias may point at it again.
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": of_function,
        },
        f"{name}Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                **of_function,
                "Name": service.alias,
                "Description": PLACEHOLDER,
                "FunctionVersion": {"Fn::GetAtt": [f"{name}Version", "Version"]},
            },
        },
    }


def _alarms(function: Function, service: Service) -> Resources:
    resources: Resources = {}
    for alarm in alarms_of(function, service.alias):
        properties: dict[str, Any] = {
            "AlarmDescription": alarm.description,
            "Namespace": "AWS/Lambda",
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in alarm.dimensions.items()],
            **(
                {"Statistic": alarm.statistic} if alarm.statistic else {"ExtendedStatistic": alarm.percentile}
            ),
            "Period": alarm.period,
            "EvaluationPeriods": 1,
            "Threshold": alarm.threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        if alarm.notify:
            properties["AlarmActions"] = [alarm.notify]
        resources[f"{pascal(function.key)}{alarm.metric}Alarm"] = {
            "Type": "AWS::CloudWatch::Alarm",
            "DependsOn": f"{pascal(function.key)}Alias",
            "Properties": properties,
        }
    return resources


def _shift(function: Function, shift: Shift, service: Service) -> Resources:
    name = pascal(function.key)
    alarms = [f"{name}{alarm.metric}Alarm" for alarm in alarms_of(function, service.alias)]
    role = {
        "AssumeRolePolicyDocument": trust_service("codedeploy"),
        "Policies": [
            {
                "PolicyName": "shift",
                "PolicyDocument": roles.shift_policy(function, shift),
            }
        ],
    }
    group: dict[str, Any] = {
        "ApplicationName": {"Ref": f"{name}Application"},
        "DeploymentGroupName": shift.group,
        "DeploymentConfigName": shift.config,
        "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
        "ServiceRoleArn": {"Fn::GetAtt": [f"{name}ShiftRole", "Arn"]},
    }
    if alarms:
        watched = [{"Name": {"Ref": alarm}} for alarm in alarms]
        group["AlarmConfiguration"] = {"Enabled": True, "Alarms": watched}
    events = roles.rollback_events(bool(alarms))
    group["AutoRollbackConfiguration"] = {"Enabled": True, "Events": events}
    application = {"ApplicationName": shift.application, "ComputePlatform": "Lambda"}
    return {
        f"{name}ShiftRole": {"Type": "AWS::IAM::Role", "Properties": role},
        f"{name}Application": {"Type": "AWS::CodeDeploy::Application", "Properties": application},
        f"{name}DeploymentGroup": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": group},
    }


def _outputs(service: Service, target: Target) -> dict[str, Any]:
    functions = [{"Fn::GetAtt": [f"{pascal(each.key)}Function", "Arn"]} for each in service.functions]
    outputs: dict[str, tuple[str, object]] = {
        "LambdaFunctionArn": ("_LAMBDA_FUNCTION_ARN", {"Fn::Join": [",", functions]}),
        "LambdaAlias": ("_LAMBDA_ALIAS", service.alias),
        "DeployerPolicyArn": ("The policy of who deploys", {"Ref": "DeployerPolicy"}),
    }
    for setting, value in roles.shift_outputs(service, target).items():
        outputs[pascal(setting.lower())] = (setting, value)
    return {name: {"Description": what, "Value": value} for name, (what, value) in outputs.items()}
