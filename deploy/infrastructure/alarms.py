"""The alarms of a function: on its alias, so that CodeDeploy can watch them during a shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.infrastructure.service import Function

MINUTE = 60  # seconds


@dataclass(frozen=True)
class Alarm:
    """An alarm at a threshold of one of Lambda's metrics: a sum or a percentile of each period."""

    metric: str
    description: str
    threshold: int
    dimensions: Mapping[str, str]
    statistic: str | None = "Sum"
    percentile: str | None = None
    period: int = MINUTE
    notify: str | None = None


def alarms_of(function: Function, alias: str) -> Iterator[Alarm]:
    """Yield the alarms of a function, always in the same order."""
    wanted = function.alarms
    qualified = f"{function.name}:{alias}"
    dimensions = {"FunctionName": function.name, "Resource": qualified}
    if wanted.errors is not None:
        what = f"{qualified} failed {wanted.errors} times in a minute, or more often"
        yield Alarm("Errors", what, wanted.errors, dimensions, notify=wanted.notify)
    if wanted.throttles is not None:
        what = f"{qualified} was throttled {wanted.throttles} times in a minute, or more often"
        yield Alarm("Throttles", what, wanted.throttles, dimensions, notify=wanted.notify)
    if wanted.duration is not None:
        what = f"One in a hundred invocations of {qualified} took {wanted.duration} ms or longer"
        yield Alarm("Duration", what, wanted.duration, dimensions, None, "p99", notify=wanted.notify)
