"""The API in a Terraform configuration: its stage, its deployments, and who may invoke what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.infrastructure.integrations import body_of, digest, invocations
from deploy.infrastructure.names import of_operation, snake
from deploy.infrastructure.references import API, arn, as_json, expression, join

if TYPE_CHECKING:
    from deploy.infrastructure.service import Service

ID = expression("aws_api_gateway_rest_api.api.id")


def api_resources(service: Service) -> dict[str, dict[str, Any]]:
    """Return the API's resources by type and name, if the service has one."""
    if service.api is None or service.api_source is None:
        return {}
    body = body_of(service, service.api)
    deployment = {
        "rest_api_id": ID,
        # A deployment is a copy of the API as it was then: only a new one brings new routes to the stage.
        "triggers": {"redeployment": digest(body)},
        "lifecycle": {"create_before_destroy": True},
    }
    stage = {
        "rest_api_id": ID,
        "deployment_id": expression("aws_api_gateway_deployment.api.id"),
        "stage_name": service.api_source.stage,
    }
    api = {
        "name": service.api.title,
        "body": as_json(body),
        "endpoint_configuration": {"types": ["REGIONAL"]},
    }
    permissions = {}
    for each in invocations(service, service.api):
        function = snake(each.function)
        permissions["_".join([function, *map(snake, of_operation(each.method, each.path))])] = {
            "action": "lambda:InvokeFunction",
            "function_name": expression(f"aws_lambda_alias.{function}.function_name"),
            "qualifier": expression(f"aws_lambda_alias.{function}.name"),
            "principal": "apigateway.amazonaws.com",
            "source_arn": arn("execute-api", join(API, each.source)),
        }
    return {
        "aws_api_gateway_rest_api": {"api": api},
        "aws_api_gateway_deployment": {"api": deployment},
        "aws_api_gateway_stage": {"api": stage},
        **({"aws_lambda_permission": permissions} if permissions else {}),
    }


def api_outputs(service: Service) -> dict[str, Any]:
    """Return where the API answers, if the service has one."""
    if service.api is None:
        return {}
    return {"api_url": {"value": expression("aws_api_gateway_stage.api.invoke_url")}}
