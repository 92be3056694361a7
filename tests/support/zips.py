"""ZIP files as others make them, by Python's zipfile, and what stands in them byte for byte."""

import io
import stat
import struct
import zipfile
from typing import BinaryIO

from deploy.artifact.assembly import digest
from deploy.artifact.package import Package

__all__ = ["link_to", "package_in", "raw_data", "zip_of"]


class Link(bytes):
    """The target of a symbolic link, where else a file's content stands."""


def link_to(target: str | bytes) -> bytes:
    """Give what `zip_of` makes a symbolic link of."""
    return Link(target.encode() if isinstance(target, str) else target)


def zip_of(
    files: dict[str, bytes],
    *,
    comment: bytes = b"",
    method: int = zipfile.ZIP_DEFLATED,
    made_by: int = 3,
) -> bytes:
    """Make a ZIP by Python's zipfile, which we did not write; `made_by` is the system of the links."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.comment = comment
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            if isinstance(content, Link):
                info.create_system = made_by
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(info, content, method)
    return target.getvalue()


def raw_data(package: bytes) -> dict[str, bytes]:
    """Give the bytes of each entry as they stand in the file."""
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
    return Package(file, sha256, size, size)
