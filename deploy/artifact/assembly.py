"""A package from a base, by copying raw entries.

A package is the base with files added. The raw bytes of the base's entries are copied, neither unpacked nor
compressed again. Only the central directory, which records where each entry starts, is rewritten. So making a
package takes as long as reading the base, and entries stay signed, stored or compressed as they were. It is
written nowhere: it is read from the base and from memory.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.archive import read_at
from deploy.artifact.records import NewEntry, end_records, set_start
from deploy.artifact.window import PIECE, Window
from deploy.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.artifact.archive import Directory
    from deploy.artifact.window import Seekable
    from deploy.config.formats import ConfigFile


class Span(NamedTuple):
    """Bytes of the base that the package holds, too."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Assembly:
    """A package that is written nowhere: spans of the base, and bytes between and behind them.

    The spans are in the order of the base, that of the records in `directory` last. Sizes are in bytes.
    """

    parts: tuple[Span | bytes, ...] = field(repr=False)
    directory: Directory = field(repr=False)
    unzipped_size: int


def assemble(directory: Directory, added: Sequence[ConfigFile]) -> Assembly:
    """Plan the package of a base and `added` files, which replace entries of the same name.

    The added files come last. They are stored, not compressed, so that their bytes do not depend on a
    compression library. A prefix and a comment of the base are dropped.
    """
    found = (directory.find(file.name) for file in added)
    dropped = sorted(index for index in found if index is not None)
    first = min(directory.starts, default=directory.start)
    gaps = _gaps(directory, dropped)
    spans = _spans_between(gaps, first, directory.start)
    kept_size = sum(span.size for span in spans)
    content, added_records = bytearray(), bytearray()
    for file in added:
        entry = NewEntry(file.name, stat.S_IFREG | file.mode, file.content)
        entry.start = kept_size + len(content)
        content += entry.local_header() + entry.data
        added_records += entry.central_record()
    records: Span | bytes
    if not gaps and first == directory.prefix:
        records = Span(directory.start, directory.start + len(directory.records))
    else:
        records = _moved_records(directory, dropped, gaps, first)
    count = len(directory) - len(dropped) + len(added)
    end = end_records(kept_size + len(content), size_of(records) + len(added_records), count)
    unzipped_size = directory.unzipped_size + sum(len(file.content) for file in added)
    unzipped_size -= sum(directory.entry(index).size for index in dropped)
    parts = (*spans, bytes(content), records, bytes(added_records) + end)
    return Assembly(parts, directory, unzipped_size)


def size_of(part: Span | bytes) -> int:
    """Return the number of bytes of a part."""
    return part.size if isinstance(part, Span) else len(part)


class AssembledFile(Window):
    """Reads parts as the file that they make up. It is never written, so no disk holds its secrets."""

    def __init__(self, base: Seekable, parts: Sequence[Span | bytes]) -> None:
        *self._starts, size = itertools.accumulate(map(size_of, parts), initial=0)
        super().__init__(size)
        self._base = base
        self._parts = parts

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes of one part. Raise InputError if the base has become shorter."""
        index = bisect.bisect_right(self._starts, start) - 1
        into = start - self._starts[index]
        part = self._parts[index]
        if isinstance(part, bytes):
            return part[into : into + most]
        try:
            return read_at(self._base, part.start + into, min(most, part.size - into))
        except InputError:
            raise changed_base() from None


def changed_base() -> InputError:
    """Return the error for a base that was changed after it had been identified as the build's."""
    return InputError(
        "The base was changed while it was being deployed.",
        why="What was read of it later is not what had been looked at.",
        todo="Let nothing write to the slug while a deploy runs, and push the app again.",
    )


def digests(
    base: Seekable,
    assembly: Assembly,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[bytes, bytes]:
    """Return the SHA-256 of a base and of the package made from it, reading the base once.

    Whatever is written to the base meanwhile is in both or in neither. `progress` receives the bytes done and
    in total.
    """
    directory, position = assembly.directory, 0
    of_base, of_package = hashlib.sha256(), hashlib.sha256()

    def read(end: int, *targets: hashlib._Hash) -> None:
        nonlocal position
        _hash(base, position, end, targets, lambda done: progress(done, directory.start))
        position = end

    for part in assembly.parts:
        if not isinstance(part, Span):
            of_package.update(part)
        elif part.start == directory.start:
            of_package.update(directory.records)
        elif part.start == 0:
            # Both begin alike, mostly with everything that they have in common: hash it once.
            read(part.end, of_base)
            of_package = of_base.copy()
        else:
            read(part.start, of_base)
            read(part.end, of_base, of_package)
    read(directory.start, of_base)
    # Not read again: the package's records were made from these.
    of_base.update(directory.records)
    of_base.update(directory.tail)
    return of_base.digest(), of_package.digest()


def digest(file: Seekable) -> tuple[bytes, int]:
    """Return a file's SHA-256 and its size in bytes."""
    size = file.seek(0, os.SEEK_END)
    sha256 = hashlib.sha256()
    _hash(file, 0, size, (sha256,))
    return sha256.digest(), size


def _hash(
    file: Seekable,
    start: int,
    end: int,
    targets: Sequence[hashlib._Hash],
    progress: Callable[[int], None] = lambda _position: None,
) -> None:
    for position in range(start, end, PIECE):
        size = min(PIECE, end - position)
        piece = read_at(file, position, size)
        for target in targets:
            target.update(piece)
        progress(position + size)


def _gaps(directory: Directory, dropped: Sequence[int]) -> list[tuple[int, int]]:
    """Return where the dropped entries are in the base, as (start, end).

    What lies between the end of an entry's data and the next entry is its data descriptor (4.3.9) or padding,
    and is dropped with the entry.
    """
    if not dropped:
        return []
    starts = sorted(directory.starts)
    gaps = []
    for start in sorted(directory.starts[index] for index in dropped):
        following = bisect.bisect_right(starts, start)
        gaps.append((start, starts[following] if following < len(starts) else directory.start))
    return gaps


def _spans_between(gaps: Sequence[tuple[int, int]], first: int, last: int) -> list[Span]:
    edges = [first, *itertools.chain(*gaps), last]
    return [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _moved_records(
    directory: Directory, dropped: Sequence[int], gaps: Sequence[tuple[int, int]], first: int
) -> bytes:
    """Return the records of the kept entries, in their old order, with their new starts."""
    gap_starts = [start for start, _ in gaps]
    shifts = list(itertools.accumulate((end - start for start, end in gaps), initial=first))
    moved = bytearray()
    ends = itertools.chain(itertools.islice(directory.positions, 1, None), (len(directory.records),))
    for index, (position, end) in enumerate(zip(directory.positions, ends, strict=True)):
        if index not in dropped:
            record = bytearray(directory.records[position:end])
            start = directory.starts[index]
            set_start(record, start - shifts[bisect.bisect_right(gap_starts, start)])
            moved += record
    return bytes(moved)
