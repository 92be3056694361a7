"""Reading entries: whatever is damaged is found and named, in a memory that stays flat."""

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.artifact.window import PIECE
from deploy.errors import InputError
from paths import REPOSITORY
from zips import zip_of

NAME = "lib/Code.class"


def read(base: bytes) -> dict[str, bytes]:
    file = io.BytesIO(base)
    return {entry.name: b"".join(read_content(file, entry)) for entry in read_directory(file)}


def refusal(base: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(base)
    return f"{caught.value.what}\n{caught.value.why}"


def declaring(content: bytes, *, size: int, method: int) -> bytes:
    """Make a ZIP whose only entry declares another size than it has; the CRC-32 is right."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.writestr(NAME, content)
        file.getinfo(NAME).file_size = size
    return target.getvalue()


@given(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3000), min_size=1),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_zipfile_writes_is_read(files: dict[str, bytes], method: int) -> None:
    """Stored and deflated."""
    assert read(zip_of(files, method=method)) == files


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression_is_refused(method: int) -> None:
    """Java can't read it, and AWS does not say that Lambda can."""
    assert f"{NAME} of the artifact is neither stored nor" in refusal(zip_of({NAME: b"1"}, method=method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_entries_of_any_size_are_read_to_their_end(method: int, size: int) -> None:
    """Random bytes and zeros around the size of a piece: whole they pass, with the last byte gone not."""
    for content in (os.urandom(size), bytes(size)):
        assert read(zip_of({NAME: content, "b": content}, method=method))["b"] == content
        assert NAME in refusal(declaring(content, size=size - 1, method=method))
        assert NAME in refusal(declaring(content, size=size + 1, method=method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_byte_of_the_data_that_is_changed_is_found(method: int) -> None:
    """One bit anywhere in an entry, and it is named; the ones beside it are not."""
    content = b"public class Code {}\n" * 5
    base = zip_of({"a": b"a", NAME: content, "z": b"z"}, method=method)
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        info = file.getinfo(NAME)
    start = info.header_offset + 30 + len(NAME)
    for position in range(start, start + info.compress_size):
        for bit in range(8):
            damaged = bytearray(base)
            damaged[position] ^= 1 << bit
            if _still_says(damaged[start : start + info.compress_size], content, method):
                continue
            assert f"The entry {NAME} of the artifact is damaged" in refusal(bytes(damaged))


def _still_says(data: bytearray, content: bytes, method: int) -> bool:
    """Tell whether deflate gives the same content all the same: the bits that fill the last byte are free."""
    try:
        return method == zipfile.ZIP_DEFLATED and zlib.decompress(bytes(data), -15) == content
    except zlib.error:
        return False


def test_the_reason_is_reported() -> None:
    """A wrong size, a wrong checksum, data that can't be decompressed, and data that is somewhere else."""
    content = bytes(1000)
    assert "It declares 10 bytes, but holds more." in refusal(declaring(content, size=10, method=8))
    assert "It declares 1001 bytes, but holds 1000." in refusal(declaring(content, size=1001, method=8))
    base = zip_of({NAME: content}, method=zipfile.ZIP_STORED)
    assert "another checksum (CRC-32)" in refusal(base.replace(content, b"1" * 1000))
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(content) + compressor.flush()
    assert "can't be decompressed" in refusal(zip_of({NAME: content}).replace(data, b"\xff" * len(data)))
    assert "not where the central directory says" in refusal(base.replace(b"PK\x03\x04", b"PK\x03\x05"))


def deflated(data: bytes, content: bytes) -> bytes:
    """Make a ZIP whose only entry has this data and declares the size and CRC-32 of that content."""
    base = bytearray(zip_of({NAME: data}, method=zipfile.ZIP_STORED))
    record = base.rindex(b"PK\x01\x02")
    struct.pack_into("<H", base, 8, zipfile.ZIP_DEFLATED)
    struct.pack_into("<H", base, record + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", base, record + 16, zlib.crc32(content))
    struct.pack_into("<L", base, record + 24, len(content))
    return bytes(base)


def test_data_that_ends_too_early_is_found() -> None:
    """The end of a deflated entry is missing: nothing waits for it, and nothing passes it off as whole."""
    content = os.urandom(PIECE)
    compressor = zlib.compressobj(0, wbits=-15)
    unfinished = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert read(deflated(unfinished + compressor.flush(), content)) == {NAME: content}
    assert "can't be decompressed" in refusal(deflated(unfinished, content))


@pytest.mark.parametrize("extra", [1, 2, 5, 100, 257])
def test_what_zlib_holds_back_is_read_too(extra: int) -> None:
    """The last bytes of a content can still be in zlib when all of its data is taken."""
    content = b"ab" * (PIECE // 2) + (b"ab" * extra)[:extra]
    assert read(zip_of({NAME: content})) == {NAME: content}


def test_what_stands_behind_the_end_of_deflated_data_is_passed_over() -> None:
    """unzip, java and zipfile do the same, whether it is a byte or more than a piece."""
    for content in (b"hello" * 100, bytes(5 * PIECE)):
        compressor = zlib.compressobj(wbits=-15)
        data = compressor.compress(content) + compressor.flush()
        for behind in (b"\0", os.urandom(2 * PIECE)):
            assert read(deflated(data + behind, content)) == {NAME: content}


def test_memory_stays_flat_whatever_the_data_grows_to(tmp_path: Path) -> None:
    """150 MB of zeros in 150 KB are read in pieces."""
    path = tmp_path / "large.jar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open(NAME, "w") as target:
        for _ in range(150):
            target.write(bytes(1024 * 1024))
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (128 * 1024**2, 128 * 1024**2))
from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
with open({str(path)!r}, "rb") as file:
    print(sum(len(piece) for piece in read_content(file, read_directory(file).entry(0))))
"""
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    assert result.stdout == f"{150 * 1024 * 1024}\n"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_no_more_is_unpacked_than_an_entry_declares(method: int) -> None:
    """Of data that grows to 50 MB and declares 10 bytes, nothing is handed on: who joins it stays small."""
    file = io.BytesIO(declaring(bytes(50 * PIECE), size=10, method=method))
    pieces = read_content(file, read_directory(file).entry(0))
    with pytest.raises(InputError, match="is damaged"):
        next(pieces)
