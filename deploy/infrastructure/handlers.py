"""Whether the package has the handlers that are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.kind import BOOTSTRAP
from deploy.artifact.package import holds_any
from deploy.errors import InputError
from deploy.infrastructure.declaration import FILE
from deploy.located import Problems, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deploy.artifact.base import Base
    from deploy.infrastructure.service import Function

# What a handler's file may end in, by the beginning of the runtime.
ENDINGS = {
    "nodejs": (".js", ".mjs", ".cjs"),
    "python": (".py", ".pyc", ".so", "/__init__.py"),
    "ruby": (".rb",),
    "java": (".class",),
}
LIBRARIES = "lib/"  # of a Java package; classes in them can't be seen from its directory


def check_handlers(functions: Iterable[Function], app: Path, base: Base) -> None:
    """Raise InputError for handlers whose files the base does not have."""
    problems = Problems(FILE)
    unplaced = []
    for function in functions:
        files = files_of(function)
        if not files or _has(app, base, function, files):
            continue
        wrong = f"the handler {shown(function.handler)} is not in the package, which has no {shown(files[0])}"
        if function.handler_place is None:
            unplaced.append(f"functions.{function.key}: {wrong}.")
        else:
            problems.add(function.handler_place, wrong)
    todo = f"Correct it in {FILE}, or build the app again if the file is new."
    problems.check(todo)
    if unplaced:
        raise InputError("\n".join(unplaced), todo=todo)


def files_of(function: Function) -> list[str]:
    """Return the files of which the package needs one; empty if that can't be said."""
    handler, runtime = function.handler, function.runtime
    if runtime.startswith("provided"):
        return [BOOTSTRAP]
    endings = next((each for start, each in ENDINGS.items() if runtime.startswith(start)), ())
    module = handler.partition("::")[0] if runtime.startswith("java") else handler.rpartition(".")[0]
    if not runtime.startswith("nodejs"):
        module = module.replace(".", "/")
    return [f"{module.removeprefix('./')}{ending}" for ending in endings] if module else []


def _has(app: Path, base: Base, function: Function, files: list[str]) -> bool:
    is_java = function.runtime.startswith("java")
    # A layer may have it, and so may a library of a Java package.
    if function.layers:
        return True
    return holds_any(app, base, lambda name: name in files or (is_java and name.startswith(LIBRARIES)))
