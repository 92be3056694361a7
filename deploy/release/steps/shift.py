"""The alias, moved by CodeDeploy: its traffic is shifted to a version step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.deployment import LIMIT, Shifted
from deploy.aws.permissions import (
    ANYTHING,
    Grant,
    Permission,
    application_arn,
    deployment_config_arn,
    deployment_group_arn,
)
from deploy.cancel import NOTHING_TO_RUN
from deploy.errors import DeployError
from deploy.release.description import Note, ShiftNote
from deploy.release.ending import busy, carries_on, failed, settle, takes_back
from deploy.release.running import Running, find_running
from deploy.release.steps.alias import WriteAlias
from deploy.release.steps.step import Execution, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.codedeploy import CodeDeploy
    from deploy.release.ending import Ending
    from deploy.target.environment import Target
    from deploy.target.provenance import Provenance
    from deploy.target.shift_settings import Shift


ROLLBACK = "deploy rollback"


@dataclass(frozen=True)
class ShiftOptions:
    """What a command asks of shifts: none at all, in spite of alarms, and to the end or only begun.

    `command` is what a reader runs to try again.
    """

    now: bool = False
    ignores_alarms: bool = False
    waits: bool = True
    command: str = "deploy"

    @property
    def goes_back(self) -> bool:
        """Whether it is a rollback that asks."""
        return self.command == ROLLBACK


@dataclass(frozen=True)
class ShiftAlias(Step):
    """Have CodeDeploy shift the alias to a version, the published one if none is named.

    `note` is what the alias's description records apart from this shift, `release` the one that it brings.
    """

    name: str
    previous: str
    note: Note
    release: Provenance | None
    revision_id: str
    shift: Shift
    options: ShiftOptions = ShiftOptions()
    version: str | None = None

    order: ClassVar[int] = 41
    leaves: ClassVar[str] = "The deploy itself is done."
    services: ClassVar[frozenset[str]] = frozenset({"lambda", "codedeploy"})

    def __str__(self) -> str:
        goal = f"version {self.version}" if self.version else "it"
        hooks = [each for each in (self.shift.hook_before, self.shift.hook_after) if each]
        asked = f", with {' and '.join(hooks)}" if hooks else ""
        alarms = ", in spite of alarms" if self.options.ignores_alarms else ""
        return (
            f"shift the alias {self.name} to {goal}, away from version {self.previous}, by CodeDeploy "
            f"({self.shift.name}, {self.shift.config}{asked}){alarms}"
        )

    def execute(self, execution: Execution) -> None:
        """Record the shift, start it and follow it; CodeDeploy carries on whatever becomes of this deploy."""
        with execution.cancellation.leaving(f"The alias {self.name} was not moved."):
            version = execution.when_ready(self.version)
            codedeploy = _codedeploy(execution, self.shift)
        execution.report.step(
            f"Shifting {self.name} from version {self.previous} to version {version} ({self.shift.config})"
        )
        # CodeDeploy moves the alias without a word on the release: that has to be there before.
        goes_back = self.options.goes_back
        noted = replace(self.note, shift=ShiftNote(self.previous, version, self.release, goes_back))
        rest = "; no traffic was shifted"
        WriteAlias(self.name, self.previous, noted.describe(), self.revision_id, rest).execute(execution)
        started = self._create(version, codedeploy, execution)
        running = Running(started, self.previous, version, goes_back=goes_back)
        execution.report.detail(f"CodeDeploy's deployment is {running.id}")
        ending = _follow(running, self.name, codedeploy, execution, waits=self.options.waits)
        execution.version = version
        if ending is None:
            execution.is_shifting = True
            return
        release = self.release or self.note.release
        done = replace(self.note, previous=self.previous, release=release)
        settle(self.name, ending, execution.function, execution.report, done if ending.succeeded else noted)
        if not ending.succeeded:
            raise failed(self.name, version, running, ending, self.options.command)
        execution.report.detail(f"It pointed at version {self.previous}; `deploy rollback` goes back there")

    def _create(self, version: str, codedeploy: CodeDeploy, execution: Execution) -> str:
        """Start the deployment and return its ID; if there was no answer, look whether it has begun."""
        name = execution.function.name
        goes = Shifted(name, self.name, self.previous, version)
        description = f"{name}: {self.name} from version {self.previous} to version {version}"
        unknown = (
            f"CodeDeploy has begun to shift {self.name} to version {version}, or not: `deploy status` says."
        )
        if self.options.goes_back:
            unknown = f"{unknown} `deploy rollback {version}` is safe in both cases. {NOTHING_TO_RUN}"
        refused = f"No traffic was shifted: the alias {self.name} is at version {self.previous}."
        with execution.cancellation.leaving(unknown, if_refused=refused):
            try:
                return codedeploy.create(goes, description, ignores_alarms=self.options.ignores_alarms)
            except DeployError as error:
                if error.is_refusal and error.code != LIMIT:
                    raise
                running = find_running(execution.function, execution.function.alias(self.name))
                if running and (running.origin, running.goal) == (self.previous, version):
                    return running.id
                if error.code == LIMIT:
                    raise busy(self.shift, error) from error
                raise

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what shifting needs, and following, finding and stopping a shift."""
        shift = target.settings.shifting
        if shift is None:
            return
        on_group = (
            Permission("codedeploy:CreateDeployment", "shift the alias's traffic"),
            Permission("codedeploy:GetDeployment", "follow the shift"),
            Permission("codedeploy:ListDeployments", "find a shift that is under way"),
            Permission("codedeploy:GetDeploymentGroup", "see before a deploy whether the group is there"),
        )
        yield Grant("Shift", on_group, (deployment_group_arn(target),))
        revision = (
            Permission("codedeploy:RegisterApplicationRevision", "tell CodeDeploy the two versions"),
            Permission("codedeploy:GetApplicationRevision", "let CodeDeploy look them up"),
        )
        yield Grant("ShiftRevision", revision, (application_arn(target),))
        config = Permission("codedeploy:GetDeploymentConfig", "see how fast it shifts, and that it exists")
        yield Grant("ShiftConfig", (config,), (deployment_config_arn(target, shift.config),))
        # IAM knows no resource for these.
        anywhere = (
            Permission("codedeploy:ListDeploymentTargets", "follow the shift"),
            Permission("codedeploy:GetDeploymentTarget", "follow its hooks"),
            Permission("codedeploy:StopDeployment", "stop a shift by `deploy rollback` or `deploy --force`"),
        )
        yield Grant("FollowShift", anywhere, (ANYTHING,))


