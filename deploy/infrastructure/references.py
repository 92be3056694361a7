"""Texts with references in them, to what only AWS knows: each kind of template writes them its own way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Reference:
    """Something that is known when a template is applied: the account, the region, the API."""

    name: str


PARTITION, REGION, ACCOUNT = map(Reference, ("partition", "region", "account"))
SUFFIX = Reference("suffix")  # of the partition's host names
API = Reference("api")  # its ID

Part = str | Reference


@dataclass(frozen=True)
class Joined:
    """A text with references in it."""

    parts: tuple[Part, ...]


# What stands for references where nothing but a plain text can, such as in a target: no ARN has braces.
OF_TARGET = {"{region}": REGION, "{account}": ACCOUNT}
_TOKEN = re.compile(r"(\{region\}|\{account\})")
_ARN = "arn:aws:"


def join(*parts: Part | Joined) -> Joined:
    """Return a text of parts."""
    flat: list[Part] = []
    for part in parts:
        flat += part.parts if isinstance(part, Joined) else (part,)
    return Joined(tuple(flat))


def expression(text: str) -> Joined:
    """Return a reference to something that one kind of template alone has, in its own language."""
    return Joined((Reference(text),))


def arn(service: str, resource: Part | Joined, *, region: Part = REGION, account: Part = ACCOUNT) -> Joined:
    """Return an ARN in the partition, region and account that a template is applied in."""
    return join("arn:", PARTITION, f":{service}:", region, ":", account, ":", resource)


def with_references(value: object) -> object:
    """Return a policy of a target whose region and account are tokens, with references in their place."""
    if isinstance(value, dict):
        return {key: with_references(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_references(item) for item in value]
    if not isinstance(value, str):
        return value
    parts: list[Part] = [OF_TARGET.get(part, part) for part in _TOKEN.split(value) if part]
    has_partition = value.startswith(_ARN) and (len(parts) > 1 or value.startswith(f"{_ARN}s3:"))
    if has_partition:
        return join("arn:", PARTITION, ":", value_after(parts))
    return Joined(tuple(parts)) if len(parts) > 1 else value


def value_after(parts: list[Part]) -> Joined:
    """Return the parts of an ARN behind its partition."""
    first, *rest = parts
    return Joined((str(first).removeprefix(_ARN), *rest))


def resolve(value: object, text: Callable[[Joined], object], plain: Callable[[str], object]) -> Any:  # noqa: ANN401 - a document
    """Return a document with its texts written by `plain`, and those with references by `text`."""
    if isinstance(value, Joined):
        return text(value)
    if isinstance(value, dict):
        return {key: resolve(item, text, plain) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, text, plain) for item in value]
    return plain(value) if isinstance(value, str) else value


def as_json(value: object) -> Joined:
    """Return a document as JSON, with its references as they are."""
    return join(*_json(value))


def _json(value: object) -> Iterator[Part]:
    if isinstance(value, Joined):
        yield '"'
        for part in value.parts:
            yield _dumps(part)[1:-1] if isinstance(part, str) else part
        yield '"'
    elif isinstance(value, dict):
        for number, (key, item) in enumerate(value.items()):
            yield f"{',' if number else '{'}{_dumps(key)}:"
            yield from _json(item)
        yield "}" if value else "{}"
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield "," if number else "["
            yield from _json(item)
        yield "]" if value else "[]"
    else:
        yield _dumps(value)


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
