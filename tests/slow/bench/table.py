"""The report: medians, ratios and targets, as a small Markdown table for each row."""

import itertools
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_MB = 1_000_000
_SHAKY = 1.5
_MARK = " †"
_FOOTNOTE = (
    f"† The slowest run took over {_SHAKY:g} times as long as the fastest: ratios with these times are shaky."
)


@dataclass(frozen=True)
class Target:
    """What was to be reached, what was reached, and whether that is enough."""

    text: str
    reached: str
    met: bool
    shaky: bool = False  # it goes by times that are
    subject: str = ""  # its line's, unless it is said here


@dataclass(frozen=True)
class Line:
    """What was measured of one contender in one row; None and empty where there is nothing to measure."""

    row: str
    subject: str
    contender: str
    seconds: Sequence[float] = ()
    ours: Sequence[float] = ()  # our seconds in the same rounds, where the contender is another one
    memory: float | None = None  # bytes
    size: float | None = None  # bytes
    calls: float | None = None
    sent: float | None = None  # bytes
    work: float | None = None  # seconds of moto's own, within those of the contender
    targets: tuple[Target, ...] = ()


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the rounds' ratios.

    Both ran within the same minute in a round, so what slows the machine down for a while is in both.
    """
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def is_shaky(seconds: Sequence[float]) -> bool:
    """Return whether times of identical work are too far apart to be compared."""
    return max(seconds) > _SHAKY * min(seconds)


def summary(lines: Iterable[Line]) -> str:
    """Return a line for each target, below how many of them are met; nothing where there is none."""
    lines = list(lines)
    targets = [target for line in lines for target in line.targets]
    if not targets:
        return ""
    met = sum(target.met for target in targets)
    reached = (f"- {line.row}: {_reached(line, target)}" for line in lines for target in line.targets)
    parts = [f"## {met} of {len(targets)} targets are met", "\n".join(reached)]
    return "\n\n".join([*parts, *([_FOOTNOTE] if any(target.shaky for target in targets) else [])]) + "\n"


def tables(lines: Iterable[Line]) -> str:
    """Return a table for each row, below its name, and its targets below that; rows keep their order."""
    return "\n".join(_row(row, list(group)) for row, group in itertools.groupby(lines, lambda line: line.row))


def _row(row: str, lines: Sequence[Line]) -> str:
    cells = [[cell(line) for cell in _COLUMNS.values()] for line in lines]
    for above, below in reversed(list(itertools.pairwise(cells))):
        if above[0] == below[0]:
            below[0] = ""  # the subject is said once
    columns = [
        (title, *column)
        for title, column in zip(_COLUMNS, zip(*cells, strict=True), strict=True)
        if any(column)
    ]
    titles, *rest = zip(*columns, strict=True)
    rule = ["---" if title in _TEXTS else "---:" for title in titles]
    table = "".join(f"| {' | '.join(words)} |\n" for words in (titles, rule, *rest))
    targets = [f"- {_reached(line, target)}\n" for line in lines for target in line.targets]
    marked = any(line.seconds and is_shaky(line.seconds) for line in lines)
    parts = [f"## {row}\n", table, "".join(targets), f"{_FOOTNOTE}\n" if marked else ""]
    return "\n".join(part for part in parts if part)


def _reached(line: Line, target: Target) -> str:
    subject = target.subject or line.subject
    what = f"{target.text} ({subject})" if subject else target.text
    return f"{what}: {target.reached}, {'met' if target.met else '**missed**'}{_MARK if target.shaky else ''}"


def _range(line: Line) -> str:
    if len(line.seconds) < 2:
        return ""
    mark = _MARK if is_shaky(line.seconds) else ""
    return f"{_seconds(min(line.seconds))} to {_seconds(max(line.seconds))}{mark}"


def _to_best(line: Line) -> str:
    return f"{median(line.ours) / min(line.seconds):.3f}" if len(line.ours) > 1 else ""


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / _MB:.1f}"


_TEXTS = {"of", "contender"}
_COLUMNS: dict[str, Callable[[Line], str]] = {
    "of": lambda line: line.subject,
    "contender": lambda line: line.contender,
    "median s": lambda line: _seconds(median(line.seconds)) if line.seconds else "",
    "min to max s": _range,
    "of it moto's": lambda line: "" if line.work is None else _seconds(line.work),
    "ours ÷ this": lambda line: f"{median_ratio(line.ours, line.seconds):.3f}" if line.ours else "",
    "ours ÷ its best": _to_best,
    "peak MB": lambda line: _megabytes(line.memory),
    "size MB": lambda line: _megabytes(line.size),
    "calls": lambda line: "" if line.calls is None else f"{line.calls:g}",
    "sent bytes": lambda line: "" if line.sent is None else f"{line.sent:,.0f}",
}
