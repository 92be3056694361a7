"""Reading the central directory of a ZIP.

The section numbers are those of the ZIP format's description, which `records` names.
"""

from __future__ import annotations

import bisect
import os
import struct
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.records import (
    CENTRAL_HEADER,
    CENTRAL_SIGNATURE,
    END,
    END_SIGNATURE,
    IN_ZIP64_32,
    UNIX_HOSTS,
    UTF_8,
    ZIP64_END,
    ZIP64_END_SIGNATURE,
    ZIP64_LOCATOR,
    ZIP64_LOCATOR_SIGNATURE,
    zip64_field,
)
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.window import Seekable

# Of a central header: signature, size, the lengths of name, extra field and comment, and the offset.
OUTLINE = struct.Struct("<4s20xL3H8xL")

LONGEST_COMMENT = 0xFFFF
LONGEST_SHOWN = 200  # characters of a name in an error
LARGEST_FILE = 1 << 62  # bytes; sums of two such numbers still fit into 64 bits

BUILD_AGAIN = (
    "Build the app again: `git commit --allow-empty -m rebuild && git push heroku main`. "
    "Where that does not help, look at what the build makes with `unzip -t FILE`."
)


class Entry(NamedTuple):
    """One file or folder of a ZIP, as its central directory describes it. Sizes are in bytes."""

    name: str
    start: int  # where its local header starts in the file
    method: int
    crc: int
    compressed_size: int
    size: int
    flags: int
    mode: int  # Unix permissions and type; 0 if they are not recorded


@dataclass(frozen=True, slots=True)
class Directory:
    """The table of contents of a ZIP file.

    It may list tens of thousands of entries, so it holds numbers and the bytes from the file. An Entry is
    made when it is asked for, which raises InputError if its record is damaged.
    """

    records: bytes = field(repr=False)
    positions: array[int] = field(repr=False)  # where the records start in `records`
    starts: array[int] = field(repr=False)  # where the local headers start in the file
    prefix: int  # bytes in the file before the place that offsets count from
    start: int  # where the central directory starts in the file
    tail: bytes = field(repr=False)  # what stands behind the records: the end records and the comment
    unzipped_size: int  # bytes that the entries take when they are unpacked

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Entry]:
        """Iterate over the entries in the order of their records."""
        return map(self.entry, range(len(self)))

    def entry(self, index: int) -> Entry:
        """Return the entry of a record."""
        return _parse(self.records, self.positions[index], self.prefix)

    def find(self, name: str) -> int | None:
        """Return the index of the entry of this name."""
        return next((index for index in self.starting_with(name) if self.entry(index).name == name), None)

    def starting_with(self, beginning: str) -> Iterator[int]:
        """Find the indexes of the entries whose names begin so."""
        if not beginning.isascii():  # which may be in either of two encodings
            yield from (index for index, entry in enumerate(self) if entry.name.startswith(beginning))
            return
        found = self.records.find(beginning.encode())
        while found >= 0:
            record = found - CENTRAL_HEADER.size
            index = bisect.bisect_left(self.positions, record)
            if index < len(self) and self.positions[index] == record:
                yield index
            found = self.records.find(beginning.encode(), found + 1)


def read_directory(file: Seekable) -> Directory:
    """Read a ZIP's central directory, and nothing else of the file.

    Raise InputError if the file is not a complete ZIP.
    """
    size = file.seek(0, os.SEEK_END)
    count, records_size, records_start, end_start = _read_end(file, size)
    # Offsets count from the start of the ZIP, which a prefix (a shell script before an executable
    # JAR) moves away from the start of the file.
    start = end_start - records_size
    prefix = start - records_start
    if start < 0 or prefix < 0:
        raise _damaged("its central directory is not where its end says")
    records = read_at(file, start, records_size)
    positions, starts, unzipped_size = _outlines(records, prefix)
    if len(positions) != count:
        raise _damaged(f"it has {len(positions)} entries, but says that it has {count}")
    tail = read_at(file, start + records_size, size - start - records_size)
    return Directory(records, positions, starts, prefix, start, tail, unzipped_size)


def _read_end(file: Seekable, size: int) -> tuple[int, int, int, int]:
    """Find the end record, as (entries, size of the directory, its offset, its end)."""
    tail_start = max(0, size - END.size - LONGEST_COMMENT)
    tail = read_at(file, tail_start, size - tail_start)
    position = len(tail)
    while (position := tail.rfind(END_SIGNATURE, 0, position)) >= 0:
        if position + END.size > len(tail):
            continue
        _, disk, first_disk, _, count, records_size, offset, length = END.unpack_from(tail, position)
        if position + END.size + length == len(tail):  # the comment is the end of the file
            break
    else:
        raise _damaged("it does not end as a ZIP ends: it is cut short, or no ZIP at all")
    if disk or first_disk:
        raise _damaged("it is one part of a ZIP that was split into several")
    end_start = tail_start + position
    return _read_zip64_end(file, end_start) or (count, records_size, offset, end_start)


