"""ZIP files as others make them, by Python's zipfile, and what stands in them byte for byte."""

import io
import struct
import zipfile
from typing import BinaryIO

from deploy.assembling import digest
from deploy.package import Package

__all__ = ["package_in", "raw_data", "zip_of"]


def zip_of(files: dict[str, bytes], *, comment: bytes = b"", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a ZIP by Python's zipfile, which we did not write."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.comment = comment
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2)), content, method)
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
