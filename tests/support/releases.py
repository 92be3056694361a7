"""Settings of releases, and what tests of releases ask of a function."""

from collections.abc import Callable
from typing import Any

from embedded_aws import Function
from in_process import Outcome

ALIAS = {"_LAMBDA_ALIAS": "live"}
VERIFY = {**ALIAS, "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}'}
EXPECT = {**VERIFY, "_LAMBDA_VERIFY_EXPECT": '"ok": *true'}

Deploy = Callable[..., Outcome]
"""Runs a command on a function; its arguments are the command's, `status`, and variables."""


def operations(function: Function) -> list[str]:
    """Return what the deployer asked for, in its order."""
    return [call.operation for call in function.deploy_calls]


def answered(function: Function) -> dict[str, str]:
    """Have the function answer as is expected, and give the settings."""
    function.aws.answers(function, lambda _payload, _version: {"ok": True})
    return dict(EXPECT)


def crashing(_payload: Any, _version: str) -> Any:
    """Raise, as a function does."""
    raise RuntimeError("cannot read postgres://canary-of-the-config")
