"""Names of resources in templates, made from the user's own."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.located import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 100  # characters of a name that is made from a path


def pascal(text: str) -> str:
    """Return a text's letters and digits, each word with a capital: `get-order` → `GetOrder`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text))


def snake(text: str) -> str:
    """Return a text's letters and digits, with underscores between words: `get-order` → `get_order`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()


def of_operation(method: str, path: str) -> tuple[str, ...]:
    """Return the words of an operation's name; two operations never have the same."""
    digest = hashlib.sha256(f"{method} {path}".encode()).hexdigest()[:8]
    return (method, path[:LONGEST], digest)


def add_new(known: dict[str, dict[str, Any]], more: Mapping[str, dict[str, Any]]) -> None:
    """Add resources by their names; raise InputError for a name that another resource has."""
    for name, resource in more.items():
        if name in known:
            raise InputError(
                f"Two resources would be called {shown(name)}.",
                why="Names of resources are made of the keys of functions, and two of them collide here.",
                todo="Choose another key for one of the functions in service.json; its `name` may stay.",
            )
        known[name] = resource
