"""The parts of an object in S3: what may be copied, and their digests, which moto takes as they come.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from aws_calls import Call
from aws_refusals import RefusedError

_LEAST_OF_SOURCE = 5 * 1024 * 1024  # bytes of an object of which a range may be copied, and one more
_LARGEST = 5 * 1024**3  # bytes of a part


def source_of(call: Call) -> tuple[str, str]:
    """Return the bucket and the key that a part is copied from."""
    bucket, _, key = unquote(call.headers["x-amz-copy-source"]).lstrip("/").partition("/")
    return bucket, key


def check_range(call: Call, size: int) -> None:
    """Refuse a range that the source does not have, and any range of one that is too small."""
    asked = call.headers.get("x-amz-copy-source-range")
    if asked is None:
        return
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
    first, last = (int(found[1]), int(found[2])) if found else (0, -1)
    if size <= _LEAST_OF_SOURCE:
        message = "The specified copy source is not supported as a byte-range copy source"
        raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidRequest", message)
    if not first <= last < size or last - first >= _LARGEST:
        message = f"Range specified is not valid for source object of size: {size}"
        raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidArgument", message)


def check_digest(call: Call, body: bytes) -> None:
    """Refuse a body that has not the SHA-256 that the call says."""
    given = call.headers.get("x-amz-checksum-sha256")
    if given and given != _digest(body):
        message = "The SHA256 you specified did not match the calculated checksum."
        raise RefusedError(HTTPStatus.BAD_REQUEST, "BadDigest", message)


def tell_digest(uploads: Any, call: Call, response: Response) -> None:
    """Add to an answer the SHA-256 of what was copied, if the upload was begun with that algorithm."""
    upload = uploads[call.parameter("uploadId")]
    if upload.metadata.get("x-amz-checksum-algorithm") == "SHA256":
        digest = _digest(upload.parts[int(call.parameter("partNumber"))].value)
        added = f"<ChecksumSHA256>{digest}</ChecksumSHA256></CopyPartResult>"
        response.set_data(response.get_data(as_text=True).replace("</CopyPartResult>", added))


def check_completion(uploads: Any, call: Call, body: bytes) -> None:
    """Refuse to put parts together without their digests, or with others."""
    upload = uploads.get(call.parameter("uploadId"))
    if upload is None or upload.metadata.get("x-amz-checksum-algorithm") != "SHA256":
        return
    for part in ET.fromstring(body).findall("{*}Part"):  # noqa: S314 - of our own
        number, digest = int(part.findtext("{*}PartNumber", "0")), part.findtext("{*}ChecksumSHA256")
        if digest is None:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                "InvalidRequest",
                "The upload was created using a sha256 checksum. The complete request must include the "
                f"checksum for each part. It was missing for part {number} in the request.",
            )
        if number in upload.parts and digest != _digest(upload.parts[number].value):
            message = "One or more of the specified parts could not be found."
            raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidPart", message)


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
