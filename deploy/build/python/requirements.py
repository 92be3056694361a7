"""What a Python app depends on: its requirements.txt, its uv.lock, or its pyproject.toml."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from deploy.build.python import uv_lock
from deploy.errors import InputError
from deploy.files import read_lines
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.build.python.runtime import LambdaPython
    from deploy.output import Report

TXT, PROJECT = "requirements.txt", "pyproject.toml"
OTHER_LOCKS = {
    "poetry.lock": "`poetry export -o requirements.txt` (of poetry-plugin-export)",
    "pdm.lock": "`pdm export --prod -o requirements.txt`",
    "Pipfile.lock": "`pipenv requirements --hash > requirements.txt`",
}
PATCHES = 100  # more than any version of Python has had
EDITABLE = re.compile(rb"\s*(-e|--editable)[\s=]")


@dataclass(frozen=True)
class Requirements:
    """What pip is asked for: the lines of a requirements.txt, or the app's own one if `lines` is None.

    A lock names every package that is needed, with its hashes.
    """

    source: str
    lines: tuple[str, ...] | None = None
    is_lock: bool = False
    has_hashes: bool = False


def read(app: Path, python: LambdaPython, output: Report) -> Requirements | None:
    """Return what the app depends on; None if it depends on nothing.

    The first of the files that names something counts. Raise InputError if it can't be read, or if it is not
    for this Python.
    """
    texts = [name for name in (TXT, uv_lock.FILE) if (app / name).is_file()]
    if TXT in texts and (found := _read_txt(app)):
        if uv_lock.FILE in texts:
            output.notice(
                f"{TXT} and {uv_lock.FILE} are both there: dependencies come from {TXT}, as with "
                "heroku/python.\nRemove the one that is not up to date."
            )
        return found
    if uv_lock.FILE in texts:
        lock = _toml(app / uv_lock.FILE)
        _check_version(uv_lock.FILE, lock.get("requires-python"), python)
        lines = tuple(uv_lock.requirements(lock, python.markers))
        return Requirements(uv_lock.FILE, lines, is_lock=True, has_hashes=True) if lines else None
    return _read_project(app, python, output)


def _read_txt(app: Path) -> Requirements | None:
    lines = [line.strip() for line in read_lines(app / TXT)]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    for line in lines:
        if EDITABLE.match(line):
            raise InputError(
                f"{TXT} asks for an editable install, and Lambda has none: {printable(line.decode())}.",
                why="The app's own files are deployed as they lie in the app, whatever is installed.",
                todo=f"Take the line out of {TXT}, for example into a requirements-dev.txt, and push again.",
            )
    if not lines:
        return None
    return Requirements(TXT, has_hashes=any(b"--hash" in line for line in lines))


def _read_project(app: Path, python: LambdaPython, output: Report) -> Requirements | None:
    """Return the dependencies that pyproject.toml declares for the project itself."""
    if not (app / PROJECT).is_file():
        return None
    content = _toml(app / PROJECT)
    project = content.get("project", {})
    dependencies = project.get("dependencies", []) if isinstance(project, dict) else None
    if not isinstance(dependencies, list) or not all(isinstance(each, str) for each in dependencies):
        raise InputError(
            f"The dependencies in {PROJECT} are not a list of requirements.",
            todo='Write them like `dependencies = ["requests>=2.32"]` below [project], and push again.',
        )
    _check_complete(app, content, dependencies)
    _check_version(PROJECT, project.get("requires-python"), python)
    if not dependencies:
        return None
    output.notice(
        f"{PROJECT} names dependencies, but no lock file holds their versions: each build may install others."
        "\nWrite one by `uv lock`, or by `uv pip compile --generate-hashes pyproject.toml -o "
        "requirements.txt`, and commit it."
    )
    return Requirements(PROJECT, tuple(dependencies))


def _check_complete(app: Path, content: Mapping[str, Any], dependencies: list[str]) -> None:
    """Raise InputError if the app's dependencies are declared in a way that is not read here."""
    locks = [name for name in OTHER_LOCKS if (app / name).is_file()]
    is_dynamic = "dependencies" in content.get("project", {}).get("dynamic", ())
    is_poetry = not dependencies and "dependencies" in content.get("tool", {}).get("poetry", {})
    if not locks and not is_dynamic and not is_poetry:
        return
    what = (
        f"The app's dependencies are in {locks[0]}"
        if locks
        else f"The app's dependencies are not in {PROJECT} itself"
    )
    command = OTHER_LOCKS[locks[0]] if locks else "`pip-compile --generate-hashes` or `poetry export`"
    raise InputError(
        f"{what}, which can't be read here.",
        why=f"A build reads {TXT}, {uv_lock.FILE}, or the dependencies below [project] in {PROJECT}.",
        todo=f"Write a {TXT} by {command}, commit it, and push again.",
    )


def _check_version(name: str, required: object, python: LambdaPython) -> None:
    """Raise InputError if a project runs on no release of this version of Python.

    Which one the runtime has is AWS's choice, so the number of the patch does not count.
    """
    if not isinstance(required, str):
        return
    try:
        specifiers = SpecifierSet(required)
    except InvalidSpecifier:
        return
    is_fit = any(specifiers.contains(f"{python.version}.{patch}") for patch in range(PATCHES))
    if not is_fit:
        raise InputError(
            f"{name} asks for Python {printable(str(required))}, and the app is built for {python.runtime}.",
            todo="Set _LAMBDA_RUNTIME to the runtime of the function, such as python3.13, and push again.",
        )


def _toml(path: Path) -> dict[str, Any]:
    parser = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        content = parser.loads(b"\n".join(read_lines(path)).decode().replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        raise InputError(f"{path.name} is not valid TOML.", todo="Correct it, and push again.") from None
    return dict(content)
