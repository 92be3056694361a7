"""Packs folders as the base ZIP: their files at its root, sorted by name, with the same bytes each time."""

from __future__ import annotations

import os
import stat
from functools import partial
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP
from deploy.artifact.limits import check_unzipped
from deploy.build.zip.checks import note_names
from deploy.build.zip.compression import SourceFile, create
from deploy.errors import InputError
from deploy.files import replacing
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from deploy.build.lambdaignore.rules import Rules
    from deploy.build.result import Written
    from deploy.output import Report

IGNORE_FILE = ".lambdaignore"

# The platform's; the second one is what the bin/release of the last buildpack printed.
_LEFT_OUT = frozenset({"Procfile", "last_pack_release.out"})

# The platform's and our own, whatever the rules say.
NEVER_DEPLOYED = frozenset({".git", ".heroku", ".lambda-deploy", ".profile.d"})


def app_files(app: Path, rules: Rules) -> Iterator[SourceFile]:
    """Find what of the app itself goes into the base. What belongs to the platform or a tool does not."""
    return files(app, rules, what="the app", is_left_out=partial(_is_left_out, app, rules))


def files(
    root: Path,
    rules: Rules,
    *,
    what: str,
    prefix: str = "",
    is_left_out: Callable[[str], bool] = lambda _top: False,
) -> Iterator[SourceFile]:
    """Find what of a folder, called `what`, goes into the base.

    The rules apply to paths that begin with `prefix`. `is_left_out` says which names at the top are left out
    besides. Goes folder by folder, without recursion: folders may be deep.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            children = [entry for entry in entries if folder or not is_left_out(entry.name)]
        if folder and not children:
            yield SourceFile(folder)
        for entry in children:
            name = f"{folder}/{entry.name}" if folder else entry.name
            shown = f"{prefix}{name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if rules.excludes(shown, is_folder=is_folder):
                continue
            _check_text(shown)
            if is_folder:
                folders.append(name)
            elif entry.is_symlink():
                target = _link_target(root, entry.path, shown, what, is_left_out)
                yield SourceFile(name, link_target=target, size=len(target.encode()))
            else:
                yield _source_file(entry, name, shown)


def ordered(found: Iterable[SourceFile], what: str) -> list[SourceFile]:
    """Return the files in the order of the ZIP.

    Raise InputError if there are none, or if they are too large, before they are compressed in vain.
    """
    result = sorted(found, key=lambda file: file.name.encode())
    if all(file.is_folder for file in result):
        raise InputError(
            f"{IGNORE_FILE} leaves out every file of {what}: there is nothing to deploy. "
            "Nothing was changed.",
            why="What it names does not get into the package.",
            todo="Take out the line that matches too much, or bring files back behind it with lines such as "
            "`!/index.js`, and push again.",
        )
    name = f"{what[:1].upper()}{what[1:]}" if what.startswith("the ") else what
    check_unzipped(name, sum(file.size for file in result), ((file.name, file.size) for file in result))
    return result


def write(app: Path, ordered_files: Sequence[SourceFile], output: Report) -> Written:
    """Write the base ZIP. Raise InputError or OSError if a file can't be read or written."""
    note_names((file.name for file in ordered_files), output)
    total = len(ordered_files)
    with replacing(app / BASE_ZIP, 0o644) as target:
        return create(
            ordered_files, target, lambda done: output.progress("Compressing", done, total, "files")
        )


def _is_left_out(app: Path, rules: Rules, top: str) -> bool:
    """Whether a name at the top level of the app belongs to the platform or a tool, not to the function.

    Everything hidden does, except folders that the rules re-include by name.
    """
    if not top.startswith(".") or top == ".":
        return top in _LEFT_OUT
    is_folder = (app / top).is_dir() and not (app / top).is_symlink()
    return top in NEVER_DEPLOYED or not is_folder or not rules.includes_by_name(top)


def _check_text(shown: str) -> None:
    try:
        shown.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The name of {printable(shown)} is not valid UTF-8, and a ZIP entry's must be.",
            todo=f"Rename it, or name it in {IGNORE_FILE}.",
        ) from None


def _check_target_text(target: str, shown: str) -> None:
    try:
        target.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The symbolic link {printable(shown)} leads to {printable(target)}, which is not valid UTF-8, "
            "as a name in a ZIP must be.",
            todo=f"Rename what it leads to, make the link again, or name the link in {IGNORE_FILE}.",
        ) from None


def _source_file(entry: os.DirEntry[str], name: str, shown: str) -> SourceFile:
    if not entry.is_file():
        raise InputError(
            f"{printable(shown)} is neither a file, nor a folder, nor a link.",
            todo=f"Remove it, or name it in {IGNORE_FILE}.",
        )
    status = entry.stat()
    executable = bool(status.st_mode & stat.S_IXUSR)
    return SourceFile(name, entry.path, executable=executable, size=status.st_size)


def _link_target(root: Path, path: str, shown: str, what: str, is_left_out: Callable[[str], bool]) -> str:
    """Return a link's target so that it works wherever the folder lies.

    Raise InputError if it leads to something that the package does not have.
    """
    real_root = os.path.realpath(root)
    target = os.readlink(path)  # noqa: PTH115 - strings throughout
    resolved = os.path.realpath(path)
    if os.path.commonpath((real_root, resolved)) != real_root:
        raise InputError(
            f"The symbolic link {printable(shown)} leads out of {what}.",
            why=f"Lambda gets the files of {what} alone, so there it would lead nowhere.",
            todo=f"Put the file itself there, or name the link in {IGNORE_FILE}.",
        )
    top = os.path.relpath(resolved, real_root).split("/")[0]
    if os.path.lexists(resolved) and is_left_out(top):
        raise InputError(
            f"The symbolic link {printable(shown)} leads to {printable(top)}, which is left out of "
            "the package.",
            todo=f"Put the file itself there, or name the link in {IGNORE_FILE}.",
        )
    parent = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - strings throughout
    from_root = os.path.normpath(f"{os.path.relpath(parent, real_root)}/{target}")
    if target.startswith("/") or from_root.split("/")[0] == "..":  # it leaves the folder on its way
        target = os.path.relpath(resolved, parent)
    _check_target_text(target, shown)
    return target
