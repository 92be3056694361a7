"""Checks, once, at build time, that an artifact may be passed on to Lambda as it is.

A deploy passes on the very bytes that were checked here, which it knows by their SHA-256 in build.json. So
nothing of this is done again while a release waits for it, and a bad artifact fails the push and not a
function weeks later.
"""

from __future__ import annotations

import itertools
import operator
import zlib
from array import array
from typing import TYPE_CHECKING, BinaryIO

from deploy.archive import (
    BUILD_AGAIN,
    DEFLATED,
    ENCRYPTED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    PIECE,
    STORED,
    UNICODE_PATH,
    decode_name,
    extra_fields,
    read_at,
    read_data,
    refused_entry,
)
from deploy.errors import InputError
from deploy.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from deploy.archive import Directory, Entry

__all__ = ["check_contents", "check_entries", "check_name"]

INPUT = 64 * 1024  # bytes given to zlib at a time: those that it leaves over are copied


# --- names and places -----------------------------------------------------------------------------


def check_entries(file: BinaryIO, directory: Directory) -> None:
    """Check what a ZIP says of its entries, in its directory and where their data is.

    Raises InputError for the first one that can't be passed on.
    """
    hashes, ends = array("q"), array("Q")
    for entry in directory:
        check_name(entry.name)
        if entry.flags & ENCRYPTED:
            raise refused_entry(entry.name, "is encrypted, and Lambda can't decrypt it")
        _check_unicode_path(entry)
        hashes.append(hash(entry.name))
        ends.append(_end_of_data(file, entry))
    _check_duplicates(directory, hashes)
    _check_overlaps(directory, ends)


def check_name(name: str) -> None:
    """Raise InputError for the name of an entry that would be unpacked somewhere else."""
    # Lambda unpacks below /var/task; nothing may be written elsewhere.
    climbs = ".." in name and ".." in name.replace("\\", "/").split("/")
    if not name or "\0" in name or name.startswith("/") or climbs:
        raise refused_entry(name, "has a name that leads out of the package")


def _check_unicode_path(entry: Entry) -> None:
    """Refuse a second name, which some programs unpack by (4.6.9: version, CRC-32, and the name in UTF-8)."""
    for start, length in extra_fields(entry.extra, UNICODE_PATH):
        second = entry.extra[start + 5 : start + length].decode("utf-8", "backslashreplace")
        if second != entry.name:
            raise refused_entry(entry.name, f"has a second name, {printable(second)}")


def _check_duplicates(directory: Directory, hashes: array[int]) -> None:
    ordered = sorted(hashes)
    if not any(map(operator.eq, ordered, itertools.islice(ordered, 1, None))):
        return
    seen: set[str] = set()
    for entry in directory:
        if entry.name in seen:
            raise refused_entry(entry.name, "is there twice")
        seen.add(entry.name)


def _end_of_data(file: BinaryIO, entry: Entry) -> int:
    """Check an entry's local header (4.3.7), and give the place behind its data."""
    expected = entry.raw_name
    header = read_at(file, entry.start, LOCAL_HEADER.size + len(expected))
    signature, _, flags, *_, name_length, extra_length = LOCAL_HEADER.unpack_from(header)
    if signature != LOCAL_SIGNATURE:
        raise _misplaced(entry)
    # Who reads a ZIP as a stream goes by this name, and so it must not be another, unchecked one.
    if name_length != len(expected) or not header.endswith(expected):
        raw_name = read_at(file, entry.start + LOCAL_HEADER.size, name_length)
        other = printable(decode_name(raw_name, flags))
        raise refused_entry(entry.name, f"has another name, {other}, where its data is")
    data_start: int = entry.start + LOCAL_HEADER.size + name_length + extra_length
    return data_start + entry.compressed_size


def _check_overlaps(directory: Directory, ends: array[int]) -> None:
    ordered = _in_file_order(directory)
    following = (directory.starts[index] for index in itertools.islice(ordered, 1, None))
    for index, end in zip(ordered, itertools.chain(following, (directory.start,)), strict=False):
        if ends[index] > end:
            raise _misplaced(directory.entry(index))


def _in_file_order(directory: Directory) -> Sequence[int]:
    """Give the indexes of the records in the order in which the entries stand in the file."""
    starts = directory.starts
    if any(map(operator.gt, starts, itertools.islice(starts, 1, None))):
        return sorted(range(len(directory)), key=starts.__getitem__)
    return range(len(directory))


def _misplaced(entry: Entry) -> InputError:
    return refused_entry(entry.name, "is not where the central directory says: the file is damaged")


# --- contents -------------------------------------------------------------------------------------


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
                raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds more.")
    except zlib.error:
        raise _damaged(entry.name, "Its data can't be decompressed.") from None
    if size < entry.size:
        raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds {size}.")
    if crc != entry.crc:
        raise _damaged(entry.name, "Its content has another checksum (CRC-32) than it declares.")


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


def _damaged(name: str, why: str) -> InputError:
    return InputError(
        f"The entry {printable(name)} of the artifact is damaged. Nothing was changed.",
        why=why,
        todo=BUILD_AGAIN,
    )
