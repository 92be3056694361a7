"""S3 as AWS has it: moto's buckets, behind regions and permissions; and how Lambda reads from them.

moto takes every call in every region, and encrypts with every key.
"""

import io
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

import s3_parts
from aws_calls import ACCOUNT_ID, Call
from aws_refusals import RefusedError, invalid
from iam import Identities

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"


class Buckets:
    """All buckets, in all regions."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._writing = threading.Lock()  # moto closes the file of an object that is written twice at once

    def answer(self, request: Request, call: Call, body: bytes) -> Response:
        """Answer a call; HeadBucket names the region even to those who may not look into the bucket."""
        region = _region(call.bucket)
        try:
            self._check(call, region)
            s3_parts.check_digest(call, body)
            if call.operation == "CompleteMultipartUpload":
                s3_parts.check_completion(self._uploads(call), call, body)
            response = self._ask_moto(request.environ, body)
            if call.operation == "UploadPartCopy" and response.status_code == HTTPStatus.OK:
                s3_parts.tell_digest(self._uploads(call), call, response)
        except RefusedError as refused:
            response = refused.as_xml(wrapped=False)
        if call.operation == "HeadBucket" and region:
            response.headers["x-amz-bucket-region"] = region
        return response

    def package(self, call: Call, bucket_name: str, key: str) -> bytes:
        """Read a package as Lambda does: in the caller's name, and from its own region alone."""
        bucket = _buckets().get(bucket_name)
        if bucket is None:
            raise _unread("NoSuchBucket", "The specified bucket does not exist.")
        if bucket.region_name != call.region:
            raise _unread(
                "PermanentRedirect",
                f"The bucket is in this region: {bucket.region_name}. Please use this region to retry the "
                "request",
            )
        if not self._identities.may(call, "s3:GetObject", f"arn:aws:s3:::{bucket_name}/{key}"):
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "AccessDeniedException",
                "Your access has been denied by S3, please make sure your request credentials have "
                f"permission to GetObject for {bucket_name}/{key}. S3 Error Code: AccessDenied. S3 Error "
                "Message: Access Denied",
            )
        if key not in bucket.keys:
            raise _unread("NoSuchKey", "The specified key does not exist.")
        package: bytes = bucket.keys[key].value
        return package

    def _check(self, call: Call, region: str | None) -> None:
        self._identities.check(call, call.action, call.resource)
        if region not in {None, call.region}:
            raise RefusedError(
                HTTPStatus.MOVED_PERMANENTLY,
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
            )
        if call.operation == "UploadPartCopy":
            self._check_source(call)
        for action, key_id in _asked_of_kms(call):
            resource, context = _key(key_id, call.region)
            self._identities.check(call, action, resource, context)

    def _check_source(self, call: Call) -> None:
        """Refuse what may not be copied, and say of what is not there no more than S3 does.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
        """
        bucket_name, key = s3_parts.source_of(call)
        arn = f"arn:aws:s3:::{bucket_name}"
        self._identities.check(call, "s3:GetObject", f"{arn}/{key}")
        source = _buckets()[bucket_name].keys.get(key)
        if source is None:
            if not self._identities.may(call, "s3:ListBucket", arn):
                raise self._identities.denial(call, "s3:ListBucket", arn)
            raise RefusedError(HTTPStatus.NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
        if source.kms_key_id:
            resource, context = _key(source.kms_key_id, call.region)
            self._identities.check(call, "kms:Decrypt", resource, context)
        s3_parts.check_range(call, len(source.value))

    @staticmethod
    def _uploads(call: Call) -> Any:
        return _buckets()[call.bucket].multiparts

    def _ask_moto(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        environ = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._writing:
            return Response.from_app(self._moto, environ, buffered=True)


def _asked_of_kms(call: Call) -> list[tuple[str, str]]:
    """Return what S3 does with a key in the caller's name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    """
    if call.operation in {"CreateMultipartUpload", "PutObject"} and _KEY_HEADER in call.headers:
        return [("kms:GenerateDataKey", call.headers[_KEY_HEADER])]
    if call.operation in {"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"}:
        upload = _buckets()[call.bucket].multiparts.get(call.parameter("uploadId"))
        key_id = upload.kms_key_id if upload else None
        return [("kms:Decrypt", key_id)] if key_id else []
    return []


def _key(key_id: str, region: str) -> tuple[str, dict[str, list[str]]]:
    """Return the ARN of a key, and what conditions of a policy may ask of it."""
    keys = f"arn:aws:kms:{region}:{ACCOUNT_ID}:"
    if key_id.startswith("arn:"):
        keys, _, key_id = key_id.rpartition(":")
        keys, key_id = f"{keys}:", key_id.removeprefix("key/")
    if key_id.startswith("alias/"):
        return f"{keys}key/of-{key_id.removeprefix('alias/')}", {"kms:ResourceAliases": [key_id]}
    return f"{keys}key/{key_id}", {}


def _region(name: str) -> str | None:
    bucket = _buckets().get(name)
    return bucket.region_name if bucket else None


def _unread(code: str, message: str) -> RefusedError:
    return invalid(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")


def _buckets() -> Mapping[str, Any]:
    buckets: Mapping[str, Any] = get_backend("s3")[ACCOUNT_ID]["aws"].buckets
    return buckets
