"""Checks of what shifts the alias: CodeDeploy's application and group, the alias, and the hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.codedeploy import CodeDeploy
from deploy.aws.codes import DENIED, NOT_FOUND
from deploy.aws.function import Function
from deploy.cancel import Cancellation
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError, InputError
from deploy.release.move import left_weights
from deploy.release.running import find_running
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.inquiry import Inquiry
    from deploy.aws.session import Session

# AWSCodeDeployRoleForLambda allows the invocation of such functions alone.
HOOK_PREFIX = "CodeDeployHook_"


def check_shift(session: Session, inquiry: Inquiry) -> Iterator[Check]:
    """Check that CodeDeploy can shift the alias, if the settings want it to."""
    shift = session.target.settings.shifting
    if shift is None:
        return
    try:
        pace = CodeDeploy(session, shift, Cancellation()).check()
        _check_weights(session, shift.name)
    except DeployError as error:
        # Its permission is a check of its own.
        yield unknown("shift", error.what) if error.code in DENIED else failed("shift", error)
    else:
        minutes = pace.seconds // 60
        detail = f"{shift.name} by {shift.config}, {minutes} minutes from the first step to the last"
        yield ok("shift", detail)
    for name in dict.fromkeys(filter(None, (shift.hook_before, shift.hook_after))):
        yield _check_hook(name, inquiry)


def _check_weights(session: Session, group: str) -> None:
    """Raise DeployError if the alias routes by weights, and no shift moves them."""
    function = Function(session, Cancellation())
    alias = function.alias(session.target.settings.alias or "")
    if alias and alias.weights and find_running(function, alias) is None:
        raise left_weights(alias, group)


def _check_hook(name: str, inquiry: Inquiry) -> Check:
    """Check that a hook's function is there, as far as the deployer may see it."""
    answer, shown = inquiry.hook(name), printable(name)
    if answer.code == NOT_FOUND:
        return failed(
            "hook", InputError(f"There is no function {shown}.", todo="Create it, or correct the setting.")
        )
    if answer.error:
        return unknown("hook", f"{shown}: {answer.error.what}")
    if name.rpartition(":")[2].startswith(HOOK_PREFIX):
        return ok("hook", f"{shown} is there")
    return ok(
        "hook",
        f"{shown} is there; AWSCodeDeployRoleForLambda allows only names that begin with {HOOK_PREFIX}, so "
        "CodeDeploy's role needs a policy of its own",
    )
