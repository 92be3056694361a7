"""Finds and checks the JAR that a Java app's build left, which is the base unchanged."""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deploy.artifact import archive
from deploy.artifact import assembly as assembling
from deploy.artifact.limits import check_unzipped
from deploy.build.checks import check_contents, check_entries
from deploy.build.compression import Written
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deploy.artifact.archive import Directory
    from deploy.output import Report

JAR_FOLDERS = ("target", "build/libs")
MODULE_FOLDERS = tuple(f"*/{folder}" for folder in JAR_FOLDERS)
NO_CANDIDATE_ENDS = ("-sources.jar", "-javadoc.jar", "-tests.jar", "-plain.jar")
NO_CANDIDATE_START = "original-"
WITH_DEPENDENCIES_ENDS = ("-shaded.jar", "-with-dependencies.jar", "-all.jar")


def find(app: Path, named: str | None, output: Report) -> tuple[str, Written]:
    """Return the path of the JAR in the app, the named one if one is named, and its digest and sizes.

    Raise InputError if there is none, if it is not clear which one it is, or if it can't be deployed.
    """
    output.step("Finding the JAR to deploy")
    path = _inside(app, _named_jar(app, named) if named else _only_jar(app))
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
    except OSError as error:
        raise DeployError(f"{printable(path)} can't be read: {error.strerror}.") from None
    _note_what_lambda_would_not_run(path, directory, output)
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


def _note_what_lambda_would_not_run(path: str, directory: Directory, output: Report) -> None:
    """Point out a JAR that passes all checks, but in which Lambda's Java runtimes find no class."""
    if not path.lower().endswith(".jar"):
        return
    if next(directory.starting_with("BOOT-INF/"), None) is not None:
        output.notice(
            f"{printable(path)} is an executable JAR of Spring Boot, with the app in its BOOT-INF/, where "
            "Lambda's Java runtimes don't look.\n"
            "Deploy a JAR that holds the classes of the app and of its dependencies themselves: "
            "maven-shade-plugin makes one, or Gradle's shadow."
        )
    elif not any(_is_code(entry.name) for entry in directory):
        output.notice(
            f"{printable(path)} holds no class, and no JAR in lib/: there is nothing for Lambda to run.\n"
            "Look at what the build puts into it, or name another file: "
            "`heroku config:set _LAMBDA_JAR_FILE=path/in/the/app.jar`."
        )


def _is_code(name: str) -> bool:
    return name.endswith(".class") or (name.startswith("lib/") and name.endswith(".jar"))


def _inside(app: Path, path: str) -> str:
    """Return the path in the app, with links resolved: an absolute one leads to the build's own folder."""
    root, real = os.path.realpath(app), os.path.realpath(app / path)
    if os.path.commonpath((root, real)) != root:
        raise InputError(
            f"{printable(path)} leads out of the app.",
            todo="Give the path from the app's own folder: _LAMBDA_JAR_FILE=target/my-function.jar",
        )
    return os.path.relpath(real, root)


def _named_jar(app: Path, named: str) -> str:
    # os.path: a name that is too long, or a loop of links, counts as a missing file.
    real = os.path.realpath(app / named)
    if named.startswith("/") or not os.path.isfile(real):  # noqa: PTH113
        is_folder = not named.startswith("/") and os.path.isdir(real)  # noqa: PTH112
        raise InputError(
            f"The file that _LAMBDA_JAR_FILE names is not there: {printable(named)}"
            f"{' is a folder' if is_folder else ''}.",
            why=_list_jars("The build left", [*_jars(app), *_others(app)]),
            todo="Give its path from the app's own folder, for example "
            "_LAMBDA_JAR_FILE=target/my-function.jar, and push again.",
        )
    return str(PurePosixPath(named))


def _only_jar(app: Path) -> str:
    jars = _jars(app)
    candidates = [jar for jar in jars if _is_candidate(PurePosixPath(jar).name)]
    if len(candidates) > 1:
        whole = [jar for jar in candidates if jar.endswith(WITH_DEPENDENCIES_ENDS)]
        candidates = whole if len(whole) == 1 else candidates
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(
            "There is more than one JAR that could be the function.",
            why=_list_jars("Candidates are", candidates),
            todo="Say which: `heroku config:set _LAMBDA_JAR_FILE=" + printable(candidates[0]) + "`, "
            "and push again.",
        )
    raise _no_jar(jars, _others(app))


def _no_jar(jars: list[str], others: list[str]) -> InputError:
    """Return the error that lists where it looked, and what else may be meant."""
    why = _list_jars(f"Looked in {' and '.join(JAR_FOLDERS)}, which hold", jars)
    if others:
        why += "\n" + _list_jars("The build left as well", others)
    nameable = [name for name in others if not name.endswith(".war")]
    if nameable:
        whole = [name for name in nameable if name.endswith(WITH_DEPENDENCIES_ENDS)]
        todo = (
            "Say which of them is the function: `heroku config:set _LAMBDA_JAR_FILE="
            f"{printable((whole or nameable)[0])}`, and push again."
        )
        if len(nameable) < len(others):
            todo += " Lambda can't run a WAR."
    elif others:
        todo = (
            "Lambda can't run a WAR: have the build make a JAR that holds the app and its dependencies, with "
            "maven-shade-plugin or Gradle's shadow, and push again."
        )
    else:
        todo = (
            "Add heroku/java or heroku/gradle before this buildpack, so that the app is built first, "
            "or name the JAR or ZIP: `heroku config:set _LAMBDA_JAR_FILE=path/in/the/app.jar`."
        )
    return InputError("There is no JAR to deploy.", why=why, todo=todo)


def _jars(app: Path) -> list[str]:
    return _built(app, JAR_FOLDERS, "jar")


def _others(app: Path) -> list[str]:
    """Find what may be meant, but has to be named: the JARs of modules, ZIPs and WARs."""
    modules = [jar for jar in _built(app, MODULE_FOLDERS, "jar") if _is_candidate(PurePosixPath(jar).name)]
    return modules + [path for ending in ("zip", "war") for path in _built(app, JAR_FOLDERS, ending)]


def _built(app: Path, folders: Sequence[str], ending: str) -> list[str]:
    return [
        path.relative_to(app).as_posix()
        for folder in folders
        for path in sorted(app.glob(f"{folder}/*.{ending}"))
        if path.is_file() and not path.relative_to(app).parts[0].startswith(".")
    ]


def _is_candidate(name: str) -> bool:
    return not name.startswith(NO_CANDIDATE_START) and not name.endswith(NO_CANDIDATE_ENDS)


def _list_jars(lead: str, jars: list[str]) -> str:
    return f"{lead}:\n" + ("\n".join(f"  {printable(jar)}" for jar in jars) or "  no JAR at all")
