"""The CodeDeploy hook: a Lambda function that invokes the new version, and says whether traffic may shift.

It is a process as `step.py` is one. CodeDeploy waits for an hour for a status that never comes, so each
event gets one: Failed, too, if the hook itself fails or its function's time is nearly up. Neither the payload
nor what the version answers or logs is ever logged here.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from deploy.aws.function import Function
from deploy.aws.lifecycle import Lifecycle
from deploy.aws.session import Session
from deploy.aws.wait import Deadline
from deploy.cancel import Cancellation
from deploy.errors import DeployError, InputError, unexpected
from deploy.handler import NotReported, silence_libraries
from deploy.output import Report
from deploy.release.steps.step import Execution
from deploy.release.steps.verification import VerifyVersion
from deploy.target.arn import FunctionReference
from deploy.target.hook import read_checks, read_event
from deploy.target.job import read_caller, read_role
from deploy.terminal import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.aws.lifecycle import Status
    from deploy.handler import Context
    from deploy.target.environment import Target
    from deploy.target.hook import HookEvent


@dataclass(frozen=True)
class Limits:
    """Seconds of the function's time that are kept for the report, and that a check takes at least."""

    report: float = 15.0
    shortest: float = 2.0


LIMITS = Limits()

silence_libraries()

# What people set for a deploy, and what they set for the hook in its place.
PHRASES = (
    (re.compile(r"\b_LAMBDA_(VERIFY_\w+)"), r"\1"),
    (re.compile(r"\b_(AWS_\w+)"), r"\1"),
    (re.compile(r"A larger _LAMBDA_TIMEOUT gives"), "A longer timeout of the hook's function gives"),
    (re.compile(r"\b([Tt])he deployer lacks"), r"\1he hook's role lacks"),
    (re.compile(r"`deploy doctor --policy` prints"), "`deploy doctor --policy --hook` prints"),
    (re.compile(r"\bRun `deploy` again\b"), "Deploy again"),
    (re.compile(r"\brun `deploy` again\b"), "deploy again"),
)


def handler(
    event: object,
    context: Context,
    limits: Limits = LIMITS,
    new_token: Callable[[], Cancellation] = Cancellation,
) -> dict[str, str]:
    """Check the version that a deployment shifts to, and report. Raise NotReported if that can't be done."""
    report = Report(Console(sys.stdout, sys.stderr))
    hook = read_event(event)
    if hook is None:
        error = InputError(
            "This event is not one of a CodeDeploy hook.",
            todo="Name this function in _LAMBDA_HOOK_BEFORE or _LAMBDA_HOOK_AFTER: CodeDeploy starts it.",
        )
        report.error(error)
        return {"status": "none", "message": error.what}
    try:
        session = Session(_caller())
        lifecycle = Lifecycle(session)
        found = _end_of(_Check(hook, session, lifecycle, report, new_token()), context, limits)
        if found:
            report.error(found)
        status: Status = "Failed" if found else "Succeeded"
        is_awaited = lifecycle.report(hook.deployment_id, hook.execution_id, status, new_token())
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold anything
        report.error(_reworded(error))
        raise NotReported("The status could not be reported to CodeDeploy.") from None
    if not is_awaited:
        report.step("The event has a status already: this one was not needed")
    report.step(f"Reported {status}")
    return {"status": status, "message": found.what if found else ""}


@dataclass(frozen=True)
class _Check:
    """A check of the version that a deployment shifts to."""

    hook: HookEvent
    session: Session
    lifecycle: Lifecycle
    report: Report
    cancellation: Cancellation

    def run(self, seconds: int) -> None:
        """Invoke the new version; raise DeployError if it does not answer as it has to."""
        checks = read_checks(os.environ, Path(os.environ.get("LAMBDA_TASK_ROOT", "")))
        new = self.lifecycle.find_new_version(self.hook.deployment_id, self.cancellation)
        verification = checks.find(new.function.name)
        # What AWS says of the payload may repeat it.
        secret = {"_LAMBDA_VERIFY_PAYLOAD": verification.payload.decode("utf-8", "surrogateescape")}
        target = replace(self.session.target, function=new.function, variables=secret)
        self.report.step(f"{new.function.name}, version {new.version}: {self.hook.deployment_id}")
        execution = Execution(
            Function(self.session.sibling(target), self.cancellation),
            Deadline(seconds, self.report, self.cancellation),
            self.report,
            self.cancellation,
            ready={new.version},  # or CodeDeploy would not shift to it
        )
        VerifyVersion(verification, new.version).execute(execution)


def _end_of(check: _Check, context: Context, limits: Limits) -> DeployError | None:
    """Make a check in a thread while this one looks at the clock; return what is wrong with the version."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - limits.report

    seconds = int(left() - limits.shortest)
    if seconds < limits.shortest:
        return InputError(
            f"The hook's function has a timeout that leaves no time for a check: {limits.report:.0f} seconds "
            "of it are for the report.",
            todo="Set a minute or more: `aws lambda update-function-configuration --timeout 60 "
            "--function-name …`",
        )
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            check.run(seconds)
        except BaseException as error:  # noqa: BLE001 - it is reported there
            ended.put(error)
        else:
            ended.put(None)

    try:
        threading.Thread(target=work, daemon=True).start()
        raised = ended.get(timeout=max(0.0, left()))
    except RuntimeError as error:  # no thread can be started
        raised = error
    except Empty:
        check.cancellation.cancel()
        return DeployError(
            "The check did not end within the time that the hook's function has.",
            todo="Give the hook's function a longer timeout.",
        )
    return _reworded(raised) if raised else None


def _caller() -> Target:
    return replace(read_caller(read_role(os.environ)), function=FunctionReference("the hook"))


def _reworded(raised: BaseException) -> DeployError:
    """Return an error as who set up the hook understands it; what it left is CodeDeploy's matter."""
    error = raised if isinstance(raised, DeployError) else unexpected(raised)
    texts = [error.what, error.why, error.todo]
    for phrase, other in PHRASES:
        texts = [phrase.sub(other, text) for text in texts]
    what, why, todo = texts
    return DeployError(what, why=why, todo=todo)
