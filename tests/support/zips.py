"""ZIP files as others make them, by Python's zipfile, and what stands in them byte for byte."""

import io
import struct
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from hypothesis import strategies as st

from deploy.artifact.assembly import digest
from deploy.artifact.package import Package

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\\/"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)


def zip_of(
    files: Mapping[str, bytes] | Iterable[tuple[str, bytes]],
    *,
    comment: bytes = b"",
    method: int = zipfile.ZIP_DEFLATED,
    mode: int = 0o100644,
) -> bytes:
    """Make a ZIP by Python's zipfile, which we did not write. Pairs may repeat a name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of a name that is there twice
        file.comment = comment
        for name, content in files.items() if isinstance(files, Mapping) else files:
            info = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            info.external_attr = mode << 16  # zipfile's default is 0600
            file.writestr(info, content, method)
    return target.getvalue()


def with_zip64_field(base: bytes, name: str) -> bytes:
    """Move an entry's sizes and offset from its central record into a ZIP64 field."""
    record = base.rindex(b"PK\x01\x02" + base[base.rindex(b"PK\x01\x02") + 4 :][:42] + name.encode())
    compressed, size = struct.unpack_from("<2L", base, record + 20)
    (offset,) = struct.unpack_from("<L", base, record + 42)
    extra = struct.pack("<2H3Q", 1, 24, size, compressed, offset)
    header = bytearray(base[record : record + 46])
    struct.pack_into("<2L", header, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", header, 30, len(extra))
    struct.pack_into("<L", header, 42, 0xFFFFFFFF)
    end = base.rindex(b"PK\x05\x06")
    changed = bytearray(base[:record] + header + name.encode() + extra + base[end:])
    size_field = len(changed) - 22 + 12
    struct.pack_into("<L", changed, size_field, struct.unpack_from("<L", base, end + 12)[0] + len(extra))
    return bytes(changed)


def raw_data(package: bytes) -> dict[str, bytes]:
    """Return the bytes of each entry as they stand in the file."""
    raw = {}
    with zipfile.ZipFile(io.BytesIO(package)) as file:
        for info in file.infolist():
            name_length, extra_length = struct.unpack_from("<2H", package, info.header_offset + 26)
            start = info.header_offset + 30 + name_length + extra_length
            raw[info.filename] = package[start : start + info.compress_size]
    return raw


def package_in(file: BinaryIO) -> Package:
    """Describe a file as the package that it is."""
    sha256, size = digest(file)
    return Package(lambda: file, sha256, size, size)
