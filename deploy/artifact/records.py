"""The records of the ZIP format, and writing those that are new or changed.

The section numbers are those of PKWARE's APPNOTE.TXT 6.3.10,
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import struct
import zlib

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

OFFSET_IN_CENTRAL_HEADER = 42
ZIP64_TAG = b"\x01\x00"  # 4.5.3
IN_ZIP64_16 = 0xFFFF
IN_ZIP64_32 = 0xFFFFFFFF

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x2041  # 4.4.4, general purpose bits 0, 6 (strong encryption) and 13 (of the directory)
UTF_8 = 0x0800  # 4.4.4, general purpose bit 11
MADE_BY_UNIX = 3 << 8 | 20  # 4.4.2: the upper byte, and version 2.0 of the format
UNIX_HOSTS = (3, 19)  # 4.4.2: the upper byte; Unix and macOS record permissions
NEEDS_2_0 = 20  # 4.4.3: folders and deflate
NEEDS_4_5 = 45  # 4.4.3: ZIP64
MIDNIGHT_1980 = (0, 1 << 5 | 1)  # 4.4.6: the first moment that the format knows, as time and date


class NewEntry:
    """An entry to be written. Its data is `compressed`, if that is smaller than the content."""

    def __init__(self, name: str, mode: int, content: bytes, compressed: bytearray | None = None) -> None:
        self.name = name.encode()
        self.mode = mode
        self.start = 0  # where its local header will be in the file
        self.size = len(content)
        self._crc = zlib.crc32(content)
        self._method = STORED
        self.data: bytes | bytearray = content
        if compressed is not None and len(compressed) < len(content):
            self._method, self.data = DEFLATED, compressed

    @property
    def _flags(self) -> int:
        return 0 if self.name.isascii() else UTF_8

    def local_header(self) -> bytes:
        """Return what stands before the data (4.3.7)."""
        header = LOCAL_HEADER.pack(
            LOCAL_SIGNATURE, NEEDS_2_0, self._flags, self._method, *MIDNIGHT_1980,
            self._crc, len(self.data), self.size, len(self.name), 0,
        )  # fmt: skip
        return header + self.name

    def central_record(self) -> bytes:
        """Return the entry's record in the central directory (4.3.12)."""
        extra = b""
        needs, start = NEEDS_2_0, self.start
        if start >= IN_ZIP64_32:
            extra = ZIP64_TAG + struct.pack("<HQ", 8, start)
            needs, start = NEEDS_4_5, IN_ZIP64_32
        header = CENTRAL_HEADER.pack(
            CENTRAL_SIGNATURE, MADE_BY_UNIX, needs, self._flags, self._method, *MIDNIGHT_1980,
            self._crc, len(self.data), self.size, len(self.name), len(extra), 0, 0, 0,
            self.mode << 16, start,
        )  # fmt: skip
        return header + self.name + extra


def end_records(start: int, size: int, count: int) -> bytes:
    """Return what stands behind a central directory of `count` records at `start`, `size` bytes long."""
    zip64 = b""
    if count >= IN_ZIP64_16 or start + size >= IN_ZIP64_32:
        zip64 = ZIP64_END.pack(
            ZIP64_END_SIGNATURE, ZIP64_END.size - 12, MADE_BY_UNIX, NEEDS_4_5, 0, 0,
            count, count, size, start,
        )  # fmt: skip
        zip64 += ZIP64_LOCATOR.pack(ZIP64_LOCATOR_SIGNATURE, 0, start + size, 1)
    shown_count = min(count, IN_ZIP64_16)
    end = END.pack(
        END_SIGNATURE, 0, 0, shown_count, shown_count, min(size, IN_ZIP64_32), min(start, IN_ZIP64_32), 0,
    )  # fmt: skip
    return zip64 + end


def set_start(record: bytearray, start: int) -> None:
    """Change where a central record says that its entry starts."""
    (old,) = struct.unpack_from("<L", record, OFFSET_IN_CENTRAL_HEADER)
    if old != IN_ZIP64_32:
        # Entries only ever move towards the start, so the new value has room, too.
        struct.pack_into("<L", record, OFFSET_IN_CENTRAL_HEADER, start)
        return
    fields = CENTRAL_HEADER.unpack_from(record)
    extra_start = CENTRAL_HEADER.size + fields[10]
    field_start, _ = zip64_field(bytes(record[extra_start : extra_start + fields[11]]))
    # The start is the last of the 8-byte values, behind those sizes that are there too.
    before = sum(8 for value in fields[8:10] if value == IN_ZIP64_32)
    struct.pack_into("<Q", record, extra_start + field_start + before, start)


def zip64_field(extra: bytes) -> tuple[int, int]:
    """Return where the data of the ZIP64 field is among the extra fields (4.5.1), as (start, end)."""
    position = 0
    while position + 4 <= len(extra):
        end = position + 4 + struct.unpack_from("<H", extra, position + 2)[0]
        if extra.startswith(ZIP64_TAG, position) and end <= len(extra):
            return position + 4, end
        position = end
    return 0, 0
