"""The folder of the base in the app: what builds left there, who may see it, and what gets in its way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP, BUILD_FILE, FOLDER
from deploy.errors import DeployError, InputError
from deploy.files import UNFINISHED
from deploy.text import printable

if TYPE_CHECKING:
    from pathlib import Path

IN_THE_WAY = (FileExistsError, IsADirectoryError, NotADirectoryError)


def prepare(app: Path) -> None:
    """Make the folder if it is missing, remove what builds left there, and keep git from seeing it.

    A build that fails after this leaves nothing to deploy. Raise InputError if something else is in the way,
    DeployError if the folder can't be written.
    """
    folder = app / FOLDER
    if folder.is_symlink():
        raise InputError(
            f"{FOLDER} is a symbolic link.",
            why="The base is kept in the app, and this leads out of it or to something else in it.",
            todo=f"Remove {FOLDER} from the app, and push again.",
        )
    try:
        folder.mkdir(exist_ok=True)
        for left in (app / BUILD_FILE, app / BASE_ZIP, *folder.glob(f"{UNFINISHED}*")):
            left.unlink(missing_ok=True)
        if any((parent / ".git").exists() for parent in (app, *app.resolve().parents)):
            # As the caches of other tools do it: the app's own .gitignore need not name the folder.
            (folder / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as error:
        raise explain(app, error, folder) from None


def explain(app: Path, error: OSError, path: Path) -> DeployError:
    """Return the error for what could not be written: the path that `error` names, or else `path`."""
    shown = shown_path(app, error, path)
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


def shown_path(app: Path, error: OSError, otherwise: Path) -> str:
    """Return the path in the app that an error is about."""
    name = error.filename2 or error.filename
    return printable(os.path.relpath(name if isinstance(name, (str, os.PathLike)) else otherwise, app))
