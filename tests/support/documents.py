"""Reads the documents, so that tests can compare them with the code.

What a test uses is marked by a comment on the line before it: `<!-- recipe: java-properties -->`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paths import REPOSITORY

README = REPOSITORY / "README.md"
CONFIG = REPOSITORY / "docs" / "config.md"

_RECIPE = re.compile(
    r"^<!-- recipe: (?P<name>\S+) -->\n+```\w*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Recipe:
    """A fenced block of code."""

    document: Path
    name: str
    code: str


def recipes(document: Path) -> Iterator[Recipe]:
    """Yield the marked blocks of code of a document."""
    for match in _RECIPE.finditer(document.read_text(encoding="utf-8")):
        yield Recipe(document, match["name"], match["code"])


def table(document: Path, marker: str) -> list[list[str]]:
    """Return the rows of a marked table, without its head."""
    _head, _rule, *rows = paragraph(document, marker).splitlines()
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names(text: str) -> tuple[str, ...]:
    """Return what stands in backticks."""
    return tuple(re.findall("`([^`]+)`", text))


def marked_names(document: Path, marker: str) -> tuple[str, ...]:
    """Return what stands in backticks in a marked paragraph."""
    return names(paragraph(document, marker))


def paragraph(document: Path, marker: str) -> str:
    """Return a marked paragraph."""
    _, found, rest = document.read_text(encoding="utf-8").partition(f"<!-- {marker} -->\n")
    assert found, f"{document.name} has no {marker}"
    return rest.split("\n\n", 1)[0]
