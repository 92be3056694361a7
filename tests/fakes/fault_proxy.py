"""A proxy between the AWS SDK and the embedded AWS that does to one request what networks do.

with FaultProxy(aws.url) as proxy:
    proxy.arm(Fault(status=503), number=2)
    ...  # deploy with `_AWS_ENDPOINT_URL` set to proxy.url
    proxy.seen  # the operations that were asked for, in their order

Everything but the request that the fault is meant for is passed through as it is.
"""

import http.client
import http.server
import json
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aws_calls import operation_of, with_source
from sigv4 import Authorization

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE = 64 * 1024
# One hop only; the answer's length is told anew, for its body is sent in one piece.
_NOT_PASSED_ON = {"connection", "content-length", "date", "server", "transfer-encoding"}


@dataclass(frozen=True)
class Fault:
    """What becomes of a request: an answer with an error, or an end, at once or after a stall.

    `at` says when it ends: "before the body" and "within the body" are before AWS has the request,
    "before the answer" and "within the answer" are after AWS has carried it out. A stall lasts for
    `seconds`; where they are None, until the proxy is reset. With `content`, that is the answer, with status
    200, to a request that AWS has got, unless it `is_lost`.
    """

    status: int = 0
    code: str = ""
    content: bytes | None = None
    is_lost: bool = False
    at: str = "before the answer"
    stalls: bool = False
    seconds: float | None = 0.2

    def __str__(self) -> str:
        if self.status:
            return f"{self.status} {self.code}"
        if self.content is not None:
            return f"{'lost, ' * self.is_lost}answered by {self.content[:20]!r}"
        return f"{'stalls' if self.stalls else 'is cut'} {self.at}"


class FaultProxy:
    """The proxy. `struck` is set once the fault has come."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.seen: list[str] = []
        self.struck = threading.Event()
        self._release = threading.Event()
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._operation = ""
        self._countdown = 0

    def __enter__(self) -> "Self":
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release.set()
        self._server.shutdown()
        self._server.server_close()

    def arm(self, fault: Fault, *, number: int, operation: str = "") -> None:
        """Have the fault come to the request of this number from now on, of this operation or of any."""
        self.reset()
        with self._lock:
            self._fault, self._operation, self._countdown = fault, operation, number

    def reset(self) -> None:
        """Forget the fault and what was seen, and end what stalls."""
        with self._lock:
            self._release.set()
            self._release = threading.Event()
            self._fault = None
            self.struck.clear()
            self.seen.clear()

    def meet(self, operation: str) -> Fault | None:
        """Note a request, and give the fault that is meant for it."""
        with self._lock:
            self.seen.append(operation)
            if self._fault is None or self._operation not in {"", operation}:
                return None
            self._countdown -= 1
            return self._fault if self._countdown == 0 else None

    def wait(self, fault: Fault) -> None:
        """Stall as long as the fault says."""
        self._release.wait(fault.seconds)


class _Server(http.server.ThreadingHTTPServer):
    proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that were cut off or killed are the point."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Connect to the embedded AWS with the first request, and stay connected as the client does."""
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.proxy.upstream)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(_PIECE)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length", 0))
        operation = self._operation()
        fault = self.server.proxy.meet(operation)
        if fault and fault.at == "before the body":
            self._end(fault)
            return
        if fault and fault.at == "within the body":
            self.rfile.read(length // 2)
            self._end(fault)
            return
        body = self.rfile.read(length)
        if fault and fault.status:
            self._refuse(fault)
            return
        if fault and fault.content is not None:
            self._replace(fault, body)
            return
        answer, content = self._pass_on(body)
        if fault:
            self.server.proxy.struck.set()
        if fault and fault.at == "before the answer":
            self._end(fault)
            return
        self._answer(answer, content, fault)

    def _operation(self) -> str:
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        authorization = Authorization.parse(self.headers.get("Authorization", ""))
        path, _, query = self.path.partition("?")
        service = authorization.service if authorization else "none"
        operation = operation_of(service, self.command, path, query, b"")
        return with_source(operation, is_copied="x-amz-copy-source" in self.headers)

    def _pass_on(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._upstream
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect", "content-length"}:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        except OSError:
            connection.close()
            raise

    def _answer(self, answer: http.client.HTTPResponse, content: bytes, fault: Fault | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        is_head = self.command == "HEAD"  # which tells the length of what it does not send
        length = answer.getheader("Content-Length", "0") if is_head else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if fault:
            self.wfile.write(content[: len(content) // 2])
            self._end(fault)
        elif not is_head:
            self.wfile.write(content)

    def _replace(self, fault: Fault, body: bytes) -> None:
        if not fault.is_lost:
            self._pass_on(body)
        self.server.proxy.struck.set()
        self.send_response(200)
        self.send_header("Content-Length", str(len(fault.content or b"")))
        self.end_headers()
        self.wfile.write(fault.content or b"")

    def _refuse(self, fault: Fault) -> None:
        self.server.proxy.struck.set()
        message = "the fault proxy says so"
        answer = {"__type": fault.code, "Type": "Service", "Message": message, "message": message}
        content = json.dumps(answer).encode()
        if "/functions" not in self.path and "X-Amz-Target" not in self.headers:  # S3 speaks XML
            content = f"<Error><Code>{fault.code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response(fault.status)
        self.send_header("x-amzn-ErrorType", fault.code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _end(self, fault: Fault) -> None:
        self.close_connection = True
        self.server.proxy.struck.set()
        if fault.stalls:
            self.server.proxy.wait(fault)
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""
