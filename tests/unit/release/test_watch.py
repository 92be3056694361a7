"""The loop of the formation dyno, with a simulated clock, and without AWS."""

import gc
import io
import json
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.aws.answers import Alias
from deploy.aws.codes import NOT_FOUND
from deploy.cancel import NOTHING_CHANGED, Cancellation, Cancelled
from deploy.errors import DeployError, InputError
from deploy.output import Report
from deploy.release.deployed import Deployed
from deploy.release.watch import (
    FIRST_BACKOFF,
    GRACE,
    JITTER,
    DriftFinder,
    Schedule,
    find_drift,
    keep_deployed,
)
from deploy.terminal import Console
from states import OTHER, OURS, alias, latest, version

INTERVAL = 600.0


@dataclass
class World(Cancellation):
    """A function that somebody else may change, a deploy that may fail, and a clock that runs at once.

    `each_round` is called when a round is over, with its number from 1 on, `each_call` within each look
    and each attempt; somebody asks for the end after `rounds`.
    """

    rounds: int = 1
    each_round: Callable[[int], None] = lambda _number: None
    each_call: Callable[[], None] = lambda: None
    running: str = "a stub"
    attempts: int = 0
    looks: int = 0
    failures: list[Exception | None] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

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

    def wait_between_steps(self, seconds: float) -> None:
        """Let the time pass at once, if nobody has asked for the end."""
        self.check_between_steps()
        self.pauses.append(seconds)
        self.each_round(len(self.pauses))
        if len(self.pauses) >= self.rounds:
            self.request("SIGTERM")
        self.check_between_steps()

    def _fail_if_due(self) -> None:
        self.each_call()
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure


@dataclass(frozen=True)
class Said:
    """What a run of the loop said."""

    stdout: str
    stderr: str


