"""The API in a CloudFormation template: its stage, its deployments, and who may invoke what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy.infrastructure.integrations import body_of, digest, invocations
from deploy.infrastructure.names import of_operation, pascal
from deploy.infrastructure.references import API, REGION, SUFFIX, arn, join
from deploy.located import Problems, shown

if TYPE_CHECKING:
    from deploy.infrastructure.openapi import Api
    from deploy.infrastructure.service import Service

FUNCTION = re.compile("Ref|Condition|Fn::.*")


def api_resources(service: Service) -> dict[str, dict[str, Any]]:
    """Return the API's resources, if the service has one."""
    if service.api is None or service.api_source is None:
        return {}
    _check(service.api)
    body = body_of(service, service.api)
    # A deployment is a copy of the API as it was then: only a new one brings new routes to the stage.
    deployment = f"RestApiDeployment{digest(body)}"
    resources: dict[str, dict[str, Any]] = {
        "RestApi": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Body": body, "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        },
        deployment: {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "RestApi"}},
        },
        "RestApiStage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": "RestApi"},
                "DeploymentId": {"Ref": deployment},
                "StageName": service.api_source.stage,
            },
        },
    }
    for each in invocations(service, service.api):
        name = "".join(map(pascal, of_operation(each.method, each.path)))
        resources[f"{pascal(each.function)}Permission{name}"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": f"{pascal(each.function)}Alias"},
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": arn("execute-api", join(API, each.source)),
            },
        }
    return resources


def api_outputs(service: Service) -> dict[str, Any]:
    """Return where the API answers, if the service has one."""
    if service.api_source is None:
        return {}
    url = join("https://", API, ".execute-api.", REGION, ".", SUFFIX, f"/{service.api_source.stage}")
    return {"ApiUrl": {"Description": "Where the API answers", "Value": url}}


def _check(api: Api) -> None:
    """Raise InputError for what a template can't hold."""
    problems = Problems(api.name)
    waiting = [api.document]
    while waiting:
        node = waiting.pop()
        waiting += [*node.members.values(), *node.items]
        if node.value is None:
            problems.add(node.place, "CloudFormation takes no `null`; leave the key out, or use Terraform")
        if len(node.members) == 1 and FUNCTION.fullmatch(key := next(iter(node.members))):
            wrong = f"CloudFormation takes an object whose only key is {shown(key)} for a function of its own"
            problems.add(node.place, f"{wrong}; add another key, or use Terraform")
    problems.check()
