"""The formation dyno: deploys once, and then stays and puts right what drifts, until it is told to stop.

The loop knows nothing of AWS: it is given an attempt to deploy, a look for drift, and a way to wait.
"""

from __future__ import annotations

import contextlib
import random
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

from deploy.errors import DeployError, InputError, Interrupted, unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from deploy.output import Output

Deployed = TypeVar("Deployed")

FIRST_BACKOFF = 30.0  # seconds after a failed attempt, doubled each time, up to the interval
BEFORE_THE_END = 60.0  # seconds after wrong settings, so that restarts make no crash loop
JITTER = 0.1  # of a pause, so that many apps do not call at once
GRACE = 25  # seconds for the step in hand; Heroku kills a dyno 30 seconds after SIGTERM

# https://devcenter.heroku.com/articles/dynos#local-environment-variables: DYNO is `<type>.<number>`, and
# one-off dynos, the scheduler's and the release phase's have types of their own. Dokku's cron has, too.
FORMATION_DYNO = re.compile(r"(?!(?:run|release|scheduler|cron)\.)[A-Za-z0-9_-]+\.[0-9]{1,4}")


@dataclass(frozen=True)
class Schedule:
    """How often to look, in seconds, and whether drift is put right or only reported."""

    interval: float
    repair: bool = True


def is_formation_dyno(environment: Mapping[str, str]) -> bool:
    """Tell from DYNO whether the platform would start this process again when it ends."""
    return FORMATION_DYNO.fullmatch(environment.get("DYNO", "")) is not None


def stay(
    attempt: Callable[[], Deployed],
    drift: Callable[[Deployed], str | None],
    schedule: Schedule,
    *,
    output: Output,
    stop: StopSignal,
    sleep: Callable[[float], None],
) -> NoReturn:
    """Deploy, then look for drift every interval, for ever; ends by Interrupted or InputError.

    `attempt` deploys and gives what was deployed; `drift` tells what differs from that, None where
    nothing does. Whatever else they raise is reported and tried again.
    """
    deployed: Deployed | None = None
    reported: str | None = None
    failures = 0
    while True:
        try:
            with stop.held_back():
                found = drift(deployed) if deployed is not None else None
                if found and found != reported:
                    output.notice(found)
                reported = found
                if deployed is None or (found and schedule.repair):
                    deployed, reported = attempt(), None
        except InputError:
            raise  # wrong settings stay wrong until the owner changes them
        except Exception as error:  # noqa: BLE001 - a dyno that ends is started again, over and over
            failure = error if isinstance(error, DeployError) else unexpected(error)
            output.error(failure)
            output.document(failure.document())
            pause = min(FIRST_BACKOFF * 2**failures, schedule.interval)
            failures = min(failures + 1, 16)
            output.detail(f"Trying again in {pause:.0f} seconds")
        else:
            if failures:
                output.detail("It works again")
            failures = 0
            pause = schedule.interval
        stop.checkpoint()
        sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret


class StopSignal:
    """SIGTERM: ends a wait at once, and a deploy after the step in hand, or when the grace is over."""

    def __init__(self) -> None:
        self._holding_back = False
        self._asked: str | None = None

    def install(self, numbers: tuple[signal.Signals, ...]) -> None:
        """Take over these signals, and the alarm that ends the grace."""
        for number in (*numbers, signal.SIGALRM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._handle)

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Let a signal wait for `checkpoint` or the end of this block."""
        self._holding_back = True
        try:
            yield
        finally:
            self._holding_back = False
        self.checkpoint()

    def checkpoint(self) -> None:
        """Stop here, between two steps, where a signal has asked for it."""
        if self._asked:
            raise Interrupted(self._asked)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGALRM or not self._holding_back:
            raise Interrupted(self._asked or signal.Signals(number).name)
        if self._asked is None:
            self._asked = signal.Signals(number).name
            signal.alarm(GRACE)
