"""What is wrong with the form of a request, by the model of the service that botocore has."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from aws_refusals import RefusedError


def refused(code: str, message: str) -> RefusedError:
    """Return the error with which a JSON service refuses a request."""
    return RefusedError(HTTPStatus.BAD_REQUEST, code, message)


def parameters(service: str, operation: str, body: bytes) -> Mapping[str, Any]:
    """Return a JSON request's parameters; raise RefusedError for what the operation's model does not have."""
    given: Mapping[str, Any] = json.loads(body)
    if problems := find_problems(operation_of(service, operation).input_shape, given):
        raise refused("ValidationException", "; ".join(problems))
    return given


def find_problems(shape: Any, given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a request's parameters, or with an answer."""
    report = ParamValidator().validate(given, shape).generate_report()
    return [*_problems(shape, given), *filter(None, [report])]


def operation_of(service: str, operation: str) -> Any:
    """Return botocore's model of an operation."""
    return model_of(service).operation_model(operation)


@functools.cache
def model_of(service: str) -> Any:
    """Return botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def _problems(shape: Any, value: Any) -> Iterator[str]:
    """Yield what the SDK does not check, and AWS does: unknown names, patterns, limits, enumerations."""
    if shape.type_name == "structure":
        yield from (f"unknown: {name}" for name in value if name not in shape.members)
        for name in value.keys() & shape.members.keys():
            yield from _problems(shape.members[name], value[name])
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from (*_problems(shape.key, name), *_problems(shape.value, member))
    elif shape.type_name == "list":
        for member in value:
            yield from _problems(shape.member, member)
    elif shape.type_name == "integer":
        metadata = shape.metadata
        if not metadata.get("min", value) <= value <= metadata.get("max", value):
            yield f"{value} is too small or too large"
    elif shape.type_name == "string":
        yield from _problems_of_text(shape, value)


def _problems_of_text(shape: Any, value: str) -> Iterator[str]:
    metadata = shape.metadata
    if shape.enum and value not in shape.enum:
        yield f"{value} is none of {shape.enum}"
    if "pattern" in metadata and not re.fullmatch(metadata["pattern"], value):
        yield f"{value} does not match {metadata['pattern']}"
    if not metadata.get("min", 0) <= len(value) <= metadata.get("max", len(value)):
        yield f"{len(value)} characters are too few or too many"
