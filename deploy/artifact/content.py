"""Reading the content of a ZIP's entries, which finds out whether it is damaged."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from deploy.artifact.archive import BUILD_AGAIN, read_at, refused_entry
from deploy.artifact.records import DEFLATED, LOCAL_HEADER, LOCAL_SIGNATURE, STORED
from deploy.artifact.window import PIECE
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.artifact.archive import Entry
    from deploy.artifact.window import Seekable

# 4.4.5: the methods that tools offer beside deflate.
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
INPUT = 64 * 1024  # bytes read of an entry at a time: zlib copies those that it leaves over


def read_content(file: Seekable, entry: Entry) -> Iterator[bytes]:
    """Read the content of one entry, in pieces of up to PIECE and never more than it declares.

    Raise InputError, at the latest at the end, if it is not what the directory says.
    """
    size = crc = 0
    try:
        for piece in _inflated(_data(file, entry)) if entry.method == DEFLATED else _data(file, entry):
            size += len(piece)
            if size > entry.size:
                raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds more.")
            crc = zlib.crc32(piece, crc)
            yield piece
    except zlib.error:
        raise _damaged(entry.name, "Its data can't be decompressed.") from None
    if size < entry.size:
        raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds {size}.")
    if crc != entry.crc:
        raise _damaged(entry.name, "Its content has another checksum (CRC-32) than it declares.")


def _data(file: Seekable, entry: Entry) -> Iterator[bytes]:
    """Read the bytes of one entry as they stand in the file."""
    if entry.method not in (STORED, DEFLATED):
        method = METHODS.get(entry.method, "another method")
        raise refused_entry(
            entry.name,
            f"is neither stored nor deflated, but compressed by {method}",
            "Lambda reads no more than these two. Have the build use deflate, the usual method of ZIP files, "
            "and push again.",
        )
    header = LOCAL_HEADER.unpack(read_at(file, entry.start, LOCAL_HEADER.size))
    if header[0] != LOCAL_SIGNATURE:
        raise _damaged(entry.name, "It is not where the central directory says.")
    start = entry.start + LOCAL_HEADER.size + header[-2] + header[-1]
    end = start + entry.compressed_size
    for position in range(start, end, INPUT):
        yield read_at(file, position, min(INPUT, end - position))


def _inflated(data: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in data:
        rest = piece
        while rest and not inflater.eof:
            yield inflater.decompress(rest, PIECE)
            rest = inflater.unconsumed_tail
    yield inflater.flush()
    if not inflater.eof:
        raise zlib.error


def _damaged(name: str, why: str) -> InputError:
    return InputError(
        f"The entry {printable(name)} of the artifact is damaged.",
        why=why,
        todo=BUILD_AGAIN,
    )
