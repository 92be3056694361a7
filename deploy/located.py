"""Documents whose values know their place, so that a mistake in one can be pointed at."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from deploy.errors import InputError
from deploy.text import printable

# A text, or a bracket outside of texts. It never fails behind a quote, so it takes each character once.
STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
BLANK = re.compile(r"[ \t\r\n]*")
SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_SHOWN = 40  # characters of what is wrong
MOST_SHOWN = 20  # mistakes
DEEPEST = 100  # levels; far below Python's own limit, at which even a garbage collection fails


class Place(NamedTuple):
    """Where something begins in a document; both numbers begin at 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Node:
    """A value and where it begins, and the place of its key if it has one.

    Objects are dictionaries and lists are lists, of nodes.
    """

    value: object
    place: Place
    key_place: Place | None = None

    @property
    def members(self) -> dict[str, Node]:
        """The members of an object; of anything else none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The items of a list; of anything else none."""
        return self.value if isinstance(self.value, list) else []

    def find(self, *keys: str) -> Node:
        """Return a member of a member …, or the last one on the way that is there."""
        node = self
        for key in keys:
            if key not in node.members:
                break
            node = node.members[key]
        return node

    def plain(self) -> object:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Problems:
    """What is wrong with one document, collected so that all of it is reported at once."""

    def __init__(self, document: str) -> None:
        self._document = document
        self._found: dict[tuple[Place, str], None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, wrong: str) -> None:
        """Add what is wrong at a place: a clause, and after a semicolon what is allowed there."""
        self._found[place, wrong] = None

    def refuse(self, place: Place, wrong: str) -> NoReturn:
        """Add what is wrong, and raise InputError: nothing behind it can be read."""
        self.add(place, wrong)
        self.check()
        raise AssertionError(wrong)  # pragma: no cover - check has raised

    def check(self, todo: str = "") -> None:
        """Raise InputError if anything is wrong."""
        lines = [
            f"{self._document}, line {place.line}, column {place.column}: {wrong}."
            for place, wrong in sorted(self._found)
        ]
        if len(lines) == 1:
            raise InputError(lines[0], todo=todo)
        if lines:
            more = [f"And {len(lines) - MOST_SHOWN} more."] if len(lines) > MOST_SHOWN else []
            what = f"{self._document} has {len(lines)} mistakes."
            raise InputError(what, why="\n".join(lines[:MOST_SHOWN] + more), todo=todo)


def shown(text: object) -> str:
    """Return a value of a document as a person reads it, in backticks and not too long."""
    line = printable(text if isinstance(text, str) else json.dumps(text))
    return f"`{line if len(line) <= LONGEST_SHOWN else f'{line[:LONGEST_SHOWN]}…'}`"


def parse_json(content: bytes, name: str, *, is_secret: bool = False) -> Node:
    """Return a JSON document; raise InputError with line and column if it is not one.

    `name` is what the reader knows it by. Keys that are there twice are refused, and so are numbers that JSON
    has no place for. If the document `is_secret`, no error repeats anything of it.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text.") from None
    return _Json(text, Problems(name), is_secret=is_secret).document()


class _Json:
    """Reads one JSON document."""

    def __init__(self, text: str, problems: Problems, *, is_secret: bool) -> None:
        self._text = text
        self._problems = problems
        self._is_secret = is_secret
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._decoder = json.JSONDecoder()

    def document(self) -> Node:
        self._check_depth()
        try:
            json.loads(self._text)  # from here on it is JSON, or what Python takes for it
        except json.JSONDecodeError as error:
            self._problems.refuse(self._place(error.pos), f"this is not JSON ({error.msg})")
        except ValueError:
            self._problems.refuse(Place(1, 1), "this holds a number of too many digits")
        node, _ = self._node(0, None)
        self._problems.check()
        return node

    def _check_depth(self) -> None:
        """Refuse what is nested too deeply, before anything goes down there."""
        depth = 0
        for found in STRUCTURE.finditer(self._text):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
            if depth > DEEPEST:
                wrong = f"this is nested more than {DEEPEST} levels deep"
                self._problems.refuse(self._place(found.start()), wrong)

    def _node(self, position: int, key_place: Place | None) -> tuple[Node, int]:
        """Return the value at a position, and the position behind it."""
        start = self._skip(position)
        place = self._place(start)
        if self._text[start] == "{":
            value, end = self._members(start + 1)
            return Node(value, place, key_place), end
        if self._text[start] == "[":
            items, end = self._items(start + 1)
            return Node(items, place, key_place), end
        scalar, end = self._decoder.raw_decode(self._text, start)
        if isinstance(scalar, float) and not math.isfinite(scalar):
            self._problems.add(place, "this is not a number that JSON has")
        self._check_text(scalar, place)
        return Node(scalar, place, key_place), end

    def _members(self, position: int) -> tuple[dict[str, Node], int]:
        members: dict[str, Node] = {}
        position = self._skip(position)
        while self._text[position] != "}":
            place = self._place(position)
            key, position = self._decoder.raw_decode(self._text, position)
            node, position = self._node(self._skip(position) + 1, place)  # behind the colon
            self._check_text(key, place)
            if key in members:
                first = members[key].key_place or place
                what = "this key" if self._is_secret else f"the key {shown(key)}"
                self._problems.add(place, f"{what} is there already, in line {first.line}")
            members.setdefault(key, node)
            position = self._next(position)
        return members, position + 1

    def _items(self, position: int) -> tuple[list[Node], int]:
        items: list[Node] = []
        position = self._skip(position)
        while self._text[position] != "]":
            node, position = self._node(position, None)
            items.append(node)
            position = self._next(position)
        return items, position + 1

    def _check_text(self, value: object, place: Place) -> None:
        """Add that a text can't be written as UTF-8."""
        if isinstance(value, str) and SURROGATE.search(value):
            self._problems.add(
                place, "this text holds half of a character, a surrogate without its other half"
            )

    def _next(self, position: int) -> int:
        """Return the position of the next member or item, or of the end."""
        position = self._skip(position)
        return self._skip(position + 1) if self._text[position] == "," else position

    def _skip(self, position: int) -> int:
        blank = BLANK.match(self._text, position)
        return blank.end() if blank else position

    def _place(self, position: int) -> Place:
        line = bisect_right(self._lines, position)
        return Place(line, position - self._lines[line - 1] + 1)
