"""ZIP files, byte by byte: a base from a folder, and a package from a base by copying raw entries.

A package is the base with files added. Nothing of the base is unpacked or compressed again: the raw
bytes of its entries are copied in one go, and only the central directory, which tells where each
entry starts, is written anew. So it takes as long as a copy, and the entries stay as they were signed,
stored or compressed.

The numbers of sections are those of PKWARE's APPNOTE.TXT 6.3.10,
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from deploy.errors import InputError
from deploy.output import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from deploy.formats import ConfigFile

__all__ = [
    "Directory",
    "Entry",
    "SourceFile",
    "Written",
    "create",
    "damaged_entry",
    "digest",
    "read_data",
    "read_directory",
    "read_entry",
    "write_package",
]

PIECE = 1024 * 1024  # bytes held in memory at a time, whatever the size of the file

LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # 4.3.7
CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")  # 4.3.12
ZIP64_END = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
ZIP64_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
END = struct.Struct("<4s4H2LH")  # 4.3.16

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
ZIP64_END_SIGNATURE = b"PK\x06\x06"
ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
END_SIGNATURE = b"PK\x05\x06"

LENGTH_OF_NAME_IN_CENTRAL_HEADER = 28
OFFSET_IN_CENTRAL_HEADER = 42
ZIP64_EXTRA = 0x0001  # 4.5.3
IN_ZIP64_16 = 0xFFFF
IN_ZIP64_32 = 0xFFFFFFFF
LONGEST_COMMENT = 0xFFFF

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x0001  # 4.4.4, general purpose bit 0
UTF_8 = 0x0800  # 4.4.4, general purpose bit 11
MADE_BY_UNIX = 3 << 8 | 20  # 4.4.2: the upper byte, and version 2.0 of the format
NEEDS_2_0 = 20  # 4.4.3: folders and deflate
NEEDS_4_5 = 45  # 4.4.3: ZIP64
MIDNIGHT_1980 = (0, 1 << 5 | 1)  # 4.4.6: the first moment that the format knows, as time and date
COMPRESSION_LEVEL = 6

BUILD_AGAIN = (
    "Build the app again: `git commit --allow-empty -m rebuild && git push heroku main`. "
    "Where that does not help, look at what the build makes with `unzip -t FILE`."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a ZIP, as its central directory describes it. Sizes are in bytes."""

    name: str
    record: int  # where its record starts in the central directory
    record_end: int
    start: int  # where its local header starts in the file
    method: int
    crc: int
    compressed_size: int
    size: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The table of contents of a ZIP file."""

    entries: tuple[Entry, ...]
    records: bytes
    start: int  # where the central directory starts in the file
    comment: bytes

    @property
    def unzipped_size(self) -> int:
        """Bytes that the entries take when they are unpacked."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: digest, size and unzipped size in bytes, and the number of entries."""

    sha256: bytes
    size: int
    unzipped_size: int
    entries: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What `create` puts into a ZIP: a file, a symbolic link, or (with neither) an empty folder."""

    name: str
    path: str | None = None
    link_target: str | None = None
    executable: bool = False


# --- reading --------------------------------------------------------------------------------------


def read_directory(file: BinaryIO, *, local_headers: bool = True) -> Directory:
    """Read and check a ZIP's central directory, and against it the local headers.

    Without `local_headers` only the end of the file is read. Raises InputError where the file is no whole
    ZIP or holds an entry that can't be passed on.
    """
    size = file.seek(0, os.SEEK_END)
    count, records_size, records_start, end_start, comment = _read_end(file, size)
    # Offsets count from the start of the ZIP, which a prefix (a shell script before an executable
    # JAR) moves away from the start of the file.
    start = end_start - records_size
    prefix = start - records_start
    if start < 0 or prefix < 0:
        raise _damaged("its central directory is not where its end says")
    records = _read_at(file, start, records_size)
    entries = tuple(_parse_records(records, prefix))
    if len(entries) != count:
        raise _damaged(f"it has {len(entries)} entries, but says that it has {count}")
    directory = Directory(entries, records, start, comment)
    _check_names(directory)
    if local_headers:
        _check_local_headers(file, directory)
    return directory


def read_entry(file: BinaryIO, entry: Entry) -> bytes:
    """Read the content of one entry into memory.

    Raises InputError where it is damaged, or compressed in a way that Lambda does not know either.
    """
    content = b"".join(read_data(file, entry))
    if entry.method == DEFLATED:
        try:
            content = zlib.decompress(content, -zlib.MAX_WBITS)
        except zlib.error:
            raise _refused(entry.name, "is damaged") from None
    elif entry.method != STORED:
        raise _refused(entry.name, "is neither stored nor deflated")
    if zlib.crc32(content) != entry.crc:
        raise _refused(entry.name, "is damaged")
    return content


def read_data(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Read the bytes of one entry as they stand in the file, in pieces."""
    *_, name_length, extra_length = LOCAL_HEADER.unpack(_read_at(file, entry.start, LOCAL_HEADER.size))
    start = entry.start + LOCAL_HEADER.size + name_length + extra_length
    end = start + entry.compressed_size
    for position in range(start, end, PIECE):
        yield _read_at(file, position, min(PIECE, end - position))


