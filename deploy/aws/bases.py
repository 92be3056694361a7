"""Bases that are kept in the bucket, each under its SHA-256: packages are composed of them there.

A base holds no config. It is put there by one call, which S3 carries out whole or not at all, and only if the
bytes that came have the SHA-256 that the call names. What is copied out of it is checked again.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from deploy.artifact.assembly import Span, changed_base, digest
from deploy.aws.bucket import encryption, explaining
from deploy.aws.codes import DENIED
from deploy.aws.multipart import NO_DIGEST, NO_SUCH_UPLOAD, PUT, Body
from deploy.aws.permissions import bases_arn
from deploy.errors import DeployError
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.artifact.composition import Part, Source
    from deploy.aws.multipart import StagedUpload

# What S3 says of a base that another deploy puts there at the same time, or has put there.
THERE_BY_NOW = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


# S3 does not decrypt it for this deployer, or with a key that is gone.
KEY_REFUSED = "KMS."
MISSING = frozenset({"NoSuchKey", "404"})


class UnusableError(Exception):
    """A base in the bucket that can't be copied; `error` is what S3 said, if it refused."""

    def __init__(self, error: DeployError | None = None) -> None:
        super().__init__()
        self.error = error


class KeptBase:
    """The base of a package, where it is kept or will be.

    `knows_what_is_there` says whether the deployer may list the bucket: without that S3 gives the same
    answer for what is not there and what may not be read.
    """

    def __init__(
        self,
        upload: StagedUpload,
        source: Source,
        progress: Callable[[int], None],
        *,
        knows_what_is_there: bool,
    ) -> None:
        self.key = f"{upload.session.target.base_prefix}{source.sha256.hex()}.zip"
        self._upload = upload
        self._source = source
        self._progress = progress
        self._knows = knows_what_is_there
        self._arn = bases_arn(upload.session.target)

    def __str__(self) -> str:
        return f"s3://{self._upload.bucket.name}/{self.key}"

    def copy(self, index: int, number: int, part: Part) -> None:
        """Have S3 copy a part of it. Raises UnusableError if it refuses, or copies something else."""
        try:
            copied = self._upload.copy(index, number, self.key, part.span, part.sha256, self._arn)
        except DeployError as error:
            if error.is_refusal and error.code != NO_SUCH_UPLOAD:
                raise UnusableError(error) from error
            raise
        if not copied:
            raise UnusableError

    def keep(self, unusable: UnusableError) -> None:
        """Put it there, or something usable in place of what is there.

        What is there and may not be read is somebody else's, and is left as it is: raises UnusableError.
        """
        code = unusable.error.code if unusable.error else ""
        is_denied = code in DENIED
        if (is_denied and self._knows) or code.startswith(KEY_REFUSED) or code == NO_DIGEST:
            raise unusable
        self._upload.cancellation.check()
        self._upload.report.detail(f"Keeping the base as {self}: {megabytes(self._source.size)}")
        span = Span(0, self._source.size)
        arguments: dict[str, Any] = {
            **encryption(self._upload.bucket),
            **({"IfNoneMatch": "*"} if is_denied or code in MISSING else {}),
            "Bucket": self._upload.bucket.name,
            "Key": self.key,
            "ChecksumSHA256": base64.b64encode(self._source.sha256).decode("ascii"),
            "Body": Body(self._source.open(), (span,), self._upload.cancellation, self._progress),
        }
        try:
            with explaining(self._upload.session, PUT, self._arn):
                self._upload.client.put_object(**arguments)
        except DeployError as error:
            if error.code in THERE_BY_NOW:
                return
            if digest(self._source.open())[0] != self._source.sha256:
                raise changed_base() from error
            if error.is_refusal:
                raise UnusableError(error) from error
            raise

    def explain(self, unusable: UnusableError) -> str:
        """Return why packages are not composed of it."""
        why = unusable.error.what if unusable.error else "It is not what its name says."
        return f"its base can't be copied from {self}.\n{why}"
