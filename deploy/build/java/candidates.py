"""The JARs and ZIPs that a Java build left, and which of them is the function."""

from __future__ import annotations

import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.archive import read_directory
from deploy.artifact.window import PIECE
from deploy.build.java.classes import MAKE_WHOLE, Problem, is_library, problem_of
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

JAR_FOLDERS = ("target", "build/libs")
ZIP_FOLDERS = (*JAR_FOLDERS, "build", "build/distributions")
MODULE_FOLDERS = tuple(f"*/{folder}" for folder in JAR_FOLDERS)
NO_CANDIDATE_ENDS = ("-sources.jar", "-javadoc.jar", "-tests.jar", "-plain.jar")
NO_CANDIDATE_START = "original-"
# Made by shade, assembly, shadow, and the shade plugin as Spring Cloud Function sets it up for AWS.
WITH_DEPENDENCIES_ENDS = ("-shaded.jar", "-with-dependencies.jar", "-all.jar", "-aws.jar")
# Quarkus's; of its JARs beside it, none has the app and its libraries in it.
FUNCTION_ZIPS = ("target/function.zip", "build/function.zip")


class Candidate(NamedTuple):
    """What a look into a JAR or ZIP has shown."""

    problem: Problem | None
    has_libraries: bool = False


WAR = Candidate(Problem("Lambda can't run a WAR"))
DAMAGED = Candidate(Problem("not a whole JAR or ZIP"))
UNREADABLE = Candidate(Problem("not readable"))


def choose(app: Path) -> str:
    """Return the path of the JAR or ZIP that is the function. Raise InputError if it is not certain."""
    jars, zips = _candidate_jars(app), _built(app, ZIP_FOLDERS, "zip")
    if len(jars) == 1 and not zips:
        return jars[0]
    found = {path: _look_into(app, path) for path in (*jars, *other_files(app))}
    for path in FUNCTION_ZIPS:
        if path in found and not found[path].problem:
            return path
    whole = [path for path in jars if path.endswith(WITH_DEPENDENCIES_ENDS)]
    assemblies = [path for path in zips if found[path].has_libraries]
    certain: list[str] = []
    if len(whole) == 1:
        certain = whole
    elif len(jars) == 1:
        certain = [path for path in assemblies if _is_part(app, jars[0], path)]
        if not certain and not (assemblies and found[jars[0]].problem):
            certain = jars
    elif list(found) == assemblies:
        certain = assemblies
    if len(certain) == 1:
        return certain[0]
    raise _unclear(jars, found) if jars else _no_jar(app, found)


def all_files(app: Path) -> list[str]:
    """Return what the build left: its JARs, those of its modules, ZIPs and WARs."""
    return [*_jars(app), *other_files(app)]


def other_files(app: Path) -> list[str]:
    """Return what may be meant as well: the JARs of modules, ZIPs and WARs."""
    modules = [path for path in _built(app, MODULE_FOLDERS, "jar") if _is_candidate(path)]
    return [*modules, *_built(app, ZIP_FOLDERS, "zip"), *_built(app, JAR_FOLDERS, "war")]


def listed(lead: str, lines: Iterable[str]) -> str:
    """Return a list of files for an error."""
    return f"{lead}:\n" + ("\n".join(f"  {printable(line)}" for line in lines) or "  no JAR at all")


def _jars(app: Path) -> list[str]:
    return _built(app, JAR_FOLDERS, "jar")


def _candidate_jars(app: Path) -> list[str]:
    return [path for path in _jars(app) if _is_candidate(path)]


def _is_candidate(path: str) -> bool:
    name = PurePosixPath(path).name
    return not name.startswith(NO_CANDIDATE_START) and not name.endswith(NO_CANDIDATE_ENDS)


def _built(app: Path, folders: Sequence[str], ending: str) -> list[str]:
    return [
        path.relative_to(app).as_posix()
        for folder in folders
        for path in sorted(app.glob(f"{folder}/*.{ending}"))
        if path.is_file() and not path.relative_to(app).parts[0].startswith(".")
    ]


def _look_into(app: Path, path: str) -> Candidate:
    if path.endswith(".war"):
        return WAR
    try:
        with (app / path).open("rb") as file:
            directory = read_directory(file)
            libraries = any(is_library(entry.name) for entry in directory)
            return Candidate(problem_of(file, directory), libraries)
    except InputError:
        return DAMAGED
    except OSError:
        return UNREADABLE


def _is_part(app: Path, jar: str, assembly: str) -> bool:
    """Whether a ZIP has a JAR beside others in its lib/, or all of its classes."""
    crc = size = 0
    with (app / jar).open("rb") as file:
        while piece := file.read(PIECE):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
        try:
            classes = {
                (entry.name, entry.crc) for entry in read_directory(file) if entry.name.endswith(".class")
            }
        except InputError:
            return False
    with (app / assembly).open("rb") as file:
        entries = {(entry.name, entry.crc): entry.size for entry in read_directory(file)}
    libraries = [key for key in entries if is_library(key[0])]
    is_library_itself = any(key[1] == crc and entries[key] == size for key in libraries)
    return (is_library_itself and len(libraries) > 1) or (bool(classes) and classes <= entries.keys())


def _unclear(jars: Sequence[str], found: Mapping[str, Candidate]) -> InputError:
    """Return the error that lists the JARs and ZIPs that could be the function."""
    paths = [path for path in found if path in jars or path.endswith(".zip")]
    kinds = "JAR" if len(paths) == len(jars) else "JAR or ZIP"
    return InputError(
        f"There is more than one {kinds} that could be the function.",
        why=listed("Candidates are", _labelled(paths, found)),
        todo=_advice(paths, found),
    )


def _no_jar(app: Path, found: Mapping[str, Candidate]) -> InputError:
    """Return the error that lists where it looked, and what else may be meant."""
    why = listed(f"Looked in {' and '.join(JAR_FOLDERS)}, which hold", _jars(app))
    if found:
        why += "\n" + listed("The build left as well", _labelled(found, found))
    todo = (
        _advice(found, found)
        if found
        else (
            "Add heroku/java or heroku/gradle before this buildpack, so that the app is built first, "
            "or name the JAR or ZIP: set _LAMBDA_ARTIFACT to its path in the app, or write the path into "
            ".lambda-artifact."
        )
    )
    return InputError("There is no JAR to deploy.", why=why, todo=todo)


def _labelled(paths: Iterable[str], found: Mapping[str, Candidate]) -> list[str]:
    return [f"{path} ({problem.label})" if (problem := found[path].problem) else path for path in paths]


def _advice(paths: Iterable[str], found: Mapping[str, Candidate]) -> str:
    """Return which file to name, of those that Lambda could run, or what to do if there is none."""
    able = [path for path in paths if not found[path].problem]
    whole = [path for path in able if path.endswith(WITH_DEPENDENCIES_ENDS)]
    if able:
        path = printable((whole or able)[0])
        return (
            f"Say which is the function: set _LAMBDA_ARTIFACT={path}, or write that path into "
            ".lambda-artifact, and push again."
        )
    return (
        "Lambda can run none of them. Have the build make a JAR that holds the app and its dependencies, and "
        f"push again: {MAKE_WHOLE}"
    )
