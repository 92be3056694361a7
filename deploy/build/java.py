"""Finds and checks the JAR or ZIP that a Java app's build left, which is the base unchanged."""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deploy.artifact import archive
from deploy.artifact import assembly as assembling
from deploy.artifact.limits import check_unzipped
from deploy.build.candidates import all_files, choose, listed
from deploy.build.checks import check_contents, check_entries, note_modes, note_names
from deploy.build.classes import problem_of
from deploy.build.compression import Written
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.output import Report


def find(app: Path, named: str | None, output: Report) -> tuple[str, Written]:
    """Return the path of the JAR or ZIP in the app, the named one if one is named, its digest and sizes.

    Raise InputError if there is none, if it is not clear which one it is, or if it can't be deployed.
    """
    output.step("Finding the JAR to deploy")
    path = _inside(app, _named(app, named) if named else choose(app))
    try:
        with (app / path).open("rb") as file:
            with _naming(path, is_named=bool(named)):
                directory = archive.read_directory(file)
                check_entries(directory)
            sizes = ((entry.name, entry.size) for entry in directory)
            check_unzipped(printable(path), directory.unzipped_size, sizes)
            with _naming(path, is_named=bool(named)):
                check_contents(file, directory, lambda done, total: output.progress("Checked", done, total))
            sha256, size = assembling.digest(file)
            # A ZIP that is named may be for any runtime.
            problem = problem_of(file, directory) if path.lower().endswith(".jar") else None
    except OSError as error:
        raise DeployError(f"{printable(path)} can't be read: {error.strerror}.") from None
    if problem:
        output.notice(f"{printable(path)} {problem.notice}")
    note_names((entry.name for entry in directory), output)
    note_modes(directory, output)
    return path, Written(sha256, size, directory.unzipped_size, len(directory))


@contextlib.contextmanager
def _naming(path: str, *, is_named: bool) -> Iterator[None]:
    """Add to an error about the artifact which file that is, and which setting names it."""
    try:
        yield
    except InputError as error:
        shown = printable(path)
        if is_named:
            error.why = f"The artifact is {shown}, which _LAMBDA_JAR_FILE names. {error.why}".rstrip()
            error.todo = (
                "If that is the wrong file, correct _LAMBDA_JAR_FILE, and push again. If not, "
                f"{error.todo[:1].lower()}{error.todo[1:]}"
            )
        else:
            error.why = f"The artifact is {shown}. {error.why}".rstrip()
        raise


def _inside(app: Path, path: str) -> str:
    """Return the path in the app, with links resolved: an absolute one leads to the build's own folder."""
    root, real = os.path.realpath(app), os.path.realpath(app / path)
    if os.path.commonpath((root, real)) != root:
        raise InputError(
            f"{printable(path)} leads out of the app.",
            todo="Give the path from the app's own folder: _LAMBDA_JAR_FILE=target/my-function.jar",
        )
    return os.path.relpath(real, root)


def _named(app: Path, named: str) -> str:
    path = named.lstrip("/")  # the app's folder is the root of such paths, as it has always been
    # os.path: a name that is too long, or a loop of links, counts as a missing file.
    real = os.path.realpath(app / path)
    if not os.path.isfile(real):  # noqa: PTH113
        raise InputError(
            f"The file that _LAMBDA_JAR_FILE names is not there: {printable(named)}"
            f"{' is a folder' if os.path.isdir(real) else ''}.",  # noqa: PTH112
            why=listed("The build left", all_files(app)),
            todo="Give its path from the app's own folder, for example "
            "_LAMBDA_JAR_FILE=target/my-function.jar, and push again.",
        )
    return str(PurePosixPath(path))
