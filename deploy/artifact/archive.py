"""ZIP files, byte by byte: the records of the format, and reading them.

Whether an artifact may be passed on to Lambda, `checking` finds out, once, at build time.

The numbers of sections are those of PKWARE's APPNOTE.TXT 6.3.10,
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import bisect
import os
import struct
import zlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1024 * 1024  # bytes held in memory at a time, whatever the size of the file

LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # 4.3.7
CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")  # 4.3.12
ZIP64_END = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
ZIP64_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
END = struct.Struct("<4s4H2LH")  # 4.3.16

# Of a central header: signature, size, the lengths of name, extra field and comment, and the offset.
OUTLINE = struct.Struct("<4s20xL3H8xL")

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
ZIP64_END_SIGNATURE = b"PK\x06\x06"
ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
END_SIGNATURE = b"PK\x05\x06"

OFFSET_IN_CENTRAL_HEADER = 42
ZIP64_EXTRA = b"\x01\x00"  # 4.5.3
UNICODE_PATH = b"\x75\x70"  # 4.6.9
IN_ZIP64_16 = 0xFFFF
IN_ZIP64_32 = 0xFFFFFFFF
LONGEST_COMMENT = 0xFFFF
LARGEST_FILE = 1 << 62  # bytes; sums of two such numbers still fit into 64 bits

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x2041  # 4.4.4, general purpose bits 0, 6 (strong encryption) and 13 (of the directory)
UTF_8 = 0x0800  # 4.4.4, general purpose bit 11
MADE_BY_UNIX = 3 << 8 | 20  # 4.4.2: the upper byte, and version 2.0 of the format
HAVE_MODES = (3, 19)  # 4.4.2: Unix and macOS, whose external attributes (4.4.15) begin with a Unix mode
NEEDS_2_0 = 20  # 4.4.3: folders and deflate
NEEDS_4_5 = 45  # 4.4.3: ZIP64
MIDNIGHT_1980 = (0, 1 << 5 | 1)  # 4.4.6: the first moment that the format knows, as time and date

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
    raw_name: bytes
    extra: bytes  # fields that extend the format (4.5)
    mode: int  # its type and permissions, as Unix counts them; 0 where the record tells none


@dataclass(frozen=True, slots=True)
class Directory:
    """The table of contents of a ZIP file.

    It may list tens of thousands of entries, so it holds numbers and the bytes as they stand in the file;
    an Entry is made when somebody asks for it, and raises InputError where its record is damaged.
    """

    records: bytes = field(repr=False)
    positions: array[int] = field(repr=False)  # where the records start in `records`
    starts: array[int] = field(repr=False)  # where the local headers start in the file
    prefix: int  # bytes in the file before the place that offsets count from
    start: int  # where the central directory starts in the file
    tail: bytes = field(repr=False)  # what stands behind the records: the end records and the comment
    comment: bytes
    unzipped_size: int  # bytes that the entries take when they are unpacked

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.positions)

    def __iter__(self) -> Iterator[Entry]:
        """Give the entries in the order of their records."""
        return map(self.entry, range(len(self)))

    def entry(self, index: int) -> Entry:
        """Give the entry of a record."""
        return _parse(self.records, self.positions[index], self.prefix)

    def find(self, name: str) -> int | None:
        """Find the entry of this name, as the index of its record."""
        return next((index for index in self.starting_with(name) if self.entry(index).name == name), None)

    def starting_with(self, beginning: str) -> Iterator[int]:
        """Find the entries whose names begin so, as the indexes of their records."""
        if not beginning.isascii():  # which may stand there in either of two encodings
            yield from (index for index, entry in enumerate(self) if entry.name.startswith(beginning))
            return
        found = self.records.find(beginning.encode())
        while found >= 0:
            record = found - CENTRAL_HEADER.size
            index = bisect.bisect_left(self.positions, record)
            if index < len(self) and self.positions[index] == record:
                yield index
            found = self.records.find(beginning.encode(), found + 1)


class Seekable(Protocol):
    """What is read from here: a file, a part of one, or a package that is nowhere written down."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position in bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes."""


# --- reading --------------------------------------------------------------------------------------


def read_directory(file: BinaryIO) -> Directory:
    """Read a ZIP's central directory, and nothing else of the file.

    Raises InputError where the file is no whole ZIP.
    """
    size = file.seek(0, os.SEEK_END)
    count, records_size, records_start, end_start, comment = _read_end(file, size)
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
    return Directory(records, positions, starts, prefix, start, tail, comment, unzipped_size)


def read_entry(file: BinaryIO, entry: Entry) -> bytes:
    """Read the content of one entry into memory.

    Raises InputError where it is damaged, or compressed in a way that Lambda does not know either.
    """
    content = b"".join(read_data(file, entry))
    if entry.method == DEFLATED:
        try:
            content = zlib.decompress(content, -zlib.MAX_WBITS)
        except zlib.error:
            raise refused_entry(entry.name, "is damaged") from None
    elif entry.method != STORED:
        raise refused_entry(entry.name, "is neither stored nor deflated")
    if zlib.crc32(content) != entry.crc:
        raise refused_entry(entry.name, "is damaged")
    return content


