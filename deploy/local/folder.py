"""The folder that a package is unpacked into: private, and removed however the command ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from deploy.artifact.window import PIECE
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.artifact.package import Package
    from deploy.cancel import Cancellation

DEFAULT_MODE = 0o644  # of an entry that has none
OWNERS = 0o700  # so that the folder can be removed


@contextlib.contextmanager
def private_folder(cancellation: Cancellation) -> Iterator[Path]:
    """Make a folder that nobody else can read, and remove it with all that it holds when the block ends."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="lambda-deploy-")).resolve()
    except OSError as error:
        raise DeployError(
            f"There is no folder for temporary files that can be written to: {error.strerror}."
        ) from None
    with cancellation.cleanup(lambda: _remove(folder)):
        yield folder


def unpack(package: Package, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Unpack a package as Lambda does, with modes and symbolic links, into a folder that is made for it.

    `progress` receives the bytes unpacked and in total, and may raise.
    """
    done, links = 0, []
    try:
        folder.mkdir(mode=0o700)
        with zipfile.ZipFile(cast("IO[bytes]", package.open())) as archive:
            for entry in archive.infolist():
                place = _place(folder, entry.filename)
                if stat.S_ISLNK(entry.external_attr >> 16):
                    links.append((place, archive.read(entry)))
                elif entry.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                else:
                    _write(archive, entry, place, lambda size: progress(done + size, package.unzipped_size))  # noqa: B023 - called at once
                done += entry.file_size
        for place, target in links:  # last, so that no file is written through one
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(os.fsdecode(target))
    except OSError as error:
        raise DeployError(f"The package can't be unpacked: {error.strerror}.") from None


def _place(folder: Path, name: str) -> Path:
    """Return where an entry is unpacked to; raise InputError if that is not in the folder."""
    place = Path(os.path.normpath(folder / name))
    if not place.is_relative_to(folder):
        raise InputError(f"The entry {printable(name)} of the package leads out of it.")
    return place


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, progress: Callable[[int], None]
) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, place.open("wb") as target:
        while piece := source.read(PIECE):
            target.write(piece)
            progress(target.tell())
    mode = stat.S_IMODE(entry.external_attr >> 16) or DEFAULT_MODE
    place.chmod((mode & 0o777) | stat.S_IRUSR)


def _remove(folder: Path) -> None:
    """Remove a folder, also what a handler has made in it; what can't be removed stays."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                if not (inner := Path(path, name)).is_symlink():
                    inner.chmod(OWNERS)
    shutil.rmtree(folder, ignore_errors=True)
