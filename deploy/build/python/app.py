"""Makes the base of a Python app: its files, and beside them what it depends on, built for Lambda."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP
from deploy.build.lambdaignore.rules import Rules
from deploy.build.python import requirements, wheels
from deploy.build.python.runtime import DEFAULT_ARCHITECTURE, DEFAULT_RUNTIME, LambdaPython
from deploy.build.result import Result
from deploy.build.zip import tree
from deploy.build.zip.compression import COMPRESSION
from deploy.errors import InputError
from deploy.files import read_lines
from deploy.text import first_of, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy.build.python.wheels import Pip
    from deploy.build.zip.compression import SourceFile
    from deploy.output import Report
    from deploy.target.settings import Settings

VERSION_FILES = (".python-version", "runtime.txt")  # the first one counts, as for Heroku's buildpack
VERSION = re.compile(rb"(?:python-|cpython-)?(3\.[1-9][0-9]?)(?:\.[0-9]+)?")
VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
SHOWN = 3  # names in a notice

# What tools and Python itself leave, in the syntax of .lambdaignore, whose own lines come behind and win.
LEFT_OUT = b"""
__pycache__/
*.py[co]
.venv/
.tox/
.nox/
.pytest_cache/
.mypy_cache/
.ruff_cache/
.hypothesis/
.ipynb_checkpoints/
""".split()


def make(app: Path, settings: Settings, pip: Pip, output: Report) -> Result:
    """Write the base ZIP.

    Raise InputError if the app can't be deployed, OSError if a file can't be read or written.
    """
    python = _python(app, settings)
    rules = _rules(app)
    output.step("Making the base ZIP")
    with tempfile.TemporaryDirectory(prefix="lambda-deploy-") as temporary:
        packages: list[SourceFile] = []
        if wanted := requirements.read(app, python, output):
            wheels.install(app, wanted, python, Path(temporary), pip=pip, output=output)
            if not wanted.has_hashes:
                output.detail("They have no hashes, so another build may install other files")
            what = "the dependencies"
            packages = list(tree.files(Path(temporary) / "packages", rules, what=what))
        files = list(_beside([*tree.app_files(app, rules)], packages, output))
        written = tree.write(app, tree.ordered(files, "the app"), output)
    return Result(BASE_ZIP, written, COMPRESSION, python.runtime, python.architecture)


def _python(app: Path, settings: Settings) -> LambdaPython:
    """Return what the base is made for, as the settings say, or else .python-version, or else the default."""
    architecture = settings.architecture or DEFAULT_ARCHITECTURE
    return LambdaPython(settings.runtime or _declared_runtime(app) or DEFAULT_RUNTIME, architecture)


def _declared_runtime(app: Path) -> str | None:
    """Return the runtime of the version that the app declares; None if Lambda can have none of it."""
    declared = next((app / name for name in VERSION_FILES if (app / name).is_file()), None)
    if declared is None:
        return None
    lines = [line.strip() for line in read_lines(declared)]
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    found = VERSION.fullmatch(first)
    return f"python{found[1].decode()}" if found else None


def _rules(app: Path) -> Rules:
    """Return what is left out: what no function needs, virtual environments, and what .lambdaignore says."""
    environments = (path.parent.name for path in sorted(app.glob(f"*/{VIRTUAL_ENVIRONMENT}")))
    lines = [*LEFT_OUT, *(_pattern(name) for name in environments)]
    if (app / tree.IGNORE_FILE).exists():
        lines += read_lines(app / tree.IGNORE_FILE)
    return Rules(lines)


def _pattern(name: str) -> bytes:
    """Return the line of a folder at the top, whatever its name holds."""
    return b"/" + re.sub(rb"([*?\[\]\\ ])", rb"\\\1", name.encode("utf-8", "surrogateescape")) + b"/"


def _beside(
    app_files: Sequence[SourceFile], packages: Sequence[SourceFile], output: Report
) -> Iterator[SourceFile]:
    """Put the dependencies beside the app's files, of which none is replaced."""
    own = {file.name for file in app_files if not file.is_folder}
    own_folders, their_folders = _folders(app_files), _folders(packages)
    for file in app_files:
        if not (file.is_folder and file.name in their_folders):
            yield file
    hidden = []
    for file in packages:
        if file.name in own_folders if file.is_folder else file.name in own:
            hidden += [] if file.is_folder else [file.name]
        elif file.name in own_folders or not own.isdisjoint(map(str, PurePosixPath(file.name).parents)):
            raise InputError(
                f"{printable(file.name)} of a dependency has no place in the package: the app has a file "
                "where it needs a folder, or a folder where it needs a file.",
                todo="Rename what the app has there, and push again.",
            )
        else:
            yield file
    if hidden:
        output.notice(
            f"The app has files in place of those of a dependency: {', '.join(first_of(hidden, SHOWN))}.\n"
            "The app's files are deployed."
        )


def _folders(files: Sequence[SourceFile]) -> set[str]:
    return {str(parent) for file in files for parent in PurePosixPath(file.name).parents} | {
        file.name for file in files if file.is_folder
    }
