"""The way back from a package to its base, byte for byte, and when there is none."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.assembly import AssembledFile, assemble
from deploy.artifact.extraction import baked_entries, without
from deploy.config.formats import ConfigFile
from deploy.errors import InputError
from deploy.target.record import Record
from zips import NAMES, with_zip64_field, zip_of

CONFIG = (ConfigFile("env.properties", b"SECRET=1\n"), ConfigFile("config/env.sh", b"#!/bin/sh\n", 0o755))


def package_of(base: bytes, added: tuple[ConfigFile, ...] = CONFIG) -> bytes:
    source = io.BytesIO(base)
    return AssembledFile(source, assemble(read_directory(source), added).parts).read()


def record_of(base: bytes, added: tuple[ConfigFile, ...] = CONFIG, *, counted: bool = False) -> Record:
    names = tuple(file.name for file in added)
    return Record(hashlib.sha256(base).hexdigest(), () if counted else names, len(names))


def base_of(package: bytes, record: Record) -> bytes:
    directory = read_directory(io.BytesIO(package))
    left = without(directory, baked_entries(directory, record))
    content = package[: left.end] + left.directory
    assert len(content) == left.size
    return content


@given(
    st.dictionaries(NAMES, st.binary(max_size=300), max_size=8),
    st.binary(max_size=100),
    st.sampled_from([0, 8]),
    st.booleans(),
)
def test_the_base_comes_back_byte_for_byte(
    files: dict[str, bytes], secret: bytes, method: int, counted: bool
) -> None:
    """Whatever is in it, by the names of the config files or by their number alone; no secret is left."""
    base = zip_of(
        {name: content for name, content in files.items() if not name.startswith("env")}, method=method
    )
    config = (ConfigFile("env.properties", secret), *CONFIG[1:])
    package = package_of(base, config)
    assert base_of(package, record_of(base, config, counted=counted)) == base


def test_zip64_fields_come_back_too() -> None:
    """As large files have them."""
    base = with_zip64_field(zip_of({"a.js": b"1", "b.js": b"2"}), "b.js")
    assert base_of(package_of(base), record_of(base)) == base


@pytest.mark.parametrize(
    "base",
    [
        zip_of({"env.properties": b"of the app", "index.js": b"1"}),
        zip_of({"index.js": b"1"}, comment=b"a comment"),
        b"#!/bin/sh\n" + zip_of({"index.js": b"1"}),
    ],
    ids=["a file that was replaced", "a comment", "a prefix"],
)
def test_what_a_deploy_dropped_does_not_come_back(base: bytes) -> None:
    """What is left is a ZIP without config, but another one than the recorded base."""
    content = base_of(package_of(base), record_of(base))
    assert hashlib.sha256(content).hexdigest() != record_of(base).base_sha256
    assert b"SECRET" not in content
    assert read_directory(io.BytesIO(content))


@pytest.mark.parametrize(
    "package",
    [
        zip_of({"env.properties": b"1", "config/env.sh": b"2", "index.js": b"3"}),
        zip_of({"config/env.sh": b"2", "env.properties": b"1"}),
        zip_of({"env.properties": b"1"}),
    ],
    ids=["not at the end", "in another order", "not all"],
)
def test_a_package_that_does_not_fit_its_record_has_no_way_back(package: bytes) -> None:
    """Somebody else has made it."""
    with pytest.raises(ValueError, match="record"):
        base_of(package, record_of(b""))


def test_an_entry_behind_the_config_is_noticed() -> None:
    """The order of the directory and that of the file differ: nobody knows what is between them."""
    first, second = b"1" * 40, b"2" * 40
    package = zip_of({"a": first, "b": second}, method=0)
    records = package[package.index(b"PK\x01\x02") :]
    half = records.index(b"PK\x01\x02", 4)
    end = records.index(b"PK\x05\x06")
    swapped = package[: -len(records)] + records[half:end] + records[:half] + records[end:]
    with pytest.raises(ValueError, match="not at the end"):
        base_of(swapped, Record("b" * 64, ("a",), 1))


@given(st.binary(max_size=400), st.integers(0, 3))
def test_bytes_that_are_no_package_are_refused(content: bytes, count: int) -> None:
    """By an error that says so, not by one that nobody foresaw."""
    try:
        base_of(content, Record("b" * 64, (), count))
    except (ValueError, InputError):
        return
    assert read_directory(io.BytesIO(content))
