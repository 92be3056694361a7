"""What a person and a program read: Heroku's style on a terminal or in a log, JSON on stdout."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from deploy.errors import DeployError
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRESS_AFTER = 1.0  # seconds of silence that a reader does not mind
PROGRESS_EVERY_ON_TERMINAL = 0.1  # seconds
PROGRESS_EVERY_IN_LOG = 5.0  # seconds

RED = "\033[31m"
YELLOW = "\033[33m"
BOLD = "\033[1m"
RESET = "\033[0m"
CLEAR_LINE = "\r\033[K"


class Output:
    """Writes steps, details, notices and errors, and JSON where it was asked for.

    With `as_json` stdout carries the document alone, in a process that stays one for each deploy, and
    everything else goes to stderr.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        as_json: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self._is_closed = not (stdout or sys.stdout)
        self.stdout = stdout or sys.stdout or _nowhere()
        self.stderr = stderr or sys.stderr or _nowhere()
        self.as_json = as_json
        self._story = self.stderr if as_json else self.stdout
        self._environment = environment
        self._progress = _Progress()
        self._held: list[str] | None = None
        self._documented = self._stays = False

    def stay(self) -> None:
        """Write a document for each deploy from now on: this process stays."""
        self._stays = True

    def hold(self) -> None:
        """Keep steps and details back until it is known whether they are worth telling."""
        self._held = []

    def tell_held(self) -> None:
        """Tell what was kept back."""
        held, self._held = self._held, None
        for line in held or ():
            self._write(self._story, line)

    def drop_held(self) -> None:
        """Forget what was kept back: nothing came of it."""
        self._held = None

    def step(self, text: str) -> None:
        """Announce what is being done now."""
        self._tell(f"{self._coloured(self._story, BOLD, '----->')} {printable(text)}")

    def detail(self, text: str) -> None:
        """Add to the step before."""
        self._tell(f"       {printable(text)}")

    def _tell(self, line: str) -> None:
        if self._held is None:
            self._write(self._story, line)
        else:
            self._held.append(line)

    def notice(self, text: str) -> None:
        """Point out something that the owner should know but that stops nothing."""
        self._page(text, YELLOW)

    def error(self, error: DeployError) -> None:
        """Explain an error: what happened, why, what to do."""
        self.tell_held()
        parts = [part for part in (error.what, error.why, error.todo) if part]
        self._page("\n\n".join(parts), RED)

    def document(self, content: object) -> None:
        """Write the JSON document of `--json`; without it nothing.

        In a process that stays it is one of many, in a line of its own, and a reader that has gone is no
        fault.
        Raises DeployError where a program would wait for it in vain.
        """
        if not self.as_json or (self._documented and not self._stays):
            return
        self._documented = True
        is_written = self._write(self.stdout, json.dumps(content, indent=None if self._stays else 2))
        if (self._is_closed or not is_written) and not self._stays:
            raise DeployError("The JSON document could not be written to stdout.")

    def progress(self, label: str, done: int, total: int, unit: str = "") -> None:
        """Show how far something has come, once it has taken more than a second.

        Counts bytes where no other unit is given.
        """
        now = time.monotonic()
        state = self._progress
        if state.label != label:
            self._progress = _Progress(label=label, started=now, shown=now)
            return
        terminal = self._story.isatty()
        pause = PROGRESS_EVERY_ON_TERMINAL if terminal else PROGRESS_EVERY_IN_LOG
        if now - state.started < PROGRESS_AFTER or (state.visible and now - state.shown < pause):
            return
        state.shown = now
        state.visible = True
        self.tell_held()
        shown = f"{done} of {total} {unit}" if unit else f"{megabytes(done)} of {megabytes(total)}"
        text = f"       {label}: {shown} ({done * 100 // max(total, 1)}%)"
        if terminal:
            # A longer line would wrap, and only its last row be cleared.
            _write(self._story, f"{CLEAR_LINE}{text[: shutil.get_terminal_size().columns - 1]}")
            state.open_line = True
        else:
            self._write(self._story, text)

    def hashing(self, done: int, total: int) -> None:
        """Show how much of a package is read for its digest, in bytes."""
        self.progress("Hashed", done, total)

    def writing(self, done: int, total: int) -> None:
        """Show how much of a package is written, in bytes."""
        self.progress("Written", done, total)

    def _page(self, text: str, colour: str) -> None:
        bang = self._coloured(self.stderr, colour, " !")
        lines = (f"{bang}     {printable(line)}" if line else bang for line in text.split("\n"))
        self._write(self.stderr, "\n".join(lines))

    def _write(self, stream: TextIO, text: str) -> bool:
        """Write lines; a reader that has gone does not decide how a deploy ends."""
        if self._progress.open_line:
            _write(self._story, CLEAR_LINE)
            self._progress = _Progress()
        return _write(stream, f"{text}\n")

    def _coloured(self, stream: TextIO, colour: str, text: str) -> str:
        # https://no-color.org: any value but the empty one switches colours off.
        if not stream.isatty() or self._environment.get("NO_COLOR"):
            return text
        if self._environment.get("TERM", "dumb") == "dumb":
            return text
        return f"{colour}{text}{RESET}"


class _Progress:
    def __init__(self, label: str = "", started: float = 0.0, shown: float = 0.0) -> None:
        self.label = label
        self.started = started
        self.shown = shown
        self.visible = False
        self.open_line = False


def _nowhere() -> TextIO:
    # Python has None for a stream that was closed before it started.
    return Path(os.devnull).open("w", encoding="utf-8")


def _write(stream: TextIO, text: str) -> bool:
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # From now on it leads nowhere, so that Python can flush it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