@dataclass(frozen=True)
class FollowShift(Step):
    """Wait for a shift that is under way; `is_wanted` if it goes where this deploy wants to go."""

    name: str
    running: Running
    shift: Shift
    is_wanted: bool
    options: ShiftOptions = ShiftOptions()

    order: ClassVar[int] = 42

    def __str__(self) -> str:
        if self.is_wanted:
            return f"follow the shift of {self.name} to version {self.running.goal} ({self.running.id})"
        return (
            f"wait until CodeDeploy has shifted {self.name} ({self.running}), and decide again what is "
            "missing; `deploy --force` stops the shift first"
        )

    def execute(self, execution: Execution) -> None:
        """Follow it to its end; how it ends matters only if it is the wanted one."""
        what = "Following" if self.is_wanted else "Waiting for"
        which = "CodeDeploy's rollback" if self.running.is_rollback else "a shift"
        execution.report.step(f"{what} {which} of {self.name} that is under way ({self.running})")
        codedeploy = _codedeploy(execution, self.shift)
        waits = self.options.waits or not self.is_wanted
        ending = _follow(self.running, self.name, codedeploy, execution, waits=waits)
        execution.version = self.running.goal
        if ending is None:
            execution.is_shifting = True
            return
        settle(self.name, ending, execution.function, execution.report)
        if not ending.succeeded and self.is_wanted:
            raise failed(self.name, self.running.goal, self.running, ending, self.options.command)
        if not ending.succeeded:
            execution.report.detail(" ".join(f"It did not get there. {ending.why}".split("\n")))

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield nothing: who may shift the alias may do this."""
        del target
        yield from ()


@dataclass(frozen=True)
class StopShift(Step):
    """Stop a shift that is under way, and wait until all traffic goes where it came from."""

    name: str
    running: Running
    shift: Shift
    options: ShiftOptions = ShiftOptions()

    order: ClassVar[int] = 43

    def __str__(self) -> str:
        return f"stop the shift of {self.name} ({self.running}), back to version {self.running.origin}"

    def execute(self, execution: Execution) -> None:
        """Stop it with CodeDeploy's rollback; it may have come to its end meanwhile."""
        execution.report.step(f"Stopping the shift of {self.name} ({self.running})")
        codedeploy = _codedeploy(execution, self.shift)
        nothing = f" {NOTHING_TO_RUN}" if self.options.goes_back else ""
        unknown = f"CodeDeploy stops the shift of {self.name}, or goes on with it: `deploy status` says."
        with execution.cancellation.leaving(unknown, if_refused=carries_on(self.name, self.running)):
            codedeploy.stop(self.running.id)
        left = f"{takes_back(self.name, self.running)}{nothing}"
        ending = _follow(self.running, self.name, codedeploy, execution, left=left)
        if ending is None:
            raise RuntimeError("a shift that was not followed to its end")  # it waits
        alias = settle(self.name, ending, execution.function, execution.report)
        if alias is None or alias.weights:
            raise failed(self.name, self.running.goal, self.running, ending, self.options.command)
        execution.version = alias.version
        if ending.succeeded:
            execution.report.detail("It had come to its end before it could be stopped")
        else:
            execution.report.detail(f"All traffic goes to version {alias.version}")

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield nothing: who may shift the alias may do this."""
        del target
        yield from ()


def _codedeploy(execution: Execution, shift: Shift) -> CodeDeploy:
    from deploy.aws.codedeploy import CodeDeploy  # nothing that a deploy without a shift needs

    return CodeDeploy(execution.function.session, shift, execution.cancellation)


def _follow(
    running: Running,
    name: str,
    codedeploy: CodeDeploy,
    execution: Execution,
    *,
    waits: bool = True,
    left: str = "",
) -> Ending | None:
    from deploy.release.follow import Follower

    follower = Follower(codedeploy, execution.function, name, execution.report, execution.cancellation)
    with execution.cancellation.leaving(left or carries_on(name, running)):
        return follower.follow(running, waits=waits)
