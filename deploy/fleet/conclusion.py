"""How the work for several functions ended: a table for people, a list for programs, and an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deploy.cancel import NOTHING_CHANGED
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.fleet.parallel import Result
    from deploy.output import Report

Value = TypeVar("Value")

HEADER = ("function", "before", "after", "outcome", "time")
HEADER_OF_NOW = ("function", "", "now", "outcome", "time")
INTERRUPTED = "Interrupted"  # the code of the error of a function whose work had to end
AS_BEFORE = "Those that failed run what they ran before, unless their own errors say otherwise."


def conclude(
    results: Sequence[Result[Value]],
    describe: Callable[[Value], tuple[str, str, str]],
    report: Report,
    advice: str = "",
) -> None:
    """Show how each function ended. Raises DeployError if the work for one of them failed.

    `advice` is what to do then, if the work changes something.
    """
    show(results, describe, report)
    failed = [result for result in results if result.error]
    if not failed:
        return
    names = ", ".join(result.name for result in failed)
    error = DeployError(f"{len(failed)} of {len(results)} functions failed: {names}.")
    error.causes = [result.error for result in results if result.error]
    if not advice:
        error.left = "The errors above say why."
    elif len(failed) < len(results) or not all(map(_left_nothing, failed)):
        error.left, error.todo = AS_BEFORE, advice
    raise error


def show(
    results: Sequence[Result[Value]], describe: Callable[[Value], tuple[str, str, str]], report: Report
) -> None:
    """Show each function with what it was before, what it is now, the outcome and the time.

    `describe` returns the first three; what is empty for all of them is left out.
    """
    rows = []
    for result in results:
        before, after, outcome = describe(result.value) if result.value is not None else ("", "", "failed")
        if result.error and result.error.code == INTERRUPTED:
            outcome = "interrupted"
        rows.append((result.name, before, after, outcome, f"{result.seconds:.1f} s"))
    header = HEADER if any(before for _, before, *_ in rows) else HEADER_OF_NOW
    columns = [column for column in zip(header, *rows, strict=True) if any(column[1:])]
    report.step(f"{len(results)} functions")
    report.table(list(zip(*columns, strict=True)))
    report.document([result.document for result in results])


def _left_nothing(result: Result[Value]) -> bool:
    return result.error is not None and result.error.left in {"", NOTHING_CHANGED}
