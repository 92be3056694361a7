"""HTTP servers on loopback, for programs on this machine and not for web pages in its browsers."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

ADDRESS = "127.0.0.1"
LARGEST_BODY = 32 * 1024 * 1024  # bytes; Lambda's own limits are below it


class Refused(Exception):  # noqa: N818 - an answer
    """A request that is not served: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes an answer; `serve` does what is between."""

    protocol_version = "HTTP/1.1"
    server: Server

    def serve(self, method: str, body: bytes) -> None:
        """Serve a request, by one call of `answer`."""
        raise NotImplementedError

    def refuse(self, refused: Refused) -> None:
        """Answer a request that is not served."""
        self.answer(refused.status, f"{refused}\n".encode(), {"Content-Type": "text/plain"})

    def answer(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Write an answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:  # noqa: PLR2004 - No Content
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _serve(self) -> None:
        try:
            self._check_sender()
            body = self._read_body()
        except Refused as refused:
            self.close_connection = True  # the body may not have been read
            self.refuse(refused)
            return
        try:
            self.serve(self.command, body)
        except Refused as refused:
            self.refuse(refused)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _check_sender(self) -> None:
        """Raise Refused if a web page sends this: it names its origin, or its own host (DNS rebinding)."""
        port = self.server.server_port
        if "Origin" in self.headers:
            raise Refused(403, "Web pages are not served.")
        if self.headers.get("Host", "").lower() not in {f"{ADDRESS}:{port}", f"localhost:{port}"}:
            raise Refused(403, f"The host has to be {ADDRESS}:{port}.")

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        try:
            size = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            raise Refused(400, "Content-Length is not a number.") from None
        return self._read_exactly(size)

    def _read_chunk(self) -> bytes:
        """Read a chunk (RFC 9112, 7.1), the last of which is empty."""
        try:
            size = int(self.rfile.readline(64).partition(b";")[0], 16)
        except ValueError:
            raise Refused(400, "A chunk is not valid.") from None
        chunk = self._read_exactly(size)
        if size:
            self.rfile.readline(64)
        else:  # trailers
            while self.rfile.readline(65536).strip():
                pass
        return chunk

    def _read_exactly(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_BODY:
            raise Refused(413, "The body is too large.")
        content = self.rfile.read(size)
        if len(content) < size:
            raise Refused(400, "The body is cut.")
        return content

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server in threads that keep nothing from ending; it stops when the block is left."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[Handler], port: int = 0) -> None:
        try:
            super().__init__((ADDRESS, port), handler)
        except OSError as error:
            raise DeployError(
                f"Port {port} of {ADDRESS} can't be served: {error.strerror}.",
                todo="Choose another one: --port PORT",
            ) from None

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"{ADDRESS}:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self.shutdown()
            self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Forget a connection that ended in the middle: its end is the client's."""
