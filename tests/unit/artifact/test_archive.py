"""ZIP files: raw entries survive byte for byte, and the same input gives the same bytes."""

import hashlib
import io
import os
import re
import stat
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.assembly import AssembledFile, assemble, digests
from deploy.build.checks import check_entries
from deploy.config.formats import ConfigFile
from deploy.errors import InputError
from tools import require
from zips import raw_data, zip_of

CONFIG = ConfigFile("env.properties", b"NAME=value\n")


def package_of(base: bytes, *added: ConfigFile) -> bytes:
    source = io.BytesIO(base)
    assembly = assemble(read_directory(source), added or (CONFIG,))
    package = AssembledFile(source, assembly.parts)
    content = package.read()
    assert package.size == len(content)
    expected = hashlib.sha256(base).digest(), hashlib.sha256(content).digest()
    assert digests(source, assembly) == expected
    return content


def contents(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


FILES = {"index.js": b"exports.handler = 1\n" * 50, "node_modules/a/b.js": b"b" * 3000, "empty": b""}


# --- packages --------------------------------------------------------------------------------------


def test_a_package_is_the_base_with_the_config_added() -> None:
    """zipfile reads every file of the base, and the config as the last one."""
    assert list(contents(package_of(zip_of(FILES))).items()) == [
        *FILES.items(),
        ("env.properties", CONFIG.content),
    ]


names = st.text(st.characters(codec="utf-8", exclude_characters="\0\\/"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)


@given(
    st.dictionaries(names, st.binary(max_size=500)), st.binary(max_size=100), st.sampled_from([0, 8, 12, 14])
)
def test_raw_entries_are_copied_byte_for_byte(files: dict[str, bytes], config: bytes, method: int) -> None:
    """Whatever the names, contents and compression: the bytes of kept entries are those of the base."""
    base = zip_of(files, method=method)
    package = package_of(base, ConfigFile("env.properties", config))
    expected = {**raw_data(base), "env.properties": config}
    assert raw_data(package) == expected
    assert contents(package) == {**files, "env.properties": config}


@pytest.mark.parametrize("position", range(4))
def test_an_old_config_file_is_replaced_wherever_it_stands(position: int) -> None:
    """An env.properties in the artifact is there once afterwards, with the new content."""
    items = [*FILES.items()]
    items.insert(position, ("env.properties", b"OLD=1\n" * 100))
    package = package_of(zip_of(dict(items)))
    assert contents(package) == {**FILES, "env.properties": CONFIG.content}
    assert b"OLD=1" not in package


@given(st.lists(names, max_size=8, unique=True), st.data())
def test_entries_are_found_by_their_names(found: list[str], data: st.DataObject) -> None:
    """Whatever the names are, and whichever of them are parts of others; as a plain search finds them."""
    directory = read_directory(io.BytesIO(zip_of(dict.fromkeys(found, b""), comment=b"PK index.js")))
    asked = data.draw(st.sampled_from([*found, *(name[:2] for name in found), "index.js"]))
    assert directory.find(asked) == (found.index(asked) if asked in found else None)
    expected = [index for index, name in enumerate(found) if name.startswith(asked)]
    assert list(directory.starting_with(asked)) == expected


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)), st.binary(max_size=9))
def test_entries_in_any_order_and_with_gaps_are_moved_to_where_they_belong(
    order: list[int], dropped: set[int], prefix: bytes
) -> None:
    """A directory may list entries in another order than they stand in, behind a prefix, and lose some."""
    files = {f"{number}.json": bytes([65 + number]) * number for number in range(6)}
    base = prefix + _reordered(zip_of(files, method=0), order)
    added = [ConfigFile(f"{number}.json", b"new") for number in sorted(dropped)] or [CONFIG]
    expected = {**files, **{file.name: file.content for file in added}}
    assert contents(package_of(base, *added)) == expected


def _reordered(base: bytes, order: list[int]) -> bytes:
    """List the entries of a ZIP in another order."""
    start = base.index(b"PK\x01\x02")
    end = base.rindex(b"PK\x05\x06")
    records = [b"PK\x01\x02" + record for record in base[start:end].split(b"PK\x01\x02")[1:]]
    return base[:start] + b"".join(records[index] for index in order) + base[end:]


def test_the_same_input_gives_the_same_bytes() -> None:
    """No clock, no order of a set and no temporary name gets into a package."""
    assert package_of(zip_of(FILES)) == package_of(zip_of(FILES))


def test_the_base_is_not_touched(tmp_path: Path) -> None:
    """The base in the slug is opened for reading only."""
    path = tmp_path / "base.zip"
    path.write_bytes(zip_of(FILES))
    path.chmod(0o444)
    with path.open("rb") as source:
        AssembledFile(source, assemble(read_directory(source), [CONFIG]).parts).read()
    assert path.read_bytes() == zip_of(FILES)


