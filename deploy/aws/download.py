"""Reading the deployed package of a function without downloading all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.window import Window

if TYPE_CHECKING:
    from deploy.aws.function import Function

# Bytes: the end record with the longest comment, and so most central directories.
TAIL = 64 * 1024 + 22


class RemoteFile(Window):
    """The package of a deployed function, read by ranged requests. Its end is read once, at the start.

    Needs lambda:GetFunction; raises DeployError.
    """

    def __init__(self, function: Function, qualifier: str) -> None:
        self._function = function
        self._url, size = function.code_location(qualifier)
        super().__init__(size)
        self._tail_start = max(0, size - TAIL)
        self._tail = function.fetch(self._url, self._tail_start, size - 1)

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes of the end, or request them."""
        if start >= self._tail_start:
            into = start - self._tail_start
            return self._tail[into : into + most]
        return self._function.fetch(self._url, start, start + most - 1)
