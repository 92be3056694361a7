"""The folder that a package is unpacked into."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from deploy.artifact.package import Package
from deploy.cancel import Cancellation
from deploy.errors import InputError
from deploy.local.folder import private_folder, unpack


def package_of(**entries: tuple[int, bytes]) -> Package:
    """Return a package with entries of these modes and contents; `__` in a name is a slash."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, (mode, data) in entries.items():
            info = zipfile.ZipInfo(name.replace("__", "/"))
            info.external_attr = mode << 16 | 1  # and a bit of DOS
            archive.writestr(info, data)
    return Package(lambda: io.BytesIO(content.getvalue()), b"", 0, 0)


def ignore(_done: int, _total: int) -> None:
    """Take no notice."""


def test_files_keep_their_modes_and_links_their_targets(tmp_path: Path) -> None:
    """A wrapper is executable; a link of node_modules/.bin leads to what it leads to in Lambda."""
    package = package_of(
        env_sh=(0o100755, b"#!/bin/sh\n"),
        none=(0, b"no mode"),
        secret=(0o100200, b"nobody may read this"),
        lib__tool=(0o100644, b"tool"),
        link=(stat.S_IFLNK | 0o777, b"lib/tool"),
        empty__=(0o40755, b""),
    )
    folder = tmp_path / "task"
    unpack(package, folder, ignore)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("env_sh", "none", "secret")}
    assert modes == {"env_sh": 0o755, "none": 0o644, "secret": 0o600}
    assert (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == b"tool"
    assert (folder / "empty").is_dir()


@pytest.mark.parametrize("name", ["..__out", "a__..__..__out", "__out"])
def test_an_entry_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written beside the folder."""
    with pytest.raises(InputError, match="leads out"):
        unpack(package_of(**{name: (0o100644, b"x")}), tmp_path / "task", ignore)
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A link to a folder outside comes last, whatever the order of the entries."""
    (tmp_path / "outside").mkdir()
    package = package_of(a=(stat.S_IFLNK | 0o777, b"../outside"), a__file=(0o100644, b"x"))
    with pytest.raises(Exception, match="unpacked"):
        unpack(package, tmp_path / "task", ignore)
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_progress_may_end_it(tmp_path: Path) -> None:
    """The command has to end, in the middle of a large package."""

    def end(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(package_of(a=(0o100644, b"x")), tmp_path / "task", end)


def test_the_folder_is_private_and_removed_with_all_that_it_holds() -> None:
    """Also what a handler has made that can't be written to."""
    with private_folder(Cancellation()) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        inner = folder / "a/b"
        inner.mkdir(parents=True)
        (inner / "file").touch(0o400)
        (folder / "link").symlink_to("/")
        inner.chmod(0o500)
        inner.parent.chmod(0o500)
    assert not folder.exists()
    assert Path("/").is_dir()


def test_the_folder_is_removed_when_its_block_is_stuck() -> None:
    """By the process, once it was told to end."""
    cancellation = Cancellation()
    with private_folder(cancellation) as folder:
        cancellation.clean_up()
        assert not folder.exists()
