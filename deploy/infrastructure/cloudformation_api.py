"""The API in a CloudFormation template: its stage, its deployments, and who may invoke what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.infrastructure.integrations import body_of, digest, invocations
from deploy.infrastructure.names import of_operation, pascal
from deploy.infrastructure.references import API, REGION, SUFFIX, arn, join

if TYPE_CHECKING:
    from deploy.infrastructure.service import Service


def api_resources(service: Service) -> dict[str, dict[str, Any]]:
    """Return the API's resources, if the service has one."""
    if service.api is None or service.api_source is None:
        return {}
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
