"""The console: two streams that all threads share, of which one may be closed, or read by nobody."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from deploy.help import IN_SLUG, named
from deploy.text import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL_ROWS = 24
LONGEST_WRITE = 1.0  # seconds; a pipe that nobody reads takes for ever


RESET = "\033[0m"
CLEAR_LINE = "\r\033[K"
UP = "\033[A"


class Console:
    """Where reports go: the two streams, shared by all threads.

    With `as_json` stdout carries documents alone, and everything else goes to stderr. A stream that was
    closed before the start, or whose reader has gone, leads nowhere. Commands are shown with the program as
    people here type it. With None for `colours`, terminals have them.
    """

    def __init__(
        self,
        stdout: TextIO | None,
        stderr: TextIO | None,
        *,
        program: str = IN_SLUG,
        as_json: bool = False,
        colours: bool | None = False,
    ) -> None:
        self.as_json = as_json
        self._program = program
        self._has_stdout = stdout is not None
        self._stdout = stdout or nowhere()
        self._stderr = stderr or nowhere()
        self._story = self._stderr if as_json else self._stdout
        self._colours = colours
        self._lock = threading.Lock()
        self._clear = ""  # what takes the lines of progress away
        self._is_hurried = False
        self.lost = ""

    def hurry(self) -> None:
        """Wait for no reader any more, not even behind another thread that does: the process has to end."""
        self._is_hurried = True

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches: progress may overwrite its line."""
        return self._story.isatty()

    @property
    def rows(self) -> int:
        """The height of the terminal."""
        return rows(self._story)

    def story(self, line: str) -> None:
        """Write a line of what happens."""
        with self._turn():
            self._write(self._story, line)

    def page(self, text: str) -> None:
        """Write a notice or an error."""
        with self._turn():
            self._write(self._stderr, text)

    def document(self, text: str) -> bool:
        """Write a document for a program; return whether anybody can read it."""
        with self._turn():
            return self._write(self._stdout, text) and self._has_stdout

    def overwrite(self, *lines: str) -> None:
        """Show lines of progress on a terminal in place of those before."""
        with self._turn():
            # A longer line would wrap, and only its last row be cleared.
            width = (columns(self._story) or 80) - 1
            shown = "\n".join(line if len(line) <= width else f"{line[: width - 1]}…" for line in lines)
            with contextlib.suppress(OSError):  # the next line finds out
                write(self._story, f"{self._clear or CLEAR_LINE}{shown}")
            self._clear = CLEAR_LINE + f"{UP}{CLEAR_LINE}" * (len(lines) - 1)

    def wrap(self, text: str, indent: int, *, page: bool = False) -> list[str]:
        """Return a line as rows of its terminal's width, beside an indent; a log's lines stay whole."""
        width = columns(self._stderr if page else self._story)
        return wrap(text, width - indent) if width else [text]

    def coloured(self, colour: str, text: str, *, page: bool = False) -> str:
        """Return the text in a colour if its stream is a terminal that shows colours."""
        stream = self._stderr if page else self._story
        has_colours = stream.isatty() if self._colours is None else self._colours
        return f"{colour}{text}{RESET}" if has_colours else text

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Write one thing at a time; who waits for a reader of one stream does not silence the other."""
        has_lock = self._lock.acquire(timeout=LONGEST_WRITE)
        try:
            yield
        finally:
            if has_lock:
                self._lock.release()

    def _write(self, stream: TextIO, text: str) -> bool:
        clear, self._clear = self._clear, ""
        if clear:
            self._put(self._story, clear)
        return self._put(stream, f"{named(text, self._program)}\n")

    def _put(self, stream: TextIO, text: str) -> bool:
        """Write to a stream, and return whether it took that; one that did not leads nowhere from now on."""
        try:
            (write_soon if self._is_hurried else write)(stream, text)
        except OSError as error:
            if stream is self._stdout and error.errno != errno.EPIPE:
                self.lost = error.strerror or type(error).__name__
            lead_nowhere(stream)
            return False
        return True


def columns(stream: TextIO) -> int | None:
    """Return the width of the terminal that a stream leads to; None if it leads to none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def rows(stream: TextIO) -> int:
    """Return the height of the terminal that a stream leads to; the usual one if it leads to none."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or USUAL_ROWS
    except OSError:
        return USUAL_ROWS


def nowhere() -> TextIO:
    """Return a stream for one that was closed before Python started."""
    return Path(os.devnull).open("w", encoding="utf-8")


def lead_nowhere(stream: TextIO) -> None:
    """Have a stream take anything from now on, so that Python can flush it at exit."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)


def write(stream: TextIO, text: str) -> None:
    """Write a text, and wait until it is read."""
    stream.write(text)
    stream.flush()


def write_soon(stream: TextIO, text: str) -> None:
    """Write as much as the reader takes within a moment; Python's own buffer may be another thread's now."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # it is not a file
        write(stream, text)
        return
    rest = text.encode(stream.encoding or "utf-8", "replace")
    while rest and select.select([], [descriptor], [], LONGEST_WRITE)[1]:
        rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
