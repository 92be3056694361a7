"""Making a base: tools that we did not write read it, and its bytes are the same everywhere."""

import hashlib
import io
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import deflate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.window import PIECE
from deploy.build.zip import compression as compressing
from deploy.build.zip.compression import SourceFile, create
from deploy.errors import DeployError, InputError
from golden_base import GOLDEN, corpus
from paths import REPOSITORY
from tools import require


def contents(base: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def made(files: list[SourceFile]) -> bytes:
    target = io.BytesIO()
    written = create(files, target)
    assert written.size == len(target.getvalue())
    assert written.entries == len(files)
    return target.getvalue()


def test_a_made_base_is_read_by_zipfile_and_unzip(tmp_path: Path) -> None:
    """Files, an executable, a link and an empty folder come out of `unzip` as they went in."""
    require("unzip")
    (tmp_path / "script").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "random").write_bytes(os.urandom(3 * PIECE + 7))
    (tmp_path / "zeros").write_bytes(bytes(2 * PIECE + 5))
    base = made(
        [
            SourceFile("bin/script", str(tmp_path / "script"), executable=True),
            SourceFile("empty"),
            SourceFile("link", link_target="bin/script"),
            SourceFile("dätä/random", str(tmp_path / "random")),
            SourceFile("zeros", str(tmp_path / "zeros")),
        ]
    )
    (tmp_path / "base.zip").write_bytes(base)
    out = tmp_path / "out"
    subprocess.run(
        ["unzip", "-q", tmp_path / "base.zip", "-d", out], check=True, env={"LC_ALL": "C.UTF-8", **os.environ}
    )
    assert stat.S_IMODE((out / "bin/script").stat().st_mode) == 0o755
    assert (out / "link").readlink() == Path("bin/script")
    assert (out / "empty").is_dir()
    assert (out / "dätä/random").read_bytes() == (tmp_path / "random").read_bytes()
    assert (out / "zeros").read_bytes() == (tmp_path / "zeros").read_bytes()
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        methods = {info.filename: info.compress_type for info in file.infolist()}
    assert (methods["zeros"], methods["dätä/random"]) == (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)


@given(st.lists(st.binary(max_size=2000), max_size=8))
def test_what_is_packed_comes_back(tmp_path_factory: pytest.TempPathFactory, data: list[bytes]) -> None:
    """Whatever the contents are."""
    folder = tmp_path_factory.mktemp("files")
    files = []
    for number, content in enumerate(data):
        (folder / str(number)).write_bytes(content)
        files.append(SourceFile(str(number), str(folder / str(number))))
    expected = {str(number): content for number, content in enumerate(data)}
    assert contents(made(files)) == expected


def test_a_base_does_not_depend_on_times_owners_or_other_modes(tmp_path: Path) -> None:
    """A second checkout of the same commit makes the same bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    first = made([SourceFile("file", str(path))])
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert made([SourceFile("file", str(path))]) == first


# --- the same bytes everywhere ---------------------------------------------------------------------


def test_the_bytes_are_those_that_they_always_were(tmp_path: Path) -> None:
    """The same commit is the same version after a stack upgrade, and for the next release of ours."""
    base = made(corpus(tmp_path))
    assert hashlib.sha256(base).hexdigest() == GOLDEN
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED}


def test_the_order_in_which_threads_finish_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With batches of one file each, small and large ones mixed, the bytes are the same."""
    files = corpus(tmp_path)
    expected = made(files)
    for batch, in_flight in ((1, 1), (1, 10**9), (10**9, 1)):
        monkeypatch.setattr(compressing, "BATCH", batch)
        monkeypatch.setattr(compressing, "IN_FLIGHT", in_flight)
        assert made(files) == expected


def test_too_little_memory_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file on a small machine is no fault of the buildpack."""

    def full(_raw: bytes, _level: int) -> bytes:
        raise MemoryError

    path = tmp_path / "model"
    path.write_bytes(bytes(3 * 1024 * 1024))
    monkeypatch.setattr(deflate, "deflate_compress", full)
    with pytest.raises(DeployError, match=r"too little memory here to compress lib/model, 3\.0 MiB large"):
        made([SourceFile("lib/model", str(path), size=3 * 1024 * 1024)])


def test_a_file_that_goes_away_ends_it_with_its_name(tmp_path: Path) -> None:
    """In a thread as anywhere else: OSError, with the file's name."""
    files = corpus(tmp_path)
    (tmp_path / "30").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        made(files)
    assert caught.value.filename == str(tmp_path / "30")


def test_a_file_of_4_gb_is_refused(tmp_path: Path) -> None:
    """Its sizes would not fit; it is not read for that."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(4 * 1024**3)
    with pytest.raises(InputError, match=r"models/large is 4096\.0 MiB large"):
        made([SourceFile("models/large", str(path), size=4 * 1024**3)])


# --- memory ----------------------------------------------------------------------------------------


def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    """160 files of a megabyte are packed, and a package made of them, in a process that may hold 96 MiB."""
    files = []
    for number in range(160):
        path = tmp_path / f"{number}"
        path.write_bytes(os.urandom(16 * 1024) * 32 + os.urandom(512 * 1024))
        files.append((path.name, str(path), path.stat().st_size))
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_DATA, (96 * 1024**2, 96 * 1024**2))
from deploy.artifact.archive import read_directory
from deploy.artifact.window import PIECE
from deploy.artifact.assembly import AssembledFile, assemble, digests
from deploy.build.zip.compression import SourceFile, create
from deploy.config.formats import ConfigFile
with open({str(tmp_path / "base")!r}, "w+b") as base:
    create([SourceFile(name, path, size=size) for name, path, size in {files}], base)
    assembly = assemble(read_directory(base), [ConfigFile("env", b"x")])
    digests(base, assembly)
    package = AssembledFile(base, assembly.parts)
    while package.read(PIECE):
        pass
"""
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)
    assert (tmp_path / "base").stat().st_size > 80_000_000
