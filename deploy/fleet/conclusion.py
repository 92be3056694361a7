"""How the work for several functions ended: a table for people, a list for programs, and an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.fleet.parallel import Result
    from deploy.output import Report

Value = TypeVar("Value")

HEADER = ("function", "before", "after", "outcome", "time")
HEADER_OF_NOW = ("function", "", "now", "outcome", "time")


def conclude(
    results: Sequence[Result[Value]], describe: Callable[[Value], tuple[str, str, str]], report: Report
) -> None:
    """Show each function with what it was before, what it is now, the outcome and the time.

    `describe` returns the first three; what is empty for all of them is left out. Raises DeployError if the
    work for one of them failed.
    """
    rows = []
    for result in results:
        before, after, outcome = describe(result.value) if result.value is not None else ("", "", "failed")
        rows.append((result.name, before, after, outcome, f"{result.seconds:.1f} s"))
    header = HEADER if any(before for _, before, *_ in rows) else HEADER_OF_NOW
    columns = [column for column in zip(header, *rows, strict=True) if any(column[1:])]
    report.step(f"{len(results)} functions")
    report.table(list(zip(*columns, strict=True)))
    report.document([result.document for result in results])
    failed = [result.name for result in results if result.error]
    if failed:
        error = DeployError(f"{len(failed)} of {len(results)} functions failed: {', '.join(failed)}.")
        error.left = "What became of each stands in the table above, and why in its own error."
        raise error
