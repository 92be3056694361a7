"""The first phase of a fleet: versions are fetched, published, verified and named; no live alias moves."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.aws.codes import NOT_FOUND
from deploy.aws.wait import Deadline
from deploy.errors import DeployError
from deploy.fleet.config import config_of
from deploy.fleet.plan import unknown_function
from deploy.fleet.promotion import open_promoted
from deploy.release.candidate import with_config
from deploy.release.deploy import decide_with_key, execute
from deploy.release.move import Move, clear_alias, move_alias
from deploy.release.plan import Plan
from deploy.release.running import find_running
from deploy.release.state import read_state
from deploy.release.steps.shift import FollowShift, ShiftOptions
from deploy.release.steps.step import Execution, moved
from deploy.release.steps.verification import VerifyVersion
from deploy.target.record import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Alias
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.fleet.plan import FunctionPlan
    from deploy.fleet.survey import Fleet
    from deploy.output import Report
    from deploy.release.steps.step import Step
    from deploy.target.environment import Target

FIX_MOVED = (
    "This version keeps its code and its config: publish a fixed one under another name, and put that into "
    "the fleet file."
)
FIX_PROMOTED = (
    "If its config here is wrong, correct that, and run `deploy fleet apply` again. If its code is, publish "
    "a fixed version in the lower account under another name, and put that into the fleet file."
)
PREPARED = "Its version is published and verified; the live alias was not moved."


@dataclass(frozen=True)
class Prepared:
    """A function whose version is verified, and the move of its live alias, which is all that is left.

    If a shift of the alias is under way, what is left is decided after it: `version` is where it has to go.
    """

    execution: Execution
    move: tuple[Move, ...]
    version: str | None = None

    @property
    def moves(self) -> bool:
        """Whether the live alias is not at the version yet."""
        return bool(self.move) or self.version is not None

    def bring(self, execution: Execution, options: ShiftOptions) -> str | None:
        """Bring the live alias to the version, and return that."""
        if self.version is None:
            return execute(Plan(self.move), execution)
        function = execution.function
        settings = function.session.target.settings
        while True:
            alias = function.alias(settings.alias or "")
            way = clear_alias(settings, alias, find_running(function, alias), self.version, options)
            if way is None:
                execute(Plan(move_alias(settings, alias, self.version, UNKNOWN, options)), execution)
                return self.version
            execute(Plan((way,)), execution)


def prepare(
    fleet: Fleet, target: Target, plan: FunctionPlan, report: Report, cancellation: Cancellation
) -> Prepared:
    """Do all that a plan asks for, except the move of the live alias. Raises DeployError."""
    with explaining_deleted(fleet.function(target, cancellation)):
        return _prepare(fleet, target, plan, report, cancellation)


@contextlib.contextmanager
def explaining_deleted(function: Function) -> Iterator[None]:
    """Say of what is not found that the function is gone, if it is: a fleet's functions have no ARN."""
    try:
        yield
    except DeployError as error:
        if error.code != NOT_FOUND or _exists(function):
            raise
        gone = unknown_function(function.session.target)
        gone.left = error.left
        raise gone from error


def _exists(function: Function) -> bool:
    """Whether AWS knows the function, or does not let the deployer ask."""
    try:
        function.configuration()
    except DeployError as error:
        return error.code != NOT_FOUND
    return True


def _prepare(
    fleet: Fleet, target: Target, plan: FunctionPlan, report: Report, cancellation: Cancellation
) -> Prepared:
    while plan.action == "promote" and plan.shift is not None:
        plan = _plan_after_shift(fleet, target, plan, report, cancellation)
    if plan.action == "promote":
        prepared = _prepare_promotion(fleet, target, plan, report, cancellation)
    else:
        prepared = _prepare_move(fleet, target, plan, report, cancellation)
    cancellation.consequence = PREPARED if plan.action == "promote" else cancellation.consequence
    report.step("Ready")
    return prepared


def _plan_after_shift(
    fleet: Fleet, target: Target, plan: FunctionPlan, report: Report, cancellation: Cancellation
) -> FunctionPlan:
    """Wait for the shift that is under way, and plan again: the config of what is live then is baked."""
    shift, function = target.settings.shifting, fleet.function(target, cancellation)
    if plan.live is not None and plan.shift is not None and shift is not None:
        deadline = Deadline(target.settings.timeout, report, cancellation)
        step = FollowShift(plan.live.name, plan.shift, shift, is_wanted=False)
        step.execute(Execution(function, deadline, report, cancellation))
    return fleet.examine(target, report, cancellation)


def _prepare_move(
    fleet: Fleet, target: Target, plan: FunctionPlan, report: Report, cancellation: Cancellation
) -> Prepared:
    settings, function = target.settings, fleet.function(target, cancellation)
    deadline = Deadline(settings.timeout, report, cancellation)
    execution = Execution(function, deadline, report, cancellation, version=plan.version)
    if plan.action == "nothing":  # by a shift that came to its end
        return Prepared(execution, ())
    if settings.verification and plan.version:
        config = config_of(function, plan.version)
        execution.target = replace(target, variables=config) if config is not None else None
        execute(Plan((VerifyVersion(settings.verification, plan.version, FIX_MOVED),)), execution)
    if plan.shift is not None:
        return Prepared(execution, (), plan.version)
    return Prepared(execution, move_alias(settings, plan.live, plan.version, UNKNOWN, fleet.choices.shift))


def _prepare_promotion(
    fleet: Fleet, target: Target, plan: FunctionPlan, report: Report, cancellation: Cancellation
) -> Prepared:
    source = fleet.source(target, cancellation)
    if source is None:
        raise RuntimeError("a promotion from nowhere")  # a plan out of order
    with open_promoted(plan, source, report, cancellation) as candidate:
        function = fleet.function(with_config(target, candidate), cancellation)
        deadline = Deadline(target.settings.timeout, report, cancellation)
        state = read_state(function, deadline, candidate.package.code_sha256, candidate.name)
        decided = decide_with_key(candidate, function, state, fleet.choices.shift, force=False)
        moves = tuple(step for step in decided.steps if isinstance(step, Move))
        if moves or decided.again:
            _check_unmoved(plan.live, state.alias, target)
        execution = Execution(
            function,
            deadline,
            report,
            cancellation,
            candidate.package,
            with_config(target, candidate) if candidate.baked.config.baked else None,
            ready=state.ready,
        )
        execute(Plan(tuple(map(_of_fleet, (step for step in decided.steps if step not in moves)))), execution)
    return Prepared(replace(execution, package=None), moves)


def _of_fleet(step: Step) -> Step:
    """Return a step that says what to do in a fleet if it fails."""
    return replace(step, todo=FIX_PROMOTED) if isinstance(step, VerifyVersion) else step


def _check_unmoved(planned: Alias | None, now: Alias | None, target: Target) -> None:
    """Raise DeployError if the live alias is not what the plan was made for: its config is baked."""
    if (planned.revision_id if planned else None) != (now.revision_id if now else None):
        raise moved(target.settings.alias or "", now.version if now else None)
