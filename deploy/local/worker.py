"""A process that runs the handler, and the Runtime API that it asks for work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from deploy.errors import DeployError
from deploy.local.runtime_api import Event, RuntimeApi, Work
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.local.log import Log


@dataclass(frozen=True)
class Launch:
    """How a worker is started: the command, its working folder, and all variables that it is given."""

    command: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str] = field(repr=False)


class Worker:
    """A running process; `end` it, or its children may outlive it."""

    def __init__(self, launch: Launch, log: Log) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._api = RuntimeApi(self._events).__enter__()
        try:
            self._process = subprocess.Popen(
                launch.command,
                cwd=launch.folder,
                env={**launch.variables, "AWS_LAMBDA_RUNTIME_API": self._api.host},
                stdin=subprocess.DEVNULL,
                stdout=log.writer,
                stderr=log.writer,
                start_new_session=True,  # a group of its own, and no signals of the terminal
            )
        except OSError as error:
            self._api.end()
            raise DeployError(
                f"{printable(launch.command[0])} can't be started: {error.strerror}.",
                todo="It is what the function starts with: the wrapper that AWS_LAMBDA_EXEC_WRAPPER names, "
                "bootstrap, or the runtime of its language. Check that it is there and executable.",
            ) from None
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    def next(self, seconds: float) -> Event | None:
        """Return what happens next; None if that is nothing within some seconds."""
        try:
            return self._events.get(timeout=max(0.0, seconds))
        except Empty:
            return None

    def hand_out(self, work: Work) -> None:
        """Give the process an invocation, which it has asked for."""
        self._api.hand_out(work)

    def end(self) -> None:
        """Kill the process and all that it has started."""
        if self.runs:
            self._kill_group()
        self._waiter.join()
        self._api.end()

    def _wait(self) -> None:
        status = self._process.wait()
        self._kill_group()  # what it has started and left behind
        self._events.put(Event("exited", _describe(status).encode()))

    def _kill_group(self) -> None:
        with contextlib.suppress(OSError):  # nobody is left
            os.killpg(self._process.pid, signal.SIGKILL)


def _describe(status: int) -> str:
    """Return how a process ended, as Lambda says it; empty for a good end."""
    if status < 0:
        return f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return f"exit status {status}" if status else ""