def damaged_entry(name: str, why: str) -> InputError:
    """Give the error that tells of an entry whose content is not what the directory says."""
    return InputError(
        f"The entry {printable(name)} of the artifact is damaged. Nothing was changed.",
        why=why,
        todo=BUILD_AGAIN,
    )


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int, int, bytes]:
    """Find the end record, as (entries, size of the directory, its offset, its end, comment)."""
    tail_start = max(0, size - END.size - LONGEST_COMMENT)
    tail = _read_at(file, tail_start, size - tail_start)
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
    signature, _, offset, _ = ZIP64_LOCATOR.unpack(_read_at(file, locator_start, ZIP64_LOCATOR.size))
    if signature != ZIP64_LOCATOR_SIGNATURE:
        return None
    # Behind a prefix the record is not at its offset, but where the locator starts.
    for start in (offset, locator_start - ZIP64_END.size):
        if start + ZIP64_END.size > locator_start:
            continue
        fields = ZIP64_END.unpack(_read_at(file, start, ZIP64_END.size))
        if fields[0] == ZIP64_END_SIGNATURE:
            *_, count, records_size, records_offset = fields
            return count, records_size, records_offset, start
    raise _damaged("its ZIP64 end record is missing")


def _parse_records(records: bytes, prefix: int) -> Iterator[Entry]:
    position = 0
    while position < len(records):
        if position + CENTRAL_HEADER.size > len(records):
            raise _damaged("its central directory is cut short")
        (
            signature, _, _, flags, method, _, _, crc, compressed_size, size, name_length, extra_length,
            comment_length, _, _, _, offset,
        ) = CENTRAL_HEADER.unpack_from(records, position)  # fmt: skip
        if signature != CENTRAL_SIGNATURE:
            raise _damaged("its central directory is damaged")
        name_start = position + CENTRAL_HEADER.size
        extra_start = name_start + name_length
        end = extra_start + extra_length + comment_length
        if end > len(records):
            raise _damaged("its central directory is cut short")
        raw_name = records[name_start:extra_start]
        name = _decode_name(raw_name, flags)
        if flags & ENCRYPTED:
            raise _refused(name, "is encrypted, and Lambda can't decrypt it")
        if IN_ZIP64_32 in (compressed_size, size, offset):
            extra = records[extra_start : extra_start + extra_length]
            size, compressed_size, offset = _read_zip64_extra(name, extra, size, compressed_size, offset)
        yield Entry(name, position, end, offset + prefix, method, crc, compressed_size, size)
        position = end


def _decode_name(raw: bytes, flags: int) -> str:
    if flags & UTF_8:
        return raw.decode("utf-8", "surrogateescape")
    return raw.decode("ascii") if raw.isascii() else raw.decode("cp437")


def _find_zip64_extra(extra: bytes) -> tuple[int, int] | None:
    """Find the ZIP64 extra field (4.5.1, 4.5.3), as (start, length) of its data."""
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, position)
        if tag == ZIP64_EXTRA and position + 4 + length <= len(extra):
            return position + 4, length
        position += 4 + length
    return None


def _read_zip64_extra(
    name: str, extra: bytes, size: int, compressed_size: int, offset: int
) -> tuple[int, int, int]:
    """Take from the extra field, in this order, those values that the record has no room for."""
    found = _find_zip64_extra(extra)
    start, length = found or (0, 0)
    values = []
    for value in (size, compressed_size, offset):
        if value != IN_ZIP64_32:
            values.append(value)
            continue
        if length < 8:  # noqa: PLR2004 - bytes of one value
            raise _refused(name, "has a damaged ZIP64 field")
        values.append(struct.unpack_from("<Q", extra, start)[0])
        start, length = start + 8, length - 8
    return values[0], values[1], values[2]


