"""A fleet as a job of CodePipeline's: event → fleet file in an artifact → apply → the job's result.

Between two runs nothing is kept but how much was left to do: each plans from what AWS says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError
from deploy.fleet.apply import carry_out, plan_fleet
from deploy.fleet.artifact import read_artifact
from deploy.fleet.failure import fail, is_overtaken, message_of, type_of
from deploy.fleet.summary import NAMED, outcome_of, report_outcomes, sum_up
from deploy.fleet.survey import Choices, Fleet
from deploy.target.fleet import read_fleet
from deploy.target.job import as_keys, choose_artifact, read_caller, read_job, read_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy.aws.pipeline import FailureType
    from deploy.cancel import Cancellation
    from deploy.fleet.apply import Outcome
    from deploy.output import Report

IDLE_RUNS = 3  # without any progress; more of them would make none either
LONGEST_TOKEN = 200  # characters; ours are shorter
LARGEST_NUMBER = 1_000_000  # in a token: no job has as many runs, or as much to do
WORK = {"nothing": 0, "move": 1, "promote": 2}


@dataclass(frozen=True)
class Success:
    """The job is done."""

    summary: str
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Failure:
    """The job failed."""

    kind: FailureType
    message: str


@dataclass
class Progress:
    """How far the runs of a job have come. `left` is what there was to do when the last one planned.

    `begun` is what the first one found: how many functions were live, and how many had to be promoted.
    """

    runs: int = 1
    left: int | None = None
    idle: int = 0
    begun: tuple[int, int] | None = None
    functions: int = 0
    live: int = 0
    is_planned: bool = False

    def resume(self, token: str) -> None:
        """Go on from the token of the run before; one that is not ours counts as none."""
        if len(token) > LONGEST_TOKEN:
            return
        try:
            known = json.loads(token)
            runs, idle = _number(known["runs"]), _number(known["idle"])
            left = None if known["left"] is None else _number(known["left"])
            live, promoted = (None, None) if known["begun"] is None else map(_number, known["begun"])
        except (ValueError, TypeError, KeyError):
            return
        self.runs, self.left, self.idle = runs + 1, left, idle
        self.begun = None if live is None or promoted is None else (live, promoted)

    def plan(self, outcomes: Sequence[Outcome]) -> None:
        """Note what there is to do."""
        left = sum(WORK[outcome.plan.action] if outcome.plan else max(WORK.values()) for outcome in outcomes)
        is_shifting = any(outcome.plan and outcome.plan.shift for outcome in outcomes)  # which takes its time
        self.idle = self.idle + 1 if self.left is not None and left >= self.left and not is_shifting else 0
        self.left, self.is_planned = left, True
        self.functions, self.live = len(outcomes), sum(map(_is_live, outcomes))
        if self.begun is None:
            self.begun = (self.live, sum(map(_is_promoted, outcomes)))

    def states(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Return what became of all functions in all runs; the outcomes are those of this one."""
        live, promoted = self.begun or (0, 0)
        named = sum(outcome_of(outcome, is_plan=False) == NAMED for outcome in outcomes)
        counts = {"live": live, "promoted": promoted - named, NAMED: named}
        counts["moved"] = len(outcomes) - live - promoted
        return [state for state, count in counts.items() for _ in range(count)]

    @property
    def is_stuck(self) -> bool:
        """Whether another run would not help."""
        return self.idle >= IDLE_RUNS

    @property
    def percent(self) -> int:
        """How much is done, as CodePipeline shows it."""
        return min(99, self.live * 100 // self.functions) if self.functions else 0

    @property
    def summary(self) -> str:
        """What is said of it meanwhile."""
        counted = f"{self.live} of {self.functions} functions were live when it began, " * self.is_planned
        return f"Run {self.runs} ran out of time; {counted}another one goes on."

    def token(self) -> str:
        """Return what the next run goes on from."""
        idle = self.idle if self.is_planned else self.idle + 1
        return json.dumps({"runs": self.runs, "left": self.left, "idle": idle, "begun": self.begun})


def _number(value: object) -> int:
    """Return a number of a token; raise ValueError if it can't be one."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError("no number of ours")
    return value


@dataclass(frozen=True)
class Run:
    """One run of a job; `role` are the variables with the credentials of the function's role."""

    event: object = field(repr=False)
    role: Mapping[str, str] = field(repr=False)
    progress: Progress
    report: Report
    cancellation: Cancellation

    def result(self) -> Success | Failure:
        """Do what the job asks for. Raises Cancelled if the time is up."""
        try:
            return self._apply()
        except DeployError as error:
            self.report.error(error)
            return Failure(type_of(error), message_of(error))

    def _apply(self) -> Success | Failure:
        job, progress = read_job(self.event), self.progress
        parameters = read_parameters(job.parameters)
        progress.resume(job.token)
        artifact, caller = choose_artifact(job, parameters), read_caller(self.role)
        definition, payloads = read_artifact(job, artifact, parameters, caller, self.cancellation)
        names = [wanted.name for wanted in definition.lambdas]
        try:
            members = read_fleet({**self.role, **parameters.variables}, names, payloads)
        except InputError as error:
            todo = "Correct the UserParameters of the action, or the fleet file."
            raise InputError(as_keys(error.what), why=as_keys(error.why), todo=todo) from None
        fleet = Fleet(definition, members, self.cancellation, Choices(as_is=parameters.as_is))
        planned = plan_fleet(fleet, self.report, self.cancellation)
        progress.plan(planned)
        if progress.is_stuck:
            return _stuck(planned)
        outcomes = carry_out(planned, fleet, self.report, self.cancellation, keep_going=parameters.keep_going)
        if is_overtaken(outcomes):  # such as by the same event: Lambda may deliver one twice
            self.report.step("Somebody else changed the same functions: looking again")
            planned = plan_fleet(fleet, self.report, self.cancellation)
            again = carry_out(
                planned, fleet, self.report, self.cancellation, keep_going=parameters.keep_going
            )
            outcomes = [_last(*both) for both in zip(outcomes, again, strict=True)]
        return _conclude(outcomes, progress, self.report)


def _is_live(planned: Outcome) -> bool:
    return planned.plan is not None and planned.plan.action == "nothing"


def _is_promoted(planned: Outcome) -> bool:
    return planned.plan is not None and planned.plan.action == "promote"


def _last(first: Outcome, second: Outcome) -> Outcome:
    """Return what became of a function that was looked at twice."""
    return first if first.is_moved and _is_live(second) and not second.error else second


def _conclude(outcomes: Sequence[Outcome], progress: Progress, report: Report) -> Success | Failure:
    try:
        report_outcomes(outcomes, report, is_plan=False)
    except DeployError:
        return Failure(*fail(outcomes))
    states = progress.states(outcomes)
    lines = [sum_up(states)] + [
        f"{outcome.name}: {outcome.wanted.version.text}, version {outcome.version}"
        for outcome in outcomes
        if outcome.is_moved
    ]
    variables = {
        "functions": str(len(outcomes)),
        "unchanged": str(states.count("live") + states.count(NAMED)),
        "moved": str(states.count("moved")),
        "promoted": str(states.count("promoted")),
    }
    return Success("\n".join(lines), variables)


def _stuck(planned: Sequence[Outcome]) -> Failure:
    names = [outcome.name for outcome in planned if not _is_live(outcome)]
    return Failure(
        "JobFailed",
        f"{IDLE_RUNS} runs in a row ran out of time without any progress. Not live yet: {', '.join(names)}.\n"
        "Give the step's function a longer timeout (up to 15 minutes) and more memory.",
    )
