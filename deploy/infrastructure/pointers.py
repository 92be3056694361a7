"""The references of a definition: `$ref`, which API Gateway follows within one document alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from deploy.located import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.located import Node, Problems

REF = "$ref"
# What is data, and may hold anything.
DATA = ("example", "examples", "default", "enum")
OF_API_GATEWAY = "https://apigateway.amazonaws.com/"  # models of its own


def follow(root: Node, reference: str) -> Node | None:
    """Return what a reference leads to in its document; None if nothing is there."""
    node = root
    for escaped in reference.removeprefix("#").split("/")[1:]:
        key = unquote(escaped).replace("~1", "/").replace("~0", "~")
        if key in node.members:
            node = node.members[key]
        elif node.items and key.isdecimal() and int(key) < len(node.items):
            node = node.items[int(key)]
        else:
            return None
    return node


def check_references(root: Node, problems: Problems) -> None:
    """Add each reference that leads out of the document, to nothing, or in a circle."""
    for node in _references(root):
        _check(root, node, problems)


def _check(root: Node, node: Node, problems: Problems) -> None:
    seen: dict[str, None] = {}
    current: Node | None = node
    while current is not None and _is_reference(current):
        found = current.members[REF]
        reference = str(found.value)
        if reference in seen:
            circle = " → ".join(shown(each) for each in (*seen, reference))
            wrong = f"these references lead in a circle: {circle}; one has to be written out"
            problems.add(found.place, wrong)
            return
        seen[reference] = None
        if reference.startswith(OF_API_GATEWAY):
            return
        if reference != "#" and not reference.startswith("#/"):
            wrong = f"the reference {shown(reference)} leads out of this document"
            problems.add(found.place, f"{wrong}; API Gateway imports one document: copy it to this one")
            return
        current = follow(root, reference)
        if current is None:
            problems.add(found.place, f"the reference {shown(reference)} leads to nothing in this document")


def _is_reference(node: Node) -> bool:
    return REF in node.members and isinstance(node.members[REF].value, str)


def _references(node: Node) -> Iterator[Node]:
    """Yield the objects that are references."""
    if _is_reference(node):
        yield node
    for key, item in node.members.items():
        if key not in DATA and not key.startswith("x-"):
            yield from _references(item)
    for item in node.items:
        yield from _references(item)
