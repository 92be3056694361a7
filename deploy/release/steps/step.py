"""What all steps have in common, and what they share while a plan is executed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

from deploy.aws.codes import LATEST, NOT_FOUND, REPLACED
from deploy.aws.wait import retry_on_conflict, wait_until_ready
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.artifact.package import Package
    from deploy.aws.answers import Configuration
    from deploy.aws.function import Function
    from deploy.aws.permissions import Grant
    from deploy.aws.wait import Deadline
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.target.environment import Target

Answer = TypeVar("Answer")


@dataclass
class Execution:
    """A plan being executed: what the steps work with, and the version that they publish on their way.

    `package` is what an upload sends; the values of `target` are not shown in logs. Without one nobody knows
    what must not be shown. `is_shifting` if CodeDeploy carries on with a shift that nobody waits for.
    """

    function: Function
    deadline: Deadline
    report: Report
    cancellation: Cancellation
    package: Package | None = None
    target: Target | None = None
    version: str | None = None
    ready: set[str] = field(default_factory=set)
    is_shifting: bool = False

    def when_ready(self, version: str | None) -> str:
        """Return the version to go on with: the published one, or the named one once that is ready."""
        version = version or self.version
        if version is None:
            raise RuntimeError("no version was published before this step")  # a plan out of order
        if version not in self.ready:
            try:
                ready = self.wait_until_ready(version)
            except DeployError as error:
                if error.code != NOT_FOUND:
                    raise
                raise deleted(version) from error
            if ready.has_failed:
                raise DeployError(
                    f"Version {version} of {self.function.name} did not become ready.",
                    why=f"AWS says: {ready.failure}",
                    todo="Fix the problem that AWS reports, and run `deploy` again. AWS publishes a new "
                    "version only if code or configuration differ from the last one's: if they are right as "
                    f"they are, delete version {version} first.",
                )
            self.ready.add(version)
        return version

    def wait_until_ready(self, qualifier: str = LATEST) -> Configuration:
        """Wait until nothing is under way there."""
        return wait_until_ready(self.function, self.deadline, qualifier)

    def retry_on_conflict(self, call: Callable[[], Answer]) -> Answer:
        """Make a call as soon as no other update stands in its way."""
        return retry_on_conflict(call, self.function, self.deadline)

    def progress(self, label: str) -> Callable[[int, int], None]:
        """Return what reports bytes, done and in all, and ends the step if the deploy has to end."""

        def tell(done: int, total: int) -> None:
            self.cancellation.check()
            self.report.progress(label, done, total)

        return tell


class Step(ABC):
    """One step: its text in a plan, its execution, and the permissions that executing it takes.

    `leaves` is what an interruption after it leaves behind; empty if it changes nothing that matters.
    `services` are those whose API models it needs in the slug.
    """

    order: ClassVar[int]
    leaves: ClassVar[str] = ""
    services: ClassVar[frozenset[str]] = frozenset({"lambda"})

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def execute(self, execution: Execution) -> None:
        """Carry it out; raises DeployError if AWS refuses it."""

    @classmethod
    @abstractmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what the deployer needs to be allowed, if the target's settings ask for this step."""


def replaced(why: str) -> DeployError:
    """Return the error for a function that somebody else changed while this deploy ran."""
    return _overtaken(
        "Another deploy or a person changed the function at the same time.",
        f"It does not hold the package of this deploy: {why}.",
        "$LATEST is the package of the other one; no alias was moved.",
    )


def deleted(version: str) -> DeployError:
    """Return the error for a version that somebody else deleted before the alias was moved to it."""
    return _overtaken(
        f"Another deploy or a person deleted version {version} at the same time.",
        "A deploy with _LAMBDA_KEEP_VERSIONS deletes versions that no alias points at.",
        "The alias was not moved.",
    )


def moved(name: str, version: str | None) -> DeployError:
    """Return the error for an alias that somebody else moved, to this version, or deleted."""
    return _overtaken(
        f"Another deploy or a person moved the alias {name} at the same time.",
        f"It points at version {version} now." if version else "It is gone now.",
        "This deploy did not move the alias.",
    )


def _overtaken(what: str, why: str, left: str) -> DeployError:
    error = DeployError(what, why=why, todo="See which one is right, and run that deploy again.")
    error.code, error.left = REPLACED, left
    return error
