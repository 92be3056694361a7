"""The S3 bucket that a package passes through when it is too large for a direct upload."""

from __future__ import annotations

import contextlib
import threading
import uuid
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.artifact.assembly import AssembledFile, Span
from deploy.aws.permissions import objects_arn
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError, InputError
from deploy.target.arn import REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from types_boto3_s3 import S3Client

    from deploy.artifact.package import Package
    from deploy.artifact.window import Seekable
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.target.settings import Bucket

PART = 8 * 1024 * 1024  # bytes
CHECKSUM: Literal["SHA256"] = "SHA256"
NO_SUCH_UPLOAD = "NoSuchUpload"

# Whatever else the settings say: what holds secrets is not left behind for one fault of S3's.
PERSISTENT = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 6, "mode": "standard"})


@contextlib.contextmanager
def stage(
    bucket: Bucket,
    package: Package,
    session: Session,
    *,
    progress: Callable[[int], None],
    report: Report,
    cancellation: Cancellation,
) -> Iterator[str]:
    """Upload a package, give its key, and delete it at the end, however that comes: it holds secrets.

    Encrypted, and checked by SHA-256, in parts of 8 MB; `progress` is told the bytes that are sent. Raises
    DeployError, before anything is uploaded if the bucket is missing or in another region.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html (S3Bucket, S3Key)
    """
    check_region(bucket, session, cancellation)
    upload = _StagedUpload(bucket, session, report, cancellation)
    with cancellation.cleanup(upload.delete):
        upload.upload(package, progress)
        yield upload.key


class _StagedUpload:
    """A package on its way through the bucket: what may be there of it by now.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    """

    def __init__(self, bucket: Bucket, session: Session, report: Report, cancellation: Cancellation) -> None:
        self.key = f"{session.target.object_prefix}{uuid.uuid4()}.zip"
        self._bucket = bucket
        self._session = session
        self._report = report
        self._cancellation = cancellation
        self._place: dict[str, Any] = {"Bucket": bucket.name, "Key": self.key}
        self._upload_id = ""
        self._may_be_complete = False
        self._deleted = False
        self._begins = threading.Lock()  # an upload without a name could not be deleted

    def upload(self, package: Package, progress: Callable[[int], None]) -> None:
        """Upload it, whole; raises InputError if it was changed meanwhile."""
        try:
            with _explaining(self._session, "s3:PutObject"):
                parts = self._upload_parts(package, progress)
        except DeployError:
            # What is not what was signed, S3 refuses for reasons that are another story.
            package.check_again()
            raise
        # They were read from the base one by one, which somebody may have written to meanwhile.
        package.check_again()
        self._complete(parts, package.size)

    def _upload_parts(self, package: Package, progress: Callable[[int], None]) -> list[Any]:
        """Upload in parts, each read from the file while it is sent."""
        self._begin()
        client: S3Client = self._session.client("s3")
        upload = {**self._place, "UploadId": self._upload_id}
        parts: list[Any] = []
        for start in range(0, package.size, PART):
            end = min(start + PART, package.size)
            body: Any = _Part(package.open(), Span(start, end), self._cancellation)
            number = len(parts) + 1
            answer = client.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm=CHECKSUM)
            parts.append(
                {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]}
            )
            progress(end)
        return parts

    def _complete(self, parts: list[Any], size: int) -> None:
        """Have the parts put together; whatever S3 answers, what counts is the object.

        S3 answers 200 before it begins, and then with an error if there is one:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        client: S3Client = self._session.client("s3")
        self._may_be_complete = True
        try:
            with _explaining(self._session, "s3:PutObject"):
                answer = client.complete_multipart_upload(
                    **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
                )
                if not (answer.get("ETag") and answer.get("Key") == self.key):
                    raise ValueError("neither an object nor an error")
        except DeployError:
            if not self._is_whole(size):
                raise
        self._upload_id = ""  # unless it is certain that it has ended, it is aborted

    def _is_whole(self, size: int) -> bool:
        """Whether the object is there; nobody else knows its key, and Lambda returns its digest."""
        client: S3Client = self._session.client("s3")

        def read() -> int:
            with _explaining(self._session, "s3:GetObject"):
                return client.head_object(Bucket=self._bucket.name, Key=self.key)["ContentLength"]

        try:
            return retry_reading(read, self._cancellation) == size
        except DeployError:
            return False

    def _begin(self) -> None:
        arguments: dict[str, Any] = {**self._place, **encryption(self._bucket)}
        with self._begins:
            if self._deleted:
                raise DeployError("The upload was given up.")
            answer = self._persistent_client().create_multipart_upload(**arguments)
            self._upload_id = answer["UploadId"]

    def delete(self) -> None:
        """Delete what may be there; what can't be deleted is pointed out."""
        with self._begins:
            self._deleted = True
        if self._upload_id:
            self._delete(
                "s3:AbortMultipartUpload",
                "Parts of the package",
                lambda client: client.abort_multipart_upload(**self._place, UploadId=self._upload_id),
            )
        if self._may_be_complete:
            self._delete("s3:DeleteObject", "The package", lambda client: client.delete_object(**self._place))

    def _delete(self, action: str, what: str, call: Callable[[S3Client], object]) -> None:
        try:
            with _explaining(self._session, action):
                call(self._persistent_client())
        except DeployError as error:
            if error.code == NO_SUCH_UPLOAD:  # it was completed, and the answer lost
                return
            self._report.notice(
                f"{what} could not be deleted from s3://{self._bucket.name}/{self.key}. It holds the config: "
                f"delete it by hand, or with a lifecycle rule.\n{error.what}"
            )

    def _persistent_client(self) -> S3Client:
        client: S3Client = self._session.client("s3", PERSISTENT)
        return client


