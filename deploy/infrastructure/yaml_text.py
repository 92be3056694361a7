"""YAML as OpenAPI has it: what JSON has, written otherwise. PyYAML reads it where it is installed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.located import DEEPEST, Node, Place, Problems, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    import yaml

TAG = "tag:yaml.org,2002:"
MOST_NODES = 200_000  # of a document whose aliases are written out
TOO_LARGE = "this is nested too deeply, or too large with its aliases written out"


def parse_yaml(content: bytes, name: str, most: int = MOST_NODES) -> Node:
    """Return a YAML document of up to `most` values.

    Raise InputError with line and column if it is not one that JSON could hold.
    """
    try:
        import yaml
    except ImportError:
        raise InputError(
            f"{name} is YAML, and PyYAML is not installed here.",
            todo="Install it beside this program: `pip install pyyaml`, or write the document in JSON.",
        ) from None
    problems = Problems(name)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = content.decode("utf-8-sig")
        _check_size(yaml.parse(text, Loader=loader), problems, most)
        root = yaml.compose(text, Loader=loader)
        if root is None:
            problems.refuse(Place(1, 1), "this document is empty")
        node = _Yaml(problems, most).node(root, None, ())
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        problems.refuse(place, f"this is not YAML ({error.problem})")
    except (yaml.YAMLError, RecursionError):
        problems.refuse(Place(1, 1), "this is not YAML, or is nested too deeply")
    problems.check()
    return node


def _check_size(events: Iterable[yaml.Event], problems: Problems, most: int) -> None:
    """Refuse what is nested too deeply, or is too large with its aliases written out, before it is composed.

    Events come one by one; composing goes down into the document, in libyaml without any limit.
    """
    from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

    sizes: dict[str | None, int] = {}
    parents: list[tuple[str | None, int]] = []
    total = aliased = 0
    for event in events:
        if isinstance(event, CollectionEndEvent):
            anchor, before = parents.pop()
            sizes[anchor] = total - before
        if not isinstance(event, NodeEvent):
            continue
        size = sizes.get(event.anchor, 0) if isinstance(event, AliasEvent) else 1
        total += size
        aliased += size if isinstance(event, AliasEvent) else 0
        if isinstance(event, CollectionStartEvent):
            parents.append((event.anchor, total - 1))
        elif not isinstance(event, AliasEvent):
            sizes[event.anchor] = 1
        # A key is an event, too. People write few aliases, and of small values.
        if len(parents) > DEEPEST or total > 2 * most or aliased > most // 10:
            mark = event.start_mark
            problems.refuse(Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1), TOO_LARGE)


class _Yaml:
    """Makes nodes of ours of PyYAML's."""

    def __init__(self, problems: Problems, most: int) -> None:
        self._problems = problems
        self._left = most

    def node(self, given: yaml.Node, key_place: Place | None, parents: tuple[int, ...]) -> Node:
        from yaml.nodes import MappingNode, SequenceNode

        place = Place(given.start_mark.line + 1, given.start_mark.column + 1)
        self._left -= 1
        if id(given) in parents:
            self._problems.refuse(place, "this value holds an alias of itself; one has to be written out")
        if len(parents) > DEEPEST or self._left < 0:
            self._problems.refuse(place, TOO_LARGE)
        parents = (*parents, id(given))
        tag = given.tag.removeprefix(TAG)
        if isinstance(given, MappingNode) and tag == "map":
            return Node(self._members(given.value, parents), place, key_place)
        if isinstance(given, SequenceNode) and tag == "seq":
            return Node([self.node(item, None, parents) for item in given.value], place, key_place)
        return Node(self._scalar(given.value, tag, place), place, key_place)

    def _members(self, pairs: Any, parents: tuple[int, ...]) -> dict[str, Node]:  # noqa: ANN401 - PyYAML's
        members: dict[str, Node] = {}
        for key, value in pairs:
            place = Place(key.start_mark.line + 1, key.start_mark.column + 1)
            if key.id != "scalar" or key.tag == f"{TAG}merge":
                wrong = "a key has to be a text: neither a list, nor an object, nor `<<`"
                self._problems.refuse(place, wrong)
            if key.value in members:
                first = members[key.value].key_place or place
                wrong = f"the key {shown(key.value)} is there already, in line {first.line}"
                self._problems.add(place, wrong)
            members.setdefault(key.value, self.node(value, place, parents))  # 200 is a text there, as in JSON
        return members

    def _scalar(self, text: object, tag: str, place: Place) -> object:
        from yaml.constructor import SafeConstructor

        if tag in {"str", "timestamp", "value"}:  # a date without quotes is a text in JSON
            return str(text)
        values = {
            "null": lambda _text: None,
            "bool": lambda text: SafeConstructor.bool_values[text.lower()],
            "int": _integer,
            "float": _number,
        }
        try:
            return values[tag](str(text))
        except (KeyError, ValueError):
            self._problems.add(
                place, f"{shown(str(text))} with the tag {shown(tag)} is nothing that JSON has"
            )
            return None


def _integer(text: str) -> int:
    from yaml import ScalarNode
    from yaml.constructor import SafeConstructor

    return int(SafeConstructor().construct_yaml_int(ScalarNode(f"{TAG}int", text)))


def _number(text: str) -> float:
    from yaml import ScalarNode
    from yaml.constructor import SafeConstructor

    number = float(SafeConstructor().construct_yaml_float(ScalarNode(f"{TAG}float", text)))
    if not math.isfinite(number):
        raise ValueError(text)
    return number
