"""A deploy from the target to the report: prepare → connect → read the state → decide → execute.

A candidate may be deployed to several targets at the same time.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import random
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy.artifact.limits import check_size
from deploy.aws.codes import REPLACED
from deploy.aws.wait import Deadline
from deploy.cancel import NOTHING_CHANGED
from deploy.errors import DeployError, has_room
from deploy.release.candidate import prepare, with_config, with_parameters
from deploy.release.fit import point_out_misfits
from deploy.release.plan import decide
from deploy.release.state import read_source_key, read_state
from deploy.release.steps.step import Execution

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.release.candidate import Candidate
    from deploy.release.plan import Plan
    from deploy.release.state import State
    from deploy.target.environment import Target

# Two releases that meet take turns in overtaking each other while they keep the same pace.
TRIES = 10
PAUSE = 0.1  # seconds at most before a try, doubled before each up to LONGEST_PAUSE
LONGEST_PAUSE = 5.0  # seconds
MEMORY_OF_SDK = 64 * 1024 * 1024  # bytes, that it and its threads take at most
DONE = "The deploy itself is done: the function runs this package."


@dataclass(frozen=True)
class Assessment:
    """What would be deployed, what runs, and what is missing; `assess` again if somebody came between."""

    candidate: Candidate
    function: Function
    deadline: Deadline
    force: bool
    state: State
    plan: Plan

    def again(self) -> Assessment:
        """Return the assessment of what runs by now."""
        package, name = self.candidate.package, self.candidate.name
        state = read_state(self.function, self.deadline, package.code_sha256, name)
        plan = decide_with_key(self.candidate, self.function, state, force=self.force)
        return replace(self, state=state, plan=plan)


@dataclass(frozen=True)
class Deployed:
    """What a deploy left behind: what the function should run from now on.

    `before` and `after` tell a reader what it ran and runs, `outcome` what was done.
    """

    code_sha256: str
    alias: str | None
    version: str | None
    is_older: bool
    before: str
    changed: bool
    document: Mapping[str, object] = field(repr=False)

    @property
    def after(self) -> str:
        """What the function runs now."""
        return self.before if self.is_older else self.version or short(self.code_sha256)

    @property
    def outcome(self) -> str:
        """What became of the deploy, in a word or two."""
        if self.is_older:
            return "skipped: a newer release is live"
        return "deployed" if self.changed else "unchanged"

    @property
    def leaves(self) -> str:
        """What an end after the deploy leaves."""
        return NOTHING_CHANGED if self.is_older else DONE


@contextlib.contextmanager
def prepare_for(target: Target, report: Report, cancellation: Cancellation) -> Iterator[Candidate]:
    """Make the package while the SDK is loaded; it can be read until the block ends."""
    _check_memory()
    # Loading the SDK takes as long as hashing 50 MB, and another core can do it meanwhile.
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
    state = read_state(function, None if look_once else deadline, code_sha256, candidate.name)
    cancellation.check_between_steps()
    if look_once:
        plan = decide(candidate, target.settings, state, force=force)
    else:
        if state.latest:
            point_out_misfits(state.latest.running, target, candidate.base, report)
        plan = decide_with_key(candidate, function, state, force=force)
    return Assessment(candidate, function, deadline, force, state, plan)


def decide_with_key(candidate: Candidate, function: Function, state: State, *, force: bool) -> Plan:
    """Decide what is missing; an upload that names no key would take the function's own from its code."""
    settings = function.session.target.settings
    plan = decide(candidate, settings, state, force=force)
    if plan.uploads and state.latest and not settings.source_key_arn:
        state = replace(state, source_key_arn=read_source_key(function))
        plan = decide(candidate, settings, state, force=force)
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
    force: bool = False,
) -> Deployed:
    """Bring the function to this slug and this config. Raises DeployError."""
    first = assess(candidate, target, report, cancellation, function=function, force=force)
    last, version = _execute(first, target, report, cancellation)
    deployed = _deployed(target, last, version)
    with cancellation.leaving(deployed.leaves):
        _report(deployed, target, last.state, report)
        return deployed


def _execute(
    assessment: Assessment, target: Target, report: Report, cancellation: Cancellation
) -> tuple[Assessment, str | None]:
    """Carry out what is missing, and look again if another deploy came between.

    Of two releases that meet, the later one has to come out on top; without an alias or without a number of
    the release there is no later one.
    """
    tries = TRIES if target.settings.alias and target.provenance.release is not None else 1
    left = cancellation.consequence
    for tried in itertools.count():
        with cancellation.leaving(left):
            if tried:
                report.detail("Another deploy came between: looking again which of the two is later")
                cancellation.wait_between_steps(random.uniform(0, min(PAUSE * 2**tried, LONGEST_PAUSE)))  # noqa: S311 - no secret
                assessment = assessment.again()
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
                return assessment, execute(assessment.plan, execution)
            except DeployError as error:
                if error.code != REPLACED or tried == tries - 1:
                    raise
                left = error.left
    raise AssertionError  # it counts for ever


def _deployed(target: Target, assessment: Assessment, version: str | None) -> Deployed:
    plan, name = assessment.plan, assessment.candidate.name
    alias = assessment.state.alias or assessment.state.named
    version = version or (alias.version if alias else None)
    document = {
        "function": target.function.name,
        "region": target.region,
        "changed": plan.changes,
        "stepped_back": plan.is_older,
        "steps": [str(step) for step in plan.steps],
        "alias": target.settings.alias,
        "version": version,
        "name": name.text if name and not plan.is_older else None,
        **assessment.candidate.to_dict(),
    }
    code_sha256, before = assessment.candidate.package.code_sha256, running(assessment)
    moved = target.settings.alias or (name.alias if name else None)
    return Deployed(code_sha256, moved, version, plan.is_older, before, plan.changes, document)


def running(assessment: Assessment) -> str:
    """Return what runs, for a table: the version, or without one the CodeSha256; a dash if not known."""
    state = assessment.state
    if assessment.function.session.target.settings.publishes:
        alias = state.alias or state.named
        return alias.version if alias else "-"
    return short(state.latest.code_sha256) if state.latest else "-"


def short(code_sha256: str) -> str:
    """Return the part of a CodeSha256 that a reader compares."""
    return code_sha256[:8]


def _report(deployed: Deployed, target: Target, state: State, report: Report) -> None:
    name = target.function.name
    if deployed.is_older and state.recorded:
        report.notice(
            f"Release v{state.recorded.release} is live on {name}, and this is the older "
            f"v{target.provenance.release}.\n`deploy --force` deploys it nevertheless."
        )
        report.step(f"Skipped: a newer release is live on {name}, v{state.recorded.release}")
        return
    where = f"CodeSha256 {deployed.code_sha256}"
    if deployed.alias:
        where = f"{deployed.alias} is version {deployed.version}"
        if target.settings.alias and deployed.document["name"]:
            where = f"{where}, {deployed.document['name']}"
    if deployed.changed:
        report.step(f"Deployed {name}: {where}")
    else:
        report.step(f"Nothing to do: {name} runs this package already ({where})")