def read_data(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Read the bytes of one entry as they stand in the file, in pieces."""
    *_, name_length, extra_length = LOCAL_HEADER.unpack(read_at(file, entry.start, LOCAL_HEADER.size))
    start = entry.start + LOCAL_HEADER.size + name_length + extra_length
    end = start + entry.compressed_size
    for position in range(start, end, PIECE):
        yield read_at(file, position, min(PIECE, end - position))


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int, int, bytes]:
    """Find the end record, as (entries, size of the directory, its offset, its end, comment)."""
    tail_start = max(0, size - END.size - LONGEST_COMMENT)
    tail = read_at(file, tail_start, size - tail_start)
    position = len(tail)
    while (position := tail.rfind(END_SIGNATURE, 0, position)) >= 0:
        if position + END.size > len(tail):
            continue
        _, disk, first_disk, _, count, records_size, offset, length = END.unpack_from(tail, position)
        comment = tail[position + END.size :]
        if len(comment) == length:
            break
    else:
        raise _damaged("it does not end as a ZIP ends: it is cut short, or no ZIP at all")
    if disk or first_disk:
        raise _damaged("it is one part of a ZIP that was split into several")
    end_start = tail_start + position
    zip64 = _read_zip64_end(file, end_start)
    if zip64:
        return (*zip64, comment)
    return count, records_size, offset, end_start, comment


def _read_zip64_end(file: BinaryIO, end_start: int) -> tuple[int, int, int, int] | None:
    locator_start = end_start - ZIP64_LOCATOR.size
    if locator_start < ZIP64_END.size:
        return None
    signature, _, offset, _ = ZIP64_LOCATOR.unpack(read_at(file, locator_start, ZIP64_LOCATOR.size))
    if signature != ZIP64_LOCATOR_SIGNATURE:
        return None
    # Behind a prefix the record is not at its offset, but where the locator starts.
    for start in (offset, locator_start - ZIP64_END.size):
        if start + ZIP64_END.size > locator_start:
            continue
        fields = ZIP64_END.unpack(read_at(file, start, ZIP64_END.size))
        if fields[0] == ZIP64_END_SIGNATURE:
            *_, count, records_size, records_offset = fields
            return count, records_size, records_offset, start
    return None


def _outlines(records: bytes, prefix: int) -> tuple[array[int], array[int], int]:
    """Give where the records and the entries start, and the size of all entries unzipped.

    Each deploy waits for it: it takes a record for what it says, and no more of it than it needs.
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
    """Give the entry of the record at a position."""
    (
        _, made_by, _, flags, method, _, _, crc, compressed_size, size, name_length, extra_length,
        _, _, _, attributes, offset,
    ) = CENTRAL_HEADER.unpack_from(records, position)  # fmt: skip
    name_start = position + CENTRAL_HEADER.size
    extra_start = name_start + name_length
    raw_name = records[name_start:extra_start]
    extra = records[extra_start : extra_start + extra_length]
    name = decode_name(raw_name, flags)
    if IN_ZIP64_32 in (compressed_size, size, offset):
        size, compressed_size, offset = _read_zip64_extra(name, extra, size, compressed_size, offset)
    mode = attributes >> 16 if made_by >> 8 in HAVE_MODES else 0
    return Entry(name, offset + prefix, method, crc, compressed_size, size, flags, raw_name, extra, mode)


def place_of(name: str) -> str:
    """Give the path at which an entry is unpacked."""
    if "//" not in name and "./" not in name and "/." not in name and name != ".":
        return name.removesuffix("/")
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def decode_name(raw: bytes, flags: int) -> str:
    """Give the name that these bytes mean (4.4.4, bit 11); raises InputError where they mean none."""
    if flags & UTF_8:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            shown = raw.decode("utf-8", "backslashreplace")
            raise refused_entry(shown, "has a name that is not the UTF-8 that it says it is") from None
    return raw.decode("ascii") if raw.isascii() else raw.decode("cp437")


def extra_fields(extra: bytes, tag: bytes) -> Iterator[tuple[int, int]]:
    """Find the extra fields of a kind (4.5.1), as (start, length) of their data."""
    position = 0
    while position + 4 <= len(extra):
        (length,) = struct.unpack_from("<H", extra, position + 2)
        if extra.startswith(tag, position) and position + 4 + length <= len(extra):
            yield position + 4, length
        position += 4 + length


def _read_zip64_extra(
    name: str, extra: bytes, size: int, compressed_size: int, offset: int
) -> tuple[int, int, int]:
    """Take from the extra field, in this order, those values that the record has no room for."""
    found = next(extra_fields(extra, ZIP64_EXTRA), None)
    start, length = found or (0, 0)
    values = []
    for value in (size, compressed_size, offset):
        if value != IN_ZIP64_32:
            values.append(value)
            continue
        if length < 8:  # noqa: PLR2004 - bytes of one value
            raise refused_entry(name, "has a damaged ZIP64 field")
        values.append(struct.unpack_from("<Q", extra, start)[0])
        if values[-1] > LARGEST_FILE:
            raise refused_entry(name, "has a damaged ZIP64 field")
        start, length = start + 8, length - 8
    return values[0], values[1], values[2]


def read_at(file: Seekable, start: int, size: int) -> bytes:
    """Read bytes of a file; raises InputError where it does not have them."""
    try:
        file.seek(start)
        content = file.read(size)
    except (OverflowError, ValueError):
        raise _damaged("it names a place that no file has") from None
    if len(content) != size:
        raise _damaged("it is cut short")
    return content


def _damaged(why: str) -> InputError:
    return InputError(
        "The artifact is not a whole ZIP or JAR file. Nothing was changed.",
        why=f"Reading it, {why}.",
        todo=BUILD_AGAIN,
    )


def refused_entry(name: str, why: str) -> InputError:
    """Give the error that tells of an entry that can't be passed on, whatever its content is."""
    return InputError(
        f"The entry {printable(name)} of the artifact {why}. Nothing was changed.",
        todo="Build the artifact without it, and push again.",
    )


# --- records that are new or changed --------------------------------------------------------------


def end_records(start: int, size: int, count: int, comment: bytes = b"") -> bytes:
    """Give what stands behind a central directory of `count` records at `start`, `size` bytes long."""
    zip64 = b""
    if count >= IN_ZIP64_16 or start + size >= IN_ZIP64_32:
        zip64 = ZIP64_END.pack(
            ZIP64_END_SIGNATURE, ZIP64_END.size - 12, MADE_BY_UNIX, NEEDS_4_5, 0, 0,
            count, count, size, start,
        )  # fmt: skip
        zip64 += ZIP64_LOCATOR.pack(ZIP64_LOCATOR_SIGNATURE, 0, start + size, 1)
    shown_count = min(count, IN_ZIP64_16)
    end = END.pack(
        END_SIGNATURE, 0, 0, shown_count, shown_count, min(size, IN_ZIP64_32), min(start, IN_ZIP64_32),
        len(comment),
    )  # fmt: skip
    return zip64 + end + comment


class NewEntry:
    """An entry in the making: its sizes are known only when its data is there."""

    def __init__(self, name: str, mode: int, method: int) -> None:
        self.name = name.encode()
        self.mode = mode
        self.method = method
        self.crc = self.size = self.compressed_size = self.start = 0

    @property
    def _flags(self) -> int:
        return 0 if self.name.isascii() else UTF_8

    def local_header(self) -> bytes:
        """Give what stands before the data (4.3.7)."""
        header = LOCAL_HEADER.pack(
            LOCAL_SIGNATURE, NEEDS_2_0, self._flags, self.method, *MIDNIGHT_1980,
            self.crc, self.compressed_size, self.size, len(self.name), 0,
        )  # fmt: skip
        return header + self.name

    def central_record(self) -> bytes:
        """Give the entry's record in the central directory (4.3.12)."""
        extra = b""
        needs, start = NEEDS_2_0, self.start
        if start >= IN_ZIP64_32:
            extra = ZIP64_EXTRA + struct.pack("<HQ", 8, start)
            needs, start = NEEDS_4_5, IN_ZIP64_32
        header = CENTRAL_HEADER.pack(
            CENTRAL_SIGNATURE, MADE_BY_UNIX, needs, self._flags, self.method, *MIDNIGHT_1980,
            self.crc, self.compressed_size, self.size, len(self.name), len(extra), 0, 0, 0,
            self.mode << 16, start,
        )  # fmt: skip
        return header + self.name + extra


def set_start(record: bytearray, start: int) -> None:
    """Have a central record name another place where its entry starts."""
    (old,) = struct.unpack_from("<L", record, OFFSET_IN_CENTRAL_HEADER)
    if old != IN_ZIP64_32:
        # Entries only ever move towards the start, so what had room keeps it.
        struct.pack_into("<L", record, OFFSET_IN_CENTRAL_HEADER, start)
        return
    fields = CENTRAL_HEADER.unpack_from(record)
    extra_start = CENTRAL_HEADER.size + fields[10]
    extra = bytes(record[extra_start : extra_start + fields[11]])
    found = next(extra_fields(extra, ZIP64_EXTRA), None)
    if found is None:
        raise _damaged("its central directory is damaged")
    # The start is the last of the 8-byte values, behind those sizes that are there too.
    before = sum(8 for value in fields[8:10] if value == IN_ZIP64_32)
    struct.pack_into("<Q", record, extra_start + found[0] + before, start)
