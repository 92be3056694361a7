"""A loopback server that gives canned AWS answers, or fails in the way that it is told to.

`with Answers([Answer(403, "AccessDeniedException", "no")]) as server:` starts and stops it; call
`server.url`, then look at `server.requests`. The answers are given in their order, the last of them
for good: a client that tries again and again gets it again and again.
"""

import datetime as dt
import http.server
import ipaddress
import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from typing_extensions import Self

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """One answer: status, AWS's name for the error if it is one, message; or a fault instead."""

    status: int = HTTPStatus.OK
    error: str = ""
    message: str = ""
    body: Mapping[str, Any] | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Literal["", "stall", "cut"] = ""
    at: Literal["before the body", "within the body", "after the body", "within the answer"] = (
        "after the body"
    )

    def content(self) -> bytes:
        """Return the answer's body: the given one, or an error's as Lambda writes it."""
        if isinstance(self.body, bytes):
            return self.body
        if self.body is not None:
            return json.dumps(self.body).encode()
        return json.dumps({"Type": "User", "Message": self.message}).encode() if self.error else b"{}"


@dataclass(frozen=True)
class Received:
    """One request as it came in; `body` is what had been read of it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answers:
    """The server; `stalled` is set once a request hangs, `ca_bundle` is its certificate's file."""

    def __init__(self, answers: Iterable[Answer], *, tls: bool = False) -> None:
        self.requests: list[Received] = []
        self.stalled = threading.Event()
        self.closing = threading.Event()
        self._answers = list(answers)
        self._tls = tls

    def __enter__(self) -> "Self":
        self._folder = tempfile.TemporaryDirectory(prefix="aws-answers-")
        self.ca_bundle = Path(self._folder.name) / "certificate.pem"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.answers = self
        if self._tls:
            _write_certificate(self.ca_bundle)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca_bundle)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()

    def next(self) -> Answer:
        """Return the answer for the request that just came in."""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class _Server(http.server.ThreadingHTTPServer):
    answers: Answers

    def server_bind(self) -> None:
        # A small window: what is not read here soon stalls the sender too.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up, or trust no self-signed certificate, are the point."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(_PIECE)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        answer = self.server.answers.next()
        length = int(self.headers.get("Content-Length", 0))
        body = self._read_body(length, answer)
        self.server.answers.requests.append(
            Received(self.command, self.path, dict(self.headers.items()), body)
        )
        if answer.fault and answer.at != "within the answer":
            self._fail(answer)
            return
        content = answer.content()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if answer.error:
            self.send_header("x-amzn-ErrorType", answer.error)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if answer.fault else content)
        if answer.fault:
            self._fail(answer)

    def _read_body(self, length: int, answer: Answer) -> bytes:
        if answer.fault and answer.at == "before the body":
            return b""
        if answer.fault and answer.at == "within the body":
            return self.rfile.read(min(_PIECE, length // 2))
        return self.rfile.read(length)

    def _fail(self, answer: Answer) -> None:
        self.close_connection = True
        if answer.fault == "stall":
            self.server.answers.stalled.set()
            self.server.answers.closing.wait()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def _write_certificate(path: Path) -> None:
    """Write a new key and its self-signed certificate for 127.0.0.1 into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
