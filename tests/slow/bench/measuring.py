"""What a command costs: the time it takes, and the most memory that its processes hold at once.

Memory is the proportional set size (PSS): what processes share is counted once and not for each of
them, so the sum over a process tree is what the tree really takes. It is read by sampling, which takes
time itself; so a run is either timed or sampled.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLING_INTERVAL = 0.005  # seconds
TIME_LIMIT = 600.0  # seconds

_LAST_CHARACTERS = 3000


@dataclass(frozen=True)
class Command:
    """A command line, the folder it is run in, and its whole environment."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """What one run of a command took: seconds, and the peak of memory in bytes where it was sampled."""

    seconds: float
    memory: int | None = None


class CommandError(Exception):
    """A command that did not end well: which one, with which exit status, and the end of what it said."""

    def __init__(self, command: Command, status: int, said: str) -> None:
        super().__init__(f"{' '.join(command.words)}: exit status {status}\n{said[-_LAST_CHARACTERS:]}")


def run(command: Command, *, sampled: bool = False) -> Cost:
    """Run a command to its end. Raises CommandError where its exit status is not 0."""
    # What earlier runs left to be written to the disk is not to be written in this one's time.
    os.sync()
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Not `wait(timeout)`, which looks again and again whether it is over, up to 50 ms apart.
        limit = threading.Timer(TIME_LIMIT, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            memory = _watch(process) if sampled else None
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            limit.cancel()
        seconds = time.perf_counter() - start
        if status != 0:
            output.seek(0)
            raise CommandError(command, status, output.read().decode(errors="replace"))
    return Cost(seconds, memory)


def _watch(process: "subprocess.Popen[bytes]") -> int:
    """Return the most memory that the processes of a session held at once until its first one ended."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_proportional_size(each) for each in _session(process.pid)))
        time.sleep(SAMPLING_INTERVAL)
    return peak


def _session(leader: int) -> Iterator[Path]:
    """Find the processes of a session: all descendants of the one that leads it, orphans included."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - done often: made for speed
        # A process may have ended meanwhile.
        with contextlib.suppress(ProcessLookupError):
            if name.isdigit() and os.getsid(int(name)) == leader:
                yield Path("/proc", name)


def _proportional_size(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
