"""Waiting for AWS: for an update to settle, for another one to end, for an answer that makes sense."""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from deploy.aws.codes import CONFLICT, CUT, LATEST
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
PAUSES_OF_READING = (0.5, 2.0)  # seconds before each further try; the SDK has made its own by then
GLANCE = 0.1  # seconds between two looks whether the deploy has to end


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
            self._report.wait(f"Waiting for {waiting_for}")
            self._cancellation.wait(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)


def wait_until_ready(function: Function, deadline: Deadline, qualifier: str = LATEST) -> Configuration:
    """Read the configuration until neither State nor LastUpdateStatus says that something is under way.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    what = function.name if qualifier == LATEST else f"version {qualifier} of {function.name}"
    for _ in deadline.pauses(f"{what} to become ready"):
        configuration = function.configuration(qualifier)
        if configuration.is_ready:
            return configuration
    raise DeployError(
        f"{function.name} was not ready within {deadline.seconds} seconds.",
        why="An update is still under way there, or its network is being set up.",
        todo="Run `deploy` again; with a larger _LAMBDA_TIMEOUT it waits longer.",
    )


def retry_on_conflict(call: Callable[[], Answer], function: Function, deadline: Deadline) -> Answer:
    """Make a call again as long as another update of the function stands in its way."""
    refused: DeployError | None = None
    for _ in deadline.pauses(f"another update of {function.name} to end"):
        try:
            return call()
        except DeployError as error:
            if error.code != CONFLICT:
                raise
            refused = error
    raise refused or DeployError(f"{function.name} was not ready within {deadline.seconds} seconds.")


def retry_reading(read: Callable[[], Answer], cancellation: Cancellation) -> Answer:
    """Make a call that only reads; if its answer is cut or makes no sense, make it again, a few times."""
    for pause in PAUSES_OF_READING:
        try:
            return read()
        except DeployError as error:
            if error.code != CUT:
                raise
        cancellation.wait(pause)
    return read()


def within(seconds: float, call: Callable[[], Answer], cancellation: Cancellation) -> Answer:
    """Return what a call returns, or raise what it raises; TimeoutError if that takes longer than `seconds`.

    Such a call is left behind in a thread that keeps nothing from ending, wherever it is stuck.
    """
    results: SimpleQueue[Answer | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            results.put(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            results.put(error)

    end = time.monotonic() + seconds
    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:  # no thread can be started
        raise MemoryError from None
    while True:
        cancellation.check()
        try:
            result = results.get(timeout=max(0.0, min(GLANCE, end - time.monotonic())))
        except Empty:
            if time.monotonic() >= end:
                raise TimeoutError from None
            continue
        if isinstance(result, BaseException):
            raise result
        return result
