"""The package: base + baked config, Lambda's deployment package. A deploy makes it and stores it nowhere."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from deploy.artifact import archive
from deploy.artifact import assembly as assembling
from deploy.artifact.base import BUILD_FILE
from deploy.artifact.composition import Source
from deploy.artifact.kind import OTHER
from deploy.artifact.window import PIECE, FileWindow
from deploy.errors import DeployError, InputError
from deploy.files import replacing
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deploy.artifact.base import Base
    from deploy.artifact.window import Seekable
    from deploy.config.formats import ConfigFile

# A config file of this stem is replaced: it is from an earlier bake, or from a developer's machine.
REPLACEABLE_STEM = "env"

BUILD_AGAIN = "Push the app again, so that it is built again."

# Node.js resolves `./config` to config.json before these, and Lambda finds a handler in the same way:
# https://nodejs.org/api/modules.html#all-together
SHADOWED_BY_JSON = (".node", "/package.json", "/index.js", "/index.json", "/index.node")


@dataclass(frozen=True)
class Package:
    """A package that is read like a file, by several threads if each opens it. Sizes are in bytes.

    `source` is the base that it was made from, if it was made from one.
    """

    open: Callable[[], Seekable] = field(repr=False)
    sha256: bytes
    size: int
    unzipped_size: int
    source: Source | None = field(default=None, repr=False)

    @property
    def code_sha256(self) -> str:
        """The digest as AWS Lambda gives it: CodeSha256, in base64."""
        return base64.b64encode(self.sha256).decode("ascii")

    def check_again(self) -> None:
        """Raise InputError if reading it now gives another package."""
        self.check(assembling.digest(self.open())[0])

    def check(self, sha256: bytes) -> None:
        """Raise InputError if what was read later is another package: the base is read each time."""
        if sha256 != self.sha256:
            raise assembling.changed_base()


@contextlib.contextmanager
def open_package(
    app: Path,
    base: Base,
    config_files: Sequence[ConfigFile],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Package]:
    """Make the package, which can be read until the block is left.

    It is read from the base and from memory: no disk ever holds its secrets. Raise InputError if the base is
    not what the build left, or if base and config files do not go together.
    """
    with _open_base(app, base) as source:
        try:
            base_sha256, package = assemble(source, config_files, progress)
        except Exception:
            # The build checked the base, so a deploy only checks that it is the same one. Whatever else is
            # wrong with a different one is not what the user has to fix.
            _check_digest(base, assembling.digest(source)[0])
            raise
        _check_digest(base, base_sha256)
        yield package


def assemble(
    source: BinaryIO,
    config_files: Sequence[ConfigFile],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[bytes, Package]:
    """Return the SHA-256 of an open base, and its package, which can be read as long as the base is open.

    Raise InputError if base and config files do not go together.
    """
    directory = archive.read_directory(source)
    for config_file in config_files:
        _check_place(config_file.name, directory)
    assembly = assembling.assemble(directory, config_files)
    base_sha256, sha256 = assembling.digests(source, assembly, progress)

    def reader() -> assembling.AssembledFile:
        return assembling.AssembledFile(FileWindow(source.fileno()), assembly.parts)

    base_file = FileWindow(source.fileno())
    made_from = Source(lambda: FileWindow(source.fileno()), base_sha256, base_file.size, assembly)
    return base_sha256, Package(reader, sha256, reader().size, assembly.unzipped_size, made_from)


def unchanged(source: BinaryIO) -> Package:
    """Return an open file as a package, without any config added."""
    sha256, size = assembling.digest(source)
    unzipped_size = archive.read_directory(source).unzipped_size
    return Package(lambda: FileWindow(source.fileno()), sha256, size, unzipped_size)


def check_base(app: Path, base: Base) -> None:
    """Raise InputError if the base is not what the build left, which checked it."""
    with _open_base(app, base) as source:
        _check_digest(base, assembling.digest(source)[0])


def holds(app: Path, base: Base, name: str) -> bool:
    """Whether the base has a file of this name; raise InputError if it can't be read."""
    with _open_base(app, base) as source:
        return archive.read_directory(source).find(name) is not None


def holds_any(app: Path, base: Base, fits: Callable[[str], bool]) -> bool:
    """Whether the base has a file whose name fits; raise InputError if it can't be read."""
    with _open_base(app, base) as source:
        return any(fits(entry.name) for entry in archive.read_directory(source))


def check_env_file(app: Path, base: Base, path: Path) -> None:
    """Raise InputError if the base holds the file that the config is read from, for then it is deployed."""
    file, root = Path(os.path.realpath(path)), Path(os.path.realpath(app))
    if not file.is_relative_to(root):
        return
    parts = file.relative_to(root).parts
    # A base that was made of a folder in the app has its files' paths in that folder.
    starts = range(len(parts)) if base.kind == OTHER.id else (0,)
    if any(holds(app, base, "/".join(parts[start:])) for start in starts):
        raise InputError(
            f"{printable(str(path))} is in the base, and would be deployed with the app.",
            why="It was in the app's folder when the base was built.",
            todo="Move it out of that folder, or name it in .lambdaignore, and build the app again.",
        )


