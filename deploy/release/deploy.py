"""A deploy from the target to the report: prepare → connect → read the state → decide → execute.

A candidate may be deployed to several targets at the same time.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.artifact.limits import check_size
from deploy.aws.codes import LATEST, REPLACED, SHIFTING
from deploy.aws.wait import Deadline
from deploy.errors import DeployError, has_room
from deploy.release.candidate import prepare, with_config, with_parameters
from deploy.release.deployed import Deployed, conclude, report_deployed
from deploy.release.fit import point_out_misfits
from deploy.release.move import ALWAYS
from deploy.release.plan import decide
from deploy.release.running import find_deployment
from deploy.release.state import read_source_key, read_state
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.step import Execution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.release.candidate import Candidate
    from deploy.release.plan import Plan
    from deploy.release.state import State
    from deploy.release.steps.shift import ShiftOptions
    from deploy.release.steps.step import Step
    from deploy.target.environment import Target

# Two releases that meet take turns in overtaking each other while they keep the same pace.
TRIES = 10
PAUSE = 0.1  # seconds at most before a try, doubled before each up to LONGEST_PAUSE
LONGEST_PAUSE = 5.0  # seconds
MEMORY_OF_SDK = 64 * 1024 * 1024  # bytes, that it and its threads take at most
CLEARED = "What was under way is over; this deploy itself has changed nothing yet."


@dataclass(frozen=True)
class Assessment:
    """What would be deployed, what runs, and what is missing; `assess` again if somebody came between."""

    candidate: Candidate
    function: Function
    deadline: Deadline
    force: bool
    state: State
    plan: Plan
    options: ShiftOptions = ALWAYS

    def again(self) -> Assessment:
        """Return the assessment of what runs by now."""
        package, name = self.candidate.package, self.candidate.name
        state = read_state(self.function, self.deadline, package.code_sha256, name)
        plan = decide_with_key(self.candidate, self.function, state, self.options, force=self.force)
        return replace(self, state=state, plan=plan)


@contextlib.contextmanager
def prepare_for(target: Target, report: Report, cancellation: Cancellation) -> Iterator[Candidate]:
    """Make the package while the SDK is loaded; it can be read until the block ends."""
    _check_memory()
    # Loading the SDK takes as long as hashing 50 MiB, and another core can do it meanwhile.
    with contextlib.suppress(RuntimeError):  # there may be no room for a thread
        threading.Thread(target=_load_sdk, daemon=True).start()
    with prepare(with_parameters(target, cancellation), report, cancellation) as candidate:
        check_size(candidate.package, target.settings.bucket)
        cancellation.check_between_steps()
        yield candidate


def assess(
    candidate: Candidate,
    target: Target,
    report: Report,
    cancellation: Cancellation,
    *,
    function: Function | None = None,
    options: ShiftOptions = ALWAYS,
    force: bool = False,
    look_once: bool = False,
) -> Assessment:
    """Read what runs, and decide what is missing.

    With `look_once`, for those who will not execute the plan, nothing is waited for, and a state that may not
    be read is an error.
    """
    deadline = Deadline(target.settings.timeout, report, cancellation)
    function = function or connect(with_config(target, candidate), cancellation)
    cancellation.check_between_steps()  # starting the SDK takes its time
    code_sha256 = candidate.package.code_sha256
    wait = None if look_once else deadline
    state = read_state(function, wait, code_sha256, candidate.name, shows_only=look_once)
    cancellation.check_between_steps()
    if look_once:
        plan = decide(candidate, target.settings, state, options, force=force)
    else:
        if state.latest:
            point_out_misfits(state.latest.running, target, candidate.base, report)
        plan = decide_with_key(candidate, function, state, options, force=force)
        check_shift(plan, function, options)
    return Assessment(candidate, function, deadline, force, state, plan, options)


def check_shift(plan: Plan, function: Function, options: ShiftOptions = ALWAYS) -> None:
    """Raise InputError if CodeDeploy can't begin the shift of a plan: its group or its config is missing.

    The deploy that creates the alias shifts nothing, and finds it all the same. Raise DeployError if the plan
    would move an alias at once that CodeDeploy shifts, or has just begun to.
    """
    if function.session.target.settings.shifting is None:
        return
    moved = next((step for step in plan.steps if isinstance(step, MoveAlias)), None)
    if plan.shifts or (moved and moved.previous in {None, LATEST} and not options.now):
        check_group(function)
    if moved and not plan.again:
        _check_not_shifting(moved, function)


def _check_not_shifting(moved: MoveAlias, function: Function) -> None:
    """Raise DeployError if CodeDeploy has a deployment of the alias that nothing on the alias hints at."""
    try:
        running = find_deployment(function, moved.name)
    except DeployError:
        return  # no group, no permission or no CodeDeploy: then the alias alone counts
    if running is None:
        return
    error = DeployError(
        f"CodeDeploy is shifting {moved.name} ({running}).",
        why="Somebody else has begun that, and the alias does not record it: nothing may move the alias now.",
        todo="Wait until it is over, or stop it: `aws deploy stop-deployment --deployment-id "
        f"{running.id} --auto-rollback-enabled`",
    )
    error.code, error.is_refusal = SHIFTING, True
    raise error


def check_group(function: Function) -> None:
    """Raise InputError if CodeDeploy's group or its config is missing, if the settings name them."""
    if shift := function.session.target.settings.shifting:
        from deploy.aws.codedeploy import CodeDeploy

        CodeDeploy(function.session, shift, function.cancellation).check()


