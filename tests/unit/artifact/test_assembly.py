"""Packages: raw entries survive byte for byte, and the same input gives the same bytes."""

import hashlib
import io
import os
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.assembly import AssembledFile, assemble, digests
from deploy.config.formats import ConfigFile
from tools import require
from zips import NAMES, raw_data, with_zip64_field, zip_of

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


def test_a_package_is_the_base_with_the_config_added() -> None:
    """zipfile reads every file of the base, and the config as the last one."""
    assert list(contents(package_of(zip_of(FILES))).items()) == [
        *FILES.items(),
        ("env.properties", CONFIG.content),
    ]


@given(
    st.dictionaries(NAMES, st.binary(max_size=500)), st.binary(max_size=100), st.sampled_from([0, 8, 12, 14])
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


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from([-1, 0, 1, 50, 900])), max_size=20))
def test_a_package_is_read_from_any_position_as_a_file_is(reads: list[tuple[int, int]]) -> None:
    """boto3's parts, a retry and zipfile seek in it."""
    source = io.BytesIO(zip_of({"a": b"a" * 200, "env.properties": b"OLD", "b": b"b" * 200}, method=0))
    package = AssembledFile(source, assemble(read_directory(source), [CONFIG]).parts)
    like = io.BytesIO(package.read())
    for position, size in reads:
        assert package.seek(position) == like.seek(position)
        assert package.read(size) == like.read(size)
        assert package.tell() == like.tell()
    assert package.seek(-3, os.SEEK_END) == like.seek(-3, os.SEEK_END)
    assert package.seek(1, os.SEEK_CUR) == like.seek(1, os.SEEK_CUR)


def test_modes_arrive_as_unzip_reads_them(tmp_path: Path) -> None:
    """`unzip`, which we did not write, restores what the entries say."""
    require("unzip")
    path = tmp_path / "package.zip"
    path.write_bytes(package_of(zip_of({}), CONFIG, ConfigFile("env.sh", b"#!/bin/sh\n", 0o755)))
    subprocess.run(["unzip", "-q", path, "-d", tmp_path / "out"], check=True)
    assert stat.S_IMODE((tmp_path / "out/env.properties").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "out/env.sh").stat().st_mode) == 0o755


def test_a_prefix_and_a_comment_are_dropped() -> None:
    """A script before the ZIP and a comment behind it, a build machine's say, are no part of the function."""
    prefix = b"#!/bin/sh\nexec java -jar $0\n"
    for base in (prefix + zip_of(FILES, comment=b"a comment"), _with_prefix(FILES, prefix)):
        package = package_of(base)
        assert package.startswith(b"PK\x03\x04")
        assert contents(package) == {**FILES, "env.properties": CONFIG.content}
    assert package_of(zip_of(FILES, comment=b"a comment")) == package_of(zip_of(FILES))
    longest = zip_of(FILES, comment=b"PK\x05\x06" + b"x" * 65531)
    assert package_of(longest) == package_of(zip_of(FILES))


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


def test_the_entry_that_needs_zip64_is_counted() -> None:
    """The plain format counts 65,534 entries at most: with the config, zipfile finds one more."""
    package = package_of(zip_of({f"{number}": b"" for number in range(65_534)}, method=0))
    assert b"PK\x06\x07" in package
    with zipfile.ZipFile(io.BytesIO(package)) as file:
        assert len(file.namelist()) == 65_535
        assert file.read("env.properties") == CONFIG.content


def test_zip64_sizes_and_offsets_are_read_and_moved() -> None:
    """An entry whose record keeps sizes and offset in the ZIP64 field, behind one that is dropped."""
    base = with_zip64_field(zip_of({"env.properties": b"OLD", "kept": b"data"}, method=0), "kept")
    package = package_of(base)
    assert contents(package) == {"kept": b"data", "env.properties": CONFIG.content}