class _Part(AssembledFile):
    """A part of a package that is not read to its end if the deploy has to end."""

    def __init__(self, package: Seekable, span: Span, cancellation: Cancellation) -> None:
        super().__init__(package, (span,))
        self._cancellation = cancellation

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all that are left if it is negative."""
        self._cancellation.check()
        return super().read(size)


def check_region(bucket: Bucket, session: Session, cancellation: Cancellation) -> None:
    """Raise InputError for a bucket that Lambda can't read from; S3 names its region even to strangers."""
    client: S3Client = session.client("s3")

    def read() -> Any:  # noqa: ANN401 - the SDK's own
        with _explaining(session, "s3:ListBucket"):
            try:
                return client.head_bucket(Bucket=bucket.name)
            except ClientError as error:
                return error.response

    answer = retry_reading(read, cancellation)
    metadata = answer.get("ResponseMetadata", {})
    region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
    if wrong := wrong_bucket(bucket, region, session, exists=metadata.get("HTTPStatusCode") != 404):  # noqa: PLR2004
        raise wrong


def wrong_bucket(bucket: Bucket, region: str, session: Session, *, exists: bool) -> InputError | None:
    """Return what is wrong with a bucket in a region; one that is none is not known."""
    wanted = session.target.region
    if not exists:
        return InputError(
            f"The bucket {bucket.name} does not exist.",
            todo="Create it in the region of the function, or correct _LAMBDA_S3_BUCKET.",
        )
    if region == wanted or not REGION.fullmatch(region):
        return None
    return InputError(
        f"The bucket {bucket.name} is in {region}, the function in {wanted}.",
        why="Lambda takes code only from buckets in its own region.",
        todo=f"Name a bucket in {wanted} in _LAMBDA_S3_BUCKET.",
    )


def encryption(bucket: Bucket) -> dict[str, str]:
    """Return the arguments that have S3 encrypt what is put there, and check it by SHA-256."""
    checksum = {"ChecksumAlgorithm": CHECKSUM, "ContentType": "application/zip"}
    if bucket.kms_key_id:
        return {**checksum, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.kms_key_id}
    return {**checksum, "ServerSideEncryption": "AES256"}


def _explaining(session: Session, action: str) -> AbstractContextManager[None]:
    return session.explaining(action, objects_arn(session.target))
