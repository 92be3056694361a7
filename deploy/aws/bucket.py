"""The S3 bucket that packages pass through, and where bases are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from deploy.aws.permissions import objects_arn
from deploy.aws.wait import retry_reading
from deploy.errors import InputError
from deploy.target.arn import REGION

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from types_boto3_s3 import S3Client

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.target.settings import Bucket

CHECKSUM: Literal["SHA256"] = "SHA256"


def check_region(bucket: Bucket, client: S3Client, session: Session, cancellation: Cancellation) -> bool:
    """Raise InputError for a bucket that Lambda can't read from; S3 names its region even to strangers.

    Return whether the deployer may list it.
    """

    def read() -> Any:  # noqa: ANN401 - the SDK's own
        with explaining(session, "s3:ListBucket"):
            try:
                return client.head_bucket(Bucket=bucket.name)
            except ClientError as error:
                return error.response

    answer = retry_reading(read, cancellation)
    metadata = answer.get("ResponseMetadata", {})
    region = metadata.get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
    if wrong := wrong_bucket(bucket, region, session, exists=metadata.get("HTTPStatusCode") != 404):  # noqa: PLR2004
        raise wrong
    return bool(metadata.get("HTTPStatusCode") == 200)  # noqa: PLR2004


def wrong_bucket(bucket: Bucket, region: str, session: Session, *, exists: bool) -> InputError | None:
    """Return what is wrong with a bucket in a region; None if nothing is, or its region is unknown."""
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


def explaining(session: Session, action: str, resource: str = "") -> AbstractContextManager[None]:
    """Turn what the SDK raises into DeployError; about packages of the target's, if nothing else is named."""
    return session.explaining(action, resource or objects_arn(session.target))
