"""AWS's query protocol, from the server's side: a form is read by the SDK's model, an answer is XML."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from api_model import find_problems, model_of, operation_of

Refusal = Callable[[str], Exception]


def parameters(service: str, operation: str, body: bytes, refusal: Refusal) -> dict[str, Any]:
    """Return a request's parameters; refuses what the SDK's model of the operation does not have."""
    shape = operation_of(service, operation).input_shape
    given = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    del given["Action"]
    if given.pop("Version") != model_of(service).api_version:
        raise refusal("another version of the API")
    found: dict[str, Any] = _structure(shape, given, refusal)
    if problems := find_problems(shape, found):
        raise refusal("; ".join(problems))
    return found


def answer(service: str, operation: str, result: Mapping[str, Any]) -> Response:
    """Return the answer of an operation, whose result is checked by the SDK's model, too."""
    shape = operation_of(service, operation).output_shape
    if shape is not None and (unknown := result.keys() - shape.members.keys()):
        raise AssertionError(unknown)
    namespace = model_of(service).metadata["xmlNamespace"]
    return Response(
        f'<{operation}Response xmlns="{namespace}"><{operation}Result>{_xml(result)}</{operation}Result>'
        f"<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{operation}Response>",
        content_type="text/xml",
    )


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(member)}</{name}>" for name, member in value.items())
    if isinstance(value, list | tuple):
        return "".join(f"<member>{_xml(member)}</member>" for member in value)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else escape(str(value))


def _structure(shape: Any, given: Mapping[str, str], refusal: Refusal) -> Any:
    """Return what stands under names such as ContextEntries.member.1.ContextKeyName."""
    if shape.type_name == "structure":
        names = {name.partition(".")[0] for name in given}
        if unknown := names - set(shape.members):
            raise refusal(f"unknown: {sorted(unknown)}")
        return {name: _structure(shape.members[name], _below(name, given), refusal) for name in names}
    if shape.type_name == "list":
        numbers = {int(name.split(".")[1]) for name in given if name}
        if numbers != set(range(1, len(numbers) + 1)):
            raise refusal(f"members of a list are counted from 1, not {sorted(numbers)}")
        return [
            _structure(shape.member, _below(f"member.{number}", given), refusal) for number in sorted(numbers)
        ]
    if shape.type_name == "boolean":
        return given[""] == "true"
    return int(given[""]) if shape.type_name == "integer" else given[""]


def _below(prefix: str, given: Mapping[str, str]) -> dict[str, str]:
    return {
        name[len(prefix) :].removeprefix("."): value
        for name, value in given.items()
        if name == prefix or name.startswith(f"{prefix}.")
    }