def _open_base(app: Path, base: Base) -> BinaryIO:
    path, shown = app / base.base, printable(base.base)
    try:
        # Reading a pipe would wait, and a device has no end.
        if path.exists() and not path.is_file():
            raise InputError(
                f"The base that the build left, {shown}, is not a regular file.", todo=BUILD_AGAIN
            )
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"The base that the build left, {shown}, can't be read: {error.strerror}.", todo=BUILD_AGAIN
        ) from None


def _check_digest(base: Base, sha256: bytes) -> None:
    if sha256.hex() != base.sha256:
        raise InputError(
            f"{printable(base.base)} is not what the build left there.",
            why=f"Its SHA-256 differs from the one in {BUILD_FILE}: it was changed since the build.",
            todo=BUILD_AGAIN,
        )


def check_target(app: Path, path: Path) -> None:
    """Raise InputError if a package can't be written to a path, or must not because it is in the app."""
    shown = printable(str(path))
    try:
        real = os.path.realpath(path)
    except FileNotFoundError:
        raise InputError(f"{shown} leads nowhere: the working folder is gone.") from None
    # os.path: a name that is too long is reported when it is written.
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise InputError(f"{shown} is not a regular file, so the package can't take its place.")
    if Path(real).is_relative_to(os.path.realpath(app)):
        raise InputError(
            f"{shown} is in the app's folder.",
            why="The package holds the config, and there it could be committed, served or deployed.",
            todo="Write it somewhere else, for example to /tmp/package.zip.",
        )


def write(
    package: Package, path: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> None:
    """Write a package to a file of the user's, with the mode 0600.

    Raise DeployError if it can't be written, InputError if the base was changed meanwhile.
    """
    path = Path(os.path.realpath(path))
    try:
        with replacing(path, 0o600) as file:
            _copy(package, file, progress)
    except OSError as error:
        raise DeployError(
            f"The package can't be written to {printable(str(path))}: {error.strerror}."
        ) from None


def _copy(package: Package, target: BinaryIO, progress: Callable[[int, int], None]) -> None:
    sha256, source = hashlib.sha256(), package.open()
    while piece := source.read(PIECE):
        sha256.update(piece)
        target.write(piece)
        progress(source.tell(), package.size)
    package.check(sha256.digest())


def _check_place(name: str, directory: archive.Directory) -> None:
    """Raise InputError if a config file would take the place of a part of the function."""
    path = PurePosixPath(name)
    other_places = _other_places(directory)
    parents = {str(parent) for parent in path.parents} - {"."}
    stem = path.with_suffix("")
    shadowed = {f"{stem}{rest}" for rest in SHADOWED_BY_JSON} if path.suffix == ".json" else set()
    if directory.find(name) is not None and path.stem != REPLACEABLE_STEM:
        raise _misplaced(name, "the artifact has a file of this name, which it would replace")
    if name in other_places:
        raise _misplaced(name, "the artifact has a file that is unpacked to the same place")
    is_folder = any(place.startswith(f"{name}/") for place in other_places)
    if is_folder or next(directory.starting_with(f"{name}/"), None) is not None:
        raise _misplaced(name, "the artifact has a folder of this name")
    for parent in sorted(parents):
        if directory.find(parent) is not None or parent in other_places:
            raise _misplaced(name, f"{printable(parent)} is a file in the artifact")
    for module in sorted(shadowed):
        if directory.find(module) is not None or module in other_places:
            raise _misplaced(name, f"require() would find it in place of {printable(module)}")
    if path.name == "package.json":
        raise _misplaced(name, "it would tell Node.js about the modules beside it")


def _other_places(directory: archive.Directory) -> frozenset[str]:
    """Return where those files are unpacked whose names are not their places: ./config/index.js, say."""
    if b"./" not in directory.records and b"//" not in directory.records:  # the usual case
        return frozenset()
    files = (entry.name for entry in directory if not entry.name.endswith("/"))
    return frozenset(place for name in files if (place := archive.place_of(name)) != name)


def _misplaced(name: str, why: str) -> InputError:
    return InputError(
        f"The config can't be baked into {printable(name)}: {why}.",
        todo="Give the file another name in _LAMBDA_CONFIG_FILES, for example "
        f"{_other_name(PurePosixPath(name))}.",
    )


def _other_name(path: PurePosixPath) -> str:
    """Return a name that is likely to be free."""
    return f"{'config' if path.stem == REPLACEABLE_STEM else REPLACEABLE_STEM}{path.suffix}"
