"""The body of an UpdateFunctionCode request, read from the package's file while it is sent.

botocore holds a direct upload about five times in memory (the bytes, base64, str, JSON, bytes again).
A dyno has 512 MB, so the package is encoded piece by piece instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from deploy.artifact.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.artifact.window import Seekable

# Bytes read at a time: a multiple of 3, so that pieces encode without padding, and so few that the C library
# takes no memory from the system for a piece and its encoded form, which takes longer than encoding it.
PIECE = 48 * 1024


class ZipFileBody(Window):
    """A seekable stream of `{…, "ZipFile": "<the file in base64>"}`; never all of it in memory.

    The member is ZipFile of https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html,
    `members` are those beside it. `progress` receives the file's bytes, read so far and in total.
    """

    def __init__(
        self,
        file: Seekable,
        members: Mapping[str, Any],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        head = json.dumps({**members, "ZipFile": ""})
        self._head = head[: -len('"}')].encode()
        self._tail = b'"}'
        self._file = file
        self._file_size = file.seek(0, os.SEEK_END)
        self._encoded_size = (self._file_size + 2) // 3 * 4
        super().__init__(len(self._head) + self._encoded_size + len(self._tail))
        self._progress = progress
        # http.client reads 16 KiB at a time; it is encoded in larger pieces.
        self._encoded_start = 0
        self._encoded = b""

    def __len__(self) -> int:
        return self.size

    def digests(self) -> tuple[str, bytes]:
        """Give the SHA-256 of the whole body, in hex as signatures of version 4 have it, and the file's."""
        body, file = hashlib.sha256(self._head), hashlib.sha256()
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            file.update(piece)
            body.update(base64.b64encode(piece))
        body.update(self._tail)
        return body.hexdigest(), file.digest()

    def read(self, size: int = -1) -> bytes:
        """Read as from any file, and report the progress."""
        content = super().read(size)
        self._progress(self._file_size * self.tell() // self.size, self._file_size)
        return content

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes of what stands before the file, of the encoded file, or of what stands behind it."""
        in_file = start - len(self._head)
        if in_file < 0:
            return self._head[start:][:most]
        if in_file < self._encoded_size:
            return self._encode(in_file, most)
        return self._tail[in_file - self._encoded_size :][:most]

    def _encode(self, start: int, most: int) -> bytes:
        skip = start - self._encoded_start
        if not 0 <= skip < len(self._encoded):
            # Four characters stand for three bytes, so a group of four can be made from any position.
            group, skip = divmod(start, 4)
            self._file.seek(group * 3)
            self._encoded_start, self._encoded = group * 4, base64.b64encode(self._file.read(PIECE))
        return self._encoded[skip : skip + most]
