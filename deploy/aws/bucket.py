"""The S3 bucket that a package passes through when it is too large for a direct upload."""

from __future__ import annotations

import contextlib
import signal
import uuid
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.artifact.assembly import AssembledFile, Span
from deploy.errors import DeployError, InputError, Interrupted
from deploy.target.arn import partition_of
from deploy.target.settings import object_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from types_boto3_s3 import S3Client

    from deploy.artifact.package import Package
    from deploy.aws.session import Sdk
    from deploy.output import Output
    from deploy.target.settings import Bucket

PART = 8 * 1024 * 1024  # bytes
CHECKSUM: Literal["SHA256"] = "SHA256"
NO_SUCH_UPLOAD = "NoSuchUpload"

# Whatever else the settings say: what holds secrets is not left behind for one fault of S3's.
PERSISTENT = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 6, "mode": "standard"})


@contextlib.contextmanager
def passing_through(
    bucket: Bucket,
    package: Package,
    sdk: Sdk,
    progress: Callable[[int], None],
    output: Output,
) -> Iterator[str]:
    """Upload a package, give its key, and delete it at the end, however that comes: it holds secrets.

    Encrypted, and checked by SHA-256, in parts of 8 MB. Needs s3:PutObject, s3:GetObject (for Lambda,
    which reads it in the deployer's name), s3:DeleteObject and s3:AbortMultipartUpload on the prefix, and
    with a KMS key of one's own kms:GenerateDataKey and kms:Decrypt. Raises DeployError, before anything is
    uploaded where the bucket is missing or in another region.
    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html (S3Bucket, S3Key)
    """
    client: S3Client = sdk.client("s3")
    _check_region(client, bucket, sdk)
    passage = _Passage(bucket, sdk, output)
    try:
        passage.upload(client, package, progress)
        yield passage.key
    finally:
        _uninterrupted(passage.take_away)


class _Passage:
    """A package on its way through the bucket: what may be there of it by now.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    """

    def __init__(self, bucket: Bucket, sdk: Sdk, output: Output) -> None:
        self.key = f"{object_prefix(bucket, sdk.settings)}{uuid.uuid4()}.zip"
        self._bucket = bucket
        self._sdk = sdk
        self._output = output
        self._place: dict[str, Any] = {"Bucket": bucket.name, "Key": self.key}
        self._upload_id = ""
        self._may_be_complete = False

    def upload(self, client: S3Client, package: Package, progress: Callable[[int], None]) -> None:
        """Upload it, whole; raises InputError where it was changed meanwhile."""
        try:
            with _explaining(self._sdk, "s3:PutObject", self._bucket):
                self._upload_parts(client, package, progress)
        except DeployError:
            # What is not what was signed, S3 refuses for reasons that are another story.
            package.check_again()
            raise

    def _upload_parts(self, client: S3Client, package: Package, progress: Callable[[int], None]) -> None:
        """Upload in parts, each read from the file while it is sent; boto3 would hold several in memory."""
        _uninterrupted(self._begin)
        upload = {**self._place, "UploadId": self._upload_id}
        parts: list[Any] = []
        for start in range(0, package.size, PART):
            end = min(start + PART, package.size)
            body: Any = AssembledFile(package.file, (Span(start, end),))
            number = len(parts) + 1
            answer = client.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm=CHECKSUM)
            parts.append(
                {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]}
            )
            progress(end)
        # They were read from the base one by one, which somebody may have written to meanwhile.
        package.check_again()
        self._may_be_complete = True
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        self._upload_id = ""

    def _begin(self) -> None:
        arguments: dict[str, Any] = {**self._place, **encryption(self._bucket)}
        self._upload_id = self._persistent_client().create_multipart_upload(**arguments)["UploadId"]

    def take_away(self) -> None:
        """Delete what may be there; what can't be deleted is pointed out."""
        if self._upload_id:
            self._take_away(
                "s3:AbortMultipartUpload",
                "Parts of the package",
                lambda client: client.abort_multipart_upload(**self._place, UploadId=self._upload_id),
            )
        if self._may_be_complete:
            self._take_away(
                "s3:DeleteObject", "The package", lambda client: client.delete_object(**self._place)
            )

    def _take_away(self, action: str, what: str, call: Callable[[S3Client], object]) -> None:
        try:
            with _explaining(self._sdk, action, self._bucket):
                call(self._persistent_client())
        except DeployError as error:
            if error.code == NO_SUCH_UPLOAD:  # it was completed, and the answer lost
                return
            self._output.notice(
                f"{what} could not be deleted from s3://{self._bucket.name}/{self.key}. It holds the config: "
                f"delete it by hand, or let a lifecycle rule do so.\n{error.what}"
            )

    def _persistent_client(self) -> S3Client:
        client: S3Client = self._sdk.client("s3", PERSISTENT)
        return client


def _check_region(client: S3Client, bucket: Bucket, sdk: Sdk) -> None:
    """Refuse a bucket that Lambda could not read from; S3 names its region even where it denies more."""
    wanted = sdk.settings.region
    with _explaining(sdk, "s3:ListBucket", bucket):
        try:
            answer: Any = client.head_bucket(Bucket=bucket.name)
        except ClientError as error:
            answer = error.response
    metadata = answer.get("ResponseMetadata", {})
    if metadata.get("HTTPStatusCode") == 404:  # noqa: PLR2004
        raise InputError(
            f"The bucket {bucket.name} does not exist. Nothing was changed.",
            todo="Make it, in the region of the function, or correct _LAMBDA_S3_BUCKET.",
        )
    region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region", wanted)
    if region != wanted:
        raise InputError(
            f"The bucket {bucket.name} is in {region}, the function in {wanted}.",
            why="Lambda takes code from buckets of its own region alone.",
            todo=f"Nothing was changed. Let _LAMBDA_S3_BUCKET name a bucket in {wanted}.",
        )


def encryption(bucket: Bucket) -> dict[str, str]:
    """Give the arguments that have S3 encrypt what is put there, and check it by SHA-256."""
    checksum = {"ChecksumAlgorithm": CHECKSUM, "ContentType": "application/zip"}
    if bucket.kms_key_id:
        return {**checksum, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.kms_key_id}
    return {**checksum, "ServerSideEncryption": "AES256"}


def _uninterrupted(action: Callable[[], None]) -> None:
    """Do something with signals put off, for as long as a platform waits after SIGTERM.

    One that comes before they are put off is raised when it is done.
    """
    interrupted: Interrupted | None = None
    before: set[int | signal.Signals] | None = None
    blocked = False
    while not blocked:
        try:
            # Handlers run, and may raise, within these calls.
            if before is None:
                before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
            blocked = True
        except Interrupted as signalled:
            interrupted = signalled
    try:
        action()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before or ())
    if interrupted:
        raise interrupted


def _explaining(sdk: Sdk, action: str, bucket: Bucket) -> AbstractContextManager[None]:
    prefix = object_prefix(bucket, sdk.settings)
    resource = f"arn:{partition_of(sdk.settings.region)}:s3:::{bucket.name}/{prefix}*"
    return sdk.explaining(action, resource)
