"""Processes that deploy when they are told to, again and again, so that two of them start together."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from in_process import Outcome
from in_process import deploy as run
from paths import REPOSITORY, TESTS
from quick_sdk import make_sessions_quick

if TYPE_CHECKING:
    from typing_extensions import Self

PYTHONPATH = ":".join(map(str, (REPOSITORY, TESTS / "support", TESTS / "fakes")))
READY = "ready\n"


class Deployer:
    """A process that has everything imported and waits for its next deploy."""

    def __enter__(self) -> "Self":
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", __file__],
            env={"PYTHONPATH": PYTHONPATH, "PATH": "/usr/bin:/bin"},
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
        self._process.communicate()

    def prepare(self, slug: Path, env: Mapping[str, str], delay: float) -> None:
        """Say what to deploy, and how many seconds after `start`."""
        self._write({"slug": str(slug), "env": dict(env), "delay": delay})
        assert self._stdout.readline() == READY

    def start(self) -> None:
        """Have it begin."""
        self._write("go")

    def wait(self) -> Outcome:
        """Wait until it is done."""
        return Outcome(**json.loads(self._stdout.readline()))

    @property
    def _stdout(self) -> IO[str]:
        assert self._process.stdout
        return self._process.stdout

    def _write(self, message: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(message)}\n")
        self._process.stdin.flush()


def _serve() -> None:
    """Do what is asked for on stdin until it ends."""
    import time

    make_sessions_quick()
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(READY)
        sys.stdout.flush()
        sys.stdin.readline()
        time.sleep(job["delay"])
        outcome = run(Path(job["slug"]), env=job["env"])
        sys.stdout.write(f"{json.dumps(vars(outcome))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
