"""The way back from a package to its base: the baked files are taken out again.

A package is its base with files added at the end (`assembly`), so the base is the package's first bytes, the
first records of its directory, and end records. Whether that is the base byte for byte, its digest says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.records import end_records

if TYPE_CHECKING:
    from deploy.artifact.archive import Directory, Entry
    from deploy.target.record import Record


class Remainder(NamedTuple):
    """What is left of a package: its first `end` bytes, and a directory behind them."""

    end: int
    directory: bytes

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.end + len(self.directory)


def baked_entries(directory: Directory, record: Record) -> tuple[Entry, ...]:
    """Return a package's entries that were baked, which are the last ones.

    Raise ValueError if they are not those that the record of its version names.
    """
    count = min(record.file_count or 0, len(directory))
    entries = tuple(directory.entry(index) for index in range(len(directory) - count, len(directory)))
    record.baked_files([entry.name for entry in entries])
    return entries


def without(directory: Directory, baked: tuple[Entry, ...]) -> Remainder:
    """Return what is left of a package without its baked files.

    Raise ValueError if these are not at its end, so nobody knows where the base ends.
    """
    count = len(directory) - len(baked)
    end = min((entry.start for entry in baked), default=directory.start)
    if directory.prefix or any(start >= end for start in directory.starts[:count]):
        raise ValueError("the baked files are not at the end")
    cut = directory.positions[count] if baked else len(directory.records)
    return Remainder(end, directory.records[:cut] + end_records(end, cut, count))