def _read_zip64_end(file: Seekable, end_start: int) -> tuple[int, int, int, int] | None:
    locator_start = end_start - ZIP64_LOCATOR.size
    if locator_start < ZIP64_END.size:
        return None
    signature, _, offset, _ = ZIP64_LOCATOR.unpack(read_at(file, locator_start, ZIP64_LOCATOR.size))
    if signature != ZIP64_LOCATOR_SIGNATURE:
        return None
    # Behind a prefix the record is not at its offset, but just before the locator.
    for start in (offset, locator_start - ZIP64_END.size):
        if start + ZIP64_END.size > locator_start:
            continue
        fields = ZIP64_END.unpack(read_at(file, start, ZIP64_END.size))
        if fields[0] == ZIP64_END_SIGNATURE:
            *_, count, records_size, records_offset = fields
            return count, records_size, records_offset, start
    return None


def _outlines(records: bytes, prefix: int) -> tuple[array[int], array[int], int]:
    """Return where the records and the entries start, and the size of all entries unzipped.

    Each deploy waits for this, so it reads no more of a record than it needs.
    """
    positions, starts = array("Q"), array("Q")
    unzipped_size = position = 0
    last = len(records) - OUTLINE.size
    while position <= last:
        signature, size, name, extra, comment, offset = OUTLINE.unpack_from(records, position)
        if signature != CENTRAL_SIGNATURE:
            raise _damaged("its central directory is damaged")
        start = offset + prefix
        if IN_ZIP64_32 in (size, offset):
            entry = _parse(records, position, prefix)
            size, start = entry.size, entry.start
        positions.append(position)
        starts.append(start)
        unzipped_size += size
        position += OUTLINE.size + name + extra + comment
    if position != len(records):
        raise _damaged("its central directory is cut short")
    return positions, starts, unzipped_size


def _parse(records: bytes, position: int, prefix: int) -> Entry:
    """Return the entry of the record at a position."""
    (
        _, made_by, _, flags, method, _, _, crc, compressed_size, size, name_length, extra_length,
        _, _, _, attributes, offset,
    ) = CENTRAL_HEADER.unpack_from(records, position)  # fmt: skip
    name_start = position + CENTRAL_HEADER.size
    extra_start = name_start + name_length
    name = _decode_name(records[name_start:extra_start], flags)
    if IN_ZIP64_32 in (compressed_size, size, offset):
        extra = records[extra_start : extra_start + extra_length]
        size, compressed_size, offset = _read_zip64_values(name, extra, (size, compressed_size, offset))
    mode = attributes >> 16 if made_by >> 8 in UNIX_HOSTS else 0
    return Entry(name, offset + prefix, method, crc, compressed_size, size, flags, mode)


def _decode_name(raw: bytes, flags: int) -> str:
    """Return the name that these bytes mean (4.4.4, bit 11)."""
    if flags & UTF_8:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            shown = raw.decode("utf-8", "backslashreplace")
            raise refused_entry(shown, "has a name that is not the UTF-8 that it says it is") from None
    return raw.decode("ascii") if raw.isascii() else raw.decode("cp437")


def _read_zip64_values(name: str, extra: bytes, values: tuple[int, int, int]) -> Iterator[int]:
    """Return the values, and from the extra field those that the record has no room for."""
    start, end = zip64_field(extra)
    for value in values:
        if value != IN_ZIP64_32:
            yield value
            continue
        wide = int.from_bytes(extra[start : start + 8], "little")
        start += 8
        if start > end or wide > LARGEST_FILE:
            raise refused_entry(name, "has a damaged ZIP64 field")
        yield wide


def place_of(name: str) -> str:
    """Return the path at which an entry is unpacked."""
    if "//" not in name and "./" not in name and "/." not in name and name != ".":
        return name.removesuffix("/")
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def read_at(file: Seekable, start: int, size: int) -> bytes:
    """Read bytes of a ZIP; raise InputError if it does not have them."""
    file.seek(start)
    content = file.read(size)
    if len(content) != size:
        raise _damaged("it is cut short")
    return content


def _damaged(why: str) -> InputError:
    return InputError(
        "The artifact is not a whole ZIP or JAR file.",
        why=f"Reading it, {why}.",
        todo=BUILD_AGAIN,
    )


def refused_entry(
    name: str, why: str, todo: str = "Build the artifact without it, and push again."
) -> InputError:
    """Return the error for an entry that Lambda would not take, whatever its content is."""
    shown = name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}..."
    return InputError(f"The entry {printable(shown)} of the artifact {why}.", todo=todo)
