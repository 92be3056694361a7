"""The loop of the formation dyno, with a simulated clock, and without AWS."""

import gc
import io
import json
import os
import random
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from deploy.errors import DeployError, InputError, Interrupted
from deploy.output import Output
from deploy.release import watch
from deploy.release.watch import FIRST_BACKOFF, JITTER, Schedule, StopSignal, is_formation_dyno, stay

INTERVAL = 600.0
OURS = "ours"


@dataclass
class World:
    """A function that somebody else may change, a deploy that may fail, and a clock.

    `each_round` is called when a round is over, with its number from 1 on, `each_call` within each look
    and each attempt; the loop is stopped after `rounds`.
    """

    rounds: int = 1
    each_round: Callable[[int], None] = lambda _number: None
    each_call: Callable[[], None] = lambda: None
    running: str = "a stub"
    attempts: int = 0
    looks: int = 0
    failures: list[Exception | None] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def attempt(self) -> str:
        """Deploy, unless a failure is due."""
        self.attempts += 1
        self._fail_if_due()
        self.running = OURS
        return OURS

    def drift(self, deployed: str) -> str | None:
        """Look, unless a failure is due."""
        self.looks += 1
        self._fail_if_due()
        return None if self.running == deployed else f"It runs {self.running}."

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.pauses.append(seconds)
        self.each_round(len(self.pauses))
        if len(self.pauses) >= self.rounds:
            raise Interrupted("SIGTERM")

    def _fail_if_due(self) -> None:
        self.each_call()
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure


@dataclass(frozen=True)
class Said:
    """What a run of the loop said, and what ended it."""

    stdout: str
    stderr: str
    end: BaseException = field(default_factory=lambda: Interrupted("SIGTERM"), compare=False)


def run(
    world: World,
    *,
    repair: bool = True,
    interval: float = INTERVAL,
    stop: StopSignal | None = None,
    output: Output | None = None,
    ends_with: type[BaseException] = Interrupted,
) -> Said:
    """Run the loop in a world until it ends, as it is expected to."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.raises(ends_with) as caught:
        stay(
            world.attempt,
            world.drift,
            Schedule(interval, repair),
            output=output or Output({}, stdout=stdout, stderr=stderr),
            stop=stop or StopSignal(),
            sleep=world.sleep,
        )
    return Said(stdout.getvalue(), stderr.getvalue(), caught.value)


def failed() -> DeployError:
    return DeployError("AWS is down.", todo="Wait.")


# --- rounds ----------------------------------------------------------------------------------------


def test_it_deploys_once_and_then_only_looks() -> None:
    """A round in which nothing has drifted is one look and not a word."""
    world = World(rounds=50)
    said = run(world)
    assert (world.attempts, world.looks) == (1, 49)
    assert said == Said("", "")


def test_drift_is_reported_and_put_right_in_the_same_round() -> None:
    """What somebody has uploaded by hand lasts until the next look."""

    def meddle(number: int) -> None:
        assert world.running == OURS
        if number == 3:
            world.running = "theirs"

    world = World(rounds=6, each_round=meddle)
    said = run(world)
    assert (world.attempts, world.looks) == (2, 5)
    assert said == Said("", " !     It runs theirs.\n")


def test_a_program_reads_of_failures_too() -> None:
    """With --json each of them is a line on stdout, and its page is on stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    world = World(rounds=3, failures=[failed(), RuntimeError("a bug")])
    output = Output({}, as_json=True, stdout=stdout, stderr=stderr)
    output.stay()
    run(world, output=output)
    errors = [json.loads(line)["error"]["what"] for line in stdout.getvalue().splitlines()]
    assert errors == ["AWS is down.", "The deploy stopped at a fault of its own (RuntimeError)."]
    assert "Trying again in 30 seconds" in stderr.getvalue()


def test_drift_that_comes_back_is_reported_each_time() -> None:
    """Somebody who does the same again and again is not put right in silence."""

    def meddle(_number: int) -> None:
        world.running = "theirs"

    world = World(rounds=5, each_round=meddle)
    assert run(world).stderr.count("It runs theirs.") == 4


