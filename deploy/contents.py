"""The content of a ZIP's entries, read through once at build time.

The directory of a ZIP tells of each entry its size and its CRC-32. Here its data is decompressed and
compared with that, so that a damaged artifact fails the push and not a function weeks later.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO

from deploy.archive import DEFLATED, PIECE, STORED, damaged_entry, read_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from deploy.archive import Directory, Entry

__all__ = ["check_contents"]

INPUT = 64 * 1024  # bytes given to zlib at a time: those that it leaves over are copied


def check_contents(
    file: BinaryIO,
    directory: Directory,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Read all entries but those that are neither stored nor deflated, none beyond its declared size.

    `progress` is told unzipped bytes, done and in all. Raises InputError for an entry that holds something
    else than the directory says.
    """
    done, total = 0, directory.unzipped_size
    for entry in directory:
        if entry.method == STORED:
            _check(entry, read_data(file, entry))
        elif entry.method == DEFLATED:
            _check(entry, _inflate(read_data(file, entry)))
        done += entry.size
        progress(done, total)


def _check(entry: Entry, content: Iterable[bytes]) -> None:
    size = crc = 0
    try:
        for piece in content:
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > entry.size:
                raise damaged_entry(entry.name, f"It declares {entry.size} bytes, but holds more.")
    except zlib.error:
        raise damaged_entry(entry.name, "Its data can't be decompressed.") from None
    if size < entry.size:
        raise damaged_entry(entry.name, f"It declares {entry.size} bytes, but holds {size}.")
    if crc != entry.crc:
        raise damaged_entry(entry.name, "Its content has another checksum (CRC-32) than it declares.")


def _inflate(data: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress, never more than PIECE at a time, whatever the data would grow to."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in data:
        for start in range(0, len(piece), INPUT):
            rest = piece[start : start + INPUT]
            while rest and not inflater.eof:
                yield inflater.decompress(rest, PIECE)
                rest = inflater.unconsumed_tail
    if not inflater.eof:
        yield inflater.flush()
    if not inflater.eof:
        raise zlib.error
