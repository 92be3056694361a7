"""Buckets as Lambda finds them: in a region, with or without the package that it is sent for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from moto.backends import get_backend

from aws_calls import ACCOUNT_ID
from aws_refusals import RefusedError, invalid

__all__ = ["bucket_region", "package_of"]


def bucket_region(name: str) -> str | None:
    """Give a bucket's region; None where there is no such bucket."""
    bucket = _buckets().get(name)
    return bucket.region_name if bucket else None


def package_of(content: Mapping[str, Any], region: str, *, readable: bool) -> bytes:
    """Read a package as Lambda does: in the caller's name, and from its own region alone."""
    name, key = content["S3Bucket"], content["S3Key"]
    bucket = _buckets().get(name)
    if bucket is None:
        raise _unread("NoSuchBucket", "The specified bucket does not exist.")
    if bucket.region_name != region:
        raise _unread(
            "PermanentRedirect",
            f"The bucket is in this region: {bucket.region_name}. Please use this region to retry the "
            "request",
        )
    if not readable:
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "AccessDeniedException",
            "Your access has been denied by S3, please make sure your request credentials have "
            f"permission to GetObject for {name}/{key}. S3 Error Code: AccessDenied. S3 Error Message: "
            "Access Denied",
        )
    if key not in bucket.keys:
        raise _unread("NoSuchKey", "The specified key does not exist.")
    package: bytes = bucket.keys[key].value
    return package


def _unread(code: str, message: str) -> RefusedError:
    return invalid(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")


def _buckets() -> Mapping[str, Any]:
    buckets: Mapping[str, Any] = get_backend("s3")[ACCOUNT_ID]["aws"].buckets
    return buckets