def run(
    world: World,
    *,
    repair: bool = True,
    interval: float = INTERVAL,
    report: Report | None = None,
    ends_with: type[BaseException] = Cancelled,
) -> Said:
    """Run the loop in a world until it ends, as it is expected to."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.raises(ends_with):
        keep_deployed(
            world.attempt,
            world.drift,
            Schedule(interval, repair),
            report=report or Report(Console(stdout, stderr)),
            cancellation=world,
        )
    return Said(stdout.getvalue(), stderr.getvalue())


def failed() -> DeployError:
    return DeployError("AWS is down.", todo="Wait.")


# --- rounds ----------------------------------------------------------------------------------------


def test_it_deploys_once_and_then_only_looks() -> None:
    """A round in which nothing has drifted is one look and not a word."""
    world = World(rounds=50)
    said = run(world)
    assert (world.attempts, world.looks) == (1, 49)
    assert said == Said("", "")


def test_drift_is_reported_and_corrected_in_the_same_round() -> None:
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
    report = Report(Console(stdout, stderr, as_json=True))
    report.stay()
    run(world, report=report)
    errors = [json.loads(line)["error"]["what"] for line in stdout.getvalue().splitlines()]
    assert errors == ["AWS is down.", "The deploy stopped at an internal error (RuntimeError)."]
    assert "Trying again in 30 seconds" in stderr.getvalue()


def test_drift_that_comes_back_is_reported_each_time() -> None:
    """Somebody who does the same again and again is not corrected in silence."""

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
    """The drift is reported once, each failure by itself, until it is corrected."""

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
    assert said.stderr.count(" internal error ") == 2


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
    """Five thousand rounds with drift and failures take no more than five hundred."""
    few, many = memory_of(500), memory_of(5_000)
    assert many < few + 50_000, f"{few} bytes for 500 rounds, {many} for 5,000"


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
        run(world, report=Report(Console(_Nowhere(), _Nowhere())))
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


# --- the end that somebody asks for ----------------------------------------------------------------


def test_a_request_between_rounds_ends_it_without_leaving_anything() -> None:
    """The platform stops dynos all the time; that is no failure of a deploy."""
    world = World(rounds=3)
    run(world)
    assert (world.attempts, world.looks, world.consequence) == (1, 2, NOTHING_CHANGED)


@pytest.mark.parametrize("failures", [[], [failed()]], ids=["that succeeds", "that fails"])
def test_a_request_within_an_attempt_lets_it_come_to_its_end(failures: list[Exception | None]) -> None:
    """A failure is reported, and no pause and no other round begins."""
    world = World(rounds=5, failures=[*failures], each_call=lambda: world.request("SIGTERM"))
    said = run(world)
    assert (world.attempts, world.looks, world.pauses) == (1, 0, [])
    assert said.stderr.count("AWS is down.") == len(failures)


def test_the_step_in_hand_is_over_before_the_platform_kills_the_dyno() -> None:
    """Heroku does so 30 seconds after SIGTERM, and the rest of the process takes a moment too."""
    assert 20 <= GRACE <= 27


# --- drift: what somebody else has changed since a deploy, found by one read call ------------------


class FakeFunction:
    """A function with one answer to each question, or with a refusal."""

    name = "my-function"

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def configuration(self, qualifier: str = "$LATEST") -> object:
        if isinstance(self._answer, DeployError):
            raise self._answer
        if qualifier == "$LATEST":
            return self._answer
        if self._answer is None:
            raise refused(NOT_FOUND)
        return version(self._answer.version) if isinstance(self._answer, Alias) else self._answer

    def alias(self, name: str) -> object:
        assert name == "live"
        return self._answer


def drift(answer: object, *, name: str | None = None, is_older: bool = False) -> str | None:
    """Look for drift from our code, or from version 3 of an alias."""
    function: Any = FakeFunction(answer)
    return find_drift(function, Deployed(OURS, name, "3" if name else None, is_older, "", False, {}))


def refused(code: str) -> DeployError:
    error = DeployError("No.")
    error.code = code
    return error


def test_without_an_alias_different_code_is_drift() -> None:
    """An update that is under way is looked at again later; one that failed is drift."""
    assert drift(latest(OURS)) is None
    assert drift(latest(OTHER, update_status="InProgress")) is None
    assert "a different package" in str(drift(latest(OTHER)))
    assert "failed: No layer" in str(drift(latest(OURS, update_status="Failed", update_reason="No layer")))
    assert "failed: No role" in str(drift(latest(OURS, state="Failed", state_reason="No role")))


def test_with_an_alias_a_different_version_is_drift() -> None:
    """$LATEST serves no traffic, and weights are a shift that somebody else makes."""
    assert drift(alias("3"), name="live") is None
    assert drift(alias("4", v3=0.5), name="live") is None
    assert "version 4, not at version 3" in str(drift(alias("4"), name="live"))
    assert "is gone" in str(drift(None, name="live"))


def test_a_version_that_has_failed_is_drift_although_the_alias_serves_it() -> None:
    """Nothing has moved, and still nobody gets an answer."""
    failed = version("3", state="Failed", state_reason="No role")
    assert "Version 3 of my-function, which live serves, has failed: No role" in str(
        drift(failed, name="live")
    )


def test_a_note_is_added_to_each_drift() -> None:
    """Without an alias: what it would take to have it corrected."""
    function: Any = FakeFunction(latest(OTHER))
    finder = DriftFinder(function, Report(Console(io.StringIO(), io.StringIO())), "It needs an alias.")
    assert str(finder.find(Deployed(OURS, None, None, False, "", False, {}))).endswith("\nIt needs an alias.")
    assert finder.find(Deployed(OTHER, None, None, False, "", False, {})) is None


def test_a_skipped_release_does_not_mind_what_runs() -> None:
    """A newer one is live, and that is as it should be."""
    assert drift(latest(OTHER), is_older=True) is None


def test_who_may_not_look_is_told_so_once() -> None:
    """The deploy itself needs one permission alone; any other refusal is a failure."""
    stderr = io.StringIO()
    deployed = Deployed(OURS, None, None, False, "", False, {})
    function: Any = FakeFunction(refused("AccessDeniedException"))
    finder = DriftFinder(function, Report(Console(io.StringIO(), stderr)))
    assert [finder.find(deployed) for _ in range(3)] == [None] * 3
    assert stderr.getvalue().count("Drift can't be seen") == 1
    gone: Any = FakeFunction(refused(NOT_FOUND))
    with pytest.raises(DeployError):
        DriftFinder(gone, Report(Console(io.StringIO(), stderr))).find(deployed)
