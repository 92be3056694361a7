"""What a person and a program read: Heroku's style on a terminal or in a log, JSON on stdout."""

from __future__ import annotations

import itertools
import json
import time
from typing import TYPE_CHECKING

from deploy.errors import DeployError
from deploy.progress import Progress, describe_bytes, describe_count, describe_wait
from deploy.text import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.terminal import Console

RED = "\033[31m"
YELLOW = "\033[33m"
GREEN = "\033[32m"
BOLD = "\033[1m"

ARROW = "-----> "
BANG = " !     "
INDENT = " " * len(ARROW)
STATUS = {"ok": GREEN, "failed": RED}
SIGNS = {"+": GREEN, "~": YELLOW, "-": RED}


class Report:
    """What is reported about one target: steps, details, notices, errors, progress, and a document.

    `name` is the target's, and stands in each line; leave it out if there is one target only. Documents of a
    named report are for whoever reports on all targets together.
    """

    def __init__(
        self, console: Console, name: str = "", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self._name = name
        self._prefix = f"{printable(name)}: " if name else ""
        self._clock = clock
        self._progress = Progress()
        self._buffered: list[tuple[bool, str]] | None = None  # pages and lines
        self._stays = False
        self.documented: object = None

    def named(self, name: str) -> Report:
        """Return a report for one of several targets, on the same console."""
        report = Report(self.console, name, clock=self._clock)
        report._stays = self._stays
        return report

    @property
    def as_json(self) -> bool:
        """Whether a program reads."""
        return self.console.as_json

    def stay(self) -> None:
        """Write a document for each deploy from now on: this process keeps running."""
        self._stays = True

    def buffer(self) -> None:
        """Keep steps and details back until it is known whether they are worth reading."""
        self._buffered = [] if self._buffered is None else self._buffered

    def flush(self) -> None:
        """Write what was kept back; lines in one go, for other threads write between two of them."""
        buffered, self._buffered = self._buffered, None
        for is_page, texts in itertools.groupby(buffered or (), lambda each: each[0]):
            write = self.console.page if is_page else self.console.story
            write("\n".join(text for _, text in texts))

    def discard(self) -> None:
        """Forget what was kept back: nothing came of it."""
        self._buffered = None

    def step(self, text: str) -> None:
        """Announce what is being done now."""
        self._progress = Progress()
        self._lines(self.console.coloured(BOLD, ARROW.rstrip()) + " ", text)

    def detail(self, text: str) -> None:
        """Add to the step before."""
        self._lines(INDENT, text)

    def change(self, sign: str, text: str) -> None:
        """Show what is added (`+`), changed (`~`) or removed (`-`)."""
        self._lines(INDENT, f" {text}", mark=sign, colour=SIGNS[sign])

    def status(self, word: str, text: str) -> None:
        """Show how a check ended, in a word: `ok`, `failed`, or anything else that is neither."""
        blanks = " " * (9 - len(word))
        self._lines(INDENT, f"{blanks}{text}", mark=word, colour=STATUS.get(word, YELLOW))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show rows of cells below each other."""
        shown = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        for row in shown:
            self.detail("  ".join(map(str.ljust, row, widths)).rstrip())

    def notice(self, text: str) -> None:
        """Point out something that the owner should know but that stops nothing."""
        self.console.page(self._as_page(text, YELLOW))

    def remark(self, text: str) -> None:
        """Point out something that is of interest only if what is kept back is."""
        page = self._as_page(text, YELLOW)
        if self._buffered is None:
            self.console.page(page)
        else:
            self._buffered.append((True, page))

    def error(self, error: DeployError) -> None:
        """Explain an error: what happened, why, what it left, what to do."""
        self.flush()
        parts = [part for part in (error.what, error.why, error.left, error.todo) if part]
        self.console.page(self._as_page("\n\n".join(parts), RED))

    def document(self, content: object) -> None:
        """Write the JSON document of `--json`; without it nothing.

        In a process that keeps running it is one of many, in a line of its own, and a reader that has gone
        does not matter. Raises DeployError if a program would wait for it in vain.
        """
        if self._name and isinstance(content, dict):
            content = {"function": self._name, **content}
        is_first, self.documented = self.documented is None, content
        if not self.as_json or not (self._stays or (is_first and not self._name)):
            return
        is_written = self.console.document(json.dumps(content, indent=None if self._stays else 2))
        if not is_written and not self._stays:
            raise DeployError("The JSON document could not be written to stdout.")

    def progress(self, label: str, done: int, total: int, unit: str = "") -> None:
        """Show how far something has come, once it has taken more than a second.

        Counts bytes if no unit is given.
        """
        if seconds := self._since(label):
            if unit:
                self._show(describe_count(label, done, total, unit))
            else:
                self._show(describe_bytes(label, done, total, seconds))

    def wait(self, label: str) -> None:
        """Show what is waited for, once that has taken more than a second."""
        if seconds := self._since(label):
            self._show(describe_wait(label, seconds))

    def _since(self, label: str) -> float:
        """Return the seconds since this was reported first; 0 if a reader need not see it now."""
        now = self._clock()
        if self._progress.label != label:
            self._progress = Progress(label, now, now)
            return 0.0
        is_due = self._progress.is_due(now, is_terminal=self.console.is_terminal)
        return now - self._progress.started if is_due else 0.0

    def _show(self, text: str) -> None:
        self.flush()
        show = self.console.overwrite if self.console.is_terminal else self.console.story
        show(f"{INDENT}{self._prefix}{text}")

    def _lines(self, start: str, text: str, *, mark: str = "", colour: str = "") -> None:
        """Write a line, on a terminal as rows that are indented alike; a mark before it has a colour."""
        place = len(self._prefix)
        first, *rest = self.console.wrap(f"{self._prefix}{mark}{printable(text)}", len(INDENT))
        if mark:
            first = first[:place] + self.console.coloured(colour, mark) + first[place + len(mark) :]
        self._line("\n".join([f"{start}{first}", *(f"{INDENT}{row}" for row in rest)]))

    def _line(self, line: str) -> None:
        if self._buffered is None:
            self.console.story(line)
        else:
            self._buffered.append((False, line))

    def _as_page(self, text: str, colour: str) -> str:
        bang = self.console.coloured(colour, BANG.rstrip(), page=True)
        rows: list[str] = []
        for line in printable_lines(text).split("\n"):
            is_blank = not line.strip()
            rows += [""] if is_blank else self.console.wrap(f"{self._prefix}{line}", len(BANG), page=True)
        return "\n".join(f"{bang}     {row}" if row else bang for row in rows)
