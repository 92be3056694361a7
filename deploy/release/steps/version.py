"""The publication of a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.aws.codes import LOST
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.errors import DeployError
from deploy.release.steps.step import Execution, Step, replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Configuration
    from deploy.target.environment import Target
    from deploy.target.record import Record

MAYBE_PUBLISHED = "A version may have been published; the alias was not moved."
NOT_PUBLISHED = "$LATEST is the new package, and not published; the alias was not moved."


@dataclass(frozen=True)
class PublishVersion(Step):
    """Publish $LATEST as a new version."""

    code_sha256: str
    record: Record

    order: ClassVar[int] = 20
    leaves: ClassVar[str] = "The new version is published; the alias was not moved."

    def __str__(self) -> str:
        return f"publish a version ({self.record.summary()})"

    def execute(self, execution: Execution) -> None:
        """Publish $LATEST, if it still is our package, and wait until the version is ready."""
        execution.report.step("Publishing a version")
        with execution.cancellation.leaving(MAYBE_PUBLISHED, if_refused=NOT_PUBLISHED):
            published = self._publish(execution)
        version = published.version
        with execution.cancellation.leaving(f"Version {version} is published; the alias was not moved."):
            execution.version = execution.when_ready(version)
        execution.report.detail(f"Version {version}: {self.record.summary()}")

    def _publish(self, execution: Execution) -> Configuration:
        try:
            return execution.retry_on_conflict(
                lambda: execution.function.publish(self.code_sha256, self.record.describe())
            )
        except DeployError as error:
            if error.code != LOST:
                with execution.cancellation.leaving(MAYBE_PUBLISHED):
                    latest = execution.function.configuration()
                if latest.code_sha256 == self.code_sha256:
                    raise
            raise replaced("$LATEST was changed after the upload") from error

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what publishing needs."""
        if target.settings.publishes:
            publish = Permission("lambda:PublishVersion", "publish a version")
            yield Grant("Publish", (publish,), (function_arn(target),))
