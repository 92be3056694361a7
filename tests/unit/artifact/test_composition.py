"""Composing a package in S3: that the objects are the package, and that S3 would take their parts."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact import composition
from deploy.artifact.composition import Object, compose, layout, sent_size
from deploy.artifact.package import Package, assemble
from deploy.config.formats import ConfigFile
from deploy.errors import InputError

CONFIG = [ConfigFile("env.properties", b"NAME=value\n" * 20)]
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def in_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have S3's parts begin at 5 KiB, so that a base need not be large."""
    monkeypatch.setattr(composition, "SMALLEST_PART", 5 * 1024)
    monkeypatch.setattr(composition, "SMALLEST_COPY", 960)


def package_of(path: Path, sizes: Sequence[int], names: Sequence[str] = ()) -> Package:
    """Make a base of stored files of random bytes, and the package of it."""
    with zipfile.ZipFile(path, "w") as file:
        for number, size in enumerate(sizes):
            name = names[number] if number < len(names) else f"files/{number}.bin"
            file.writestr(name, os.urandom(size))
    source = path.open("rb")  # as long as the package is read
    return assemble(source, CONFIG)[1]


def put_together(package: Package, objects: Sequence[Object]) -> bytes:
    """Do what S3 does, with its rules."""
    assert package.source
    base = package.source.open().read()
    previous = b""
    for parts in objects:
        made = []
        for part in parts:
            content = previous if part.is_previous else b"".join(each for each in part.content if each)  # type: ignore[misc]
            if part.span:
                content = base[part.span.start : part.span.end]
            assert hashlib.sha256(content).digest() == part.sha256
            assert len(content) == part.size
            made.append(content)
        assert all(len(content) >= composition.SMALLEST_PART for content in made[:-1])
        previous = b"".join(made)
    return previous


@given(
    sizes=st.lists(st.integers(0, 30_000), min_size=1, max_size=40),
    replaced=st.integers(0, 45),
)
def test_the_objects_are_the_package(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], replaced: int
) -> None:
    """Byte for byte, whatever the sizes of the base, its directory and what is replaced in it."""
    names = [f"files/{number}" for number in range(len(sizes))]
    if replaced < len(names):
        names[replaced] = "env.properties"
    package = package_of(tmp_path_factory.mktemp("base") / "base.zip", sizes, names)
    objects = compose(package)
    assert bool(objects) == bool(layout(package))
    if objects:
        assert put_together(package, objects) == package.open().read()
        assert sent_size(objects) <= package.size - composition.SMALLEST_PART


def test_a_small_directory_is_sent_with_the_config(tmp_path: Path) -> None:
    """One object of two parts, as few calls as there can be."""
    package = package_of(tmp_path / "base.zip", [20_000])
    ((copied, sent),) = layout(package)
    assert copied.span
    assert sent.is_sent
    assert put_together(package, compose(package)) == package.open().read()


@pytest.mark.parametrize(("files", "objects"), [(30, 3), (150, 2)])
def test_a_large_directory_stays_where_it_is(tmp_path: Path, files: int, objects: int) -> None:
    """What is sent is the config and the end; a directory that is no part by itself takes one object more."""
    package = package_of(tmp_path / "base.zip", [400] * files)
    assert len(layout(package)) == objects
    assert sent_size(layout(package)) < 1024
    assert put_together(package, compose(package)) == package.open().read()


@pytest.mark.parametrize("sizes", [[100], [4000]])
def test_a_small_base_is_not_kept(tmp_path: Path, sizes: list[int]) -> None:
    """S3 copies no part of less than 5 MiB, but the last."""
    assert layout(package_of(tmp_path / "base.zip", sizes)) == ()


def test_a_base_that_was_changed_meanwhile_is_not_composed(tmp_path: Path) -> None:
    """The digests of the parts are those of the package, or there are none."""
    package = package_of(tmp_path / "base.zip", [20_000])
    with (tmp_path / "base.zip").open("r+b") as file:
        file.seek(1000)
        file.write(b"changed")
    with pytest.raises(InputError, match="The base was changed"):
        compose(package)


def test_what_a_real_function_sends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In S3's own sizes: 54,000 entries send kilobytes, 10,000 less than 1 MiB."""
    monkeypatch.setattr(composition, "SMALLEST_PART", 5 * MIB)
    monkeypatch.setattr(composition, "SMALLEST_COPY", 960 * 1024)
    for count in (54_000, 10_000):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for number in range(count):
                file.writestr(f"node_modules/package/of/a/function/module-{number:06}.js", b"")
            file.writestr("data.bin", bytes(11 * MIB))
        (tmp_path / "base.zip").write_bytes(content.getvalue())
        with (tmp_path / "base.zip").open("rb") as base:
            assert sent_size(layout(assemble(base, CONFIG)[1])) < 64 * 1024 + (count < 20_000) * 900 * 1024


def lines(objects: Sequence[Object]) -> Iterator[str]:
    """Tell what objects consist of."""
    for parts in objects:
        yield " ".join("sent" if part.is_sent else "copied" if part.span else "previous" for part in parts)


def test_only_the_end_of_the_base_is_copied_again_and_again(tmp_path: Path) -> None:
    """S3 copies all of a large base once."""
    package = package_of(tmp_path / "base.zip", [30_000, *[100] * 30])
    objects = layout(package)
    assert list(lines(objects)) == ["copied sent", "previous copied", "copied previous sent"]
    assert objects[0][0].size == composition.SMALLEST_PART
