"""The streams of a process: one may be closed, read by nobody, or read by a terminal."""

from __future__ import annotations

import io
import os
import select
from pathlib import Path
from typing import TextIO

USUAL_ROWS = 24
LONGEST_WRITE = 1.0  # seconds; a pipe that nobody reads takes for ever


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
