"""The artifact that is named: a JAR, a ZIP, a folder or a program in the app."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.archive import read_directory
from deploy.artifact.base import BASE_ZIP
from deploy.artifact.kind import BOOTSTRAP, JAVA, NODEJS
from deploy.build.elf import HEAD, architecture_of, foreign_system, is_binary, is_script, note_bootstrap
from deploy.build.java.candidates import all_files, listed
from deploy.build.java.classes import note_problem
from deploy.build.lambdaignore.rules import read_rules
from deploy.build.result import Result
from deploy.build.zip import prebuilt, tree
from deploy.build.zip.compression import COMPRESSION, SourceFile
from deploy.errors import InputError
from deploy.files import read_lines
from deploy.text import first_of, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.artifact.kind import Kind
    from deploy.output import Report
    from deploy.target.settings import Settings

# Names the artifact in the repository; bin/detect, which knows no settings, looks for it.
FILE = ".lambda-artifact"

ZIP_STARTS = (b"PK\3\4", b"PK\5\6")
ZIP_NAMES = (".jar", ".zip", ".war")
CODE = (*NODEJS.handlers, ".py", ".rb")  # a single file of these can be a function
RUNNABLE = (*CODE, ".jar", ".class", ".dll")  # what runtimes of languages start
MOST_LISTED = 10


class Named(NamedTuple):
    """An artifact's path in the app as it was given, and what names it."""

    path: str
    by: str


def read_name(app: Path, settings: Settings) -> Named | None:
    """Return what names the artifact, if anything does: a setting, or else a file of the app.

    Raise InputError if the file does not hold one path.
    """
    if settings.artifact:
        return Named(settings.artifact, "_LAMBDA_ARTIFACT")
    if settings.jar_file:
        return Named(settings.jar_file, "_LAMBDA_JAR_FILE")
    if not os.path.lexists(app / FILE):
        return None
    return Named(_read_file(app / FILE), FILE)


def make(app: Path, kind: Kind, named: Named, output: Report) -> Result:
    """Make the base of the artifact: a JAR or ZIP as it is, a folder or a program as a ZIP.

    Raise InputError if it is not there, or can't be deployed.
    """
    path = _resolve(app, kind, named)
    head = b"" if (app / path).is_dir() else _head(app / path)
    if (app / path).is_dir():
        output.step(f"Making the base ZIP of {'the app' if path == '.' else path}")
        result = _write(app, _files_of_folder(app, path), output)
    elif system := foreign_system(head):
        raise InputError(
            f"{printable(path)} is a program for {system}, and Lambda runs Linux.",
            todo="Build it for Linux, with Go for example GOOS=linux GOARCH=arm64, and push again.",
        )
    elif _can_be_alone(path, head):
        output.step(f"Making the base ZIP of {path}")
        result = _write(app, [_single_file(app, path, head, output)], output)
    else:
        output.step("Checking the artifact")
        result = prebuilt.check(app, path, output, named_by=named.by)
    _note_problem(app, kind, path, result, output)
    return result


def inside(app: Path, real: str, shown: str) -> str:
    """Return a path in the app, with links resolved: an absolute one leads to the build's own folder.

    Raise InputError if it leads out of the app.
    """
    root = os.path.realpath(app)
    if os.path.commonpath((root, real)) != root:
        raise InputError(
            f"{printable(shown)} leads out of the app.",
            todo="Give a path from the app's own folder, such as target/my-function.jar or dist.",
        )
    return os.path.relpath(real, root)


# --- its name -------------------------------------------------------------------------------------


def _read_file(path: Path) -> str:
    """Return the one path that the file holds."""
    try:
        lines = [line.strip() for line in read_lines(path)]
        texts = [line.decode() for line in lines if line and not line.startswith(b"#")]
    except OSError as error:
        raise InputError(f"{FILE} can't be read: {error.strerror}.") from None
    wrong = ""
    if not texts:
        wrong = "names no artifact"
    elif len(texts) > 1:
        wrong = f"has {len(texts)} lines, and an app has one artifact"
    elif texts[0].startswith("/"):
        wrong = f"holds {printable(texts[0])}, which is an absolute path"
    if wrong:
        raise InputError(
            f"{FILE} {wrong}.",
            todo="Write one path from the app's own folder into it, such as dist or target/function.zip; "
            "lines that begin with # are comments. Commit it, and push again.",
        )
    return texts[0]


def _resolve(app: Path, kind: Kind, named: Named) -> str:
    """Return the artifact's path in the app, with links resolved."""
    # The app's folder is the root of a setting's paths, as it has always been.
    given = named.path.lstrip("/") or "."
    # os.path: a name that is too long, or a loop of links, counts as a missing file.
    real = os.path.realpath(app / given)
    path = inside(app, real, named.path)
    if not os.path.exists(real):  # noqa: PTH110
        raise _missing(app, kind, named)
    if path.split("/")[0] in tree.NEVER_DEPLOYED:
        raise InputError(
            f"{named.by} names {printable(named.path)}, which belongs to the platform, not to the app.",
            todo="Have the build put the artifact into a folder of the app's, and name that.",
        )
    if not (app / path).is_dir() and not (app / path).is_file():
        raise InputError(
            f"{named.by} names {printable(named.path)}, which is neither a file nor a folder.",
            todo="Name a JAR, a ZIP, a folder or a program in the app.",
        )
    return path


