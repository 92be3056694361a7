"""What the handlers of the tools have in common: they are Lambda functions, each a process of its own."""

from __future__ import annotations

import logging
from typing import Protocol


class Context(Protocol):
    """What Lambda gives a handler besides the event."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time the function has left."""


class NotReported(Exception):  # noqa: N818 - its name is what a reader of the log sees
    """A result could not be reported. Lambda runs the event again, which does the work again and reports."""


def silence_libraries() -> None:
    """Keep what libraries log out of the function's log: payloads, tokens and tracebacks."""
    for library in ("botocore", "urllib3"):
        logging.getLogger(library).propagate = False
