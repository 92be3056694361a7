"""The files of a stack: a template, and the values of its parameters. Both are JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    template = _read_object(path, "`deploy infrastructure` writes templates in JSON.")
    if not isinstance(template.get("Resources"), dict) or not template["Resources"]:
        raise InputError(f"{printable(str(path))} is not a template: it has no Resources.")
    return template


def read_parameters(path: Path) -> dict[str, str]:
    """Return the values of parameters from a file; raise InputError if it is not an object of texts."""
    todo = 'Write it like this: {"Branch": "main"}'
    given = _read_object(path, todo)
    if wrong := sorted(name for name, value in given.items() if not isinstance(value, str)):
        raise InputError(
            f"{printable(str(path))} has values that are not texts: {', '.join(map(printable, wrong))}.",
            todo=todo,
        )
    return given


def _read_object(path: Path, todo: str) -> dict[str, Any]:
    shown = printable(str(path))
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        where = (
            f"Line {error.lineno}, column {error.colno}." if isinstance(error, json.JSONDecodeError) else ""
        )
        raise InputError(f"{shown} is not JSON.", why=where, todo=todo) from None
    if not isinstance(given, dict):
        raise InputError(f"{shown} is not a JSON object.", todo=todo)
    return given
