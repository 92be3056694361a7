"""A formation dyno whose clock is ours: a real process that waits, round by round, until it is told to go on.

with DynoRounds(slug, environment, folder / "log") as dyno:
    pause = dyno.next_round()  # runs up to the end of a round

What it says goes to the log. SIGTERM reaches it within a wait, as on a platform.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, TYPE_CHECKING, TextIO

from deploy.cli import main
from in_process import Impatient
from paths import REPOSITORY, TESTS

if TYPE_CHECKING:
    from typing_extensions import Self

PYTHONPATH = ":".join(map(str, (REPOSITORY, TESTS / "support", TESTS / "fakes")))


@dataclass(frozen=True)
class Round:
    """The end of a round: how long the dyno would wait now, and how much memory it has, in bytes."""

    pause: float
    memory: int


class DynoRounds:
    """The process, from the side of the test."""

    def __init__(self, slug: Path, environment: Mapping[str, str], log: Path) -> None:
        self._slug = slug
        self._environment = environment
        self._log = log
        self._waits = False

    def __enter__(self) -> "Self":
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", __file__, str(self._slug), str(self._log)],
            env={**self._environment, "PYTHONPATH": PYTHONPATH, "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def said(self) -> str:
        """Return what it has said so far."""
        return self._log.read_text()

    def next_round(self) -> Round:
        """Let the time of the wait pass, if it waits, and the next round go by."""
        if self._waits:
            self._pipe(self._process.stdin).write("go on\n")
            self._pipe(self._process.stdin).flush()
        answer = self._pipe(self._process.stdout).readline()
        assert answer, f"the dyno has ended:\n{self.said}"
        self._waits = True
        return Round(**json.loads(answer))

    def terminate(self) -> int:
        """Send SIGTERM into the wait, and give the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe
        return pipe


class _Clock(Impatient):
    """Says on a stream that it waits between rounds, and waits until a line comes in on stdin."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._ends: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._ends.put(line)

    def request(self, reason: str) -> None:
        super().request(reason)
        self._ends.put(reason)

    def wait_between_steps(self, seconds: float) -> None:
        self.check_between_steps()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        answer = {"pause": seconds, "memory": pages * resource.getpagesize()}
        print(json.dumps(answer), file=self._stream, flush=True)
        self._ends.get()
        self.check_between_steps()


def _serve(slug: Path, log: Path) -> int:
    """Run `deploy` as in a formation dyno, with stdin and stdout for a clock."""
    del os.environ["PYTHONPATH"]  # which is ours, and no config var
    clock = _Clock(sys.stdout)
    # A line at a time, so that the log is there when the clock has told of a round.
    sys.stdout = sys.stderr = log.open("a", encoding="utf-8", buffering=1)
    return main([], slug=slug, cancellation=clock)


if __name__ == "__main__":
    sys.exit(_serve(Path(sys.argv[1]), Path(sys.argv[2])))
