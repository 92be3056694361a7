"""The same work for several targets at once: one that fails does not stop the others."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deploy.cancel import Cancelled
from deploy.errors import DeployError, unexpected
from deploy.fleet.conclusion import INTERRUPTED, conclude, show
from deploy.fleet.workers import work_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.target.environment import Target

Value = TypeVar("Value")

THREADS = 8  # more do not help: AWS takes about 15 control calls a second from an account


@dataclass(frozen=True)
class Result(Generic[Value]):
    """How the work for one target ended: a value or an error, the seconds, and what programs read."""

    name: str
    seconds: float
    value: Value | None = None
    error: DeployError | None = None
    document: object = None


class Interrupted(Cancelled):
    """An end before all were done; `results` say how each ended, some of them by an error of that code."""

    def __init__(self, results: Sequence[Result[Any]]) -> None:
        super().__init__()
        self.results = results


def for_each(
    targets: Sequence[Target],
    work: Callable[[Target, Report, Cancellation], Value],
    describe: Callable[[Value], tuple[str, str, str]],
    report: Report,
    cancellation: Cancellation,
    *,
    together: bool = False,
    advice: str = "",
) -> list[Value]:
    """Do the work for the one target, or for several at once, with a table at the end; return what it gave.

    `describe` gives a row of that table. Of several, the lines of each are kept back until they can be shown
    `together`. Raises DeployError if the work failed for any of them, with `advice` on what to do then if
    the work changes something.
    """
    if len(targets) == 1:
        return [work(targets[0], report, cancellation)]
    try:
        results = run_each(targets, work, report, cancellation, together=together)
    except Interrupted as interrupted:
        show(interrupted.results, describe, report)
        raise
    conclude(results, describe, report, advice)
    return [result.value for result in results if result.value is not None]


def run_each(
    targets: Sequence[Target],
    work: Callable[[Target, Report, Cancellation], Value],
    report: Report,
    cancellation: Cancellation,
    *,
    threads: int = THREADS,
    together: bool = False,
) -> list[Result[Value]]:
    """Do the work for each target, several at a time, and return the results in the targets' order.

    Each is given a report and a token of its own. An error is reported as soon as it is there. Raises
    Interrupted if the deploy has to end, as soon as all that had begun have ended.
    """

    def run(target: Target, name: str) -> tuple[Result[Value], Report]:
        named, child, started = report.named(name), cancellation.child(name), time.monotonic()
        done = Result[Value](name, 0.0)
        if together:
            named.buffer()
        try:
            child.check_between_steps()
            done = replace(done, value=work(target, named, child))
        except Cancelled:
            done = replace(done, error=_interrupted(cancellation.reason, child.consequence))
        except Exception as error:  # noqa: BLE001 - the others go on
            failure = error if isinstance(error, DeployError) else unexpected(error)
            child.consequence = failure.left or child.consequence
            named.error(failure)
            done = replace(done, error=failure)
        if done.error:
            named.document(done.error.to_dict())
        return replace(done, seconds=time.monotonic() - started, document=named.documented), named

    results = []
    jobs = list(zip(targets, names(targets), strict=True))
    for result, named in work_on(jobs, lambda job: run(*job), threads):
        if together:
            named.flush()
        results.append(result)
    if any(result.error and result.error.code == INTERRUPTED for result in results):
        raise Interrupted(results)
    return results


def _interrupted(reason: str, left: str) -> DeployError:
    error = DeployError(f"Interrupted by {reason}." if reason else "Interrupted.")
    error.code, error.left = INTERRUPTED, left
    return error


def names(targets: Sequence[Target]) -> list[str]:
    """Return what tells the targets apart: the name, with region and account where several have the same."""
    known = [target.function.name for target in targets]
    return [
        name
        if known.count(name) == 1
        else f"{name} ({target.region}{f', {target.function.account}' if target.function.account else ''})"
        for name, target in zip(known, targets, strict=True)
    ]
