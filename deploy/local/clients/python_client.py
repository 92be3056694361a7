"""Runs a Python handler: asks the Lambda Runtime API for events, and gives it the handler's answers.

It is started as a program of its own, by the Python that the function needs, and imports nothing of the
deploy. Answers, errors and log lines are those of AWS's own runtime client, awslambdaric.
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

from __future__ import annotations

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from typing import Any

API = "/2018-06-01/runtime/"
NO_BREAK_SPACE = "\u00a0"  # log lines that belong together begin with it, or are separated by \r


class Fault(Exception):  # noqa: N818 - Lambda's word
    """What is wrong before or after the handler: Lambda's name for it, and what it says."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = f"Runtime.{kind}"
        self.trace = trace or []


class Attributes:
    """An object whose attributes are some of a dictionary's items, or None."""

    def __init__(self, names: str, items: dict[str, Any]) -> None:
        for name in names.split():
            setattr(self, name, items.get(name))


class Context:
    """What a handler learns about its invocation."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.tenant_id = None
        for name, variable in (
            ("function_name", "AWS_LAMBDA_FUNCTION_NAME"),
            ("function_version", "AWS_LAMBDA_FUNCTION_VERSION"),
            ("memory_limit_in_mb", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            ("log_group_name", "AWS_LAMBDA_LOG_GROUP_NAME"),
            ("log_stream_name", "AWS_LAMBDA_LOG_STREAM_NAME"),
        ):
            setattr(self, name, os.environ.get(variable))
        self.identity = Attributes("cognito_identity_id cognito_identity_pool_id", {})
        self.client_context = _client_context(headers["Lambda-Runtime-Client-Context"])
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of the timeout is left."""
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the log, without a line break."""
        sys.stdout.write(str(message))


def _client_context(text: str | None) -> Attributes | None:
    if not text:
        return None
    try:
        content = json.loads(text)
    except ValueError as error:
        message = f"Unable to parse Client Context JSON: {error}"
        raise Fault("LambdaContextUnmarshalError", message) from None
    context = Attributes("custom env client", content)
    if content.get("client") is not None:
        names = "installation_id app_title app_version_name app_version_code app_package_name"
        context.client = Attributes(names, content["client"])  # type: ignore[attr-defined]
    return context


class RequestId(logging.Filter):
    """Adds the ID of the invocation to what is logged."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep each record."""
        record.aws_request_id = self.current
        return True


# --- the handler ----------------------------------------------------------------------------------


def _load(handler: str) -> Any:  # noqa: ANN401 - whatever the module has there
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        message = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise Fault("MalformedHandlerName", message)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("UserCodeSyntaxError", message, trace) from None
    if not hasattr(module, name):
        raise Fault("HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    return getattr(module, name)


def _error(error: BaseException, request: str) -> dict[str, object]:
    """Return an error as an invocation answers it, with the handler's frames alone."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [index for index, frame in enumerate(frames) if frame.filename != __file__]
        # Without what Python marks in a line, as AWS's client has it.
        lines = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
        kind, trace = type(error).__name__, traceback.format_list(lines[ours[0] if ours else 0 :])  # type: ignore[arg-type]
    return {"errorMessage": str(error), "errorType": kind, "requestId": request, "stackTrace": trace}


def _log(error: dict[str, Any]) -> None:
    kind, message = error["errorType"], error["errorMessage"]
    lines = [f"[ERROR] {kind}{': ' + message if message else ''}", "Traceback (most recent call last):"]
    for element in error["stackTrace"]:
        for line in element.splitlines():
            rest = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(rest)) + rest)
    sys.stdout.write("\r".join(lines) + "\n")


# --- JSON, as simplejson writes it, which AWS's client uses -----------------------------------------


def _encode(answer: object) -> bytes:
    if isinstance(answer, bytes):
        return answer
    try:
        return json.dumps(_named(answer), ensure_ascii=False, default=_plain).encode()
    except Exception as error:  # noqa: BLE001 - the handler's own objects may raise anything
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from None


def _plain(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        number = float(value)
        return int(value) if not value.is_nan() and value == value.to_integral_value() else number
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _named(value: object, inside: tuple[int, ...] = ()) -> object:
    """Return a value with named tuples as objects; the encoder finds out what holds itself."""
    if id(value) in inside:
        return value
    inside = (*inside, id(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _named(each, inside) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(each, inside) for each in value]
    return value


# --- the Runtime API ------------------------------------------------------------------------------


def _call(method: str, path: str, body: bytes | None = None) -> tuple[http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, f"{API}{path}", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status >= 300:  # noqa: PLR2004 - nothing but a success
        os._exit(1)
    return response.headers, content


def _handle(handler: Any) -> None:  # noqa: ANN401 - whatever the module has there
    """Run one invocation."""
    headers, body = _call("GET", "invocation/next")
    RequestId.current = request = headers["Lambda-Runtime-Aws-Request-Id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"] or ""
    try:
        context = Context(headers)
        try:
            event = json.loads(body)
        except ValueError as error:
            raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}") from None
        answer = _encode(handler(event, context))
    except Exception as error:  # noqa: BLE001 - and no exit, which ends this process
        described = _error(error, request)
        _log(described)
        _call("POST", f"invocation/{request}/error", json.dumps(described).encode())
    else:
        _call("POST", f"invocation/{request}/response", answer)


def main() -> None:
    """Load the handler, and run invocations until this process is ended."""
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # in place of the folder of this file
    logging.Formatter.converter = time.gmtime
    logs = logging.StreamHandler(sys.stdout)
    logs.terminator = ""
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    logs.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    logs.addFilter(RequestId())
    logging.getLogger().addHandler(logs)
    try:
        handler = _load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever a module raises when it is loaded
        described = _error(error, "")
        _log(described)
        _call("POST", "init/error", json.dumps(described).encode())
        sys.exit(1)
    while True:
        _handle(handler)


if __name__ == "__main__":
    main()