def _check_names(directory: Directory) -> None:
    seen: set[str] = set()
    for entry in directory.entries:
        _check_name(entry.name)
        if entry.name in seen:
            raise _refused(entry.name, "is there twice")
        seen.add(entry.name)


def _check_local_headers(file: BinaryIO, directory: Directory) -> None:
    ordered = sorted(directory.entries, key=lambda entry: entry.start)
    for entry, end in zip(ordered, _ends(ordered, directory.start), strict=True):
        header = _read_at(file, entry.start, LOCAL_HEADER.size)
        signature, _, flags, *_, name_length, extra_length = LOCAL_HEADER.unpack(header)
        data_start = entry.start + LOCAL_HEADER.size + name_length + extra_length
        if signature != LOCAL_SIGNATURE or data_start + entry.compressed_size > end:
            raise _refused(entry.name, "is not where the central directory says: the file is damaged")
        # Who reads a ZIP as a stream goes by this name, and so it must not be another, unchecked one.
        raw_name = _read_at(file, entry.start + LOCAL_HEADER.size, name_length)
        if raw_name != _raw_name(directory, entry):
            other = printable(_decode_name(raw_name, flags))
            raise _refused(entry.name, f"has another name, {other}, where its data is")


def _raw_name(directory: Directory, entry: Entry) -> bytes:
    start = entry.record + CENTRAL_HEADER.size
    (length,) = struct.unpack_from("<H", directory.records, entry.record + LENGTH_OF_NAME_IN_CENTRAL_HEADER)
    return directory.records[start : start + length]


def _check_name(name: str) -> None:
    # Lambda unpacks below /var/task; nothing may be written elsewhere.
    if not name or "\0" in name or name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
        raise _refused(name, "has a name that leads out of the package")


def _ends(ordered: Sequence[Entry], directory_start: int) -> Iterator[int]:
    """Give for each entry, in the order of their starts, where the next one or the directory starts.

    What lies between the end of an entry's data and there is its data descriptor (4.3.9) or padding.
    """
    yield from (entry.start for entry in itertools.islice(ordered, 1, None))
    if ordered:
        yield directory_start


def _read_at(file: BinaryIO, start: int, size: int) -> bytes:
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


def _refused(name: str, why: str) -> InputError:
    return InputError(
        f"The entry {printable(name)} of the artifact {why}. Nothing was changed.",
        todo="Build the artifact without it, and push again.",
    )


# --- writing a package ----------------------------------------------------------------------------