def _missing(app: Path, kind: Kind, named: Named) -> InputError:
    if kind is JAVA:
        why = listed("The build left", all_files(app))
    else:
        parent = PurePosixPath(named.path.lstrip("/")).parent
        while not os.path.isdir(app / parent):  # noqa: PTH112 - a name may be too long
            parent = parent.parent
        names = sorted(f"{path.name}{'/' * path.is_dir()}" for path in (app / parent).iterdir())
        where = "The app" if parent == PurePosixPath() else printable(str(parent))
        why = listed(f"{where} holds", first_of(names, MOST_LISTED)) if names else f"{where} is empty."
    return InputError(
        f"The artifact that {named.by} names is not there: {printable(named.path)}.",
        why=why,
        todo="Give its path from the app's own folder, such as target/my-function.jar or dist. What a build "
        "makes is there only if that build runs first: put its buildpack before this one.",
    )


# --- its content ----------------------------------------------------------------------------------


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise InputError(f"{printable(path.name)} can't be read: {error.strerror}.") from None


def _can_be_alone(path: str, head: bytes) -> bool:
    """Whether a file is not a ZIP, and can be a function by itself: a program, or code."""
    name = PurePosixPath(path)
    if head.startswith(ZIP_STARTS) or name.suffix.lower() in ZIP_NAMES:
        return False
    return name.name == BOOTSTRAP or is_binary(head) or is_script(head) or name.suffix in CODE


def _single_file(app: Path, path: str, head: bytes, output: Report) -> SourceFile:
    """Return a single file. A compiled program gets the name under which an OS-only runtime starts it."""
    name = PurePosixPath(path).name
    if is_binary(head) and name != BOOTSTRAP:
        output.detail(f"A program has to be called {BOOTSTRAP} in the package, so it is")
        name = BOOTSTRAP
    return SourceFile(name, str(app / path), executable=is_script(head), size=(app / path).stat().st_size)


def _files_of_folder(app: Path, path: str) -> list[SourceFile]:
    """Find all that the build left in a folder, hidden files too; of the app's own folder what an app is."""
    rules = read_rules(app / tree.IGNORE_FILE)
    if path == ".":
        return tree.ordered(tree.app_files(app, rules), "the app")
    what = printable(path)
    if not any(names for _, _, names in os.walk(app / path)):
        raise InputError(
            f"The folder {what} holds no file: there is nothing to deploy. Nothing was changed.",
            todo="Look at what the build makes, and name the folder that holds it.",
        )
    return tree.ordered(tree.files(app / path, rules, what=what, prefix=f"{path}/"), what)


def _write(app: Path, files: Sequence[SourceFile], output: Report) -> Result:
    """Write the base ZIP, in which a program called `bootstrap` is executable."""
    architecture = None
    files = [replace(file, executable=True) if file.name == BOOTSTRAP else file for file in files]
    for file in files:
        if file.name == BOOTSTRAP and file.path:
            head = _head(Path(file.path))
            note_bootstrap(head, output, is_executable=True)
            architecture = architecture_of(head)
    if not any(file.name == BOOTSTRAP or file.name.endswith(RUNNABLE) for file in files):
        _note_programs(files, output)
    return Result(BASE_ZIP, tree.write(app, files, output), COMPRESSION, architecture=architecture)


def _note_programs(files: Sequence[SourceFile], output: Report) -> None:
    """Point out that a package of compiled programs has none that an OS-only runtime would start."""
    top = [file for file in files if file.path and not file.is_folder and "/" not in file.name]
    programs = [file.name for file in top if file.path and is_binary(_head(Path(file.path)))]
    if programs:
        output.notice(
            f"An OS-only runtime (provided.al2023) starts a program called {BOOTSTRAP}, and the package has "
            f"none: {', '.join(first_of(programs, MOST_LISTED))}.\n"
            f"Have the build call it {BOOTSTRAP}, or name the program itself as the artifact."
        )


def _note_problem(app: Path, kind: Kind, path: str, result: Result, output: Report) -> None:
    """Point out an artifact in which the runtimes of the app's language find no code.

    A ZIP that the app's own build made may be for any runtime, and a JAR is for Java in any app.
    """
    if path.lower().endswith(".jar") or (kind is JAVA and result.compression):
        note_problem(app, result.path, path, output)
    elif kind.handlers:
        with (app / result.path).open("rb") as file:
            directory = read_directory(file)
        is_code = (entry.name.endswith(kind.handlers) for entry in directory)
        if directory.find(BOOTSTRAP) is None and not any(is_code):
            endings = " or ".join(kind.handlers)
            output.notice(f"{printable(path)} holds no code of the app: no file ends in {endings}.")
