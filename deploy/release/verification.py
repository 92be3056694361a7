"""A search by a regular expression that comes to an end."""

from __future__ import annotations

import re
import signal
from typing import NoReturn


def matches(pattern: str, text: str, seconds: int) -> bool:
    """Tell whether a text holds what a regular expression describes. For the main thread alone.

    Raises TimeoutError where it can't be told within some seconds of the processor's: with a repetition in a
    repetition, as in `(a+)+b`, a search may go on for years. `re` lets a signal end it.
    """

    def end(*_: object) -> NoReturn:
        raise TimeoutError

    # Not the timer of SIGALRM, by which a formation dyno's grace ends.
    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return re.search(pattern, text) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
