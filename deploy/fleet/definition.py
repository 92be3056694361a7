"""The definition file of a fleet: which version of each function should be live.

It is exactly this, and nothing else is accepted in it:

    {"lambdas": [{"name": "team-orders", "version": "1.1.1"}, {"name": "team-billing", "version": "0.0.1"}]}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from deploy.errors import InputError
from deploy.target.arn import FUNCTION_NAME
from deploy.target.version import VersionName, parse_name
from deploy.text import printable

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1024 * 1024  # bytes; a function takes about 60
LONGEST_SHOWN = 40  # characters of what is wrong
BLANK = re.compile(r"[ \t\r\n]*")
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
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"The fleet file {shown} can't be read: {error.strerror}.", todo=f"It looks like this: {EXAMPLE}"
        ) from None
    return parse_definition(content, shown)


def parse_definition(content: bytes, name: str) -> Definition:
    """Return what a definition says; raise InputError with line and column if it is not one.

    `name` is what the reader knows it by.
    """
    if len(content) > LARGEST:
        raise InputError(
            f"The fleet file {name} is larger than 1 MiB, so it is not a fleet file.",
            todo=f"It looks like this: {EXAMPLE}",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"The fleet file {name} is not UTF-8 text.", todo="Save it as UTF-8.") from None
    return _Parser(text, name).definition()


class _Node(NamedTuple):
    """A JSON value and where it begins; an object is a list of pairs, for keys may be repeated."""

    start: int
    value: object
    is_object: bool = False


class _Parser:
    """Reads one definition, and says where it is wrong."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._decoder = json.JSONDecoder()

    def definition(self) -> Definition:
        """Return what the text says."""
        try:
            json.loads(self._text)  # from here on it is JSON
            root, _ = self._node(0)
        except json.JSONDecodeError as error:
            self._refuse(error.pos, f"this is not JSON ({error.msg})")
        except (ValueError, RecursionError):
            self._refuse(0, "this is nested too deeply, or holds a number of too many digits")
        (lambdas,) = self._members(root, ("lambdas",))
        if lambdas.is_object or not isinstance(lambdas.value, list):
            self._refuse(lambdas.start, "`lambdas` has to be a list")
        if not lambdas.value:
            self._refuse(lambdas.start, "the list of functions is empty")
        known: dict[str, int] = {}
        return Definition(tuple(self._wanted(node, known) for node in lambdas.value))

    def _wanted(self, node: _Node, known: dict[str, int]) -> Wanted:
        name, version = self._members(node, ("name", "version"))
        function = self._string(name, "name")
        if not FUNCTION_NAME.fullmatch(function):
            wrong = f"{_shown(function)} is not the name of a function: 1 to 64 letters, digits, `-` and `_`"
            self._refuse(name.start, wrong)
        if function in known:
            self._refuse(name.start, f"{function} is there already, in line {self._line(known[function])}")
        known[function] = name.start
        text = self._string(version, "version")
        if text.isdecimal():
            wrong = (
                f"the version {_shown(text)} is a number, and AWS's numbers differ from account to account: "
                "write the name that a deploy gave by _LAMBDA_VERSION, such as 1.1.1. `deploy status "
                "--versions` shows them"
            )
            self._refuse(version.start, wrong)
        try:
            return Wanted(function, parse_name(text))
        except ValueError as error:
            self._refuse(version.start, f"the version {_shown(text)} {error}")

    def _members(self, node: _Node, names: tuple[str, ...]) -> list[_Node]:
        """Return the values of an object that has these keys and no other, in this order."""
        keys = " and ".join(f"`{name}`" for name in names)
        if not node.is_object or not isinstance(node.value, list):
            self._refuse(node.start, f"this has to be an object with {keys}")
        found: dict[object, _Node] = {}
        for key, value in node.value:
            if key.value not in names:
                self._refuse(key.start, f"the key {_shown(str(key.value))} is not one of a fleet file's")
            if key.value in found:
                self._refuse(key.start, f"the key `{key.value}` is there twice")
            found[key.value] = value
        for name in names:
            if name not in found:
                self._refuse(node.start, f"this has no `{name}`")
        return [found[name] for name in names]

    def _string(self, node: _Node, name: str) -> str:
        if not isinstance(node.value, str):
            self._refuse(node.start, f"`{name}` has to be a string, in double quotes")
        return node.value

    # --- positions, of a text that is known to be JSON

    def _node(self, position: int) -> tuple[_Node, int]:
        """Return the value at a position, and the position behind it."""
        start = self._skip(position)
        closing = {"{": "}", "[": "]"}.get(self._text[start])
        if closing is None:
            value, end = self._decoder.raw_decode(self._text, start)
            return _Node(start, value), end
        items: list[object] = []
        position = self._skip(start + 1)
        while self._text[position] != closing:
            item, position = self._node(position)
            if closing == "}":
                value, position = self._node(self._skip(position) + 1)  # behind the colon
                items.append((item, value))
            else:
                items.append(item)
            position = self._skip(position)
            if self._text[position] == ",":
                position = self._skip(position + 1)
        return _Node(start, items, closing == "}"), position + 1

    def _skip(self, position: int) -> int:
        blank = BLANK.match(self._text, position)
        return blank.end() if blank else position

    def _line(self, position: int) -> int:
        return self._text.count("\n", 0, position) + 1

    def _refuse(self, position: int, wrong: str) -> NoReturn:
        column = position - self._text.rfind("\n", 0, position)
        raise InputError(
            f"{self._name}, line {self._line(position)}, column {column}: {wrong}.",
            todo=f"A fleet file is exactly like this: {EXAMPLE}",
        )


def _shown(text: str) -> str:
    return printable(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")
