"""Dyno variables: looks up who sets a variable."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True)
class DynoVariables:
    """Variables that the same hand sets, by name or by glob pattern.

    `NAME=value` stands for the variable if it has this value, `NAME=$OTHER` if it has that of another
    variable. `but` are exceptions. With `where`, the group counts only if one of these variables is set.
    The values of a `secret` group may not be shown.
    """

    reason: str
    names: tuple[str, ...]
    but: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    secret: bool = False


class Table:
    """Groups of dyno variables, as far as they count in one environment."""

    def __init__(self, groups: Iterable[DynoVariables], variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._exact: dict[str, list[tuple[str | None, DynoVariables]]] = {}
        self._patterns: list[tuple[str, DynoVariables]] = []
        for group in groups:
            if group.where and not any(_is_any_of(name, group.where) for name in variables):
                continue
            for entry in group.names:
                name, equals, value = entry.partition("=")
                if "*" in name:
                    self._patterns.append((name, group))
                else:
                    self._exact.setdefault(name, []).append((value if equals else None, group))

    def setter(self, name: str, value: str) -> DynoVariables | None:
        """Return who sets a variable to this value, if anyone in the table does."""
        return next(self._setters(name, value), None)

    def _setters(self, name: str, value: str) -> Iterator[DynoVariables]:
        for known, group in self._exact.get(name, ()):
            if known is None or value == self._resolve(known):
                yield group
        for pattern, group in self._patterns:
            if fnmatchcase(name, pattern) and not _is_any_of(name, group.but):
                yield group

    def _resolve(self, value: str) -> str | None:
        return self._variables.get(value[1:]) if value.startswith("$") else value


def setter_of_any_value(name: str, groups: Iterable[DynoVariables]) -> DynoVariables | None:
    """Return who sets a variable of this name, in whatever environment and to whatever value."""
    for group in groups:
        if _is_any_of(name, (entry.partition("=")[0] for entry in group.names)):
            return group
    return None


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches one of the glob patterns, as a whole and with its case."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_any_of(name: str, patterns: Iterable[str]) -> bool:
    # Nearly all are plain names, and a pattern takes its time to be compiled.
    return any(name == pattern or ("*" in pattern and fnmatchcase(name, pattern)) for pattern in patterns)
