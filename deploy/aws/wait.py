"""Waiting for AWS: until an update has settled, or until another one no longer stands in the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from deploy.aws.codes import CONFLICT, LATEST
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.aws.answers import Configuration
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.output import Report

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.5  # seconds
LONGEST_PAUSE = 5.0  # seconds


class Deadline:
    """How long each wait may take, in seconds, and what is looked at and told meanwhile."""

    def __init__(self, seconds: int, report: Report, cancellation: Cancellation) -> None:
        self.seconds = seconds
        self._report = report
        self._cancellation = cancellation

    def pauses(self, waiting_for: str) -> Iterator[None]:
        """Pause between tries, longer each time, and end when the time is over; there is at least one try."""
        start = time.monotonic()
        pause = FIRST_PAUSE
        while True:
            yield
            left = start + self.seconds - time.monotonic()
            if left <= 0:
                return
            passed = min(round(self.seconds - left), self.seconds)
            self._report.progress(f"Waiting for {waiting_for}", passed, self.seconds, "seconds")
            self._cancellation.wait(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)


def wait_until_ready(function: Function, deadline: Deadline, qualifier: str = LATEST) -> Configuration:
    """Read the configuration until neither State nor LastUpdateStatus says that something is under way.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    for _ in deadline.pauses(function.name):
        configuration = function.configuration(qualifier)
        if configuration.is_ready:
            return configuration
    raise DeployError(
        f"{function.name} was not ready within {deadline.seconds} seconds.",
        why="An update is still under way there, or its network is being set up.",
        todo="Run deploy again, or let _LAMBDA_TIMEOUT give it more seconds.",
    )


def retry_on_conflict(call: Callable[[], Answer], function: Function, deadline: Deadline) -> Answer:
    """Make a call again as long as another update of the function stands in its way."""
    refused: DeployError | None = None
    for _ in deadline.pauses(f"another update of {function.name}"):
        try:
            return call()
        except DeployError as error:
            if error.code != CONFLICT:
                raise
            refused = error
    raise refused or DeployError(f"{function.name} was not ready within {deadline.seconds} seconds.")
