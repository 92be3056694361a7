"""The alias: moved to a version, and the record of the release in its description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.codes import CONFLICT, DENIED, LOST, NOT_FOUND, REPLACED
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.errors import DeployError
from deploy.release.steps.step import Execution, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Alias
    from deploy.aws.function import Function
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
    leaves: ClassVar[str] = "The release itself is done."

    def __str__(self) -> str:
        target = f"version {self.version}" if self.version else "it"
        if self.previous is None:
            return f"create the alias {self.name}, pointing at {target}"
        return f"move the alias {self.name} to {target}, away from version {self.previous}"

    def execute(self, execution: Execution) -> None:
        """Move the alias, unless someone else has moved it meanwhile."""
        version = execution.when_ready(self.version)
        function = execution.function
        execution.report.step(f"Moving {self.name} to version {version}")
        with execution.cancellation.leaving(
            f"The alias {self.name} is where it was, or at version {version}."
        ):
            try:
                execution.retry_on_conflict(lambda: self._move(function, version))
            except DeployError as error:
                alias = function.alias(self.name)
                if alias is None or alias.version != version or alias.weights:
                    raise self._explain(error, alias) from error
        execution.version = version
        if self.previous:
            execution.report.detail(
                f"It pointed at version {self.previous}; `deploy rollback` goes back there"
            )

    def _move(self, function: Function, version: str) -> Alias:
        if self.revision_id is not None:
            return function.update_alias(self.name, version, self.description, self.revision_id)
        try:
            return function.create_alias(self.name, version, self.description)
        except DeployError as error:
            # A conflict is worth another try, unless it is the alias that someone else has made.
            if error.code == CONFLICT and function.alias(self.name) is not None:
                error.code = LOST
            raise

    def _explain(self, error: DeployError, alias: Alias | None) -> DeployError:
        if error.code not in {LOST, NOT_FOUND}:
            return error
        where = f"points at version {alias.version}" if alias else "is gone"
        moved = DeployError(
            f"Another deploy or a person moved the alias {self.name} at the same time.",
            why=f"It {where} now.",
            todo="See which one is right, and run that deploy again.",
        )
        moved.code = REPLACED
        return moved

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
        """Record it; what goes wrong with that undoes no release."""
        alias, function = self.alias, execution.function
        try:
            execution.retry_on_conflict(
                lambda: function.update_alias(alias.name, alias.version, self.text, alias.revision_id)
            )
        except DeployError as error:
            if error.code not in {*DENIED, LOST}:
                execution.report.notice(f"The release's number could not be recorded. {error.what}")

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield nothing: who may move the alias may do this."""
        del target
        yield from ()