def test_modes_and_links_arrive_as_unzip_reads_them(tmp_path: Path) -> None:
    """`unzip`, which we did not write, restores what the entries say."""
    require("unzip")
    path = tmp_path / "package.zip"
    path.write_bytes(package_of(zip_of({}), CONFIG, ConfigFile("env.sh", b"#!/bin/sh\n", 0o755)))
    subprocess.run(["unzip", "-q", path, "-d", tmp_path / "out"], check=True)
    assert stat.S_IMODE((tmp_path / "out/env.properties").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "out/env.sh").stat().st_mode) == 0o755


def test_a_prefix_is_dropped_and_a_comment_kept() -> None:
    """An executable JAR starts with a shell script; Lambda gets the plain ZIP behind it."""
    prefix = b"#!/bin/sh\nexec java -jar $0\n"
    for base in (prefix + zip_of(FILES, comment=b"a comment"), _with_prefix(FILES, prefix)):
        package = package_of(base)
        assert package.startswith(b"PK\x03\x04")
        assert contents(package) == {**FILES, "env.properties": CONFIG.content}
    with zipfile.ZipFile(io.BytesIO(package_of(zip_of(FILES, comment=b"a comment")))) as file:
        assert file.comment == b"a comment"


def _with_prefix(files: dict[str, bytes], prefix: bytes) -> bytes:
    target = io.BytesIO(prefix)
    target.seek(0, os.SEEK_END)
    with zipfile.ZipFile(target, "a") as file:  # offsets count from the start of the file here
        for name, content in files.items():
            file.writestr(name, content)
    return target.getvalue()


class WrittenTo(io.BytesIO):
    """A base that somebody writes to all the time: what was read once is different the next time."""

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        content = super().read(size)
        self.seek(start)
        self.write(bytes(byte ^ 1 for byte in content))
        return content


@pytest.mark.parametrize(
    "base",
    [
        zip_of(FILES),
        b"#!/bin/sh\n" + zip_of(FILES),
        zip_of({"env.properties": b"OLD=1", **FILES}),
        zip_of({**FILES, "env.properties": b"OLD=1"}),
    ],
    ids=["plain", "prefix", "config first", "config last"],
)
def test_base_and_package_are_hashed_in_one_reading(base: bytes) -> None:
    """Where it is written to meanwhile, a base that passes for the build's makes the build's package."""
    expected = hashlib.sha256(base).digest(), hashlib.sha256(package_of(base)).digest()
    assembly = assemble(read_directory(io.BytesIO(base)), [CONFIG])
    assert digests(WrittenTo(base), assembly) == expected


def test_data_descriptors_pass_through() -> None:
    """JARs are written as streams, with each entry's sizes behind its data."""

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in FILES.items():
            file.writestr(name, content)
        file.writestr("env.properties", "OLD=1")
    assert contents(package_of(target.getvalue())) == {**FILES, "env.properties": CONFIG.content}


def test_seventy_thousand_entries_need_zip64() -> None:
    """More entries than the plain format counts: zipfile and we agree on all of them."""
    base = zip_of({f"{number}": b"" for number in range(70_000)}, method=0)
    package = package_of(base)
    assert len(contents(package)) == 70_001


def test_zip64_sizes_and_offsets_are_read_and_moved() -> None:
    """An entry whose record keeps sizes and offset in the ZIP64 field, behind one that is dropped."""
    base = _zip64_entry(zip_of({"env.properties": b"OLD", "kept": b"data"}, method=0), "kept")
    package = package_of(base)
    assert contents(package) == {"kept": b"data", "env.properties": CONFIG.content}


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("value", [2**64 - 1, 2**63, 2**62 + 1, 2**62, 2**40])
def test_zip64_values_beyond_every_file_are_refused(place: int, value: int) -> None:
    """Size, compressed size and offset: no number is too large to be told of."""
    base = bytearray(_zip64_entry(zip_of({"kept": b"data"}, method=0), "kept"))
    field = base.index(struct.pack("<2H", 1, 24)) + 4
    struct.pack_into("<Q", base, field + 8 * place, value)
    if value > 2**62:
        assert "The entry kept of the artifact has a damaged ZIP64 field" in refusal(bytes(base))
        return
    directory = read_directory(io.BytesIO(base))
    if place == 0:
        assert directory.unzipped_size == value
        return
    with pytest.raises(InputError) as caught:
        check_entries(io.BytesIO(base), directory)
    assert re.search("cut short|no file has|not where the central", f"{caught.value.what} {caught.value.why}")


def _zip64_entry(base: bytes, name: str) -> bytes:
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


def test_a_comment_that_looks_like_a_zip64_locator_is_a_comment() -> None:
    """The last entry's comment may hold any bytes, also those just before the end record."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        info = zipfile.ZipInfo("index.js")
        info.comment = b"x" * 100 + b"PK\x06\x07" + bytes(16)
        file.writestr(info, "1")
    assert contents(package_of(target.getvalue()))["index.js"] == b"1"


# --- what is refused -------------------------------------------------------------------------------


def refusal(base: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_directory(io.BytesIO(base))
    return f"{caught.value.what} {caught.value.why}"


def test_a_file_that_is_cut_short_anywhere_is_refused() -> None:
    """A build or a copy that was broken off never reaches AWS, and never raises anything else."""
    base = zip_of(FILES)
    for length in range(len(base)):
        assert "not a whole ZIP" in refusal(base[:length])
