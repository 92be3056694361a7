"""The S3 bucket that a package passes through when it is too large for a direct upload."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.assembling import AssembledFile, Span
from deploy.aws_codes import DENIED
from deploy.aws_errors import Call, explained
from deploy.errors import DeployError, InputError
from deploy.function_reference import partition_of
from deploy.policy import object_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

    from deploy.output import Output
    from deploy.settings import Bucket, FunctionSettings

__all__ = ["encryption", "passing_through"]

PART = 8 * 1024 * 1024  # bytes
CHECKSUM: Literal["SHA256"] = "SHA256"

# Whatever else the settings say: what holds secrets is not left behind for one fault of S3's.
PERSISTENT = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 6, "mode": "standard"})


@contextlib.contextmanager
def passing_through(
    bucket: Bucket,
    package: BinaryIO,
    settings: FunctionSettings,
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
    client: S3Client = boto3.session.Session().client("s3")
    _check_region(client, bucket, settings)
    key = f"{object_prefix(bucket, settings)}{uuid.uuid4()}.zip"
    may_be_there = True
    try:
        try:
            with explained(_call("s3:PutObject", bucket, settings)):
                _upload(client, package, bucket, key, progress)
        except DeployError as error:
            may_be_there = error.code not in DENIED
            raise
        yield key
    finally:
        if may_be_there:
            with _uninterrupted():
                _delete(bucket, key, settings, output)


def _upload(
    client: S3Client, package: BinaryIO, bucket: Bucket, key: str, progress: Callable[[int], None]
) -> None:
    """Upload in parts, each read from the file while it is sent; boto3 would hold several in memory.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    """
    place: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
    encrypted: dict[str, Any] = {**place, **encryption(bucket)}
    upload = client.create_multipart_upload(**encrypted)["UploadId"]
    size = package.seek(0, os.SEEK_END)
    parts: list[Any] = []
    try:
        for start in range(0, size, PART):
            end = min(start + PART, size)
            body: Any = AssembledFile(package, (Span(start, end),))
            number = len(parts) + 1
            answer = client.upload_part(
                **place, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm=CHECKSUM
            )
            parts.append(
                {
                    "PartNumber": number,
                    "ETag": answer["ETag"],
                    "ChecksumSHA256": answer["ChecksumSHA256"],
                }
            )
            progress(end)
        client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        # The parts hold secrets. What went wrong in the first place is the better story.
        with _uninterrupted(), contextlib.suppress(Exception):
            _persistent_client().abort_multipart_upload(**place, UploadId=upload)
        raise


def _check_region(client: S3Client, bucket: Bucket, settings: FunctionSettings) -> None:
    """Refuse a bucket that Lambda could not read from; S3 names its region even where it denies more."""
    with explained(_call("s3:ListBucket", bucket, settings)):
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
    region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region", settings.region)
    if region != settings.region:
        raise InputError(
            f"The bucket {bucket.name} is in {region}, the function in {settings.region}.",
            why="Lambda takes code from buckets of its own region alone.",
            todo=f"Nothing was changed. Let _LAMBDA_S3_BUCKET name a bucket in {settings.region}.",
        )


def encryption(bucket: Bucket) -> dict[str, str]:
    """Give the arguments that have S3 encrypt what is put there, and check it by SHA-256."""
    checksum = {"ChecksumAlgorithm": CHECKSUM, "ContentType": "application/zip"}
    if bucket.kms_key_id:
        return {**checksum, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.kms_key_id}
    return {**checksum, "ServerSideEncryption": "AES256"}


def _persistent_client() -> S3Client:
    return boto3.session.Session().client("s3", config=PERSISTENT)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put signals off, for as long as a platform waits after SIGTERM."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _delete(bucket: Bucket, key: str, settings: FunctionSettings, output: Output) -> None:
    try:
        with explained(_call("s3:DeleteObject", bucket, settings)):
            _persistent_client().delete_object(Bucket=bucket.name, Key=key)
    except DeployError as error:
        output.notice(
            f"The package could not be deleted from s3://{bucket.name}/{key}. It holds the config: delete "
            f"it by hand, or let a lifecycle rule do so.\n{error.what}"
        )


def _call(action: str, bucket: Bucket, settings: FunctionSettings) -> Call:
    resource = f"arn:{partition_of(settings.region)}:s3:::{bucket.name}/{object_prefix(bucket, settings)}*"
    return Call(action, settings.function, settings.region, settings.sdk_environment, resource)
