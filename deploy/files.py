"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNFINISHED = ".unfinished."  # what the names of files begin with while they are written


@contextlib.contextmanager
def replacing(path: Path, mode: int) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path`, with these permissions, when the block is left.

    Until then, and after a failure, `path` is unchanged. Raise OSError if the file can't be written.
    """
    try:
        # In the same folder, because os.replace needs the same file system. Private while it is written.
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            os.fchmod(descriptor, mode)
        os.replace(unfinished, path)  # noqa: PTH105 - a string
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)  # noqa: PTH108 - a string
        raise
