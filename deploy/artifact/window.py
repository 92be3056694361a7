"""Reading at any position: what the code here asks of a file, and files that are made while they are read."""

from __future__ import annotations

import io
import os
from typing import Protocol

PIECE = 1024 * 1024  # bytes held in memory at a time, whatever the size of the file


class Seekable(Protocol):
    """A binary file that can be read at any position."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position in bytes."""

    def tell(self) -> int:
        """Return the position in bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes, or all that are left if it is negative."""


class Window(io.RawIOBase):
    """A file that exists nowhere as such: a subclass makes each piece of it when it is read."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._position = 0

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes from a position within the file, no more than `most`; none if there are no more."""
        raise NotImplementedError

    def readable(self) -> bool:
        """Return that the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return that reading can continue at any position."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes."""
        position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence] + offset
        if position < 0:
            msg = "negative position"
            raise io.UnsupportedOperation(msg)
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or all that are left if it is negative or if there are fewer."""
        left = self.size - self._position
        left = left if size < 0 else min(left, size)
        pieces = []
        while left > 0 and (piece := self.piece(self._position, left)):
            pieces.append(piece)
            self._position += len(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class FileWindow(Window):
    """A file on the disk that several threads read: each with a window of its own, and so a position."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(os.fstat(descriptor).st_size)
        self._descriptor = descriptor

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes from a position."""
        return os.pread(self._descriptor, most, start)
