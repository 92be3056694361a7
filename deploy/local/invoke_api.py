"""Lambda's Invoke API on loopback, for one function: the AWS CLI and any SDK can call it.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from deploy.cancel import Cancelled
from deploy.errors import DeployError
from deploy.local.loopback import Handler, Refused, Server
from deploy.target.arn import parse_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.aws.answers import Invocation
    from deploy.local.function import LocalFunction

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
LOG_TAIL = 4096  # bytes
LARGEST_PAYLOAD = 6 * 1024 * 1024  # bytes
LARGEST_EVENT = 1024 * 1024  # bytes, of an asynchronous invocation
UNAVAILABLE = 502


class Fault(Exception):  # noqa: N818 - an answer
    """What AWS refuses: the status, its name for it, and the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class InvokeApi(Server):
    """The API of one function. `invoke` is given the payload and the client context of each invocation.

    The function has no version but the one that is named, if one is.
    """

    def __init__(
        self,
        function: LocalFunction,
        invoke: Callable[[bytes, str], Invocation],
        port: int,
        version: str = "",
    ) -> None:
        super().__init__(_Handler, port)
        self.function = function
        self.invoke = invoke
        self.version = version


class _Handler(Handler):
    server: InvokeApi

    def serve(self, method: str, body: bytes) -> None:
        try:
            self._invoke(method, body)
        except Fault as fault:
            content = {"Type": "User", "Message": str(fault), "message": str(fault)}
            self._answer(fault.status, json.dumps(content).encode(), {"x-amzn-ErrorType": fault.code})
        except Cancelled:
            self.close_connection = True

    def _invoke(self, method: str, body: bytes) -> None:
        url = urlsplit(self.path)
        found = PATH.fullmatch(url.path)
        if method != "POST" or not found:
            raise Fault(404, "UnknownOperationException", "Only Invoke is served here.")
        self._check_name(unquote(found[1]), parse_qs(url.query).get("Qualifier", [""])[0])
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        payload = _check_payload(body, LARGEST_EVENT if kind == "Event" else LARGEST_PAYLOAD)
        context = _decode_context(self.headers.get("X-Amz-Client-Context", ""))
        if kind == "DryRun":
            self._answer(204)
        elif kind == "Event":
            threading.Thread(target=self._run_later, args=(payload, context), daemon=True).start()
            self._answer(202)
        elif kind == "RequestResponse":
            self._run(payload, context)
        else:
            raise Fault(400, "InvalidParameterValueException", "The invocation type is not valid.")

    def _check_name(self, name: str, qualifier: str) -> None:
        """Raise Fault if the request is about another function than the one that is here, or a version."""
        function = self.server.function
        try:
            asked = parse_function(name)
        except ValueError as error:
            raise Fault(400, "InvalidParameterValueException", f"The function's name {error}.") from None
        if asked.name != function.name:
            message = f"Function not found: {asked.name}; what is here is {function.name}"
            raise Fault(404, "ResourceNotFoundException", message)
        asked_version = qualifier or asked.qualifier or ""
        if asked_version.isdecimal() and asked_version != self.server.version:
            there_is = f"version {self.server.version} alone is" if self.server.version else "no versions are"
            message = f"Function not found: {there_is} here"
            raise Fault(404, "ResourceNotFoundException", message)

    def _run(self, payload: bytes, context: str) -> None:
        try:
            invocation = self.server.invoke(payload, context)
        except DeployError as error:
            raise Fault(UNAVAILABLE, "InvalidRuntimeException", error.what) from None
        headers = {"X-Amz-Executed-Version": self.server.version or invocation.version}
        if invocation.error:
            headers["X-Amz-Function-Error"] = invocation.error
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            tail = invocation.log.encode()[-LOG_TAIL:]
            headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
        self._answer(200, invocation.payload.encode(), headers)

    def _run_later(self, payload: bytes, context: str) -> None:
        try:
            self.server.invoke(payload, context)
        except (Cancelled, DeployError):
            return  # who asked has gone

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        request = {"x-amzn-RequestId": str(uuid.uuid4()), "Content-Type": "application/json"}
        self.answer(status, content, {**request, **(headers or {})})

    def refuse(self, refused: Refused) -> None:
        code = "RequestTooLargeException" if refused.status == 413 else "AccessDeniedException"  # noqa: PLR2004
        content = json.dumps({"Type": "User", "Message": str(refused), "message": str(refused)})
        self._answer(refused.status, content.encode(), {"x-amzn-ErrorType": code})


def _check_payload(body: bytes, largest: int) -> bytes:
    if len(body) > largest:
        message = f"{len(body)} byte payload is too large (limit {largest} bytes)"
        raise Fault(413, "RequestTooLargeException", message)
    try:
        json.loads(body or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise Fault(400, "InvalidRequestContentException", message) from None
    return body or b"{}"


def _decode_context(text: str) -> str:
    """Return the JSON of a client context; raise Fault if it is not one, or could not be a header."""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
        return json.dumps(json.loads(decoded)) if decoded else ""
    except ValueError:
        raise Fault(
            400, "InvalidRequestContentException", "The client context is not JSON in base64."
        ) from None
