"""The notes of the start script: what the environment was before the start scripts of the dyno ran.

lib/profile.sh writes them, and lib/notes.sh where Cloud Native Buildpacks have set variables. They are
variables, too, whose names begin with an underscore.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTED_WITH = "_DEPLOY_STARTED_WITH"
SET = "_DEPLOY_SET_"
WAS = "_DEPLOY_WAS_"
LONGEST = 4096  # characters of a value that are noted; where the shell knows no characters, bytes


@dataclass(frozen=True)
class Notes:
    """What the start scripts have set and what it was before.

    `started_with` are the names of the variables that were there before, without empty ones; None if
    nobody took notes.
    """

    started_with: frozenset[str] | None
    set: Mapping[str, str] = field(repr=False)
    was: Mapping[str, str] = field(repr=False)

    @property
    def unset(self) -> list[str]:
        """The variables that the start scripts have unset."""
        return [name for name in self.was if name not in self.set]

    def were_set(self, name: str, value: str) -> bool:
        """Whether a variable has its value from the start scripts."""
        noted = self.set.get(name)
        if noted is None:
            return False
        beginning = _bytes(noted)
        return value == noted or (len(beginning) >= LONGEST and _bytes(value).startswith(beginning))


def read_notes(variables: Mapping[str, str]) -> Notes:
    """Collect the notes among the variables of an environment."""
    names = variables.get(STARTED_WITH)
    started_with = None if names is None else frozenset(names.split())
    return Notes(started_with, _notes(SET, variables), _notes(WAS, variables))


def is_note(name: str) -> bool:
    """Whether this is the name of a note."""
    return name == STARTED_WITH or name.startswith((SET, WAS))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _notes(prefix: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in variables.items() if name.startswith(prefix)}
