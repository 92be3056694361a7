"""Checks of what shifts the alias: CodeDeploy's application and group, and the deployment config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.codedeploy import CodeDeploy
from deploy.aws.codes import DENIED
from deploy.cancel import Cancellation
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.session import Session


def check_shift(session: Session) -> Iterator[Check]:
    """Check that CodeDeploy can shift the alias, if the settings want it to."""
    shift = session.target.settings.shifting
    if shift is None:
        return
    try:
        pace = CodeDeploy(session, shift, Cancellation()).check()
    except DeployError as error:
        # Its permission is a check of its own.
        yield unknown("shift", error.what) if error.code in DENIED else failed("shift", error)
        return
    minutes = pace.seconds // 60
    yield ok("shift", f"{shift.name} by {shift.config}, {minutes} minutes from the first step to the last")
