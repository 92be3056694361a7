"""The definition file of a fleet: which version of each function should be live.

It is exactly this, and nothing else is accepted in it:

    {"lambdas": [{"name": "team-orders", "version": "1.1.1"}, {"name": "team-billing", "version": "0.0.1"}]}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.located import Problems, parse_json, shown
from deploy.target.arn import FUNCTION_NAME
from deploy.target.version import VersionName, parse_name
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.located import Node, Place

LARGEST = 1024 * 1024  # bytes; a function takes about 60
EXAMPLE = '{"lambdas": [{"name": "team-orders", "version": "1.1.1"}]}'


@dataclass(frozen=True)
class Wanted:
    """A function and the version that should be live."""

    name: str
    version: VersionName


@dataclass(frozen=True)
class Definition:
    """Which version of each function should be live, in the file's order."""

    lambdas: tuple[Wanted, ...]


def read_definition(path: Path) -> Definition:
    """Read a definition file; raise InputError if it can't be read or is not one."""
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"The fleet file {name} can't be read: {error.strerror}.", todo=f"It looks like this: {EXAMPLE}"
        ) from None
    return parse_definition(content, name)


def parse_definition(content: bytes, name: str) -> Definition:
    """Return what a definition says; raise InputError with the line and column of each mistake.

    `name` is what the reader knows it by.
    """
    if len(content) > LARGEST:
        raise InputError(
            f"The fleet file {name} is larger than 1 MiB, so it is not a fleet file.",
            todo=f"It looks like this: {EXAMPLE}",
        )
    todo = f"A fleet file is exactly like this: {EXAMPLE}"
    problems = Problems(name)
    try:
        lambdas = _lambdas(parse_json(content, name), problems)
        definition = Definition(tuple(_every_wanted(lambdas, problems)))
        problems.check()
    except InputError as error:
        raise InputError(error.what, why=error.why, todo=todo) from None
    return definition


def _lambdas(root: Node, problems: Problems) -> list[Node]:
    """Return the list of functions; add what is wrong with it."""
    lambdas = _members(root, ("lambdas",), problems).get("lambdas")
    if lambdas is None:
        return []
    if not isinstance(lambdas.value, list):
        problems.add(lambdas.place, "`lambdas` has to be a list")
    elif not lambdas.value:
        problems.add(lambdas.place, "the list of functions is empty")
    return lambdas.items


def _every_wanted(nodes: list[Node], problems: Problems) -> Iterator[Wanted]:
    """Yield what the list says; add what is wrong with it."""
    known: dict[str, Place] = {}
    for node in nodes:
        members = _members(node, ("name", "version"), problems)
        function = _function(members["name"], known, problems) if "name" in members else None
        version = _version(members["version"], problems) if "version" in members else None
        if function and version:
            yield Wanted(function, version)


def _function(node: Node, known: dict[str, Place], problems: Problems) -> str | None:
    """Return the name of a function that is not among those `known`; add what is wrong with it."""
    if not isinstance(node.value, str):
        problems.add(node.place, "`name` has to be a string, in double quotes")
        return None
    if not FUNCTION_NAME.fullmatch(node.value):
        wrong = f"{shown(node.value)} is not the name of a function: 1 to 64 letters, digits, `-` and `_`"
        problems.add(node.place, wrong)
        return None
    if first := known.get(node.value):
        problems.add(node.place, f"{shown(node.value)} is there already, in line {first.line}")
    known.setdefault(node.value, node.place)
    return node.value


def _version(node: Node, problems: Problems) -> VersionName | None:
    """Return the name of a version; add what is wrong with it."""
    text = node.value
    if not isinstance(text, str):
        problems.add(node.place, "`version` has to be a string, in double quotes")
        return None
    if text.isdecimal():
        wrong = (
            f"the version {shown(text)} is a number, and AWS's numbers differ from account to account: "
            "write the name that a deploy gave by _LAMBDA_VERSION, such as 1.1.1. `deploy status "
            "--versions` shows them"
        )
        problems.add(node.place, wrong)
        return None
    try:
        return parse_name(text)
    except ValueError as error:
        problems.add(node.place, f"the version {shown(text)} {error}")
        return None


def _members(node: Node, names: tuple[str, ...], problems: Problems) -> dict[str, Node]:
    """Return the members of an object that has these keys and no other; add what is wrong with it."""
    if not isinstance(node.value, dict):
        keys = " and ".join(f"`{name}`" for name in names)
        problems.add(node.place, f"this has to be an object with {keys}")
        return {}
    for key, member in node.members.items():
        if key not in names:
            wrong = f"the key {shown(key)} is not one of a fleet file's"
            problems.add(member.key_place or member.place, wrong)
    for name in names:
        if name not in node.members:
            problems.add(node.place, f"this has no `{name}`")
    return {name: member for name, member in node.members.items() if name in names}