def test_drift_can_be_reported_only() -> None:
    """Once for as long as it stays the same, again when it changes or comes back."""
    story = ["theirs", "theirs", "another", OURS, "theirs", "theirs"]

    def meddle(number: int) -> None:
        world.running = story[number - 1]

    world = World(rounds=6, each_round=meddle)
    said = run(world, repair=False)
    assert (world.attempts, world.looks, world.running) == (1, 5, "theirs")
    assert said.stderr.splitlines() == [
        " !     It runs theirs.",
        " !     It runs another.",
        " !     It runs theirs.",
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_rounds(seed: int) -> None:
    """Drift and faults of every kind mixed in: right after each round that no fault has hit."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    failing = drifts = 0

    def meddle(_number: int) -> None:
        nonlocal failing, drifts
        assert world.running == OURS or failing
        failing = chance.choice([0, 0, 0, 0, 1, 2])
        # The first call of a round is the look, the second one, where it has drifted, the attempt.
        world.failures = [None, failed()] if failing == 2 else [failed()] * failing
        if chance.random() < 0.3:
            drifts += 1
            world.running = f"theirs, number {drifts}"

    world = World(rounds=1000, each_round=meddle)
    said = run(world)
    assert world.looks == 999
    assert drifts > 200
    assert 100 < world.attempts - 1 <= drifts * 2
    assert said.stderr.count("AWS is down.") == said.stdout.count("Trying again in ")
    assert said.stderr.count("It runs theirs") <= drifts


# --- failures --------------------------------------------------------------------------------------


def test_a_failed_attempt_is_tried_again_later_and_later() -> None:
    """From half a minute on twice as long each time, up to the interval; anew after a success."""
    world = World(rounds=10, failures=[*[failed()] * 7, None, failed()])
    said = run(world)
    bases = [FIRST_BACKOFF, 60, 120, 240, 480, INTERVAL, INTERVAL, INTERVAL, FIRST_BACKOFF, INTERVAL]
    for pause, base in zip(world.pauses, bases, strict=True):
        assert pause == pytest.approx(base, rel=JITTER)
    assert said.stdout.splitlines()[:2] == [
        "       Trying again in 30 seconds",
        "       Trying again in 60 seconds",
    ]
    assert said.stderr.startswith(" !     AWS is down.\n !\n !     Wait.\n")
    assert (world.attempts, world.looks) == (8, 2)


def test_a_backoff_is_never_longer_than_the_interval() -> None:
    """Who looks every 5 seconds tries again every 5 seconds."""
    world = World(rounds=5, failures=[failed()] * 5)
    run(world, interval=5)
    assert max(world.pauses) <= 5 * (1 + JITTER)


def test_it_never_gives_up() -> None:
    """After thousands of failures it is right as soon as it can be, and says so."""
    world = World(rounds=3003, failures=[failed()] * 3000)
    said = run(world)
    assert (world.attempts, world.running) == (3001, OURS)
    assert said.stdout.endswith("Trying again in 600 seconds\n       It works again\n")


def test_a_failed_repair_is_tried_again() -> None:
    """The drift is reported once, each failure by itself, until it is put right."""

    def meddle(number: int) -> None:
        if number == 1:
            world.running = "theirs"
            world.failures = [None, failed(), None, failed()]

    world = World(rounds=4, each_round=meddle)
    said = run(world)
    assert (world.attempts, world.looks, world.running) == (4, 3, OURS)
    assert said.stderr.count("It runs theirs.") == 1
    assert said.stderr.count("AWS is down.") == 2


@pytest.mark.parametrize("failures", [[InputError("Wrong.")], [None, InputError("Wrong.")]])
def test_wrong_settings_end_it(failures: list[Exception | None]) -> None:
    """They stay wrong until the owner changes them, which starts the dyno anew."""
    world = World(rounds=5, failures=[*failures])
    said = run(world, ends_with=InputError)
    assert world.attempts + world.looks == len(failures)
    assert said == Said("", "")


def test_what_nobody_foresaw_does_not_end_it() -> None:
    """A full disk or an answer that makes no sense is told, and tried again like any failure."""
    world = World(rounds=3, failures=[OSError(28, "No space left on device"), KeyError("Versions")])
    said = run(world)
    assert (world.attempts, world.running) == (3, OURS)
    assert said.stderr.count(" !     The deploy stopped at a fault of its own") == 2


# --- pauses ----------------------------------------------------------------------------------------


def test_many_apps_do_not_call_at_once() -> None:
    """Each pause is within a tenth of the interval, and they are spread all over it."""
    world = World(rounds=1000)
    run(world)
    low, high = INTERVAL * (1 - JITTER), INTERVAL * (1 + JITTER)
    assert all(low <= pause <= high for pause in world.pauses)
    tenths = {int((pause - low) / (high - low) * 10) for pause in world.pauses}
    assert tenths >= set(range(10))


def test_memory_stays_flat() -> None:
    """Twenty thousand rounds with drift and failures take no more than two thousand."""
    few, many = memory_of(2_000), memory_of(20_000)
    assert many < few + 50_000, f"{few} bytes for 2,000 rounds, {many} for 20,000"


def memory_of(rounds: int) -> int:
    """Give the most memory that so many rounds took at any time, in bytes."""

    def meddle(number: int) -> None:
        if number % 3 == 0:
            world.running = "theirs"
        if number % 5 == 0:
            world.failures = [failed()]

    world = World(rounds=rounds, each_round=meddle, pauses=_Counted())
    gc.collect()
    tracemalloc.start()
    try:
        run(world, output=Output({}, stdout=_Nowhere(), stderr=_Nowhere()))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        """Keep nothing."""
        return len(text)


class _Counted(list[float]):
    """A list that knows how long it would be, and keeps nothing."""

    length = 0

    def append(self, _pause: float) -> None:
        self.length += 1

    def __len__(self) -> int:
        return self.length


# --- signals ---------------------------------------------------------------------------------------


@pytest.fixture
def stop() -> Iterator[StopSignal]:
    """Install a stop signal for SIGTERM, and put back afterwards what was there."""
    numbers = (signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    installed = StopSignal()
    installed.install((signal.SIGTERM,))
    yield installed
    signal.alarm(0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_signal_ends_a_wait_at_once(stop: StopSignal) -> None:
    """SIGTERM between two rounds: the loop ends within the same moment."""
    world = World(each_round=lambda _number: time.sleep(20))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    started = time.monotonic()
    end = run(world, stop=stop).end
    assert time.monotonic() - started < 5
    assert isinstance(end, Interrupted)
    assert (end.signal_name, end.consequence) == ("SIGTERM", Interrupted.NOTHING_CHANGED)
    assert world.attempts == 1


def test_a_signal_within_a_deploy_waits_for_its_end(stop: StopSignal) -> None:
    """The attempt comes to its end, and no pause and no other round begins."""
    world = World(rounds=5, each_call=lambda: signal.raise_signal(signal.SIGTERM))
    run(world, stop=stop)
    assert (world.attempts, world.running, world.pauses) == (1, OURS, [])


def test_a_signal_within_an_attempt_that_fails_is_heard(stop: StopSignal) -> None:
    """The failure is told, and the process ends instead of waiting for another try."""
    world = World(rounds=5, failures=[failed()], each_call=lambda: signal.raise_signal(signal.SIGTERM))
    said = run(world, stop=stop)
    assert (world.attempts, world.pauses) == (1, [])
    assert "AWS is down." in said.stderr


def held_back(stop: StopSignal, *steps: Callable[[], object]) -> str:
    """Carry out steps as a deploy does, until a signal ends it; gives the signal's name."""

    def deploy() -> None:
        with stop.held_back():
            for step in steps:
                stop.checkpoint()
                step()

    with pytest.raises(Interrupted) as caught:
        deploy()
    return caught.value.signal_name


def test_a_signal_within_a_deploy_ends_it_between_two_steps(stop: StopSignal) -> None:
    """`checkpoint` says nothing until a signal has come, and then ends the deploy."""
    done = []

    def signalled() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("2")

    assert held_back(stop, lambda: done.append("1"), signalled, lambda: done.append("3")) == "SIGTERM"
    assert done == ["1", "2"]


def test_a_step_that_takes_too_long_is_cut_off(stop: StopSignal, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the grace is over the step ends, before the platform kills the dyno."""
    assert watch.GRACE < 30
    monkeypatch.setattr(watch, "GRACE", 1)

    def endless() -> None:
        signal.raise_signal(signal.SIGTERM)
        time.sleep(20)

    started = time.monotonic()
    assert held_back(stop, endless) == "SIGTERM"
    assert 0.9 < time.monotonic() - started < 5


def test_a_second_signal_does_not_put_off_the_end(stop: StopSignal) -> None:
    """The grace is counted from the first one, as the platform counts its 30 seconds."""
    left = []

    def signalled_twice() -> None:
        signal.raise_signal(signal.SIGTERM)
        left.append(signal.alarm(10))
        signal.raise_signal(signal.SIGTERM)
        left.append(signal.alarm(0))

    held_back(stop, signalled_twice)
    assert left == [watch.GRACE, 10]


# --- dynos -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dyno", ["deploy.1", "web.1", "worker.12", "my-deploy_2.1", "runner.1", "releases.3"]
)
def test_a_formation_dyno_is_known_by_its_name(dyno: str) -> None:
    """What the platform starts again when it ends, whatever the process type is called."""
    assert is_formation_dyno({"DYNO": dyno})


@pytest.mark.parametrize(
    "dyno", ["run.1234", "release.1234", "scheduler.1234", "cron.32767", "run.32767", "", "deploy", "1", ".1"]
)
def test_any_other_dyno_is_none(dyno: str) -> None:
    """One-off dynos, the release phase, schedulers, and what is no dyno at all."""
    assert not is_formation_dyno({"DYNO": dyno})
    assert not is_formation_dyno({})
