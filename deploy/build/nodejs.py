"""Makes the base of a Node.js app: its files, at the root of a ZIP."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP
from deploy.artifact.limits import check_unzipped
from deploy.build import ignore
from deploy.build.checks import note_names
from deploy.build.compression import SourceFile, Written, create
from deploy.build.omissions import check_dependencies, note_hidden_output
from deploy.errors import InputError
from deploy.files import replacing
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deploy.output import Report

IGNORE_FILE = ".lambdaignore"

# The platform's; the second one is what the bin/release of the last buildpack printed.
_LEFT_OUT = frozenset({"Procfile", "last_pack_release.out"})

# The platform's and our own, whatever the rules say.
_NEVER_DEPLOYED = frozenset({".git", ".heroku", ".lambda-deploy", ".profile.d"})


def make(app: Path, output: Report) -> Written:
    """Write the base ZIP.

    Raise InputError if the app can't be deployed, OSError if a file can't be read or written.
    """
    output.step("Making the base ZIP")
    rules = ignore.read(app / IGNORE_FILE)
    check_dependencies(app, rules, output)
    files = sorted(_files(app, rules), key=lambda file: file.name.encode())
    _check_not_empty(files)
    _check_sizes(files)
    names = [file.name for file in files]
    note_hidden_output(app, names, output)
    note_names(names, output)
    with replacing(app / BASE_ZIP, 0o644) as target:
        return create(files, target, lambda done: output.progress("Compressing", done, len(files), "files"))


def _check_not_empty(files: Sequence[SourceFile]) -> None:
    # There is always a package.json, so .lambdaignore names it.
    if all(file.path is None and file.link_target is None for file in files):
        raise InputError(
            f"{IGNORE_FILE} leaves out every file of the app: there is nothing to deploy.",
            why="What it names does not get into the package.",
            todo="Take out the line that matches too much, or bring files back behind it with lines such as "
            "`!/index.js`, and push again.",
        )


def _check_sizes(files: Sequence[SourceFile]) -> None:
    """Raise InputError if the app is too large, before its files are compressed in vain."""
    check_unzipped("The app", sum(file.size for file in files), ((file.name, file.size) for file in files))


def _files(app: Path, rules: ignore.Rules) -> Iterator[SourceFile]:
    """Find what goes into the base, folder by folder, without recursion: folders may be deep."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(app / folder) as entries:
            children = [entry for entry in entries if folder or not _is_left_out(app, entry.name, rules)]
        if folder and not children:
            yield SourceFile(folder)
        for entry in children:
            name = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if rules.excludes(name, is_folder=is_folder):
                continue
            _check_text(name)
            if is_folder:
                folders.append(name)
            else:
                yield _source_file(app, entry, name, rules)


def _is_left_out(app: Path, top: str, rules: ignore.Rules) -> bool:
    """Whether a name at the top level belongs to the platform or a tool, not to the function.

    Everything hidden does, except folders that the rules re-include by name.
    """
    if not top.startswith(".") or top == ".":
        return top in _LEFT_OUT
    is_folder = (app / top).is_dir() and not (app / top).is_symlink()
    return top in _NEVER_DEPLOYED or not is_folder or not rules.includes_by_name(top)


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The name of {printable(name)} is not valid UTF-8, and a ZIP entry's must be.",
            todo=f"Rename it, or name it in {IGNORE_FILE}.",
        ) from None


def _check_target_text(target: str, name: str) -> None:
    try:
        target.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The symbolic link {printable(name)} leads to {printable(target)}, which is not valid UTF-8, as "
            "a name in a ZIP must be.",
            todo=f"Rename what it leads to, and make the link anew, or name the link in {IGNORE_FILE}.",
        ) from None


def _source_file(app: Path, entry: os.DirEntry[str], name: str, rules: ignore.Rules) -> SourceFile:
    if entry.is_symlink():
        target = _link_target(app, entry.path, name, rules)
        _check_target_text(target, name)
        return SourceFile(name, link_target=target, size=len(target.encode()))
    if not entry.is_file():
        raise InputError(
            f"{printable(name)} is neither a file, nor a folder, nor a link.",
            todo=f"Remove it, or name it in {IGNORE_FILE}.",
        )
    status = entry.stat()
    executable = bool(status.st_mode & stat.S_IXUSR)
    return SourceFile(name, entry.path, executable=executable, size=status.st_size)


def _link_target(app: Path, path: str, name: str, rules: ignore.Rules) -> str:
    """Return a link's target so that it works wherever the app lies.

    Raise InputError if it leads to something that the package does not have.
    """
    root = os.path.realpath(app)
    target = os.readlink(path)  # noqa: PTH115 - strings throughout
    resolved = os.path.realpath(path)
    if os.path.commonpath((root, resolved)) != root:
        raise InputError(
            f"The symbolic link {printable(name)} leads out of the app.",
            why="Lambda gets the app's own files alone, so there it would lead nowhere.",
            todo=f"Put the file itself there, or name the link in {IGNORE_FILE}.",
        )
    top = os.path.relpath(resolved, root).split("/")[0]
    if os.path.lexists(resolved) and _is_left_out(app, top, rules):
        raise InputError(
            f"The symbolic link {printable(name)} leads to {printable(top)}, which is left out of "
            "the package.",
            todo=f"Put the file itself there, or name the link in {IGNORE_FILE}.",
        )
    parent = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - strings throughout
    from_root = os.path.normpath(f"{os.path.relpath(parent, root)}/{target}")
    if target.startswith("/") or from_root.split("/")[0] == "..":  # it leaves the app on its way
        return os.path.relpath(resolved, parent)
    return target
