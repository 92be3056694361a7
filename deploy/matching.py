"""A search by a regular expression that comes to an end."""

from __future__ import annotations

import re
import signal
from typing import NoReturn

__all__ = ["matches"]


def matches(pattern: str, text: str, seconds: int) -> bool:
    """Tell whether a text holds what a regular expression describes. For the main thread alone.

    Raises TimeoutError where it can't be told within some seconds: with a repetition in a repetition, as in
    `(a+)+b`, a search may go on for years. A signal ends it: https://docs.python.org/3/library/signal.html
    """

    def end(*_: object) -> NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return re.search(pattern, text) is not None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
