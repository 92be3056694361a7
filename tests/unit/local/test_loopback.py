"""Servers on loopback: for programs on this machine, and not for web pages."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from deploy.errors import DeployError
from deploy.local.loopback import Handler, Refused, Server


class _Echo(Handler):
    def serve(self, method: str, body: bytes) -> None:
        if body == b"refuse":
            raise Refused(418, "No.")
        self.answer(200, method.encode() + b" " + body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(_Echo) as server:
        yield server


def ask(server: Server, body: object = None, **headers: str) -> tuple[int, bytes]:
    """Return status and content of an answer; a `_` in a header's name is a hyphen."""
    connection = http.client.HTTPConnection(server.host, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST" if body else "GET", "/", body, names, encode_chunked=True)  # type: ignore[arg-type]
    response = connection.getresponse()
    return response.status, response.read()


def test_it_listens_on_loopback_alone(server: Server) -> None:
    """On no address that another machine reaches."""
    assert server.server_address[0] == "127.0.0.1"


def test_a_program_is_served(server: Server) -> None:
    """By either name of this machine."""
    assert ask(server) == (200, b"GET ")
    assert ask(server, b"a body") == (200, b"POST a body")
    assert ask(server, b"x", Host=f"localhost:{server.server_port}") == (200, b"POST x")
    assert ask(server, b"refuse") == (418, b"No.\n")


def test_a_body_in_chunks_is_read(server: Server) -> None:
    """Custom runtimes stream their answers."""
    assert ask(server, iter([b"in ", b"chunks"]), Transfer_Encoding="chunked") == (200, b"POST in chunks")


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example:3001"}]
)
def test_a_web_page_is_not(server: Server, headers: dict[str, str]) -> None:
    """Neither one that says where it is from, nor one whose own host name leads here (DNS rebinding)."""
    assert ask(server, b"{}", **headers)[0] == 403


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"Content-Length: 99999999999", 413),
        (b"Content-Length: -1", 413),
        (b"Content-Length: x", 400),
        (b"Transfer-Encoding: chunked\r\n\r\nxyz", 400),
    ],
)
def test_a_body_that_is_none_is_refused(server: Server, request_head: bytes, status: int) -> None:
    """Without reading it, and without a wait."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: " + server.host.encode() + b"\r\n" + request_head + b"\r\n\r\n"
        )
        assert client.recv(12) == f"HTTP/1.1 {status}".encode()


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    """And how to choose another one."""
    with pytest.raises(DeployError, match=str(server.server_port)) as raised:
        Server(_Echo, server.server_port)
    assert "--port" in raised.value.todo
