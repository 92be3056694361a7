"""The report: medians, ratios, targets, as one Markdown table."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Line", "Target", "markdown", "median", "median_ratio"]

_TITLES = (
    "row",
    "of",
    "contender",
    "median s",
    "min to max s",
    "ours ÷ this",
    "peak MB",
    "size MB",
    "calls",
    "sent bytes",
    "target for ours",
    "",
)
_NUMBERS = {"median s", "min to max s", "ours ÷ this", "peak MB", "size MB", "calls", "sent bytes"}
_MB = 1_000_000


@dataclass(frozen=True)
class Target:
    """What was to be reached, what was reached, and whether that is enough."""

    text: str
    reached: str
    met: bool


@dataclass(frozen=True)
class Line:
    """What was measured of one contender in one row; None and empty where there is nothing to measure."""

    row: str
    subject: str
    contender: str
    seconds: Sequence[float] = ()
    ratio: float | None = None
    memory: float | None = None  # bytes
    size: float | None = None  # bytes
    calls: float | None = None
    sent: float | None = None  # bytes
    targets: tuple[Target, ...] = ()


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the rounds' ratios.

    Both ran within the same minute in a round, so what slows the machine down for a while is in both.
    """
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def markdown(lines: Iterable[Line]) -> str:
    """Return the table."""
    rows = [_TITLES, ["---:" if title in _NUMBERS else "---" for title in _TITLES], *map(_cells, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(line: Line) -> list[str]:
    return [
        line.row,
        line.subject,
        line.contender,
        _seconds(median(line.seconds)) if line.seconds else "",
        f"{_seconds(min(line.seconds))} to {_seconds(max(line.seconds))}" if line.seconds else "",
        "" if line.ratio is None else f"{line.ratio:.3f}",
        _megabytes(line.memory),
        _megabytes(line.size),
        "" if line.calls is None else f"{line.calls:g}",
        "" if line.sent is None else f"{line.sent:,.0f}",
        "<br>".join(f"{target.text}: {target.reached}" for target in line.targets),
        "<br>".join("met" if target.met else "**missed**" for target in line.targets),
    ]


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / _MB:.1f}"
