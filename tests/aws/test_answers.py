"""Answers over the wire that are cut, senseless, slow or not about the function as a whole."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from aws_answers import Answer, Answers
from deploy.aws.codes import CUT, NOT_FOUND
from deploy.aws.function import Function
from deploy.cancel import Cancellation, Cancelled
from deploy.errors import DeployError
from targets import ARN
from unreliable import function_at, upload

READY = {"CodeSha256": "x" * 44, "Version": "$LATEST", "RevisionId": "revision", "State": "Active"}
ALIAS = {"Name": "live", "FunctionVersion": "7", "RevisionId": "revision"}
TRIES = 3
SECONDS = 20  # for what takes a moment

SENSELESS = {
    "nothing": Answer(body=b""),
    "HTML": Answer(body=b"<!doctype html><title>Log in to the hotel</title>"),
    "HTML as a refusal": Answer(403, body=b"<html>Forbidden</html>"),
    "a redirect": Answer(302, body=b"", headers={"Location": "http://portal.example"}),
    "half of the JSON": Answer(body=b'{"CodeSha256": "x'),
    "no object": Answer(body=b'["CodeSha256"]'),
    "not text": Answer(body=b"\xff\xfe{}"),
    "a wrong type": Answer(body={**READY, **ALIAS, "CodeSha256": 1, "FunctionVersion": 1, "Code": 1}),
    "cut": Answer(body={**READY, **ALIAS}, fault="cut", at="within the answer"),
    "cut before it": Answer(fault="cut", at="after the body"),
}
READS: dict[str, tuple[Callable[[Function], object], dict[str, Any]]] = {
    "GetFunctionConfiguration": (lambda function: function.configuration(), READY),
    "GetAlias": (lambda function: function.alias("live"), ALIAS),
    "ListVersionsByFunction": (lambda function: function.versions(), {"Versions": [READY]}),
    "ListAliases": (lambda function: function.aliases(), {"Aliases": [ALIAS]}),
    "GetFunction": (
        lambda function: function.source_key(),
        {"Configuration": READY, "Code": {"Location": "https://s3.example/"}},
    ),
}
WRITES: dict[str, Callable[[Function], object]] = {
    "UpdateFunctionCode": upload,
    "PublishVersion": lambda function: function.publish("x", ""),
    "CreateAlias": lambda function: function.create_alias("live", "7", ""),
    "UpdateAlias": lambda function: function.update_alias("live", "7", "", "revision"),
}


class Recorded(Cancellation):
    """Lets the time pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.check()


def function_for(server: Answers, cancellation: Cancellation | None = None) -> Function:
    return Function(function_at(server.url).session, cancellation or Recorded())


# --- cut and senseless -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", SENSELESS.values(), ids=SENSELESS.keys())
@pytest.mark.parametrize("name", READS)
def test_a_call_that_reads_is_made_again(name: str, answer: Answer) -> None:
    """Twice, with pauses, whatever the SDK takes the answer for."""
    read, whole = READS[name]
    cancellation = Recorded()
    with Answers([answer, answer, Answer(body=whole)]) as server:
        read(function_for(server, cancellation))
        assert len(server.requests) == TRIES
    assert len(cancellation.pauses) == TRIES - 1
    assert all(pause > 0 for pause in cancellation.pauses)


@pytest.mark.parametrize("name", READS)
def test_reading_ends_after_a_few_tries(name: str) -> None:
    """A portal in between stays there: it is told what is wrong."""
    with Answers([SENSELESS["HTML"]]) as server:
        with pytest.raises(DeployError, match="AWS's answer was cut off or makes no sense") as caught:
            READS[name][0](function_for(server))
        assert len(server.requests) == TRIES
    assert "such as a proxy or a portal" in caught.value.why
    assert f"lambda:{name}" in caught.value.why


def test_a_deploy_that_has_to_end_asks_nothing_more() -> None:
    """A look at the token stands before each call that reads."""
    cancellation = Recorded()
    cancellation.cancel()
    with Answers([SENSELESS["HTML"]]) as server:
        with pytest.raises(Cancelled):
            function_for(server, cancellation).configuration()
        assert server.requests == []


@pytest.mark.parametrize("answer", SENSELESS.values(), ids=SENSELESS.keys())
@pytest.mark.parametrize("name", WRITES)
def test_a_call_that_writes_is_made_once(name: str, answer: Answer) -> None:
    """AWS may have carried it out, and a second one would be another change."""
    with Answers([answer]) as server:
        with pytest.raises(DeployError) as caught:
            WRITES[name](function_for(server))
        assert len(server.requests) == 1
    assert caught.value.code == CUT
    assert not caught.value.is_refusal


