"""The alias: moved to a version, and the record of the release in its description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.codes import CONFLICT, LOST, NOT_FOUND
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.errors import DeployError
from deploy.release.description import parse_note
from deploy.release.steps.step import Execution, Step, deleted, moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Alias
    from deploy.target.environment import Target


@dataclass(frozen=True)
class MoveAlias(Step):
    """Move the alias to a version, the published one if none is named; created if it is missing."""

    name: str
    previous: str | None
    description: str
    revision_id: str | None
    version: str | None = None

    order: ClassVar[int] = 40
    leaves: ClassVar[str] = "The deploy itself is done."

    def __str__(self) -> str:
        target = f"version {self.version}" if self.version else "it"
        if self.previous is None:
            return f"create the alias {self.name}, pointing at {target}"
        if self.previous == self.version:
            return f"point the alias {self.name} at {target} alone"
        return f"move the alias {self.name} to {target}, away from version {self.previous}"

    def execute(self, execution: Execution) -> None:
        """Move the alias, unless someone else has moved it meanwhile."""
        with execution.cancellation.leaving(f"The alias {self.name} was not moved."):
            version = execution.when_ready(self.version)
        execution.report.step(f"Moving {self.name} to version {version}")
        WriteAlias(self.name, version, self.description, self.revision_id).execute(execution)
        execution.version = version
        if self.previous not in {None, version} and self.previous == parse_note(self.description).previous:
            execution.report.detail(
                f"It pointed at version {self.previous}; `deploy rollback` goes back there"
            )

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what moving the alias needs."""
        if target.settings.alias:
            permissions = (
                Permission("lambda:CreateAlias", "create the alias if it is missing"),
                Permission("lambda:UpdateAlias", "move the alias to the version"),
            )
            yield Grant("MoveAlias", permissions, (function_arn(target),))


@dataclass(frozen=True)
class RecordRelease(Step):
    """Keep the release's number in the alias's description if nothing else of it changes."""

    text: str
    alias: Alias

    order: ClassVar[int] = 50

    def __str__(self) -> str:
        return f"record the release ({self.text})"

    def execute(self, execution: Execution) -> None:
        """Record it: without its number, an older release would take this one's place."""
        alias = self.alias
        WriteAlias(alias.name, alias.version, self.text, alias.revision_id).execute(execution)

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield nothing: who may move the alias may do this."""
        del target
        yield from ()


@dataclass(frozen=True)
class WriteAlias:
    """What an alias has to be, over the revision that was read; None if there was no alias.

    `rest` says what else is not done if this fails, as the end of a sentence.
    """

    name: str
    version: str
    description: str
    revision_id: str | None
    rest: str = ""

    def execute(self, execution: Execution) -> None:
        """Write it; whatever is answered, what counts is the alias."""
        unknown = f"The alias {self.name} is where it was, or at version {self.version}{self.rest}."
        with execution.cancellation.leaving(
            unknown, if_refused=f"The alias {self.name} was not changed{self.rest}."
        ):
            try:
                execution.retry_on_conflict(lambda: self._write(execution))
            except DeployError as error:
                with execution.cancellation.leaving(unknown):
                    alias = execution.function.alias(self.name)
                if not self._is_done(alias):
                    raise self._explain(error, alias) from error

    def _write(self, execution: Execution) -> Alias:
        function = execution.function
        if self.revision_id is not None:
            return function.update_alias(self.name, self.version, self.description, self.revision_id)
        try:
            return function.create_alias(self.name, self.version, self.description)
        except DeployError as error:
            # A conflict is worth another try, unless it is the alias that someone else has made.
            if error.code == CONFLICT and function.alias(self.name) is not None:
                error.code = LOST
            raise

    def _is_done(self, alias: Alias | None) -> bool:
        """Whether the alias is at the version, and records this release: the order hangs on the record."""
        if alias is None or alias.version != self.version or alias.weights:
            return False
        found, ours = parse_note(alias.description), parse_note(self.description)
        return (found.release, found.shift) == (ours.release, ours.shift)

    def _explain(self, error: DeployError, alias: Alias | None) -> DeployError:
        if error.code == NOT_FOUND and (alias.revision_id if alias else None) == self.revision_id:
            return deleted(self.version)
        if error.code in {LOST, NOT_FOUND}:
            return moved(self.name, alias.version if alias else None)
        return error
