"""The CodePipeline step: a Lambda function that makes a fleet file true, started by an invoke action.

It is a process as `cli.py` is one, with an event in place of arguments. Each job gets exactly one result. The
event holds credentials and is never logged.

A run works in a thread of its own, and this one looks at the clock: before the function's time is up, a run
that is not done asks for another one. What a run has done, the next one finds in AWS.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from deploy.aws.codes import DENIED
from deploy.aws.pipeline import Pipeline
from deploy.aws.session import Session
from deploy.cancel import Cancellation, Cancelled
from deploy.errors import DeployError, InputError, unexpected
from deploy.fleet.board import Board
from deploy.fleet.failure import message_of, reworded, type_of
from deploy.fleet.pipeline import Failure, Progress, Run, Success
from deploy.handler import NotReported, silence_libraries
from deploy.target.job import as_keys, find_job_id, read_caller, read_role
from deploy.terminal import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.handler import Context
    from deploy.output import Report


@dataclass(frozen=True)
class Limits:
    """Seconds before the function's time is up; those that are left at the end are for the result.

    They name the last moment at which a step may begin, at which a step in hand is ended, and at which one
    that is stuck is left behind. A run takes `shortest` to get anywhere.
    """

    shortest: float = 120.0
    begin: float = 60.0
    end: float = 45.0
    leave: float = 40.0
    cleaning: float = 15.0


LIMITS = Limits()

silence_libraries()


class _Console(Console):
    """Shows notices and errors with the keys of UserParameters in place of settings and options."""

    def page(self, text: str) -> None:
        super().page(as_keys(reworded(text)))


def handler(
    event: object,
    context: Context,
    limits: Limits = LIMITS,
    new_token: Callable[[], Cancellation] = Cancellation,
) -> dict[str, str]:
    """Do the job of an event, and report its result. Raise NotReported if CodePipeline can't be reached."""
    report = Board(_Console(sys.stdout, sys.stderr))
    job_id = find_job_id(event)
    if job_id is None:
        error = InputError(
            "This event is not a job of CodePipeline's.",
            todo="Name this function in an invoke action of a pipeline: CodePipeline starts it.",
        )
        report.error(error)
        return {"result": "none", "message": error.what}
    role = read_role(os.environ)
    run = Run(event, role, Progress(), report, new_token())
    result = _end_of(run, context, limits)
    return _report(job_id, result, replace(run, cancellation=new_token()))


def _end_of(run: Run, context: Context, limits: Limits) -> Success | Failure | None:
    """Return the result of a run; None if its time was up."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if left() < limits.shortest:
        message = (
            f"The step's function has a timeout that leaves it {left():.0f} seconds. Set 15 minutes: `aws "
            "lambda update-function-configuration --timeout 900 --function-name …`"
        )
        run.report.error(InputError(message))
        return Failure("ConfigurationError", message)
    ended: SimpleQueue[Success | Failure | BaseException] = SimpleQueue()

    def work() -> None:
        try:
            ended.put(run.result())
        except BaseException as error:  # noqa: BLE001 - it is reported there
            ended.put(error)

    try:
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:
        return _failure(MemoryError(), run.report)
    ends: tuple[tuple[float, Callable[[], None]], ...] = (
        (limits.begin, lambda: run.cancellation.request("the end of the function's time")),
        (limits.end, run.cancellation.cancel),
        (limits.leave, lambda: _clean_up(run.cancellation, limits.cleaning)),
    )
    for seconds, action in ends:
        try:
            result = ended.get(timeout=max(0.0, left() - seconds))
        except Empty:
            action()
            continue
        if isinstance(result, Cancelled):
            return None
        return _failure(result, run.report) if isinstance(result, BaseException) else result
    return None


def _clean_up(cancellation: Cancellation, seconds: float) -> None:
    """Take away what a run leaves behind that is stuck, but not at the expense of the result."""
    thread = threading.Thread(target=cancellation.clean_up, daemon=True)
    thread.start()
    thread.join(seconds)


def _failure(raised: BaseException, report: Report) -> Failure:
    error = raised if isinstance(raised, DeployError) else unexpected(raised)
    report.error(error)
    return Failure(type_of(error), message_of(error))


# --- the result -------------------------------------------------------------------------------------


def _report(job_id: str, result: Success | Failure | None, run: Run) -> dict[str, str]:
    """Report the result of a job, and return it as the function's answer."""
    try:
        pipeline = Pipeline(Session(read_caller(run.role)), run.cancellation)
        try:
            answer, is_there = _put(pipeline, job_id, result, run.progress)
        except DeployError as error:
            if error.code not in DENIED or isinstance(result, Failure):
                raise
            # Better another result than none: the action would wait for 20 minutes.
            run.report.error(error)
            denied = Failure("PermissionError", message_of(error))
            answer, is_there = _put(pipeline, job_id, denied, run.progress)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold anything
        run.report.error(error if isinstance(error, DeployError) else unexpected(error))
        raise NotReported("The result of the job could not be reported to CodePipeline.") from None
    if not is_there:
        run.report.step("The job has a result already, or has expired: this one was not needed")
    run.report.step(f"Reported {answer['result']}")
    return answer


def _put(
    pipeline: Pipeline, job_id: str, result: Success | Failure | None, progress: Progress
) -> tuple[dict[str, str], bool]:
    if isinstance(result, Success):
        answer = {"result": "success", "message": result.summary}
        return answer, pipeline.succeed(job_id, result.summary, result.variables)
    if isinstance(result, Failure):
        answer = {"result": "failure", "message": result.message}
        return answer, pipeline.fail(job_id, result.kind, result.message)
    answer = {"result": "continuation", "message": progress.summary}
    return answer, pipeline.go_on(job_id, progress.token(), progress.summary, progress.percent)
