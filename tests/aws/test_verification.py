"""The verification of a version before traffic reaches it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import make_slug
from embedded_aws import Function, Invoked
from releases import ALIAS, EXPECT, VERIFY, Deploy, answered, crashing, operations


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


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
