"""A JAR or ZIP that the app's own build made: checked, and deployed unchanged."""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING

from deploy.artifact import archive
from deploy.artifact import assembly as assembling
from deploy.artifact.content import read_content
from deploy.artifact.kind import BOOTSTRAP
from deploy.artifact.limits import check_unzipped
from deploy.build.elf import HEAD, architecture_of, note_bootstrap
from deploy.build.result import Result, Written
from deploy.build.zip.checks import check_contents, check_entries, note_modes, note_names
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.artifact.archive import Directory
    from deploy.artifact.window import Seekable
    from deploy.output import Report


def check(app: Path, path: str, output: Report, *, named_by: str | None = None) -> Result:
    """Check a JAR or ZIP, and return it as the base; `named_by` says what names it, if it was not found.

    Raise InputError if it can't be deployed.
    """
    try:
        with (app / path).open("rb") as file:
            with _naming(path, named_by):
                directory = archive.read_directory(file)
                check_entries(directory)
            sizes = ((entry.name, entry.size) for entry in directory)
            check_unzipped(printable(path), directory.unzipped_size, sizes)
            with _naming(path, named_by):
                check_contents(file, directory, lambda done, total: output.progress("Checking", done, total))
            sha256, size = assembling.digest(file)
            architecture = _check_bootstrap(file, directory, output)
    except OSError as error:
        raise DeployError(f"{printable(path)} can't be read: {error.strerror}.") from None
    note_names((entry.name for entry in directory), output)
    note_modes(directory, output)
    written = Written(sha256, size, directory.unzipped_size, len(directory))
    return Result(path, written, architecture=architecture)


def _check_bootstrap(file: Seekable, directory: Directory, output: Report) -> str | None:
    """Return the architecture of the ZIP's `bootstrap`, if it is a compiled program."""
    index = directory.find(BOOTSTRAP)
    if index is None:
        return None
    entry = directory.entry(index)
    head = next(read_content(file, entry), b"")[:HEAD]
    note_bootstrap(head, output, is_executable=bool(entry.mode & stat.S_IXOTH))
    return architecture_of(head)


@contextlib.contextmanager
def _naming(path: str, named_by: str | None) -> Iterator[None]:
    """Add to an error about the artifact which file that is, and what names it."""
    try:
        yield
    except InputError as error:
        shown = printable(path)
        if named_by:
            error.why = f"The artifact is {shown}, which {named_by} names. {error.why}".rstrip()
            error.todo = (
                f"If that is the wrong file, correct {named_by}, and push again. If not, "
                f"{error.todo[:1].lower()}{error.todo[1:]}"
            )
        else:
            error.why = f"The artifact is {shown}. {error.why}".rstrip()
        raise
