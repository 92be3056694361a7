"""A package on its way through the bucket: multipart uploads to one key, and the object that they make.

It is deleted at the end, however that comes, for it holds secrets.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import base64
import threading
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.config import Config

from deploy.artifact.assembly import AssembledFile
from deploy.aws.bucket import CHECKSUM, encryption, explaining
from deploy.aws.together import together
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from types_boto3_s3 import S3Client

    from deploy.artifact.assembly import Span
    from deploy.artifact.window import Seekable
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.target.settings import Bucket

NO_SUCH_UPLOAD = "NoSuchUpload"
NO_DIGEST = "NoDigest"
PUT, GET = "s3:PutObject", "s3:GetObject"

# Whatever else the settings say: what holds secrets is not left behind for one fault of S3's.
PERSISTENT = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 6, "mode": "standard"})


class StagedUpload:
    """What may be in the bucket of a package by now, under one key that nobody else knows.

    Several uploads may be under way at a time; each that is completed replaces the object of the one before.
    """

    def __init__(self, bucket: Bucket, session: Session, report: Report, cancellation: Cancellation) -> None:
        self.key = f"{session.target.object_prefix}{uuid.uuid4()}.zip"
        self.bucket = bucket
        self.session = session
        self.report = report
        self.cancellation = cancellation
        self.client: S3Client = session.client("s3")
        self._place: dict[str, Any] = {"Bucket": bucket.name, "Key": self.key}
        self._ids: list[str] = []
        self._parts: list[dict[int, dict[str, Any]]] = []
        self._may_be_complete = False
        self._deleted = False
        self._begins = threading.Lock()  # an upload without a name could not be deleted

    def begin(self, count: int) -> None:
        """Begin so many uploads."""
        arguments: dict[str, Any] = {**self._place, **encryption(self.bucket)}
        client = self._persistent_client

        def create() -> None:
            with explaining(self.session, PUT):
                self._ids.append(client.create_multipart_upload(**arguments)["UploadId"])

        with self._begins:
            if self._deleted:
                raise DeployError("The upload was given up.")
            self._parts = [{} for _ in range(count)]
            together([create] * count)

    def send(self, index: int, number: int, body: Body, sha256: bytes | None = None) -> None:
        """Send a part of an upload; S3 refuses one whose SHA-256 is not this one, if it is known."""
        part: dict[str, Any] = {"Body": body, "ChecksumAlgorithm": CHECKSUM}
        if sha256:
            part = {"Body": body, "ChecksumSHA256": _base64(sha256)}
        with explaining(self.session, PUT):
            answer = self.client.upload_part(
                **self._place, UploadId=self._ids[index], PartNumber=number, **part
            )
            self._note(index, number, answer["ETag"], _base64(sha256) if sha256 else answer["ChecksumSHA256"])

    def copy(  # noqa: PLR0917 - as many as the call has
        self, index: int, number: int, key: str, span: Span | None, sha256: bytes, arn: str = ""
    ) -> bool:
        """Have S3 copy a part out of an object in the bucket, or all of it; `arn` names what may be read.

        Return whether what it copied has this SHA-256, by S3's own account of it. Raises an error with the
        code NO_DIGEST if it gives none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
        """
        source = f"{self.bucket.name}/{quote(key)}"
        part: dict[str, Any] = {"CopySourceRange": f"bytes={span.start}-{span.end - 1}"} if span else {}
        with explaining(self.session, GET, arn):
            answer = self.client.upload_part_copy(
                **self._place, UploadId=self._ids[index], PartNumber=number, CopySource=source, **part
            )
            copied = answer["CopyPartResult"]
            if "ChecksumSHA256" not in copied:
                raise _no_digest()
            if copied["ChecksumSHA256"] != _base64(sha256):
                return False
            self._note(index, number, copied["ETag"], copied["ChecksumSHA256"])
            return True

    def has(self, index: int, number: int) -> bool:
        """Whether a part is there."""
        return number in self._parts[index]

    def forget_parts(self) -> None:
        """Begin again with the last upload, without any of its parts; the others are given up."""
        while len(self._ids) > 1:
            self._abort(self._ids.pop(0))
        self._parts = [{}]

    def complete(self, index: int, size: int) -> None:
        """Have the parts put together; whatever S3 answers, what counts is the object.

        S3 answers 200 before it begins, and then with an error if there is one:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        parts: list[Any] = [part for _, part in sorted(self._parts[index].items())]
        self._may_be_complete = True
        try:
            with explaining(self.session, PUT):
                answer = self.client.complete_multipart_upload(
                    **self._place, UploadId=self._ids[index], MultipartUpload={"Parts": parts}
                )
                if not (answer.get("ETag") and answer.get("Key") == self.key):
                    raise ValueError("neither an object nor an error")
        except DeployError:
            if not self._is_whole(size):
                raise
        self._ids[index] = ""  # unless it is certain that it has ended, it is aborted

    def delete(self) -> None:
        """Delete what may be there; what can't be deleted is pointed out."""
        with self._begins:
            self._deleted = True
        for upload_id in filter(None, self._ids):
            self._abort(upload_id)
        if self._may_be_complete:
            self._delete("s3:DeleteObject", "The package", lambda client: client.delete_object(**self._place))

    def _note(self, index: int, number: int, etag: str, checksum: str) -> None:
        self._parts[index][number] = {"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum}

    def _is_whole(self, size: int) -> bool:
        """Whether the object is there; nobody else knows its key, and Lambda returns its digest."""

        def read() -> int:
            with explaining(self.session, GET):
                return self.client.head_object(Bucket=self.bucket.name, Key=self.key)["ContentLength"]

        try:
            return retry_reading(read, self.cancellation) == size
        except DeployError:
            return False

    def _abort(self, upload_id: str) -> None:
        self._delete(
            "s3:AbortMultipartUpload",
            "Parts of the package",
            lambda client: client.abort_multipart_upload(**self._place, UploadId=upload_id),
        )

    def _delete(self, action: str, what: str, call: Callable[[S3Client], object]) -> None:
        try:
            with explaining(self.session, action):
                call(self._persistent_client)
        except DeployError as error:
            if error.code == NO_SUCH_UPLOAD:  # it was completed, and the answer lost
                return
            self.report.notice(
                f"{what} could not be deleted from s3://{self.bucket.name}/{self.key}. It holds the config: "
                f"delete it by hand, or with a lifecycle rule.\n{error.what}"
            )

    @cached_property
    def _persistent_client(self) -> S3Client:
        client: S3Client = self.session.client("s3", PERSISTENT)
        return client


class Body(AssembledFile):
    """Parts of a file that are not sent to their end if the deploy has to end.

    `progress` receives the number of bytes sent.
    """

    def __init__(
        self,
        file: Seekable,
        parts: Sequence[Span | bytes],
        cancellation: Cancellation,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> None:
        super().__init__(file, parts)
        self._cancellation = cancellation
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all that are left if it is negative."""
        self._cancellation.check()
        content = super().read(size)
        self._progress(self.tell())
        return content


def _no_digest() -> DeployError:
    error = DeployError("S3 does not give the SHA-256 of what it copies, as AWS does.")
    error.code, error.is_refusal = NO_DIGEST, True
    return error


def _base64(sha256: bytes) -> str:
    return base64.b64encode(sha256).decode("ascii")
