"""Invoke, answered by a Python function that a test gives, in place of a container with the code."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Response

from aws_refusals import RefusedError

_LARGEST_PAYLOAD = 6_291_456
_LOG_TAIL = 4096


@dataclass(frozen=True)
class Invoked:
    """How an invocation goes: what it answers, logs, and after how many seconds."""

    payload: Any = None
    log: str = ""
    error: str = ""
    seconds: float = 0.0


Handler = Callable[[Any, str], Any]
"""Takes payload and version; returns what is answered, or an `Invoked`; what it raises is its error."""


def invoke(
    handler: Handler, configuration: Mapping[str, Any], headers: Mapping[str, str], body: bytes
) -> Response:
    """Answer an invocation as Lambda does, the tail of the log included."""
    if len(body) > _LARGEST_PAYLOAD:
        message = (
            f"{len(body)} byte payload is too large for the RequestResponse invocation type (limit "
            f"{_LARGEST_PAYLOAD} bytes)"
        )
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException", message)
    try:
        payload = json.loads(body or b"null")
    except ValueError:
        message = "Could not parse request body into json: Unexpected character"
        raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidRequestContentException", message) from None
    if headers.get("x-amz-invocation-type") == "DryRun":
        return Response(status=HTTPStatus.NO_CONTENT)
    version: str = configuration["Version"]
    result = _within(_run(handler, payload, version), configuration["Timeout"])
    answer = Response(
        json.dumps(result.payload),
        headers={"X-Amz-Executed-Version": version, "x-amzn-RequestId": str(uuid.uuid4())},
        content_type="application/json",
    )
    if result.error:
        answer.headers["X-Amz-Function-Error"] = result.error
    if headers.get("x-amz-log-type") == "Tail":
        answer.headers["X-Amz-Log-Result"] = base64.b64encode(_log(result.log, version)).decode()
    return answer


def _run(handler: Handler, payload: Any, version: str) -> Invoked:
    try:
        result = handler(payload, version)
    except Exception as error:  # noqa: BLE001 - whatever a function raises, Lambda answers
        message = {"errorType": type(error).__name__, "errorMessage": str(error), "trace": []}
        return Invoked(message, log=f"ERROR\tInvoke Error\t{json.dumps(message)}", error="Unhandled")
    return result if isinstance(result, Invoked) else Invoked(result)


def _within(result: Invoked, timeout: int) -> Invoked:
    """Take the function's time, unless it would end by its timeout: nobody need wait for that here."""
    if result.seconds < timeout:
        time.sleep(result.seconds)
        return result
    message = f"{uuid.uuid4()} Task timed out after {timeout:.2f} seconds"
    return Invoked({"errorMessage": message}, f"{result.log}\n{message}", "Unhandled")


def _log(text: str, version: str) -> bytes:
    request = uuid.uuid4()
    start = f"START RequestId: {request} Version: {version}\n"
    return f"{start}{text}\nEND RequestId: {request}\nREPORT RequestId: {request}\n".encode()[-_LOG_TAIL:]
