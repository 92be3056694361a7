"""The name of a version: an alias such as 1-1-1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.release.steps.alias import WriteAlias
from deploy.release.steps.step import Execution, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.target.environment import Target
    from deploy.target.record import Record
    from deploy.target.version import VersionName


@dataclass(frozen=True)
class NameVersion(Step):
    """Give a version its name, the published one if none is named; away from `previous` if that has it."""

    name: VersionName
    previous: str | None
    record: Record
    revision_id: str | None
    version: str | None = None

    order: ClassVar[int] = 38
    leaves: ClassVar[str] = "The version is published and has its name; a live alias was not moved."

    def __str__(self) -> str:
        target = f"version {self.version}" if self.version else "it"
        away = f", away from version {self.previous}" if self.previous not in {None, self.version} else ""
        return f"give {target} the name {self.name.text} (alias {self.name.alias}){away}"

    def execute(self, execution: Execution) -> None:
        """Point the alias of the name at the version, unless someone else has moved it meanwhile."""
        alias = self.name.alias
        live = execution.function.session.target.settings.alias
        rest = f"; {live} was not moved" if live else ""
        with execution.cancellation.leaving(f"The alias {alias} was not moved{rest}."):
            version = execution.when_ready(self.version)
        execution.report.step(f"Naming version {version}: {self.name.text}")
        WriteAlias(alias, version, self.record.describe(), self.revision_id, rest).execute(execution)
        execution.version = version

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what naming needs; who may move the live alias may do this."""
        if target.settings.version and not target.settings.alias:
            permissions = (
                Permission("lambda:CreateAlias", "give a version its name"),
                Permission("lambda:UpdateAlias", "move the name to the same base with another config"),
            )
            yield Grant("NameVersion", permissions, (function_arn(target),))
