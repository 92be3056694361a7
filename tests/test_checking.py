"""What an artifact says of its entries is so, and may be passed on, or the build stops and names one."""

import io
import os
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.archive import PIECE, read_directory
from deploy.assembling import AssembledFile, assemble
from deploy.checking import check_contents, check_entries
from deploy.errors import InputError
from deploy.formats import ConfigFile
from zips import zip_of

NAME = "lib/Code.class"


def check(base: bytes) -> None:
    file = io.BytesIO(base)
    directory = read_directory(file)
    check_entries(file, directory)
    check_contents(file, directory)


def refusal(base: bytes) -> str:
    with pytest.raises(InputError) as caught:
        check(base)
    assert caught.value.exit_code == 2
    assert caught.value.todo
    return f"{caught.value.what}\n{caught.value.why}"


def declaring(content: bytes, *, size: int, method: int) -> bytes:
    """Make a ZIP whose only entry declares another size than it has; the CRC-32 is right."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.writestr(NAME, content)
        file.getinfo(NAME).file_size = size
    return target.getvalue()


@given(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3000)), st.sampled_from([0, 8, 12, 14]))
def test_what_zipfile_writes_is_whole(files: dict[str, bytes], method: int) -> None:
    """Stored and deflated entries are read; those of other methods are passed over."""
    check(zip_of(files, method=method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_entries_of_any_size_are_read_to_their_end(method: int, size: int) -> None:
    """Random bytes and zeros around the size of a piece: whole they pass, with the last byte gone not."""
    for content in (os.urandom(size), bytes(size)):
        check(zip_of({NAME: content, "b": content}, method=method))
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


def test_the_reason_is_told() -> None:
    """A wrong size, a wrong checksum and data that is none read differently."""
    content = bytes(1000)
    assert "It declares 10 bytes, but holds more." in refusal(declaring(content, size=10, method=8))
    assert "It declares 1001 bytes, but holds 1000." in refusal(declaring(content, size=1001, method=8))
    base = zip_of({NAME: content}, method=zipfile.ZIP_STORED)
    assert "another checksum (CRC-32)" in refusal(base.replace(content, b"1" * 1000))
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(content) + compressor.flush()
    assert "can't be decompressed" in refusal(zip_of({NAME: content}).replace(data, b"\xff" * len(data)))


def deflated(data: bytes, content: bytes) -> bytes:
    """Make a ZIP whose only entry has this data and declares the size and CRC-32 of that content."""
    base = bytearray(zip_of({NAME: data}, method=zipfile.ZIP_STORED))
    record = base.rindex(b"PK\x01\x02")
    struct.pack_into("<H", base, record + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", base, record + 16, zlib.crc32(content))
    struct.pack_into("<L", base, record + 24, len(content))
    return bytes(base)


def test_data_that_ends_too_early_is_found() -> None:
    """The end of a deflated entry is missing: nothing waits for it, and nothing passes it off as whole."""
    content = os.urandom(PIECE)
    compressor = zlib.compressobj(0, wbits=-15)
    unfinished = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
    check(deflated(unfinished + compressor.flush(), content))
    assert "can't be decompressed" in refusal(deflated(unfinished, content))


@pytest.mark.parametrize("extra", [1, 2, 5, 100, 257])
def test_what_zlib_holds_back_is_read_too(extra: int) -> None:
    """The last bytes of a content can still be in zlib when all of its data is taken."""
    check(zip_of({NAME: b"ab" * (PIECE // 2) + (b"ab" * extra)[:extra]}))


def test_what_stands_behind_the_end_of_deflated_data_is_passed_over() -> None:
    """unzip, java and zipfile do the same, whether it is a byte or more than a piece."""
    for content in (b"hello" * 100, bytes(5 * PIECE)):
        compressor = zlib.compressobj(wbits=-15)
        data = compressor.compress(content) + compressor.flush()
        for behind in (b"\0", os.urandom(2 * PIECE)):
            check(deflated(data + behind, content))


def test_progress_goes_from_entry_to_entry_up_to_the_whole() -> None:
    """Bytes done and in all, unzipped."""
    file = io.BytesIO(zip_of({"a": b"x" * 10, "empty": b"", "b": b"y" * 30}))
    told: list[tuple[int, int]] = []
    check_contents(file, read_directory(file), lambda done, total: told.append((done, total)))
    assert told == [(10, 40), (10, 40), (40, 40)]


@pytest.mark.parametrize("declared", ["truth", "lie"])
def test_memory_stays_flat_whatever_the_data_grows_to(tmp_path: Path, declared: str) -> None:
    """200 MB of zeros in 200 KB: read in pieces where they are declared, and left where they are not."""
    size = 200 * 1024 * 1024
    path = tmp_path / "bomb.jar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open(NAME, "w") as target:
            for _ in range(size // PIECE):
                target.write(bytes(PIECE))
        if declared == "lie":
            file.getinfo(NAME).file_size = 1
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (128 * 1024**2, 128 * 1024**2))
from deploy.archive import read_directory
from deploy.checking import check_contents
from deploy.errors import InputError
with open({str(path)!r}, "rb") as file:
    try:
        check_contents(file, read_directory(file))
        print("whole")
    except InputError as error:
        print(error.why)
"""
    expected = {"truth": "whole\n", "lie": "It declares 1 bytes, but holds more.\n"}[declared]
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent.parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert result.stdout == expected


