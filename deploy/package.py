"""The package: base + baked config, the ZIP that Lambda gets. Made at release time by copying."""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from deploy import archive
from deploy.errors import DeployError, InputError
from deploy.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deploy.formats import ConfigFile

__all__ = ["Package", "build", "write"]

# What an artifact may hold from an earlier bake, or from a developer's machine: it is replaced.
REPLACEABLE_STEM = "env"

# Node.js resolves `./config` to config.json before these, and Lambda finds a handler in the same way:
# https://nodejs.org/api/modules.html#all-together
SHADOWED_BY_JSON = (".node", "/package.json", "/index.js", "/index.json", "/index.node")


@dataclass(frozen=True)
class Package:
    """A package in a file. Sizes are in bytes."""

    file: BinaryIO = field(repr=False)
    sha256: bytes
    size: int
    unzipped_size: int
    entries: int

    @property
    def code_sha256(self) -> str:
        """The digest as AWS Lambda gives it: CodeSha256, in base64."""
        return base64.b64encode(self.sha256).decode("ascii")


@contextlib.contextmanager
def build(
    base: Path,
    config_files: Sequence[ConfigFile],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Package]:
    """Make the package in a temporary file without a name, 0600 and gone with the process.

    Even SIGKILL leaves no secret on the disk. Raises InputError where base and config files do not go
    together, DeployError where the disk is full.
    """
    place = "the temporary folder (TMPDIR)"
    with _explained(place):
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, outside of _explained
    try:
        with _explained(place):
            package = _write(base, config_files, file, progress)
        yield package
    finally:
        # Closing writes what is still buffered; a full disk has been reported by then.
        with contextlib.suppress(OSError):
            file.close()


def write(
    base: Path,
    config_files: Sequence[ConfigFile],
    path: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Package:
    """Write the package to a file of the user's, 0600, whole or not at all."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise InputError(f"{printable(str(path))} is no file, so the package can't take its place.")
    with _explained(printable(str(path))):
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                package = _write(base, config_files, file, progress)
            Path(unfinished).chmod(0o600)
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    return package


def _write(
    base: Path,
    config_files: Sequence[ConfigFile],
    file: BinaryIO,
    progress: Callable[[int, int], None],
) -> Package:
    try:
        source = base.open("rb")
    except OSError as error:
        raise InputError(
            f"The base that the build left, {printable(base.name)}, can't be read: {error.strerror}.",
            todo="Push the app again, so that it is built anew.",
        ) from None
    with source:
        directory = archive.read_directory(source)
        for config_file in config_files:
            _check_place(config_file.name, directory)
        written = archive.write_package(source, directory, config_files, file, progress)
    file.flush()
    return Package(file, written.sha256, written.size, written.unzipped_size, written.entries)


def _check_place(name: str, directory: archive.Directory) -> None:
    """Refuse a config file that would take the place of a part of the function."""
    path = PurePosixPath(name)
    parents = {str(parent) for parent in path.parents}
    module = path.with_suffix("")
    shadowed = {f"{module}{rest}" for rest in SHADOWED_BY_JSON} if path.suffix == ".json" else set()
    for entry in directory.entries:
        if entry.name == name and path.stem != REPLACEABLE_STEM:
            raise _misplaced(name, "the artifact has a file of this name, which it would replace")
        if entry.name.startswith(f"{name}/"):
            raise _misplaced(name, "the artifact has a folder of this name")
        if entry.name in parents:
            raise _misplaced(name, f"{printable(entry.name)} is a file in the artifact")
        if entry.name in shadowed:
            raise _misplaced(name, f"require() would find it in place of {printable(entry.name)}")
    if path.name == "package.json":
        raise _misplaced(name, "it would tell Node.js about the modules beside it")


def _misplaced(name: str, why: str) -> InputError:
    return InputError(
        f"The config can't be baked into {printable(name)}: {why}. Nothing was changed.",
        todo="Give the file another name in _LAMBDA_CONFIG_FILES, for example env"
        f"{PurePosixPath(name).suffix}.",
    )


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise DeployError(
                f"There is no room left in {place}. Nothing was changed.",
                why="The package is written there before it is uploaded.",
                todo="Make room, or let TMPDIR name a folder on a larger disk.",
            ) from None
        raise DeployError(
            f"The package can't be written to {place}: {error.strerror}. Nothing was changed."
        ) from None
