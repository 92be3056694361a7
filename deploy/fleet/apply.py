"""A fleet made true: plan → prepare → move, each for all functions at once.

No live alias moves before all that is needed is published and verified. What is done already is left out, so
another run completes what was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from deploy.aws.wait import Deadline
from deploy.cancel import Cancelled
from deploy.fleet.board import run_phase
from deploy.fleet.parallel import THREADS, Interrupted
from deploy.fleet.preparation import PREPARED, Prepared, explaining_deleted, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.cancel import Cancellation
    from deploy.errors import DeployError
    from deploy.fleet.definition import Wanted
    from deploy.fleet.parallel import Result
    from deploy.fleet.plan import FunctionPlan
    from deploy.fleet.survey import Fleet
    from deploy.output import Report
    from deploy.target.environment import Target

Value = TypeVar("Value")

PREPARATIONS = 4  # at the same time; each may keep a package of up to 250 MiB in a temporary file
ALL_PREPARED = "Versions are published and verified; no live alias was moved."


@dataclass(frozen=True)
class Outcome:
    """What became of one function: its plan if it got as far, and an error if it failed.

    `version` is what the live alias points at now, None without an alias, or if that is not known. With
    `is_named` it was there already, and the promotion gave its version a name.
    """

    wanted: Wanted
    seconds: float
    plan: FunctionPlan | None = None
    version: str | None = None
    is_prepared: bool = False
    is_moved: bool = False
    is_named: bool = False
    error: DeployError | None = None

    @property
    def name(self) -> str:
        """The function's name."""
        return self.wanted.name


class FleetInterrupted(Cancelled):
    """An end in the middle; `outcomes` say what became of each function until then."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


def plan_fleet(fleet: Fleet, report: Report, cancellation: Cancellation) -> list[Outcome]:
    """Decide what each function needs, changing nothing."""
    results = run_phase("Looking", fleet.targets, fleet.examine, report, cancellation)
    return [
        Outcome(
            fleet.wanted(target),
            result.seconds,
            result.value,
            result.value.live.version if result.value and result.value.live else None,
            error=result.error,
        )
        for target, result in zip(fleet.targets, results, strict=True)
    ]


def apply_fleet(
    fleet: Fleet, report: Report, cancellation: Cancellation, *, keep_going: bool = False
) -> list[Outcome]:
    """Bring each function to its version; if one can't be prepared, no alias moves, unless `keep_going`."""
    planned = plan_fleet(fleet, report, cancellation)
    return carry_out(planned, fleet, report, cancellation, keep_going=keep_going)


def carry_out(
    planned: Sequence[Outcome],
    fleet: Fleet,
    report: Report,
    cancellation: Cancellation,
    *,
    keep_going: bool = False,
) -> list[Outcome]:
    """Do what was planned; if one function can't be prepared, no alias moves, unless `keep_going`.

    Raises FleetInterrupted if the deploy has to end.
    """
    run = _Run(fleet, report, cancellation, planned)
    if keep_going or not run.has_failures:
        run.prepare()
    if keep_going or not run.has_failures:
        run.move(keep_going=keep_going)
    outcomes = list(run.outcomes.values())
    if run.is_interrupted:
        raise FleetInterrupted(outcomes)
    return outcomes


class _Run:
    """The state of an apply: what became of each function so far."""

    def __init__(
        self, fleet: Fleet, report: Report, cancellation: Cancellation, planned: Sequence[Outcome]
    ) -> None:
        self.outcomes = {outcome.name: outcome for outcome in planned}
        self.is_interrupted = False
        self._fleet = fleet
        self._report = report
        self._cancellation = cancellation
        self._prepared: dict[str, Prepared] = {}

    @property
    def has_failures(self) -> bool:
        """Whether something went wrong for any function."""
        return any(outcome.error for outcome in self.outcomes.values())

    def prepare(self) -> None:
        """Fetch, publish and verify."""
        plans = {name: outcome.plan for name, outcome in self.outcomes.items() if outcome.plan}

        def work(target: Target, report: Report, cancellation: Cancellation) -> Prepared:
            return prepare(self._fleet, target, plans[target.function.name], report, cancellation)

        todo = [name for name, plan in plans.items() if plan.action != "nothing"]
        for result in self._each("Preparing", todo, work, PREPARATIONS):
            if result.value is not None:
                self._prepared[result.name] = result.value
                self.outcomes[result.name] = replace(self.outcomes[result.name], is_prepared=True)
        if self._prepared:
            self._cancellation.consequence = ALL_PREPARED

    def move(self, *, keep_going: bool) -> None:
        """Move the live aliases of all that are prepared; one by one, those after a failure stay."""

        def work(target: Target, report: Report, cancellation: Cancellation) -> str | None:
            prepared = self._prepared[target.function.name]
            execution = replace(
                prepared.execution,
                function=self._fleet.function(target, cancellation),
                deadline=Deadline(target.settings.timeout, report, cancellation),
                report=report,
                cancellation=cancellation,
            )
            with cancellation.leaving(PREPARED), explaining_deleted(execution.function):
                version = prepared.bring(execution, self._fleet.choices.shift)
            cancellation.consequence = f"Done: version {version} is live."
            report.step(f"Version {version} is live")
            return version

        names = list(self._prepared)
        batches = [[name] for name in names] if self._fleet.choices.one_by_one else [names]
        for batch in batches:
            # Shifts take their time and hardly any work, and all of them begin together.
            threads = max(THREADS, len(batch)) if self._fleet.shifts else THREADS
            results = self._each("Moving", batch, work, threads)
            for result in results:
                if result.error is None:
                    moves = self._prepared[result.name].moves
                    self.outcomes[result.name] = replace(
                        self.outcomes[result.name], version=result.value, is_moved=moves, is_named=not moves
                    )
            if any(result.error for result in results) and not keep_going:
                return

    def _each(
        self,
        title: str,
        names: Sequence[str],
        work: Callable[[Target, Report, Cancellation], Value],
        threads: int = THREADS,
    ) -> Sequence[Result[Value]]:
        """Do some work for these functions, and note the seconds and the errors."""
        targets = [target for target in self._fleet.targets if target.function.name in names]
        if not targets:
            return []
        results: Sequence[Result[Value]]
        try:
            results = run_phase(title, targets, work, self._report, self._cancellation, threads=threads)
        except Interrupted as interrupted:
            self.is_interrupted, results = True, interrupted.results
        for result in results:
            before = self.outcomes[result.name]
            seconds = before.seconds + result.seconds
            self.outcomes[result.name] = replace(before, seconds=seconds, error=result.error)
        return results
