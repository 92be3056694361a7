"""How many control calls of Lambda's API this process makes in a second.

AWS takes about 15 a second of an account and region, whoever makes them, and throttles what is more. All
sessions with the same credentials and region share one budget here, so that a fleet stays below that.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.cancel import Cancellation
    from deploy.target.environment import Target

THROTTLED = 429  # https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
FREE = frozenset({"Invoke"})  # which is not a control call
SLOWEST = 1.0  # calls a second, however much AWS throttles
RECOVERY = 20.0  # seconds from standing still to full speed
ONE_CUT = 1.0  # seconds; calls that are throttled together slow down once


class Budget:
    """Calls that may be made, refilled as time passes; it starts full, with those of a second.

    When AWS throttles, the rate is halved, and then grows again slowly.
    """

    def __init__(self, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = self._rate = self._left = most
        self._clock = clock
        self._seen = self._cut = clock()
        self._lock = threading.Lock()

    def take(self, wait: Callable[[float], None]) -> None:
        """Take a call, and `wait` for as many seconds as it has to."""
        with self._lock:
            self._refill()
            self._left -= 1
            seconds = -self._left / self._rate
        if seconds > 0:
            wait(seconds)

    def throttle(self) -> None:
        """Slow down: AWS has refused a call for their number."""
        with self._lock:
            self._refill()
            if self._seen - self._cut >= ONE_CUT or self._rate == self._most:
                self._rate = max(SLOWEST, self._rate / 2)
                self._left = min(self._left, 0.0)
                self._cut = self._seen

    def _refill(self) -> None:
        now = self._clock()
        passed, self._seen = now - self._seen, now
        self._left = min(self._left + passed * self._rate, self._rate)
        self._rate = min(self._most, self._rate + passed * self._most / RECOVERY)


_BUDGETS: WeakValueDictionary[object, Budget] = WeakValueDictionary()
_LOCK = threading.Lock()


def budget_of(target: Target) -> Budget:
    """Return the budget that all sessions of a target's credentials and region share."""
    most = float(target.settings.max_calls_per_second)
    key = (most, target.region, target.role, frozenset(target.sdk.items()))
    with _LOCK:
        budget = _BUDGETS.get(key)
        if budget is None:
            budget = _BUDGETS[key] = Budget(most)
        return budget


def limit(client: Any, target: Target, cancellation: Cancellation) -> None:  # noqa: ANN401 - made at run time
    """Have each control call of a client, also one that is tried again, wait for its turn."""
    budget = budget_of(target)

    def before_send(event_name: str, **_: object) -> None:
        if event_name.rpartition(".")[2] not in FREE:
            budget.take(cancellation.wait)

    def after_response(parsed_response: Mapping[str, Any] | None, event_name: str, **_: object) -> None:
        metadata = (parsed_response or {}).get("ResponseMetadata", {})
        is_free = event_name.rpartition(".")[2] in FREE
        if metadata.get("HTTPStatusCode") == THROTTLED and not is_free:
            budget.throttle()

    client.meta.events.register("before-send.lambda", before_send)
    client.meta.events.register("response-received.lambda", after_response)
