"""Services and definitions of APIs, as hypothesis makes them, and what reads them."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from deploy.infrastructure.openapi import parse_api
from deploy.infrastructure.service import Defaults, Service, parse_service, with_api

DEFAULTS = Defaults(alias="live", runtime="nodejs22.x")

_KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,10}[a-z0-9]", fullmatch=True)
_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=20)
_ANY_TEXTS = st.one_of(_TEXTS, st.sampled_from(["${AWS::Region}", "%{if true}", "$${x}", "{region}", "Ref"]))
_VARIABLES = st.from_regex(r"[A-Z][A-Z0-9_]{2,8}", fullmatch=True).map(lambda name: f"MY_{name}")
_METHODS = ("get", "put", "post", "delete", "head", "patch", "x-amazon-apigateway-any-method")
_JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-1000, 1000), _ANY_TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=5,
)

_FUNCTIONS = st.fixed_dictionaries(
    {"handler": st.sampled_from(["index.handler", "src/app.handler"])},
    optional={
        "runtime": st.sampled_from(["nodejs22.x", "python3.13"]),
        "architecture": st.sampled_from(["x86_64", "arm64"]),
        "description": _ANY_TEXTS,
        "memory": st.integers(128, 10_240),
        "timeout": st.integers(1, 900),
        "environment": st.dictionaries(_VARIABLES, _ANY_TEXTS.filter(bool), max_size=2),
        "layers": st.just(["arn:aws:lambda:eu-west-1:123456789012:layer:tools:3"]),
        "vpc": st.just({"subnets": ["subnet-0a1b2c3d"], "security_groups": ["sg-0a1b2c3d"]}),
        "policy": st.just([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}]),
        "log_retention": st.sampled_from([1, 30, 3653]),
        "alarms": st.one_of(
            st.booleans(), st.just({"errors": 5, "throttles": 1, "duration": 900}), st.just({"errors": 2})
        ),
        "shift": st.sampled_from(["AllAtOnce", "Canary10Percent5Minutes", "MyOwnConfig"]),
    },
)


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """Make a service.json with one function or several."""
    keys = draw(
        st.lists(
            _KEYS, min_size=1, max_size=3, unique_by=lambda key: "".join(filter(str.isalnum, key)).lower()
        )
    )
    service: dict[str, Any] = {"functions": {key: draw(_FUNCTIONS) for key in keys}}
    if draw(st.booleans()):
        service["alias"] = draw(st.sampled_from(["live", "prod-1", "a_b"]))
    if draw(st.booleans()):
        cors: list[Any] = [
            True,
            False,
            {"origin": "https://example.com", "credentials": True},
            {"max_age": 5},
        ]
        service["api"] = {"definition": "api.json", "cors": draw(st.sampled_from(cors)), "stage": "v1"}
    else:
        service["api"] = "api.json"
    service["hook"] = draw(st.booleans())
    return service


@st.composite
def apis(draw: st.DrawFn, functions: tuple[str, ...]) -> dict[str, Any]:
    """Make the definition of an API whose operations name these functions; it is valid OpenAPI or Swagger."""
    is_swagger = draw(st.booleans())
    names = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True))
    paths: dict[str, Any] = {}
    for name in names:
        has_parameter = draw(st.booleans())
        methods = draw(st.lists(st.sampled_from(_METHODS), min_size=1, max_size=3, unique=True))
        item = {method: draw(_operations(functions, is_swagger, has_parameter)) for method in methods}
        paths[f"/{name}/{{id}}" if has_parameter else f"/{name}"] = item
    version = {"swagger": "2.0"} if is_swagger else {"openapi": "3.0.3"}
    return {**version, "info": {"title": "An API", "version": "1"}, "paths": paths, "x-data": draw(_JSON)}


@st.composite
def _operations(draw: st.DrawFn, functions: tuple[str, ...], is_swagger: bool, has_parameter: bool) -> Any:
    text: Mapping[str, Any] = {"type": "string"} if is_swagger else {"schema": {"type": "string"}}
    operation: dict[str, Any] = {"responses": {"200": {"description": draw(_ANY_TEXTS)}}}
    if has_parameter:
        operation["parameters"] = [{"name": "id", "in": "path", "required": True, **text}]
    if len(functions) > 1 or draw(st.booleans()):
        operation["x-lambda"] = draw(st.sampled_from(functions))
    if draw(st.booleans()):
        operation["x-amazon-apigateway-integration"] = {
            "type": "aws",
            "httpMethod": "POST",
            "requestTemplates": {"application/json": draw(_ANY_TEXTS)},
            "responses": {"default": {"statusCode": "200"}},
            **draw(st.sampled_from([{}, {"uri": "to be filled in"}])),
        }
    return operation


def read(service: Mapping[str, Any], api: object = None) -> Service:
    """Return a service as the command reads it."""
    found = parse_service(json.dumps(service).encode(), "service.json", DEFAULTS)
    if api is None:
        return found
    return with_api(found, parse_api(json.dumps(api).encode(), "api.json", found))
