"""The verification of a version before traffic reaches it."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from embedded_aws import Function
from lambda_invocations import Invoked
from releases import ALIAS, EXPECT, VERIFY, Deploy, answered, crashing, operations


def test_a_version_is_asked_before_traffic_reaches_it(function: Function, deployed: Deploy) -> None:
    """With the payload, by its number, while the alias still points at the one before."""
    deployed(NAME="canary 1", **ALIAS)
    asked = []

    def handler(payload: Any, version: str) -> str:
        asked.append((payload, version, function.alias()))
        return "anything"

    function.aws.answers(function, handler)
    outcome = deployed(NAME="canary 2", **VERIFY)
    assert asked == [({"ping": True}, "2", "1")]
    assert "       It answered\n" in outcome.stdout
    assert function.alias() == "2"


def failing(_payload: Any, _version: str) -> Any:
    """Fail as a function does whose config is wrong, and log it."""
    log = "connecting to postgres://canary-of-the-config\nno such host"
    return Invoked({"errorMessage": "no such host postgres://canary-of-the-config"}, log, "Unhandled")


def hanging(_payload: Any, _version: str) -> Any:
    """Take longer than Lambda lets it."""
    return Invoked(seconds=60, log="waiting for postgres://canary-of-the-config")


def wrong(_payload: Any, _version: str) -> Any:
    """Answer something else than is expected."""
    return Invoked({"ok": False, "saw": "postgres://canary-of-the-config"}, log="all is well")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (failing, ["failed (Unhandled)", "no such host [DATABASE_URL]", "connecting to [DATABASE_URL]"]),
        (crashing, ["failed (Unhandled)", "cannot read [DATABASE_URL]", "RuntimeError"]),
        (hanging, ["failed (Unhandled)", "Task timed out after 1.00 seconds"]),
        (wrong, ["_LAMBDA_VERIFY_EXPECT does not match", "all is well", '"saw": "[DATABASE_URL]"']),
    ],
)
def test_a_version_that_fails_its_verification_gets_no_traffic(
    function: Function,
    deployed: Deploy,
    handler: Callable[[Any, str], Any],
    expected: list[str],
) -> None:
    """The alias stays, the end of the log is shown, and no value of the config is in it."""
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=1)
    config = {"DATABASE_URL": "postgres://canary-of-the-config"}
    deployed(**ALIAS)
    function.aws.answers(function, handler)
    for _ in range(2):  # the version is there the second time, and no better
        outcome = deployed(status=1, **EXPECT, **config)
        for part in expected:
            assert part in outcome.stderr
        assert "Version 2 was not verified; the alias was not moved." in outcome.stderr
        assert (function.alias(), function.versions()) == ("1", ["1", "2"])
    deployed(**answered(function), **config)
    assert (function.alias(), function.versions()) == ("2", ["1", "2"])


SECRET = base64.b64encode(random.Random(1).randbytes(60_000)).decode()  # noqa: S311 - the same each time


@pytest.mark.parametrize(
    ("answer", "log", "expected"),
    [
        ({"a": SECRET, "again": SECRET * 4}, "", 'Its answer: {"a": "[BIG]'),
        ({"x": f"{{ BIG: '{SECRET[:250]}'... 79750 more characters }}"}, "", "{ BIG: '[BIG]'... 79750 more"),
        ({}, f"{{ BIG: '{SECRET[:10_000]}'... 70000 more characters }}", "[BIG]'... 70000 more characters }"),
        ({}, SECRET, "[BIG]\n"),
        ({}, "login failed: S3cr3tPassw0rd", "login failed: [BASIC_AUTH]\n"),
        ({}, json.dumps({"type": "Buffer", "data": list(b"S3cr3tPassw0rd")}), '"data": [[BASIC_AUTH]]}\n'),
    ],
)
def test_a_verification_that_fails_shows_no_piece_of_a_value(
    function: Function, deployed: Deploy, answer: Any, log: str, expected: str
) -> None:
    """However large it is, and wherever Lambda, Node.js or the deploy cut it off."""
    deployed(**ALIAS)
    function.aws.answers(function, lambda _payload, _version: Invoked(answer, log))
    outcome = deployed(status=1, **EXPECT, BIG=SECRET, BASIC_AUTH="admin:S3cr3tPassw0rd")
    assert expected in outcome.stderr
    assert "S3cr3t" not in outcome.stderr
    assert not any(SECRET[at : at + 8] in outcome.stderr for at in range(len(SECRET) - 8))


def test_a_verification_without_an_end_is_ended(function: Function, deployed: Deploy) -> None:
    """Where the function may run for longer than the deploy waits: _LAMBDA_TIMEOUT."""
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=5)
    function.aws.answers(function, lambda _payload, _version: Invoked(seconds=3))
    outcome = deployed(status=1, _LAMBDA_TIMEOUT="1", **VERIFY)
    assert "Version 1 could not be verified" in outcome.stderr
    assert "_LAMBDA_TIMEOUT" in outcome.stderr
    assert operations(function).count("Invoke") == 1
    assert function.alias() is None


def test_an_expectation_that_takes_for_ever_is_ended(function: Function, deployed: Deploy) -> None:
    """A regular expression may have more ways to match than can be tried; no dyno hangs in it."""
    function.aws.answers(function, lambda _payload, _version: "a" * 60)
    expect = {"_LAMBDA_VERIFY_EXPECT": "(a+)+b", "_LAMBDA_TIMEOUT": "1"}
    outcome = deployed(status=1, **VERIFY, **expect)
    assert "the search for _LAMBDA_VERIFY_EXPECT in its answer did not end" in outcome.stderr
    assert "the alias was not moved" in outcome.stderr
    assert "Give _LAMBDA_VERIFY_EXPECT a simpler regular expression." in outcome.stderr
    assert function.alias() is None
