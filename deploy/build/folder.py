"""The folder of the base in the app: what an earlier build left there, and who may see it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP, FOLDER
from deploy.errors import InputError
from deploy.files import UNFINISHED

if TYPE_CHECKING:
    from pathlib import Path


def prepare(app: Path) -> None:
    """Make the folder if it is missing, remove what builds left there, and keep git from seeing it.

    Raise InputError if it is a link. What else is wrong with it is reported when the base is written.
    """
    folder = app / FOLDER
    if folder.is_symlink():
        raise InputError(
            f"{FOLDER} is a symbolic link.",
            why="The base is kept in the app, and this leads out of it or to something else in it.",
            todo=f"Remove {FOLDER} from the app.",
        )
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        for left in (app / BASE_ZIP, *folder.glob(f"{UNFINISHED}*")):
            left.unlink(missing_ok=True)
        if any((parent / ".git").exists() for parent in (app, *app.resolve().parents)):
            # As the caches of other tools do it: the app's own .gitignore need not name the folder.
            (folder / ".gitignore").write_text("*\n", encoding="ascii")
