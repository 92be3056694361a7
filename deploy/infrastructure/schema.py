"""What a document may hold, declared once: it is checked by it, and its JSON Schema is made from it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.located import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.located import Node, Problems


class Shape(ABC):
    """What a value may be. `allowed` says it to a person."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What is allowed, as a noun."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""

    @abstractmethod
    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong with a value; `name` is what the reader knows it by."""

    def refuse(self, node: Node, name: str, problems: Problems) -> None:
        """Add that a value is not what is allowed."""
        problems.add(node.place, f"{name} has to be {self.allowed}")


@dataclass(frozen=True)
class Text(Shape):
    """A text that a pattern matches as a whole; `noun` says which texts these are."""

    noun: str = "a text"
    pattern: str = ""
    examples: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What is allowed."""
        examples = f", such as {' or '.join(map(shown, self.examples))}" if self.examples else ""
        return f"{self.noun}{examples}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        pattern = {"pattern": f"^(?:{self.pattern})$"} if self.pattern else {}
        return {"type": "string", **pattern, **({"examples": [*self.examples]} if self.examples else {})}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, str):
            self.refuse(node, name, problems)
        elif self.pattern and not re.fullmatch(self.pattern, node.value):
            problems.add(node.place, f"{name} is {shown(node.value)}; it has to be {self.allowed}")


@dataclass(frozen=True)
class AnyObject(Shape):
    """An object that somebody else checks."""

    allowed = "an object"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"type": "object"}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, dict):
            self.refuse(node, name, problems)


@dataclass(frozen=True)
class Choice(Shape):
    """One of some texts or numbers."""

    options: tuple[str | int, ...]

    @property
    def allowed(self) -> str:
        """What is allowed."""
        return f"one of {', '.join(shown(option) for option in self.options)}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"enum": [*self.options]}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if isinstance(node.value, bool) or node.value not in self.options:
            self.refuse(node, name, problems)


@dataclass(frozen=True)
class Number(Shape):
    """A whole number between two others, which belong to it."""

    lowest: int
    highest: int
    unit: str = ""

    @property
    def allowed(self) -> str:
        """What is allowed."""
        unit = f" {self.unit}" if self.unit else ""
        return f"a whole number from {self.lowest} to {self.highest}{unit}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if type(node.value) is not int or not self.lowest <= node.value <= self.highest:
            self.refuse(node, name, problems)


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    allowed = "`true` or `false`"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"type": "boolean"}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, bool):
            self.refuse(node, name, problems)


@dataclass(frozen=True)
class ListOf(Shape):
    """A list of up to `most` items of one shape."""

    item: Shape
    most: int

    @property
    def allowed(self) -> str:
        """What is allowed."""
        return f"a list of up to {self.most}, each {self.item.allowed}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"type": "array", "items": self.item.schema(), "maxItems": self.most}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, list) or len(node.value) > self.most:
            self.refuse(node, name, problems)
            return
        for number, item in enumerate(node.items):
            self.item.check(item, f"{name}[{number}]", problems)


@dataclass(frozen=True)
class MapOf(Shape):
    """An object with keys of the user's own, all of one form, and values of one shape."""

    key: Text
    item: Shape
    least: int = 0

    @property
    def allowed(self) -> str:
        """What is allowed."""
        least = f" with at least {self.least} member" if self.least else ""
        return f"an object{least} whose keys are each {self.key.allowed}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        least = {"minProperties": self.least} if self.least else {}
        names = {"pattern": self.key.schema()["pattern"]}
        return {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": self.item.schema(),
            **least,
        }

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, dict) or len(node.value) < self.least:
            self.refuse(node, name, problems)
            return
        for key, item in node.members.items():
            if not re.fullmatch(self.key.pattern, key):
                wrong = f"{shown(key)} is a key of {name}, and each of them has to be {self.key.allowed}"
                problems.add(item.key_place or item.place, wrong)
            self.item.check(item, f"{name}.{key}" if name else key, problems)


@dataclass(frozen=True)
class Field:
    """A key of an object: what it may hold, what it means, and what holds without it, as people read it."""

    shape: Shape
    meaning: str
    default: str = ""
    is_required: bool = False


@dataclass(frozen=True)
class Members(Shape):
    """An object with these keys and no others."""

    fields: Mapping[str, Field] = field(hash=False)

    @property
    def allowed(self) -> str:
        """What is allowed."""
        return f"an object with the keys {', '.join(f'`{key}`' for key in self.fields)}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        required = [key for key, each in self.fields.items() if each.is_required]
        return {
            "type": "object",
            "properties": {
                key: {
                    "description": f"{each.meaning}{f' By default {each.default}.' if each.default else ''}",
                    **each.shape.schema(),
                }
                for key, each in self.fields.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if not isinstance(node.value, dict):
            self.refuse(node, name or "the document", problems)
            return
        for key, item in node.members.items():
            if key in self.fields:
                self.fields[key].shape.check(item, f"{name}.{key}" if name else key, problems)
            else:
                problems.add(
                    item.key_place or item.place, f"there is no key {shown(key)} {self._known(name)}"
                )
        for key, each in self.fields.items():
            if each.is_required and key not in node.members:
                problems.add(
                    node.place, f"{name or 'the document'} has no `{key}`, which is {each.shape.allowed}"
                )

    def _known(self, name: str) -> str:
        return f"in {name or 'the document'}; there are {', '.join(f'`{key}`' for key in self.fields)}"


@dataclass(frozen=True)
class Either(Shape):
    """A short form or a longer one: which of both is meant, the type of the value says."""

    short: Shape
    long: Shape

    @property
    def allowed(self) -> str:
        """What is allowed."""
        return f"{self.short.allowed}, or {self.long.allowed}"

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        return {"anyOf": [self.short.schema(), self.long.schema()]}

    def check(self, node: Node, name: str, problems: Problems) -> None:
        """Add what is wrong."""
        if isinstance(node.value, (dict, list)):
            self.long.check(node, name, problems)
        elif isinstance(node.value, bool) is isinstance(self.short, Flag) and node.value is not None:
            self.short.check(node, name, problems)
        else:
            self.refuse(node, name, problems)
