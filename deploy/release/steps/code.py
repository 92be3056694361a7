"""The upload of a package."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.artifact.composition import layout, sent_size
from deploy.aws.codes import LOST
from deploy.aws.permissions import (
    Grant,
    Permission,
    bases_arn,
    bucket_arn,
    function_arn,
    key_grant,
    objects_arn,
)
from deploy.errors import DeployError
from deploy.release.steps.step import Execution, Step, replaced
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.package import Package
    from deploy.aws.answers import Configuration
    from deploy.target.environment import Target
    from deploy.target.settings import Bucket

NOT_TAKEN = "$LATEST was not changed."
UNKNOWN = "AWS may have taken the upload or not; $LATEST is the old or the new package, whole."
TAKEN = "AWS has taken the upload; $LATEST is the new package once AWS has put it in place."

OBJECTS = (
    Permission("s3:PutObject", "put a package into the bucket"),
    Permission("s3:GetObject", "let Lambda read it, which it does in the deployer's name"),
    Permission("s3:DeleteObject", "delete it when the deploy is over"),
    Permission("s3:AbortMultipartUpload", "leave nothing of an upload that failed"),
)
BASES = (
    Permission("s3:GetObject", "compose packages of a base that is kept in the bucket", needed=False),
    Permission("s3:PutObject", "keep a base there", needed=False),
)
ENCRYPTION = (
    Permission("kms:GenerateDataKey", "encrypt the upload"),
    Permission("kms:Decrypt", "put its parts together, and let Lambda read it"),
)
SOURCE_KEY = (
    Permission("kms:GenerateDataKey", "encrypt the package in Lambda"),
    Permission("kms:Decrypt", "let Lambda read it"),
)


@dataclass(frozen=True)
class UpdateCode(Step):
    """Upload the package as the code of $LATEST, over `revision_id` alone if it is known.

    `key_arn` is the KMS key that encrypts it; without one AWS takes a key of its own.
    """

    code_sha256: str
    size: int
    revision_id: str | None = None
    bucket: Bucket | None = None
    key_arn: str | None = None

    order: ClassVar[int] = 10
    leaves: ClassVar[str] = "$LATEST is the new package; no alias was moved."
    services: ClassVar[frozenset[str]] = frozenset({"lambda", "s3"})

    def __str__(self) -> str:
        way = f" via s3://{self.bucket.name}" if self.bucket else ""
        key = f", encrypted by {self.key_arn}" if self.key_arn else ""
        return f"upload {megabytes(self.size)}{way} as the code of $LATEST{key}"

    def execute(self, execution: Execution) -> None:
        """Upload the package, wait until it is in place, and make sure that it is ours."""
        function, report, cancellation = execution.function, execution.report, execution.cancellation
        report.step(f"Updating {function.name} in {function.region}")
        with cancellation.leaving(UNKNOWN, if_refused=NOT_TAKEN):
            uploaded = self._upload(execution)
        with cancellation.leaving(TAKEN):
            if uploaded.code_sha256 != self.code_sha256:
                raise replaced(f"its CodeSha256 is {uploaded.code_sha256}, ours is {self.code_sha256}")
            if self.revision_id is None:
                report.detail("Not waiting for it: that needs the permission lambda:GetFunctionConfiguration")
                return
            ready = execution.wait_until_ready()
            if ready.has_failed:
                raise _not_in_place(function.name, ready)
            if ready.code_sha256 != self.code_sha256:
                raise replaced(f"its CodeSha256 is {ready.code_sha256} now, ours is {self.code_sha256}")

    def _upload(self, execution: Execution) -> Configuration:
        if execution.package is None:
            raise RuntimeError("an upload without a package")  # a plan out of order
        try:
            if self.bucket is None:
                return self._upload_directly(execution, execution.package)
            return self._upload_via_bucket(execution, execution.package, self.bucket)
        except DeployError as error:
            if error.code != LOST:
                raise
            # The SDK sends again what got no answer; the first one may have been ours.
            with execution.cancellation.leaving(UNKNOWN):
                latest = execution.wait_until_ready()
            if latest.code_sha256 == self.code_sha256:
                return latest
            raise replaced("it was changed after this deploy had looked at it") from error

    def _upload_directly(self, execution: Execution, package: Package) -> Configuration:
        execution.report.detail(f"Uploading {megabytes(self.size)}")
        progress = execution.progress("Uploading")
        return execution.retry_on_conflict(
            lambda: execution.function.update_code(package, progress, self.revision_id, self.key_arn)
        )

    def _upload_via_bucket(self, execution: Execution, package: Package, bucket: Bucket) -> Configuration:
        from deploy.aws.staging import stage

        sent = sent_size(layout(package)) or self.size
        what = megabytes(sent) if sent == self.size else f"{megabytes(sent)} of {megabytes(self.size)}"
        execution.report.detail(f"Uploading {what} to s3://{bucket.name}")
        progress = execution.progress("Uploading")
        with contextlib.ExitStack() as stack:
            with execution.cancellation.leaving(NOT_TAKEN):
                key = stack.enter_context(
                    stage(
                        bucket,
                        package,
                        execution.function.session,
                        progress=lambda done: progress(done, self.size),
                        report=execution.report,
                        cancellation=execution.cancellation,
                    )
                )
            return execution.retry_on_conflict(
                lambda: execution.function.update_code_from_bucket(
                    bucket.name, key, self.revision_id, self.key_arn
                )
            )

    @classmethod
    def grants(cls, target: Target) -> Iterator[Grant]:
        """Yield what an upload needs, directly and via the bucket."""
        settings = target.settings
        upload = Permission("lambda:UpdateFunctionCode", "upload the package")
        yield Grant("Deploy", (upload,), (function_arn(target),))
        if settings.source_key_arn:
            yield key_grant("EncryptCode", target, settings.source_key_arn, SOURCE_KEY)
        if settings.s3_bucket:
            yield Grant("Bases", BASES, (bases_arn(target),))
            yield Grant("Upload", OBJECTS, (objects_arn(target),))
            listing = Permission("s3:ListBucket", "tell a missing object from a forbidden one", needed=False)
            yield Grant("Bucket", (listing,), (bucket_arn(target),))
            if settings.s3_kms_key_id:
                yield key_grant("Encrypt", target, settings.s3_kms_key_id, ENCRYPTION)


def _not_in_place(name: str, latest: Configuration) -> DeployError:
    error = DeployError(
        f"AWS could not put the package in place for {name}.",
        why=f"AWS says: {latest.failure}",
        todo="Fix the problem that AWS reports, and run `deploy` again.",
    )
    error.left = "AWS has taken the upload, and not put it in place; no alias was moved."
    return error
