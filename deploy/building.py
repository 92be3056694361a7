"""Makes the base of an app, or finds it: what bin/compile has the runtime do, once, at build time.

Node.js: the app's files, at the root of a ZIP. Java: the JAR that the build left.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import warnings
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pathspec

from deploy import __version__, archive, assembling
from deploy import base as bases
from deploy.base import BASE_ZIP, BUILD_FILE, FOLDER, Base
from deploy.checking import check_contents, check_entries, leaves
from deploy.compressing import COMPRESSION, SourceFile, Written, create
from deploy.errors import DeployError, InputError
from deploy.limits import check_unzipped
from deploy.output import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from deploy.archive import Directory
    from deploy.output import Output

__all__ = ["make"]

IGNORE_FILE = ".lambdaignore"
JAVA_BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts")


def make(app: Path, environment: Mapping[str, str], output: Output) -> Base:
    """Make or find the base of an app and write build.json.

    Raises InputError where there is nothing to deploy or what there is can't be deployed.
    """
    _make_folder(app)
    if any((app / name).is_file() for name in JAVA_BUILD_FILES):
        kind, compression = "java", None
        path, written = _find_java(app, environment, output)
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
    if isinstance(error, (FileExistsError, IsADirectoryError, NotADirectoryError)):
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


# --- Java -----------------------------------------------------------------------------------------

JAR_FOLDERS = ("target", "build/libs")
MODULE_FOLDERS = tuple(f"*/{folder}" for folder in JAR_FOLDERS)
NO_CANDIDATE_ENDS = ("-sources.jar", "-javadoc.jar", "-tests.jar", "-plain.jar")
NO_CANDIDATE_START = "original-"
WITH_DEPENDENCIES_ENDS = ("-shaded.jar", "-with-dependencies.jar", "-all.jar")


def _find_java(app: Path, environment: Mapping[str, str], output: Output) -> tuple[str, Written]:
    output.step("Finding the JAR to deploy")
    named = environment.get("_LAMBDA_JAR_FILE", "").strip()
    path = _inside(app, _named_jar(app, named) if named else _only_jar(app))
    try:
        with (app / path).open("rb") as file:
            with _naming(path, is_named=bool(named)):
                directory = archive.read_directory(file)
                check_entries(file, directory)
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
    """Add to an error of the artifact which file that is, and where it is named."""
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


def _note_what_lambda_would_not_run(path: str, directory: Directory, output: Output) -> None:
    """Point out a JAR that passes all checks, and that Lambda's Java runtimes find no class in."""
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
    """Follow links, which may lead to where the app lies during the build, to a path in the app."""
    root, real = os.path.realpath(app), os.path.realpath(app / path)
    if os.path.commonpath((root, real)) != root:
        raise InputError(
            f"{printable(path)} leads out of the app.",
            todo="Give the path from the app's own folder: _LAMBDA_JAR_FILE=target/my-function.jar",
        )
    return os.path.relpath(real, root)


def _named_jar(app: Path, named: str) -> str:
    # os.path: a name that is too long, or a loop of links, is a file that is not there.
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
    """Say where was looked, and what else there is that may be meant."""
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
    """Find what may be the function, but is it only where it is named: the JARs of modules, ZIPs and WARs."""
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


# --- Node.js --------------------------------------------------------------------------------------