def decide_with_key(
    candidate: Candidate, function: Function, state: State, options: ShiftOptions = ALWAYS, *, force: bool
) -> Plan:
    """Decide what is missing; an upload that names no key would take the function's own from its code."""
    settings = function.session.target.settings
    plan = decide(candidate, settings, state, options, force=force)
    if plan.uploads and state.latest and not settings.source_key_arn:
        state = replace(state, source_key_arn=read_source_key(function))
        plan = decide(candidate, settings, state, options, force=force)
    return plan


def connect(target: Target, cancellation: Cancellation) -> Function:
    """Start the AWS SDK for a target's function; raises InputError for settings that it does not take."""
    _check_memory()
    from deploy.aws.function import Function
    from deploy.aws.session import Session

    return Function(Session(target), cancellation)


def _check_memory() -> None:
    """Raise MemoryError if the SDK would run out of memory: Python may get stuck if an import does."""
    if not has_room(MEMORY_OF_SDK):
        raise MemoryError


def _load_sdk() -> None:
    # What goes wrong here goes wrong again where it is asked for, and is explained there.
    with contextlib.suppress(Exception):
        importlib.import_module("deploy.aws.function")
        importlib.import_module("deploy.aws.session")


def execute(plan: Plan, execution: Execution) -> str | None:
    """Carry out a plan; return the version that the alias points at then, None without an alias.

    Raises DeployError if AWS refuses a step; what serves traffic is then as it was, and the error says what
    the steps before it left.
    """
    cancellation = execution.cancellation
    left = cancellation.consequence
    for step in plan.steps:
        with cancellation.leaving(left):
            cancellation.check_between_steps()
            step.execute(execution)
        left = step.leaves or left
    return execution.version


def deploy(
    candidate: Candidate,
    target: Target,
    report: Report,
    cancellation: Cancellation,
    *,
    function: Function | None = None,
    options: ShiftOptions = ALWAYS,
    force: bool = False,
) -> Deployed:
    """Bring the function to this slug and this config. Raises DeployError."""
    start = time.monotonic()
    first = assess(candidate, target, report, cancellation, function=function, options=options, force=force)
    last, execution = _execute(first, target, report, cancellation)
    deployed = conclude(target, first, last, execution, time.monotonic() - start)
    with cancellation.leaving(deployed.leaves):
        report_deployed(deployed, target, last.state, report)
        return deployed


def _execute(
    assessment: Assessment, target: Target, report: Report, cancellation: Cancellation
) -> tuple[Assessment, Execution]:
    """Carry out what is missing, and look again if another deploy came between, or the way is clear now.

    Of two releases that meet, the later one has to come out on top; without an alias or without a number of
    the release there is no later one. The plan of the last assessment has the steps of all.
    """
    done: tuple[Step, ...] = ()
    left, tried, is_first = cancellation.consequence, 0, True
    while True:
        with cancellation.leaving(left):
            assessment = assessment if is_first else assessment.again()
            is_first = False
            if assessment.plan.steps:
                report.flush()
            else:
                report.discard()
            execution = Execution(
                assessment.function,
                assessment.deadline,
                report,
                cancellation,
                assessment.candidate.package,
                with_config(target, assessment.candidate),
                ready=assessment.state.ready,
            )
            try:
                execute(assessment.plan, execution)
            except DeployError as error:
                tried += 1
                if tried == TRIES or not _is_worth_another_try(error, target):
                    raise
                left = error.left
            else:
                done += assessment.plan.steps
                if execution.is_shifting or not assessment.plan.again:
                    plan = replace(assessment.plan, steps=done)
                    return replace(assessment, plan=plan), execution
                left = CLEARED
                continue
        with cancellation.leaving(left):
            report.detail("Another deploy came between: looking again which of the two is later")
            pause = random.uniform(0, min(PAUSE * 2**tried, LONGEST_PAUSE))  # noqa: S311 - no secret
            cancellation.wait_between_steps(pause)


def _is_worth_another_try(error: DeployError, target: Target) -> bool:
    """Whether another deploy came between, and it can be told which of the two is later."""
    if error.code == SHIFTING:
        return True
    return error.code == REPLACED and bool(target.settings.alias) and target.provenance.release is not None
