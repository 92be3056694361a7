"""An object in S3 that is read by ranges, never as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy.artifact.window import Window
from deploy.aws.codes import CUT
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError, InputError
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation

TAIL = 64 * 1024 + 22  # bytes: the end record of a ZIP with the longest comment
LARGEST_READ = 32 * 1024 * 1024  # bytes at once: the directory of some 200,000 entries
CONTENT_RANGE = re.compile(r"bytes \d+-\d+/(\d+)")
NOT_THERE = frozenset({"NoSuchKey", "NoSuchBucket"})
EMPTY = "InvalidRange"


class RemoteObject(Window):
    """An object, read by ranges of one and the same version. Its end is read once, at the start.

    Needs s3:GetObject, and kms:Decrypt where a KMS key encrypts it. Raises DeployError.
    """

    def __init__(self, session: Session, bucket: str, key: str, cancellation: Cancellation) -> None:
        self._session = session
        self._place: dict[str, Any] = {"Bucket": bucket, "Key": key}
        self._client = session.client("s3")
        self._cancellation = cancellation
        self._tail = b""
        size = 0
        try:
            answer, self._tail = self._get(f"bytes=-{TAIL}")
            found = CONTENT_RANGE.fullmatch(answer.get("ContentRange", ""))
            size = int(found[1]) if found else len(self._tail)
            self._place["IfMatch"] = answer["ETag"]
        except DeployError as error:
            if error.code != EMPTY:
                raise
        super().__init__(size)

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes of the end, or request them."""
        into = start - (self.size - len(self._tail))
        if into >= 0:
            return self._tail[into : into + most]
        if most > LARGEST_READ:
            raise InputError("It has more entries than anybody would look through.")
        _, content = self._get(f"bytes={start}-{start + most - 1}")
        if len(content) != most:
            raise DeployError("S3 did not answer with what it was asked for.")
        return content

    def _get(self, requested: str) -> tuple[Any, bytes]:
        partition = partition_of(self._session.target.region)
        resource = f"arn:{partition}:s3:::{self._place['Bucket']}/{self._place['Key']}"

        def read() -> tuple[Any, bytes]:
            with self._session.explaining("s3:GetObject", resource):
                answer = self._client.get_object(**self._place, Range=requested)
                content: bytes = answer["Body"].read(LARGEST_READ + 1)
                if len(content) != answer["ContentLength"]:
                    cut = DeployError("S3's answer was cut off.")
                    cut.code = CUT
                    raise cut
            return answer, content

        return retry_reading(read, self._cancellation)
