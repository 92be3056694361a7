"""Makes the base of an app, or finds it, and describes it: what bin/compile has done once, at build time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from deploy import __version__
from deploy.artifact import base as bases
from deploy.artifact.base import BASE_ZIP, BUILD_FILE, FOLDER, Base
from deploy.build import java, nodejs
from deploy.build.compression import COMPRESSION, Written
from deploy.errors import DeployError, InputError
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.output import Report

JAVA_BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts")
IN_THE_WAY = (FileExistsError, IsADirectoryError, NotADirectoryError)


def make(app: Path, environment: Mapping[str, str], output: Report) -> Base:
    """Make or find the base of an app and write build.json.

    Raises InputError where there is nothing to deploy or what there is can't be deployed.
    """
    _make_folder(app)
    if any((app / name).is_file() for name in JAVA_BUILD_FILES):
        kind, compression = "java", None
        path, written = java.find(app, environment, output)
    elif (app / "package.json").is_file():
        kind, path = "nodejs", BASE_ZIP
        compression, written = COMPRESSION, _make_nodejs(app, output)
    else:
        raise InputError(
            "There is neither a Java nor a Node.js app here.",
            why=f"Looked for {', '.join(JAVA_BUILD_FILES)} and package.json.",
        )
    base = Base(
        kind,
        path,
        written.sha256.hex(),
        written.size,
        written.unzipped_size,
        written.entries,
        compression,
        __version__,
        environment.get("SOURCE_VERSION") or None,
        environment.get("STACK") or None,
    )
    _write_build_file(app, base)
    output.detail(
        f"{path}: {megabytes(base.size)}, {base.entries} entries, {megabytes(base.unzipped_size)} unzipped"
    )
    return base


def _make_folder(app: Path) -> None:
    """Make the folder of the base, and forget an earlier build: one that fails leaves nothing to deploy."""
    folder = app / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        (app / BUILD_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(app, error, folder) from None


def _write_build_file(app: Path, base: Base) -> None:
    try:
        bases.write(app, base)
    except OSError as error:
        raise _not_written(app, error, app / BUILD_FILE) from None
    finally:
        with contextlib.suppress(OSError):
            (app / f"{BUILD_FILE}.unfinished").unlink()


def _not_written(app: Path, error: OSError, path: Path) -> DeployError:
    """Tell of what could not be written; where the error names no path, it was `path`."""
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
    """Give the path in the app that an error is about."""
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
