"""The API's definition with what API Gateway needs: an integration for each operation, and preflights."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.infrastructure.openapi import ANY, INTEGRATION, OURS
from deploy.infrastructure.references import Joined, arn, as_json, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.infrastructure.openapi import Api, Operation
    from deploy.infrastructure.service import Cors, Service

# Of a function's policy, which holds 20 KiB: beyond these, one permission is for the API as a whole.
MOST_PERMISSIONS = 40
METHODS = ("get", "post", "put", "patch", "delete", "head")
PARAMETER = re.compile(r"\{([^{}+]+)\+?\}")


@dataclass(frozen=True)
class Invocation:
    """What of the API invokes a function: a method and a path, each with `*` for any."""

    function: str
    method: str
    path: str

    @property
    def source(self) -> str:
        """What follows the API's ID in the ARN of a request; the stage is any, also the console's test."""
        return f"/*/{self.method}{self.path}"


def body_of(service: Service, api: Api) -> dict[str, Any]:
    """Return the definition as API Gateway imports it; all that is the user's own is unchanged."""
    body: Any = api.document.plain()
    for operation in api.operations:
        said = body["paths"][operation.path][operation.method]
        said.pop(OURS, None)
        if operation.function is not None:
            said[INTEGRATION] = _integration(said.get(INTEGRATION), _uri(service, operation.function))
    cors = service.api_source.cors if service.api_source else None
    if cors is not None:
        for path, item in body["paths"].items():
            if path.startswith("/") and "options" not in item and "$ref" not in item:
                item["options"] = _preflight(path, item, cors, api)
    result: dict[str, Any] = body
    return result


def digest(body: dict[str, Any]) -> str:
    """Return what changes with the definition, and with nothing else."""
    text = "".join(part if isinstance(part, str) else f"\0{part.name}\0" for part in as_json(body).parts)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _uri(service: Service, key: str) -> Joined:
    name = next(each.name for each in service.functions if each.key == key)
    function = arn("lambda", f"function:{name}:{service.alias}")
    path = join("path/2015-03-31/functions/", function, "/invocations")
    return arn("apigateway", path, account="lambda")


def _integration(said: dict[str, Any] | None, uri: Joined) -> dict[str, Any]:
    """Return an integration with the function's URI; one of the user's keeps all else that it has."""
    return {"type": "aws_proxy", "httpMethod": "POST", **(said or {}), "uri": uri}


def invocations(service: Service, api: Api) -> Iterator[Invocation]:
    """Yield what each function's policy has to allow, in the order of the definition."""
    by_function: dict[str, dict[Invocation, None]] = {}
    for operation in api.operations:
        if operation.function is not None:
            found = by_function.setdefault(operation.function, {})
            found[_invocation(operation, operation.function)] = None
    for function in service.functions:
        found = by_function.get(function.key, {})
        yield from found if len(found) <= MOST_PERMISSIONS else [Invocation(function.key, "*", "/*")]


def _invocation(operation: Operation, function: str) -> Invocation:
    method = "*" if operation.method == ANY else operation.method.upper()
    return Invocation(function, method, PARAMETER.sub("*", operation.path))


# --- CORS -------------------------------------------------------------------------------------------


def _preflight(path: str, item: Mapping[str, Any], cors: Cors, api: Api) -> dict[str, Any]:
    """Return the operation that answers what a browser asks before it calls another origin."""
    has_any = ANY in item
    methods = [method.upper() for method in METHODS if has_any or method in item]
    headers = {
        "Access-Control-Allow-Origin": cors.origin,
        "Access-Control-Allow-Methods": ",".join([*methods, "OPTIONS"]),
        "Access-Control-Allow-Headers": ",".join(cors.headers),
        "Access-Control-Max-Age": str(cors.max_age),
        **({"Access-Control-Allow-Credentials": "true"} if cors.credentials else {}),
    }
    text = {"type": "string"}
    declared = {name: text if api.is_swagger else {"schema": text} for name in headers}
    return {
        "summary": "Answers preflight requests",
        **_parameters(path, item, api),
        "responses": {"204": {"description": "What may be called", "headers": declared}},
        # Requests that need a key or a token are asked for by browsers without them.
        "security": [],
        INTEGRATION: {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "passthroughBehavior": "when_no_match",
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()
                    },
                }
            },
        },
    }


def _parameters(path: str, item: Mapping[str, Any], api: Api) -> dict[str, Any]:
    """Return the declarations of the path's parameters that the path itself does not have."""
    given = item.get("parameters")
    declared = map(api.dereferenced, given if isinstance(given, list) else [])
    known = {str(each.get("name")) for each in declared}
    shape: dict[str, Any] = {"type": "string"} if api.is_swagger else {"schema": {"type": "string"}}
    names = [name for name in dict.fromkeys(PARAMETER.findall(path)) if name not in known]
    parameters = [{"name": name, "in": "path", "required": True, **shape} for name in names]
    return {"parameters": parameters} if parameters else {}
