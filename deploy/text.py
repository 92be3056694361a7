"""Texts as a person reads them: sizes, and names that may hold anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def megabytes(size: int) -> str:
    """Return a size in bytes as a person reads it, in units of 1024 as AWS counts its limits."""
    if size < 1024:  # noqa: PLR2004
        return f"{size} bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / (1024 * 1024):.1f} MiB"


def count(number: int, one: str, many: str) -> str:
    """Return a number and what it counts, such as `1 entry` or `2 entries`."""
    return f"{number} {one if number == 1 else many}"


def printable(text: str) -> str:
    """Return a text as one harmless line: control characters and invalid bytes are spelled out."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def printable_lines(text: str) -> str:
    """Return a text, such as a log, without any control character but line breaks and tabs."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def first_of(names: Sequence[str], most: int) -> list[str]:
    """Return the first names as a person reads them, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return [*map(printable, names[:most]), *more]


def wrap(text: str, width: int) -> list[str]:
    """Return a line as rows of at most this width, indented as it is, and those of a list by two more.

    A word that is longer has a row to itself: it may be a name or a command to copy.
    """
    if len(text) <= width:
        return [text]
    import textwrap  # most lines fit

    indent = text[: len(text) - len(text.lstrip())]
    hanging = indent + "  " if indent or text.startswith("- ") else ""
    return textwrap.wrap(
        text,
        max(width, 1),
        subsequent_indent=hanging,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
