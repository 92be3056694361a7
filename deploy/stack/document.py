"""The files of a stack: a template, and the values of its parameters. Both are JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.located import Problems, parse_json
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.located import Node


@dataclass(frozen=True)
class Document:
    """A template, and values of its parameters."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> dict[str, str]:
        """The values that the template says nobody should see."""
        declared: Mapping[str, Any] = self.template.get("Parameters", {})
        hidden = {name for name, each in declared.items() if str(each.get("NoEcho", "")).lower() == "true"}
        return {name: value for name, value in self.parameters.items() if name in hidden}


def read_template(path: Path) -> dict[str, Any]:
    """Return a template from a file; raise InputError if it is not one in JSON."""
    todo = "`deploy infrastructure` writes templates in JSON."
    root = _read_object(path, todo)
    problems = Problems(printable(str(path)))
    if "Resources" not in root.members or not root.members["Resources"].members:
        raise InputError(f"{printable(str(path))} is not a template: it has no Resources.")
    parameters = root.members.get("Parameters")
    if parameters and not isinstance(parameters.value, dict):
        problems.add(parameters.place, "`Parameters` has to be an object")
    for node in parameters.members.values() if parameters else ():
        if not isinstance(node.value, dict):
            problems.add(node.place, "a parameter has to be an object")
    problems.check(todo)
    return _plain(root)


def read_parameters(path: Path) -> dict[str, str]:
    """Return the values of parameters from a file; raise InputError if it is not an object of texts."""
    todo = 'Write it like this: {"Branch": "main"}'
    given = _plain(_read_object(path, todo))
    if wrong := sorted(name for name, value in given.items() if not isinstance(value, str)):
        raise InputError(
            f"{printable(str(path))} has values that are not texts: {', '.join(map(printable, wrong))}.",
            todo=todo,
        )
    return given


def _read_object(path: Path, todo: str) -> Node:
    name = printable(str(path))
    try:
        root = parse_json(path.read_bytes(), name)
    except OSError as error:
        raise InputError(f"{name} can't be read: {error.strerror}.") from None
    except InputError as error:
        raise InputError(error.what, why=error.why, todo=todo) from None
    if not isinstance(root.value, dict):
        raise InputError(f"{name} is not a JSON object.", todo=todo)
    return root


def _plain(root: Node) -> dict[str, Any]:
    return {name: node.plain() for name, node in root.members.items()}
