"""A search by a user's regular expression, in a process of its own so that it can be ended."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# If this process is killed, the search may not run on for years.
PROGRAM = """
import json, re, resource, sys, warnings
try:
    pattern, text, seconds = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    warnings.simplefilter("ignore")
    sys.exit(0 if re.search(pattern, text) else 3)
except MemoryError:
    sys.exit(4)
"""
FOUND, NOT_FOUND, NO_MEMORY = 0, 3, 4
OUT_OF_TIME = -24  # SIGXCPU, where this process had no turn to look for longer than the search may take
# A platform that stops a dyno sends its signal to every process there, the search included.
STOPPED = {-15, -2, -1}  # SIGTERM, SIGINT, SIGHUP

PAUSE = 0.1  # seconds between two looks at whether the search is over, or has to be


def matches(pattern: str, text: str, seconds: float, check: Callable[[], None] = lambda: None) -> bool:
    """Whether a text holds what a regular expression describes.

    With a repetition in a repetition, as in `(a+)+b`, a search may go on for years; raises TimeoutError if
    it takes longer than `seconds`. `check` is called meanwhile, and may raise. Pattern and text reach the
    process on its standard input alone.
    """
    end = time.monotonic() + seconds
    status = min(STOPPED)
    while status in STOPPED:
        check()
        status = _search(json.dumps([pattern, text, int(seconds) + 1]).encode(), end, check)
    if status == NO_MEMORY:
        raise MemoryError
    if status == OUT_OF_TIME:
        raise TimeoutError
    if status not in {FOUND, NOT_FOUND}:
        raise RuntimeError(f"the search ended with {status}")
    return status == FOUND


def _search(task: bytes, end: float, check: Callable[[], None]) -> int:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        threading.Thread(target=_feed, args=(process.stdin, task), daemon=True).start()
        try:
            while process.returncode is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=PAUSE)
                check()
                if process.returncode is None and time.monotonic() >= end:
                    raise TimeoutError
            return process.returncode
        finally:
            process.kill()


def _feed(pipe: IO[bytes], task: bytes) -> None:
    # Popen.communicate sends no more than fits into the pipe once it was interrupted by a timeout.
    with contextlib.suppress(OSError), pipe:  # the process may have ended
        pipe.write(task)
