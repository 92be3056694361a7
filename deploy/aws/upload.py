"""The body of an UpdateFunctionCode request, read from the package's file while it is sent.

botocore holds a direct upload about five times in memory (the bytes, base64, str, JSON, bytes again).
A dyno has 512 MB, so the package is encoded piece by piece instead.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Bytes read at a time: a multiple of 3, so that pieces encode without padding, and so few that the C library
# takes no memory from the system for a piece and its encoded form, which takes longer than encoding it.
PIECE = 48 * 1024


class ZipFileBody:
    """A seekable stream of `{…, "ZipFile": "<the file in base64>"}`; never all of it in memory.

    The member is ZipFile of https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html,
    `members` are those beside it. `progress` is told the bytes read so far and in all.
    """

    def __init__(
        self,
        file: BinaryIO,
        members: Mapping[str, Any],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        head = json.dumps({**members, "ZipFile": ""})
        self._head = head[: -len('"}')].encode()
        self._tail = b'"}'
        self._file = file
        self._file_size = file.seek(0, os.SEEK_END)
        self._encoded_size = (self._file_size + 2) // 3 * 4
        self._size = len(self._head) + self._encoded_size + len(self._tail)
        self._position = 0
        self._progress = progress
        # http.client reads 16 KB at a time; it is encoded in larger pieces.
        self._encoded_start = 0
        self._encoded = b""

    def __len__(self) -> int:
        return self._size

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
        """Read up to `size` bytes, mostly less; all that are left where it is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        piece = self._read_piece(size)
        self._progress(self._position, self._size)
        return piece

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes; a retry goes back to the start."""
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        if origins[whence] + offset < 0:
            msg = "negative position"
            raise io.UnsupportedOperation(msg)
        self._position = origins[whence] + offset
        return self._position

    def _read_piece(self, most: int) -> bytes:
        in_file = self._position - len(self._head)
        if in_file < 0:
            piece = self._head[self._position :][:most]
        elif in_file < self._encoded_size:
            piece = self._encode(in_file, most)
        else:
            piece = self._tail[in_file - self._encoded_size :][:most]
        self._position += len(piece)
        return piece

    def _encode(self, start: int, most: int) -> bytes:
        skip = start - self._encoded_start
        if not 0 <= skip < len(self._encoded):
            # Four characters stand for three bytes, so a group of four can be made from any position.
            group, skip = divmod(start, 4)
            self._file.seek(group * 3)
            self._encoded_start, self._encoded = group * 4, base64.b64encode(self._file.read(PIECE))
        return self._encoded[skip : skip + most]
