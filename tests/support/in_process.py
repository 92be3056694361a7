"""Runs the deploy command in this process: the whole command line, without a start of Python each time.

What a user runs is in command.py. This is for tests that deploy hundreds of times.
"""

import contextlib
import io
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import botocore.endpoint

from deploy.cancel import Cancellation
from deploy.cli import SIGNALS, main


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and what it said."""

    status: int
    stdout: str
    stderr: str


class Hurried:
    """What the SDK takes for the module `time`: its pauses before it tries again are no part of any proof."""

    @staticmethod
    def sleep(_seconds: float) -> None:
        """Return at once."""


class Impatient(Cancellation):
    """Waits a five hundredth of the time, so that half a second is a millisecond."""

    def wait(self, seconds: float) -> None:
        super().wait(seconds / 500)


def deploy(slug: Path, *arguments: str, env: Mapping[str, str]) -> Outcome:
    """Run `deploy ARGUMENTS` on a slug, in a one-off dyno with `env`."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        environment({"PATH": os.environ.get("PATH", os.defpath), "DYNO": "run.1", **env}),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        mock.patch.object(botocore.endpoint, "time", Hurried),
    ):
        status = main(arguments, slug=slug, cancellation=Impatient())
    return Outcome(status, stdout.getvalue(), stderr.getvalue())


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Swap the environment, and put it and the handlers of signals back, which a run changes."""
    before, handlers = dict(os.environ), [signal.getsignal(number) for number in SIGNALS]
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)
