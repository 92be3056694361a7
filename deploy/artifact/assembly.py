"""A package from a base, by copying raw entries.

A package is the base with files added. Nothing of the base is unpacked or compressed again: the raw
bytes of its entries are taken as they stand, and only the central directory, which tells where each
entry starts, is made anew. So it takes as long as reading the base, and the entries stay as they were
signed, stored or compressed. The package itself is written nowhere: it is read from the base and from
memory.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import itertools
import os
import stat
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from deploy.artifact.archive import PIECE, STORED, NewEntry, end_records, read_at, set_start
from deploy.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.artifact.archive import Directory, Seekable
    from deploy.config.formats import ConfigFile


class Span(NamedTuple):
    """Bytes of the base that stand in the package too."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Assembly:
    """A package that is nowhere written down: spans of the base, and bytes between and behind them.

    The spans come in the order in which they stand in the base, that of the records in `directory` last.
    Sizes are in bytes.
    """

    parts: tuple[Span | bytes, ...] = field(repr=False)
    directory: Directory = field(repr=False)
    unzipped_size: int


def assemble(directory: Directory, added: Sequence[ConfigFile]) -> Assembly:
    """Plan the package that is a base with `added` in it, in place of entries of the same name.

    The added files come last and are stored, not compressed, so that their bytes do not depend on a
    compression library. A prefix of the base is dropped.
    """
    found = (directory.find(file.name) for file in added)
    dropped = sorted(index for index in found if index is not None)
    first = min(directory.starts, default=directory.start)
    gaps = _gaps(directory, dropped)
    spans = _spans_between(gaps, first, directory.start)
    kept_size = sum(span.size for span in spans)
    content, added_records = bytearray(), bytearray()
    for file in added:
        entry = NewEntry(file.name, stat.S_IFREG | file.mode, STORED)
        entry.start = kept_size + len(content)
        entry.size = entry.compressed_size = len(file.content)
        entry.crc = zlib.crc32(file.content)
        content += entry.local_header() + file.content
        added_records += entry.central_record()
    records: Span | bytes
    if not gaps and first == directory.prefix:
        records = Span(directory.start, directory.start + len(directory.records))
    else:
        records = _moved_records(directory, dropped, gaps, first)
    count = len(directory) - len(dropped) + len(added)
    end = end_records(kept_size + len(content), _size(records) + len(added_records), count, directory.comment)
    unzipped_size = directory.unzipped_size + sum(len(file.content) for file in added)
    unzipped_size -= sum(directory.entry(index).size for index in dropped)
    parts = (*spans, bytes(content), records, bytes(added_records) + end)
    return Assembly(parts, directory, unzipped_size)


def _size(part: Span | bytes) -> int:
    return part.size if isinstance(part, Span) else len(part)


class AssembledFile(io.RawIOBase):
    """Reads parts as the file that they make up. It is never written, so no disk holds its secrets."""

    def __init__(self, base: BinaryIO, parts: Sequence[Span | bytes]) -> None:
        super().__init__()
        self._base = base
        self._parts = parts
        *self._starts, self.size = itertools.accumulate(map(_size, parts), initial=0)
        self._position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place can be read."""
        return True

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes."""
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
        self._position = max(0, origins[whence] + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all that are left where it is negative."""
        left = self.size - self._position
        left = left if size < 0 else min(left, size)
        pieces = []
        while left > 0:
            piece = self._read_piece(left)
            pieces.append(piece)
            self._position += len(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_piece(self, most: int) -> bytes:
        index = bisect.bisect_right(self._starts, self._position) - 1
        into = self._position - self._starts[index]
        part = self._parts[index]
        if isinstance(part, Span):
            try:
                return read_at(self._base, part.start + into, min(most, part.size - into))
            except InputError:  # it is shorter than it was
                raise changed_base() from None
        return part[into : into + most]


def changed_base() -> InputError:
    """Give the error that tells of a base that was changed after it had been found to be the build's."""
    return InputError(
        "The base was changed while it was being deployed. Nothing was changed in AWS.",
        why="What was read of it later is not what had been looked at.",
        todo="Let nothing write to the slug while a deploy runs, and push the app again.",
    )


def digests(
    base: BinaryIO,
    assembly: Assembly,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[bytes, bytes]:
    """Give the SHA-256 of a base and of the package made from it, of one and the same reading.

    Whatever is written to the base meanwhile is in both of them or in none. `progress` is told bytes done
    and in all.
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
            # Both begin alike, mostly with all that they have in common: it is hashed once.
            read(part.end, of_base)
            of_package = of_base.copy()
        else:
            read(part.start, of_base)
            read(part.end, of_base, of_package)
    read(directory.start, of_base)
    # Not read again: from these the package's own were made.
    of_base.update(directory.records)
    of_base.update(directory.tail)
    return of_base.digest(), of_package.digest()


def digest(file: BinaryIO) -> tuple[bytes, int]:
    """Give a file's SHA-256 and its size in bytes."""
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
    """Give where the dropped entries are in the base, as (start, end).

    What lies between the end of an entry's data and the next one is its data descriptor (4.3.9) or padding,
    and goes where the entry goes.
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
    """Give the records of the kept entries, in their old order, with their new starts."""
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
