"""Files of the app: read as lines of text, and written completely or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO

from deploy.errors import InputError

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


def read_lines(path: Path) -> list[bytes]:
    """Return the lines of a file of the app, split at line feeds.

    Raise InputError if it is not a regular file or not UTF-8.
    """
    if not path.is_file():
        raise InputError(
            f"{path.name} is not a regular file.", todo="Replace it with one, or remove it, and push again."
        )
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not _is_text(content):
        raise InputError(f"{path.name} is not UTF-8 text.", todo="Save it as UTF-8, and push again.")
    return content.split(b"\n")


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except ValueError:
        return False
    return b"\0" not in content
