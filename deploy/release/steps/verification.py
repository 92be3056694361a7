"""The verification of a version before traffic reaches it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.codes import NOT_FOUND
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.config.redaction import Redactor, redactor_for
from deploy.errors import DeployError
from deploy.release.match import matches
from deploy.release.steps.step import Execution, Step, deleted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Invocation
    from deploy.target.environment import Target
    from deploy.target.settings import Verification

LOG_LINES = 20  # of the function's log, shown when a verification fails
ANSWER_LENGTH = 300  # characters of its answer, shown then


@dataclass(frozen=True)
class VerifyVersion(Step):
    """Invoke a version, the published one if none is named, before traffic reaches it.

    `todo` is what to do if its answer is not as expected.
    """

    verification: Verification
    version: str | None = None
    todo: str = "Fix the function or its config, and deploy again."

    order: ClassVar[int] = 30

    def __str__(self) -> str:
        return f"invoke {f'version {self.version}' if self.version else 'it'} with _LAMBDA_VERIFY_PAYLOAD"

    def execute(self, execution: Execution) -> None:
        """Invoke the version and compare its answer; raises DeployError if it is not as expected."""
        with execution.cancellation.leaving("The alias was not moved."):
            version = execution.when_ready(self.version)
        execution.report.step(f"Verifying version {version}")
        with execution.cancellation.leaving(f"Version {version} was not verified; the alias was not moved."):
            self._verify(version, execution)
        execution.report.detail("It answered as expected" if self.verification.expect else "It answered")

    def _verify(self, version: str, execution: Execution) -> None:
        seconds = execution.deadline.seconds
        end = time.monotonic() + seconds
        try:
            invocation = execution.function.invoke(version, self.verification.payload, seconds)
        except TimeoutError as error:
            raise _too_slow(version, seconds, self.todo) from error
        except DeployError as error:
            if error.code == NOT_FOUND:
                raise deleted(version) from error
            error.what = f"Version {version} could not be verified. {error.what}"
            raise
        try:
            left = max(0.0, end - time.monotonic())
            wrong = self._wrong(invocation, left, execution)
        except TimeoutError:
            raise _too_slow_to_match(version, seconds) from None
        if wrong:
            raise DeployError(
                f"Version {version} of {execution.function.name} {wrong}.",
                why=_evidence(invocation, execution),
                todo=self.todo,
            )

    def _wrong(self, invocation: Invocation, seconds: float, execution: Execution) -> str | None:
        if invocation.error:
            return f"failed ({_redactor(execution).redact_start(invocation.error)})"
        expect = self.verification.expect
        if expect and not matches(expect, invocation.payload, seconds, execution.cancellation.check):
            return "gave an answer that _LAMBDA_VERIFY_EXPECT does not match"
        return None

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what a verification needs."""
        if target.settings.verification:
            invoke = Permission("lambda:InvokeFunction", "verify a new version")
            yield Grant("Verify", (invoke,), (function_arn(target, "*"),))


def _too_slow(version: str, seconds: int, todo: str) -> DeployError:
    return DeployError(
        f"Version {version} could not be verified: no answer in {seconds} seconds.",
        todo=f"{todo} A larger _LAMBDA_TIMEOUT gives it more seconds.",
    )


def _too_slow_to_match(version: str, seconds: int) -> DeployError:
    return DeployError(
        f"Version {version} could not be verified: in {seconds} seconds the search for "
        "_LAMBDA_VERIFY_EXPECT in its answer did not end.",
        why="A repetition within a repetition, as in (a+)+b, has more ways to match than can be tried.",
        todo="Give _LAMBDA_VERIFY_EXPECT a simpler regular expression.",
    )


def _redactor(execution: Execution) -> Redactor:
    return redactor_for(execution.target) if execution.target else Redactor({})


def _evidence(invocation: Invocation, execution: Execution) -> str:
    if execution.target is None:
        return "What it answered and logged is not shown here: its config, which may be in it, is not known."
    redactor = redactor_for(execution.target)
    # Secrets are taken out first: what is cut or indented would not be recognized.
    answer = redactor.redact_start(invocation.payload, ANSWER_LENGTH)
    log = redactor.redact_tail(invocation.log)
    lines = "\n".join(f"  {line}" for line in log.rstrip("\n").split("\n")[-LOG_LINES:])
    return f"Its answer: {answer}\nThe end of its log:\n{lines or '  (empty)'}"