def test_a_refusal_is_not_asked_again() -> None:
    """AWS has answered."""
    with Answers([Answer(403, "AccessDeniedException", "no")]) as server:
        with pytest.raises(DeployError) as caught:
            function_for(server).configuration()
        assert len(server.requests) == 1
    assert caught.value.is_refusal


# --- a verification as a whole ---------------------------------------------------------------------


class Drip:
    """A server whose answer never ends: a byte of it comes every 20 ms, after `start`."""

    def __init__(self, start: bytes, drop: bytes) -> None:
        self._start, self._drop = start, drop
        self._ends = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(64 * 1024)
            connection.sendall(self._start)
            while not self._ends.wait(0.02):
                connection.sendall(self._drop)

    def close(self) -> None:
        """End it."""
        self._ends.set()
        self._server.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture(
    params=[(HEAD, b"x"), (b"HTTP/1.1 200 OK\r\nX: ", b"x"), (b"", b"H")], ids="body head start".split()
)
def drip(request: pytest.FixtureRequest) -> Iterator[Drip]:
    """Start a server whose answer drips, from its body, its headers or its first byte on."""
    server = Drip(*request.param)
    yield server
    server.close()


def test_an_answer_that_drips_in_does_not_last_longer(drip: Drip) -> None:
    """Each byte would give a read timeout its time again."""
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        function_at(drip.url).invoke("7", b"{}", 0.3)
    assert 0.2 < time.monotonic() - start < SECONDS


def test_a_deploy_that_has_to_end_does_not_wait_for_an_answer(drip: Drip) -> None:
    """Nor for the time of the verification."""
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        Function(function_at(drip.url).session, cancellation).invoke("7", b"{}", 10 * SECONDS)
    assert time.monotonic() - start < SECONDS


def test_no_answer_at_all_takes_the_same_time() -> None:
    """The function is stuck."""
    with Answers([Answer(fault="stall")]) as server, pytest.raises(TimeoutError):
        function_for(server).invoke("7", b"{}", 0.3)


def test_what_the_function_answers_is_returned() -> None:
    """Within its time."""
    with Answers([Answer(body=b'"pong"')]) as server:
        assert function_for(server).invoke("7", b"{}", SECONDS).payload == '"pong"'


# --- not found -------------------------------------------------------------------------------------

GONE = Answer(404, "ResourceNotFoundException", f"Function not found: {ARN}:7")
CALLS_AFTER_READING: dict[str, tuple[Callable[[Function], object], str]] = {
    "a version": (lambda function: function.configuration("7"), "version 7 of my-function"),
    "an alias as a version": (
        lambda function: function.configuration("live"),
        "the alias live of my-function",
    ),
    "an invocation": (lambda function: function.invoke("7", b"{}", SECONDS), "version 7 of my-function"),
    "a publication": (
        lambda function: function.publish("x", ""),
        "my-function",
    ),
    "a new alias": (lambda function: function.create_alias("live", "7", ""), "version 7 of my-function"),
    "an alias": (
        lambda function: function.update_alias("live", "7", "", "revision"),
        "the alias live or version 7 of my-function",
    ),
    "a deletion": (lambda function: function.delete_version("7"), "version 7 of my-function"),
}


def _cancel_once(server: Answers, cancellation: Cancellation) -> None:
    server.stalled.wait(SECONDS)
    cancellation.cancel()


def test_a_read_that_hangs_ends_with_the_deploy() -> None:
    """Not with its time-out, which starts again with each byte that drips in."""
    cancellation = Cancellation()
    with Answers([Answer(fault="stall")]) as server:
        function = function_for(server, cancellation)
        threading.Thread(target=_cancel_once, args=(server, cancellation)).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            function.configuration()
        assert time.monotonic() - started < SECONDS / 2


@pytest.mark.parametrize("name", CALLS_AFTER_READING)
def test_a_404_of_a_function_that_is_there_is_told_as_just_that(name: str) -> None:
    """Not as a function that does not exist, which the call before has read."""
    call, expected = CALLS_AFTER_READING[name]
    with Answers([Answer(body=READY), GONE]) as server:
        function = function_for(server)
        function.configuration()
        with pytest.raises(DeployError) as caught:
            call(function)
    error = caught.value
    assert error.code == NOT_FOUND
    assert error.what.startswith(f"AWS does not find {expected} (lambda:")
    assert GONE.message in error.why


@pytest.mark.parametrize("call", [lambda function: function.configuration(), upload], ids=["read", "upload"])
def test_a_404_at_first_is_a_function_that_is_not_there(call: Callable[[Function], object]) -> None:
    """Nothing has shown that it is."""
    message = replace(GONE, message=f"Function not found: {ARN}")
    with Answers([message]) as server, pytest.raises(DeployError, match="There is no function my-function"):
        call(function_for(server))
