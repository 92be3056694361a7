"""The end of old versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.codes import NOT_FOUND
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.errors import DeployError
from deploy.release.steps.step import Execution, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.target.environment import Target


@dataclass(frozen=True)
class DeleteVersions(Step):
    """Delete old versions that no alias points at."""

    versions: tuple[str, ...]

    order: ClassVar[int] = 60

    def __str__(self) -> str:
        return f"delete {'version' if len(self.versions) == 1 else 'versions'} {', '.join(self.versions)}"

    def execute(self, execution: Execution) -> None:
        """Delete them; one that can't be deleted is pointed out, for the deploy is done by then."""
        execution.report.step(f"Deleting {len(self.versions)} old version{'s' * (len(self.versions) != 1)}")
        with execution.cancellation.leaving("The deploy itself is done; old versions are left."):
            for version in self.versions:
                execution.cancellation.check()
                try:
                    execution.function.delete_version(version)
                except DeployError as error:
                    if error.code == NOT_FOUND:
                        continue
                    execution.report.notice(
                        f"Version {version} could not be deleted. {error.what}\n{error.todo}"
                    )
                    return
        execution.report.detail(", ".join(self.versions))

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what deleting versions needs."""
        if target.settings.keep_versions:
            deletion = Permission("lambda:DeleteFunction", "delete old versions; never the function")
            yield Grant("DeleteOldVersions", (deletion,), (function_arn(target, "*"),))