class _HashingWriter:
    """Counts and hashes what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._write = file.write
        self._sha256 = hashlib.sha256()
        self.position = 0

    def write(self, content: bytes) -> None:
        self._write(content)
        self.count(content)

    def count(self, content: bytes) -> None:
        """Take in what stands in the file already."""
        self._sha256.update(content)
        self.position += len(content)

    def digest(self) -> bytes:
        return self._sha256.digest()


def write_package(
    base: BinaryIO,
    directory: Directory,
    added: Sequence[ConfigFile],
    target: BinaryIO,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Written:
    """Write to `target` the base with `added` in it, in place of entries of the same name.

    The added files come last and are stored, not compressed, so that their bytes do not depend on a
    compression library. A prefix of the base is dropped. `progress` is told bytes done and in all.
    """
    names = {file.name for file in added}
    dropped = {entry.record for entry in directory.entries if entry.name in names}
    writer = _HashingWriter(target)
    starts = _copy_entries(base, directory, dropped, writer, progress)
    records = _moved_records(directory, starts)
    records += b"".join(_write_stored(file, writer) for file in added)
    count = len(starts) + len(added)
    _write_end(writer, records, count, directory.comment)
    kept_size = sum(entry.size for entry in directory.entries if entry.record in starts)
    unzipped_size = kept_size + sum(len(file.content) for file in added)
    return Written(writer.digest(), writer.position, unzipped_size, count)


def _copy_entries(
    base: BinaryIO,
    directory: Directory,
    dropped: set[int],
    writer: _HashingWriter,
    progress: Callable[[int, int], None],
) -> dict[int, int]:
    """Copy all entries but the dropped ones; gives the new start of each, by its record."""
    starts: dict[int, int] = {}
    spans: list[tuple[int, int]] = []
    position = 0
    ordered = sorted(directory.entries, key=lambda entry: entry.start)
    for entry, end in zip(ordered, _ends(ordered, directory.start), strict=True):
        if entry.record in dropped:
            continue
        starts[entry.record] = position
        position += end - entry.start
        if spans and spans[-1][1] == entry.start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((entry.start, end))
    for start, end in spans:
        _copy(base, start, end, writer, lambda done: progress(done, position))
    return starts


def _copy(
    base: BinaryIO, start: int, end: int, writer: _HashingWriter, progress: Callable[[int], None]
) -> None:
    base.seek(start)
    left = end - start
    while left:
        piece = base.read(min(PIECE, left))
        if not piece:
            raise _damaged("it became shorter while it was read")
        writer.write(piece)
        left -= len(piece)
        progress(writer.position)


def _moved_records(directory: Directory, starts: dict[int, int]) -> bytes:
    """Give the records of the kept entries, in their old order, with their new starts."""
    kept = bytearray()
    for entry in directory.entries:
        if entry.record in starts:
            record = bytearray(directory.records[entry.record : entry.record_end])
            _set_start(record, starts[entry.record])
            kept += record
    return bytes(kept)


def _set_start(record: bytearray, start: int) -> None:
    (old,) = struct.unpack_from("<L", record, OFFSET_IN_CENTRAL_HEADER)
    if old != IN_ZIP64_32:
        # Entries only ever move towards the start, so what had room keeps it.
        struct.pack_into("<L", record, OFFSET_IN_CENTRAL_HEADER, start)
        return
    fields = CENTRAL_HEADER.unpack_from(record)
    extra_start = CENTRAL_HEADER.size + fields[10]
    found = _find_zip64_extra(bytes(record[extra_start : extra_start + fields[11]]))
    if found is None:
        raise _damaged("its central directory is damaged")
    # The start is the last of the 8-byte values, behind those sizes that are there too.
    before = sum(8 for value in fields[8:10] if value == IN_ZIP64_32)
    struct.pack_into("<Q", record, extra_start + found[0] + before, start)


def _write_stored(file: ConfigFile, writer: _HashingWriter) -> bytes:
    entry = _NewEntry(file.name, stat.S_IFREG | file.mode, STORED)
    entry.size = entry.compressed_size = len(file.content)
    entry.crc = zlib.crc32(file.content)
    entry.start = writer.position
    writer.write(entry.local_header())
    writer.write(file.content)
    return entry.central_record()


def _write_end(writer: _HashingWriter, records: bytes, count: int, comment: bytes = b"") -> None:
    start = writer.position
    writer.write(records)
    if count >= IN_ZIP64_16 or start + len(records) >= IN_ZIP64_32:
        end = ZIP64_END.pack(
            ZIP64_END_SIGNATURE, ZIP64_END.size - 12, MADE_BY_UNIX, NEEDS_4_5, 0, 0,
            count, count, len(records), start,
        )  # fmt: skip
        locator = ZIP64_LOCATOR.pack(ZIP64_LOCATOR_SIGNATURE, 0, writer.position, 1)
        writer.write(end)
        writer.write(locator)
    shown_count = min(count, IN_ZIP64_16)
    end = END.pack(
        END_SIGNATURE, 0, 0, shown_count, shown_count, min(len(records), IN_ZIP64_32),
        min(start, IN_ZIP64_32), len(comment),
    )  # fmt: skip
    writer.write(end + comment)


class _NewEntry:
    """An entry in the making: its sizes are known only when its data is written."""

    def __init__(self, name: str, mode: int, method: int) -> None:
        self.name = name.encode()
        self.mode = mode
        self.method = method
        self.crc = self.size = self.compressed_size = self.start = 0

    @property
    def _flags(self) -> int:
        return 0 if self.name.isascii() else UTF_8

    def local_header(self) -> bytes:
        header = LOCAL_HEADER.pack(
            LOCAL_SIGNATURE, NEEDS_2_0, self._flags, self.method, *MIDNIGHT_1980,
            self.crc, self.compressed_size, self.size, len(self.name), 0,
        )  # fmt: skip
        return header + self.name

    def central_record(self) -> bytes:
        extra = b""
        needs, start = NEEDS_2_0, self.start
        if start >= IN_ZIP64_32:
            extra = struct.pack("<2HQ", ZIP64_EXTRA, 8, start)
            needs, start = NEEDS_4_5, IN_ZIP64_32
        header = CENTRAL_HEADER.pack(
            CENTRAL_SIGNATURE, MADE_BY_UNIX, needs, self._flags, self.method, *MIDNIGHT_1980,
            self.crc, self.compressed_size, self.size, len(self.name), len(extra), 0, 0, 0,
            self.mode << 16, start,
        )  # fmt: skip
        return header + self.name + extra


# --- making a base --------------------------------------------------------------------------------


def create(
    files: Iterable[SourceFile],
    target: BinaryIO,
    progress: Callable[[int], None] = lambda _entries: None,
) -> Written:
    """Write a ZIP of files, in their order, with the same bytes for the same contents and names.

    Modes are 0644 and 0755, links stay links, times are all alike. `progress` is told the number of
    entries written so far. Raises InputError for a file that the format can't hold, OSError where one
    can't be read. `target` must be readable too.
    """
    records: list[bytes] = []
    unzipped_size = 0
    for file in files:
        entry = _write_file(file, target)
        unzipped_size += entry.size
        records.append(entry.central_record())
        progress(len(records))
    # The headers were written after the data that they describe, so only now can it be hashed.
    size = target.tell()
    writer = _HashingWriter(target)
    _count_pieces(target, size, writer)
    _write_end(writer, b"".join(records), len(records))
    return Written(writer.digest(), writer.position, unzipped_size, len(records))


def _write_file(file: SourceFile, target: BinaryIO) -> _NewEntry:
    _check_name(file.name)
    if file.path is not None:
        mode = stat.S_IFREG | (0o755 if file.executable else 0o644)
        entry = _NewEntry(file.name, mode, DEFLATED)
    elif file.link_target is not None:
        entry = _NewEntry(file.name, stat.S_IFLNK | 0o777, STORED)
    else:
        entry = _NewEntry(f"{file.name}/", stat.S_IFDIR | 0o755, STORED)
    entry.start = target.tell()
    target.write(entry.local_header())
    if file.path is not None:
        with open(file.path, "rb") as source:  # noqa: PTH123 - the one call per file that counts
            _write_data(source, entry, target)
    elif file.link_target is not None:
        _write_piece(file.link_target.encode(), entry, target)
    end = target.tell()
    target.seek(entry.start)
    target.write(entry.local_header())
    target.seek(end)
    return entry


def _write_data(source: BinaryIO, entry: _NewEntry, target: BinaryIO) -> None:
    """Compress a file's data, or store it where compressing makes it no smaller."""
    data_start = target.tell()
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    for piece in iter(lambda: source.read(PIECE), b""):
        entry.crc = zlib.crc32(piece, entry.crc)
        entry.size += len(piece)
        entry.compressed_size += target.write(compressor.compress(piece))
    entry.compressed_size += target.write(compressor.flush())
    if entry.size >= IN_ZIP64_32:
        raise _too_large(entry)
    if entry.compressed_size < entry.size:
        return
    entry.method = STORED
    entry.crc = entry.size = entry.compressed_size = 0
    source.seek(0)
    target.seek(data_start)
    for piece in iter(lambda: source.read(PIECE), b""):
        _write_piece(piece, entry, target)
    target.truncate()


def _write_piece(piece: bytes, entry: _NewEntry, target: BinaryIO) -> None:
    entry.crc = zlib.crc32(piece, entry.crc)
    entry.size += len(piece)
    entry.compressed_size += target.write(piece)


def digest(file: BinaryIO) -> tuple[bytes, int]:
    """Give a file's SHA-256 and its size in bytes."""
    size = file.seek(0, os.SEEK_END)
    writer = _HashingWriter(file)
    _count_pieces(file, size, writer)
    return writer.digest(), size


def _count_pieces(file: BinaryIO, size: int, writer: _HashingWriter) -> None:
    file.seek(0)
    for start in range(0, size, PIECE):
        writer.count(file.read(min(PIECE, size - start)))


def _too_large(entry: _NewEntry) -> InputError:
    return InputError(
        f"{printable(entry.name.decode())} is {megabytes(entry.size)} large; a ZIP entry for Lambda "
        "can't hold 4 GB or more.",
        todo="Name it in .lambdaignore, or keep it in S3 and let the function fetch it.",
    )
