"""How a setting is declared: its variable, parser, example and meaning, and the stage that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Stage = Literal["build", "config", "release"]


@dataclass(frozen=True)
class Setting:
    """What is declared of one setting. `parse` raises ValueError with what is wrong with a value."""

    name: str
    parse: Callable[[str], Any]
    example: str
    meaning: str
    stage: Stage


@dataclass(frozen=True)
class Problem:
    """What is wrong with one setting; never holds its value."""

    name: str
    wrong: str
    example: str = ""
    stage: Stage = "release"


def declare(
    name: str,
    parse: Callable[[str], Any],
    example: str,
    meaning: str,
    stage: Stage,
    *,
    default: object = None,
    secret: bool = False,
) -> Any:  # noqa: ANN401 - the field's own type holds
    """Return the field of a dataclass of settings."""
    declared = Setting(name, parse, example, meaning, stage)
    return field(default=default, repr=not secret, metadata={"setting": declared})
