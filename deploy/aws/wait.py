"""Waiting for AWS: until an update has settled, or until another one no longer stands in the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from deploy.aws.codes import CONFLICT, LATEST
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.aws.function import Configuration, Function
    from deploy.output import Output

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.5  # seconds
LONGEST_PAUSE = 5.0  # seconds


class Deadline:
    """How long one wait may take: `_LAMBDA_TIMEOUT` seconds."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def pauses(self, output: Output, waiting_for: str) -> Iterator[None]:
        """Pause between tries, longer each time, and end when the time is over; one try there always is."""
        start = time.monotonic()
        pause = FIRST_PAUSE
        while True:
            yield
            left = start + self.seconds - time.monotonic()
            if left <= 0:
                return
            passed = min(round(self.seconds - left), self.seconds)
            output.progress(f"Waiting for {waiting_for}", passed, self.seconds, "seconds")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)


def until_settled(
    function: Function,
    deadline: Deadline,
    output: Output,
    qualifier: str = LATEST,
    read: Callable[[str], Configuration] | None = None,
) -> Configuration:
    """Read the configuration until neither State nor LastUpdateStatus says that something is under way.

    `read` is how, if not by GetFunctionConfiguration.
    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    for _ in deadline.pauses(output, function.name):
        configuration = (read or function.configuration)(qualifier)
        if configuration.is_settled:
            return configuration
    raise DeployError(
        f"{function.name} was not ready within {deadline.seconds} seconds.",
        why="An update is still under way there, or its network is being set up.",
        todo="Run deploy again, or let _LAMBDA_TIMEOUT give it more seconds.",
    )


def until_accepted(
    call: Callable[[], Answer], function: Function, deadline: Deadline, output: Output
) -> Answer:
    """Make a call again as long as another update of the function stands in its way."""
    refused: DeployError | None = None
    for _ in deadline.pauses(output, f"another update of {function.name}"):
        try:
            return call()
        except DeployError as error:
            if error.code != CONFLICT:
                raise
            refused = error
    raise refused or DeployError(f"{function.name} was not ready within {deadline.seconds} seconds.")