def _make_nodejs(app: Path, output: Output) -> Written:
    output.step("Making the base ZIP")
    unfinished = app / f"{BASE_ZIP}.unfinished"
    try:
        _note_missing_modules(app, output)
        files = sorted(_files(app, _ignored_by(app)), key=lambda file: file.name.encode())
        _check_not_empty(files)
        _check_sizes(files)
        with unfinished.open("wb") as target:
            written = create(
                files,
                target,
                lambda done: output.progress("Compressing", done, len(files), "files"),
            )
        unfinished.chmod(0o644)
        unfinished.replace(app / BASE_ZIP)
    except OSError as error:
        raise DeployError(
            f"{_shown_path(app, error, app / BASE_ZIP)}: {error.strerror}.",
            why="The base ZIP could not be made.",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
    return written


def _check_not_empty(files: Sequence[SourceFile]) -> None:
    # package.json is always there to be deployed, so it is the app's own doing.
    if all(file.path is None and file.link_target is None for file in files):
        raise InputError(
            f"{IGNORE_FILE} leaves out every file of the app: there is nothing to deploy. "
            "Nothing was changed.",
            why="What it names does not get into the package.",
            todo="Take out the line that matches too much, or bring files back behind it with lines such as "
            "`!/index.js`, and push again.",
        )


def _check_sizes(files: Sequence[SourceFile]) -> None:
    """Refuse what can't be deployed before ten thousand files are compressed in vain."""
    check_unzipped("The app", sum(file.size for file in files), ((file.name, file.size) for file in files))


def _note_missing_modules(app: Path, output: Output) -> None:
    try:
        package = json.loads((app / "package.json").read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError("package.json is not valid JSON.", todo="Correct it, and push.") from None
    named = package.get("dependencies") if isinstance(package, dict) else None
    if named and not (app / "node_modules").is_dir():
        output.notice(
            "package.json names dependencies, but there is no node_modules.\n"
            "Unless the app bundles them, add heroku/nodejs before this buildpack."
        )


def _ignored_by(app: Path) -> Callable[[str], bool]:
    """Read .lambdaignore, in gitignore's syntax (https://git-scm.com/docs/gitignore)."""
    path = app / IGNORE_FILE
    if not os.path.lexists(path):
        return lambda _path: False
    if not path.is_file():
        raise InputError(f"{IGNORE_FILE} is no file.", todo="Make it one, or remove it, and push again.")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except ValueError:
        raise InputError(f"{IGNORE_FILE} is not UTF-8 text.", todo="Save it as such, and push.") from None
    try:
        return _patterns(lines).match_file
    except (ValueError, re.error):
        wrong = [str(number) for number, line in enumerate(lines, 1) if not _is_pattern(line)]
        raise InputError(
            f"{IGNORE_FILE} holds a line that is no gitignore pattern.",
            why=f"Line {', '.join(wrong)}.",
            todo="Correct or remove it, and push again. A `!` or `\\` that is meant as it stands has a `\\` "
            "before it; https://git-scm.com/docs/gitignore tells the rest.",
        ) from None


def _patterns(lines: Sequence[str]) -> pathspec.GitIgnoreSpec:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Python's, of a [[ in a regular expression
        return pathspec.GitIgnoreSpec.from_lines(lines)


def _is_pattern(line: str) -> bool:
    try:
        _patterns([line])
    except (ValueError, re.error):
        return False
    return True


def _files(app: Path, is_ignored: Callable[[str], bool]) -> Iterator[SourceFile]:
    """Find what goes into the base, folder by folder; deep ones are no recursion."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(app / folder) as entries:
            children = [entry for entry in entries if folder or not _is_left_out(entry.name)]
        if folder and not children:
            yield SourceFile(folder)
        for entry in children:
            name = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_ignored(f"{name}/" if is_folder else name):
                continue
            _check_text(name)
            if is_folder:
                folders.append(name)
            else:
                yield _source_file(app, entry, name)


def _is_left_out(top: str) -> bool:
    """Tell of a name at the top level whether it is the platform's or a tool's, not the function's."""
    return top == "Procfile" or (top.startswith(".") and top != ".")


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


def _source_file(app: Path, entry: os.DirEntry[str], name: str) -> SourceFile:
    if entry.is_symlink():
        target = _link_target(app, entry.path, name)
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


def _link_target(app: Path, path: str, name: str) -> str:
    """Give a link's target so that it works wherever the app lies.

    Raises InputError where it leads to something that the package does not have.
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
    if os.path.lexists(resolved) and _is_left_out(top):
        raise InputError(
            f"The symbolic link {printable(name)} leads to {printable(top)}, which is left out of "
            "the package.",
            todo=f"Put the file itself there, or name the link in {IGNORE_FILE}.",
        )
    parent = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - strings throughout
    if target.startswith("/") or leaves(target, os.path.relpath(parent, root)):
        return os.path.relpath(resolved, parent)
    return target
