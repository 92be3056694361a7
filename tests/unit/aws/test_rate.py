"""The budget of control calls: never more than so many a second, and fewer while AWS throttles."""

import gc
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.aws.rate import RECOVERY, Budget, budget_of
from targets import target


class Clock:
    """A clock that waiting moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def take(budget: Budget, clock: Clock, count: int) -> list[float]:
    """Take calls one after the other; return when each was made."""
    made = []
    for _ in range(count):
        budget.take(clock.wait)
        made.append(clock.now)
    return made


def test_a_few_calls_never_wait() -> None:
    """A single deploy makes about ten, and is as fast as without a budget."""
    clock = Clock()
    assert take(Budget(15, clock), clock, 15) == [100.0] * 15


@given(st.floats(1, 50), st.integers(1, 200))
def test_in_the_long_run_it_is_the_rate(most: float, count: int) -> None:
    """Those of one second at once, and from then on as many a second as are allowed."""
    clock = Clock()
    made = take(Budget(most, clock), clock, count)
    assert made[-1] - made[0] == pytest.approx(max(0.0, (count - most) / most), abs=1.01 / most)


def test_a_pause_is_not_saved_up_for_more_than_a_second() -> None:
    """After an hour of waiting, a fleet does not make all of the hour's calls at once."""
    clock = Clock()
    budget = Budget(10, clock)
    clock.wait(3600)
    made = take(budget, clock, 30)
    assert made[-1] - made[0] == pytest.approx(2.0)


def test_throttling_halves_the_rate_for_a_while() -> None:
    """Calls that are throttled together count once; then it recovers, and is never above what was set."""
    clock = Clock()
    budget = Budget(20, clock)
    for _ in range(5):
        budget.throttle()
    made = take(budget, clock, 5)
    assert made[-1] - made[0] == pytest.approx(4 / 10, rel=0.1)
    clock.wait(2 * RECOVERY)
    take(budget, clock, 20)
    made = take(budget, clock, 20)
    assert made[-1] - made[0] == pytest.approx(19 / 20, rel=0.05)


def test_it_never_stands_still() -> None:
    """However long AWS throttles, a call a second is made."""
    clock = Clock()
    budget = Budget(15, clock)
    for _ in range(50):
        clock.wait(1)
        budget.throttle()
    made = take(budget, clock, 3)
    assert made[-1] - made[0] <= 2.1


def test_threads_share_it() -> None:
    """What they wait for in all is what one of them would wait for."""
    clock, waited = Clock(), list[float]()
    budget = Budget(10, clock)
    threads = [threading.Thread(target=lambda: budget.take(waited.append)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waited) == pytest.approx([number / 10 for number in range(1, 21)])


def test_each_identity_and_region_has_one() -> None:
    """The same for all functions of an account, another one for other keys and regions; gone when unused."""
    one = budget_of(target())
    assert budget_of(target(_LAMBDA_FUNCTION_ARN="arn:aws:lambda:eu-west-1:123456789012:function:b")) is one
    assert budget_of(target(_AWS_ACCESS_KEY_ID="AKIAANOTHER")) is not one
    other_region = "arn:aws:lambda:us-east-1:123456789012:function:my-function"
    assert budget_of(target(_LAMBDA_FUNCTION_ARN=other_region)) is not one
    unused = weakref.ref(one)
    del one
    gc.collect()
    assert unused() is None