# --- names and places -----------------------------------------------------------------------------


def test_bytes_changed_at_random_are_refused_or_harmless() -> None:
    """Damage ends in InputError and in no other exception, and what passes can be made a package of."""
    generator = random.Random(1)  # noqa: S311 - a reproducible choice, not a secret
    files = {"index.js": b"exports.handler = 1\n" * 50, "node_modules/a/b.js": b"b" * 3000, "empty": b""}
    whole = zip_of(files, comment=b"x")
    passed = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        file = io.BytesIO(damaged)
        try:
            directory = read_directory(file)
            check_entries(file, directory)
        except InputError as error:
            assert error.exit_code == 2
            continue
        passed += 1
        assembly = assemble(directory, [ConfigFile("env.properties", b"NAME=value\n")])
        package = AssembledFile(file, assembly.parts).read()
        assert len(read_directory(io.BytesIO(package))) == len(directory) + 1
    assert passed


def test_an_encrypted_entry_is_refused_by_name() -> None:
    """Lambda has no password."""
    base = bytearray(zip_of({"secret.js": b"x"}))
    base[base.rindex(b"PK\x01\x02") + 8] |= 1
    assert "secret.js" in refusal(bytes(base))
    assert "encrypted" in refusal(bytes(base))


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "a\\..\\evil"])
def test_names_that_lead_out_of_the_package_are_refused(name: str) -> None:
    """Nothing is unpacked anywhere but below /var/task."""
    assert "leads out of the package" in refusal(zip_of({"ok": b"", name: b""}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    """Which of the two is unpacked would be chance."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("twice.js", "1")
        file.writestr("twice.js", "2")
    assert "twice.js" in refusal(target.getvalue())


def with_extra(name: str, second: bytes) -> bytes:
    """Make a ZIP whose only entry has a second name, in Info-ZIP's Unicode Path field."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        info = zipfile.ZipInfo(name)
        field = b"\x01" + struct.pack("<L", zlib.crc32(name.encode())) + second
        info.extra = b"\x55\x54\x01\x00\x00" + b"\x75\x70" + struct.pack("<H", len(field)) + field
        file.writestr(info, "1")
    return target.getvalue()


@pytest.mark.parametrize("second", [b"../../evil", b"env.properties", b"\xff"])
def test_a_second_name_is_refused(second: bytes) -> None:
    """unzip unpacks by it, so it could lead out of the package, or take the place of the config."""
    text = refusal(with_extra("index.js", second))
    assert text.startswith("The entry index.js of the artifact has a second name, ")
    check(with_extra("index.js", b"index.js"))


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    """It says that it is; Java does not open such a JAR."""
    base = zip_of({"dätei": b""}).replace("dätei".encode(), b"d\xff\xfftei")
    assert "has a name that is not the UTF-8 that it says it is" in refusal(base)


def test_overlapping_entries_are_refused() -> None:
    """A ZIP bomb lets many entries share the same data."""
    base = bytearray(zip_of({"first": b"x" * 100, "second": b"y" * 100}, method=0))
    first = base.index(b"PK\x01\x02")
    struct.pack_into("<L", base, first + 20, 101)
    assert "is not where the central directory says" in refusal(bytes(base))


def test_another_name_where_the_data_is_is_refused() -> None:
    """Who reads the ZIP as a stream would unpack it there; the message shows both names."""
    base = zip_of({"lib/a.js": b"x"}).replace(b"lib/a.js", b"../../a\n", 1)
    text = refusal(base)
    assert text.startswith(
        "The entry lib/a.js of the artifact has another name, ../../a\\n, where its data is"
    )
