"""What a deploy would change in the code and in the config, told by names alone.

The deployed package is not downloaded: its end, where the central directory and our config file are, is
read by ranged requests, and the entries are compared by size and CRC-32.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from deploy.artifact import archive
from deploy.config.formats import variables
from deploy.errors import DeployError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from deploy.artifact.archive import Directory
    from deploy.aws.function import Function
    from deploy.config.formats import ConfigFile

# bytes read at first: the end record with the longest comment, and so most central directories
TAIL = 64 * 1024 + 22


@dataclass(frozen=True)
class Changes:
    """Names that are new, that are changed, and that are gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What differs between the deployed package and the new one."""

    config: Changes
    code: Changes


NO_DIFFERENCE = Difference(Changes((), (), ()), Changes((), (), ()))


class RemoteFile(io.RawIOBase):
    """The package of a deployed function, to be read at any place by ranged requests."""

    def __init__(self, function: Function, qualifier: str) -> None:
        super().__init__()
        self._function = function
        self._url, self._size = function.code_location(qualifier)
        self._tail = function.fetch(self._url, max(0, self._size - TAIL), self._size - 1)
        self._position = 0

    def seekable(self) -> bool:
        """Tell that any place can be read."""
        return True

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in bytes."""
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = origins[whence] + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, out of the end that is known already or by one request."""
        end = self._size if size < 0 else min(self._position + size, self._size)
        start, self._position = self._position, max(end, self._position)
        if start >= end:
            return b""
        tail_start = self._size - len(self._tail)
        if start >= tail_start:
            return self._tail[start - tail_start : end - tail_start]
        return self._function.fetch(self._url, start, end - 1)


def remote_file(function: Function, qualifier: str) -> BinaryIO:
    """Open the package of a deployed function. Needs lambda:GetFunction; raises DeployError."""
    return cast("BinaryIO", RemoteFile(function, qualifier))


def compare(deployed: BinaryIO, package: BinaryIO, config_files: Sequence[ConfigFile]) -> Difference:
    """Compare two packages, each read where it has to be.

    Raises DeployError where the deployed one can't be read; the stub of a function that was never deployed
    to can.
    """
    with _saying("The deployed package is no whole ZIP."):
        old = archive.read_directory(deployed)
        before = dict(_code(old, config_files))
    code = _changes(before, _code(archive.read_directory(package), config_files))
    for file in config_files:
        index = old.find(file.name)
        if index is not None:
            with _saying(f"The {file.name} of the deployed package is damaged."):
                content = archive.read_entry(deployed, old.entry(index))
            old_variables = _variables(file.name, content)
            return Difference(_changes(old_variables, variables(file.name, file.content).items()), code)
    baked = variables(config_files[0].name, config_files[0].content)
    return Difference(_changes({}, baked.items()), code)


def _code(directory: Directory, config_files: Sequence[ConfigFile]) -> Iterator[tuple[str, object]]:
    """Give what tells one entry's content from another's, for all entries but the config."""
    config = {file.name for file in config_files}
    return ((entry.name, (entry.size, entry.crc)) for entry in directory if entry.name not in config)


@contextlib.contextmanager
def _saying(what: str) -> Iterator[None]:
    """Say what is damaged: what is said of an artifact of the build is no help with a deployed one."""
    try:
        yield
    except InputError as error:
        raise DeployError(what, why=error.why) from None


def _variables(name: str, content: bytes) -> dict[str, str]:
    try:
        return variables(name, content)
    except (ValueError, RecursionError):
        raise DeployError(
            f"The {name} of the deployed package is none that this buildpack wrote, so config vars can't be "
            "compared."
        ) from None


def _changes(old: Mapping[str, object], new: Iterable[tuple[str, object]]) -> Changes:
    gone = dict(old)
    added, changed = [], []
    for name, value in new:
        if name not in gone:
            added.append(name)
        elif gone.pop(name) != value:
            changed.append(name)
    return Changes(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(gone)))
