"""Makes or finds the base of an app, once, at build time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import __version__
from deploy.artifact import base as bases
from deploy.artifact.base import BASE_ZIP, BUILD_FILE, FOLDER, Base
from deploy.build import java, nodejs
from deploy.build.compression import COMPRESSION, Written
from deploy.errors import DeployError, InputError
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from deploy.output import Report

# A line for each kind of app: its name, its name for people, and its build files. bin/detect reads it, too.
# A Java app often has a package.json for its front end, a Node.js app hardly ever a pom.xml: Java goes first.
KINDS = Path(__file__).with_name("kinds.txt")

IN_THE_WAY = (FileExistsError, IsADirectoryError, NotADirectoryError)


def make(
    app: Path,
    output: Report,
    *,
    jar_file: str | None = None,
    source_version: str | None = None,
    stack: str | None = None,
) -> Base:
    """Make or find the base of an app, of a Java app the named JAR, and write build.json.

    Raise InputError if there is nothing to deploy, or if it can't be deployed.
    """
    _make_folder(app)
    kind = _kind(app)
    if kind == "java":
        compression, (path, written) = None, java.find(app, jar_file, output)
    else:
        compression, path, written = COMPRESSION, BASE_ZIP, _make_nodejs(app, output)
    base = Base(
        kind,
        path,
        written.sha256.hex(),
        written.size,
        written.unzipped_size,
        written.entries,
        compression,
        __version__,
        source_version,
        stack,
    )
    try:
        bases.write(app, base)
    except OSError as error:
        raise _not_written(app, error, app / BUILD_FILE) from None
    output.detail(
        f"{path}: {megabytes(base.size)}, {base.entries} entries, {megabytes(base.unzipped_size)} unzipped"
    )
    return base


def _kind(app: Path) -> str:
    """Return the kind of the app, by the first file that is there of those that bin/detect looks for."""
    kinds = [line.split() for line in KINDS.read_text(encoding="ascii").splitlines()]
    for kind, _, *names in kinds:
        if any((app / name).is_file() for name in names):
            return kind
    *others, last = (name for _, _, *names in kinds for name in names)
    raise InputError(
        "There is neither a Java nor a Node.js app here.",
        why=f"Looked for {', '.join(others)} and {last}.",
    )


def _make_folder(app: Path) -> None:
    """Make the folder of the base, and forget an earlier build: one that fails leaves nothing to deploy."""
    folder = app / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        (app / BUILD_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(app, error, folder) from None


def _not_written(app: Path, error: OSError, path: Path) -> DeployError:
    """Return the error for what could not be written: the path that `error` names, or else `path`."""
    shown = _shown_path(app, error, path)
    if isinstance(error, IN_THE_WAY):
        return InputError(
            f"{shown}: {error.strerror}.",
            why=f"The buildpack keeps what it builds in {FOLDER}, and something else is in its place.",
            todo=f"Remove {shown} from the app, and push again.",
        )
    return DeployError(
        f"{shown}: {error.strerror}.",
        why=f"The build has to write to {FOLDER}, and could not.",
        todo="See that the disk has room and that the build may write there, and push again.",
    )


def _shown_path(app: Path, error: OSError, otherwise: Path) -> str:
    """Return the path in the app that an error is about."""
    name = error.filename2 or error.filename
    return printable(os.path.relpath(name if isinstance(name, (str, os.PathLike)) else otherwise, app))


def _make_nodejs(app: Path, output: Report) -> Written:
    try:
        return nodejs.make(app, output)
    except OSError as error:
        shown = _shown_path(app, error, app / BASE_ZIP)
        if isinstance(error, IN_THE_WAY) and shown.startswith(f"{FOLDER}/"):
            raise _not_written(app, error, app / BASE_ZIP) from None
        raise DeployError(
            f"{shown}: {error.strerror}.",
            why="The base ZIP could not be made.",
        ) from None
