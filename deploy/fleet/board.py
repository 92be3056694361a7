"""The progress of a fleet: a table that is redrawn on a terminal, a line for each change in a log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from deploy.errors import DeployError
from deploy.fleet.parallel import THREADS, Result, run_each
from deploy.output import Report
from deploy.progress import EVERY_ON_TERMINAL
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.cancel import Cancellation
    from deploy.target.environment import Target
    from deploy.terminal import Console

Value = TypeVar("Value")

MARGIN = 4  # lines of a terminal that are left for others
FAILED = "FAILED"


class Board(Report):
    """What is reported about a fleet: the state of each function, and how many are done."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock=clock)
        self._states: dict[str, str] = {}
        self._busy: set[str] = set()
        self._title, self._done, self._total = "", 0, 0
        self._drawn = 0.0
        self._explained: set[str] = set()
        self._board_lock = threading.Lock()
        self._explaining = threading.Lock()

    def begin(self, title: str, names: Sequence[str]) -> None:
        """Begin a phase that concerns these functions."""
        with self._board_lock:
            self._title, self._done, self._total = title, 0, len(names)
            self._states |= {name: self._states.get(name, "") for name in names}
        self.draw(at_once=True)

    def named(self, name: str) -> Report:
        """Return what is reported about one function."""
        with self._board_lock:
            self._busy.add(name)
        return _Row(self, name)

    def change(self, name: str, state: str, *, at_once: bool = True) -> None:
        """Show the state of a function."""
        with self._board_lock:
            # What failed stays so, whatever else is said of it.
            if self._states.get(name) != FAILED:
                self._states[name] = state
        self.draw(at_once=at_once)

    def explain(self, error: DeployError, show: Callable[[DeployError], None]) -> None:
        """Show an error; one that another function had, too, in one line below that."""
        text = f"{error.what} {error.why} {error.todo}"
        with self._explaining:
            show(DeployError(f"{error.what} As above.") if text in self._explained else error)
            self._explained.add(text)

    def end(self, name: str) -> None:
        """Note that a function is through with the phase."""
        with self._board_lock:
            self._busy.discard(name)
            self._done += 1
            if not self.console.is_terminal:
                self.progress(self._title, self._done, self._total, "functions")
        self.draw(at_once=True)

    def draw(self, *, at_once: bool) -> None:
        """Show the table on a terminal; those at work if there is no room for all."""
        now = self._clock()
        if not self.console.is_terminal or not (at_once or now - self._drawn >= EVERY_ON_TERMINAL):
            return
        with self._board_lock:
            self._drawn = now
            room = max(1, self.console.rows - MARGIN)
            names = list(self._states)
            names = names if len(names) <= room else [name for name in names if name in self._busy][:room]
            width = max(map(len, names), default=0)
            rows = [f"       {name:{width}}  {self._states[name]}" for name in names]
            failed = sum(state == FAILED for state in self._states.values())
            head = f"       {self._title}: {self._done} of {self._total} functions"
            self.console.overwrite(f"{head}, {failed} failed" if failed else head, *rows)


class _Row(Report):
    """What is reported about one function: a step is its new state, details are left out."""

    def __init__(self, board: Board, name: str) -> None:
        super().__init__(board.console, name)
        self._board = board

    def step(self, text: str) -> None:
        """Show the state of the function."""
        if not self.console.is_terminal:
            super().step(text)
        self._board.change(self._name, printable(text))

    def detail(self, text: str) -> None:
        """Leave it out: there may be a hundred functions."""

    def progress(self, label: str, done: int, total: int, unit: str = "") -> None:
        """Show how far something has come, on a terminal."""
        del unit
        self._board.change(self._name, f"{label}: {done * 100 // max(total, 1)}%", at_once=False)

    def wait(self, label: str) -> None:
        """Show what is waited for, on a terminal."""
        self._board.change(self._name, label, at_once=False)

    def error(self, error: DeployError) -> None:
        """Explain an error."""
        self._board.explain(error, super().error)
        self._board.change(self._name, FAILED)


def run_phase(
    title: str,
    targets: Sequence[Target],
    work: Callable[[Target, Report, Cancellation], Value],
    report: Report,
    cancellation: Cancellation,
    *,
    threads: int = THREADS,
) -> list[Result[Value]]:
    """Do the work for each target, and show on a board how far all have come."""
    if not isinstance(report, Board):
        return run_each(targets, work, report, cancellation, threads=threads)
    board = report
    board.begin(title, [target.function.name for target in targets])

    def tracked(target: Target, named: Report, child: Cancellation) -> Value:
        try:
            return work(target, named, child)
        finally:
            board.end(target.function.name)

    return run_each(targets, tracked, board, cancellation, threads=threads)
