"""Config: which variables of the environment are the function's, and which are left out, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.config.buildpacks import BUILDPACK_VARIABLES, SHARED_VARIABLES
from deploy.config.dyno import Table, matches, setter_of_any_value
from deploy.config.notes import WAS, is_note, read_notes
from deploy.config.platforms import PLATFORM_VARIABLES
from deploy.config.shared import Places, owners_part
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


SETTING_REASON = "a setting of the deploy: its name starts with _"
SHELL_REASON = "set by the shell"  # to the program that it starts
EXCLUDE_REASON = "excluded by _LAMBDA_CONFIG_EXCLUDE"
START_SCRIPT_REASON = "set by a start script of the dyno"
PLACE_REASON = "set to a folder that exists in the dyno alone"


@dataclass(frozen=True)
class LeftOut:
    """A variable that is not baked, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Config:
    """The config vars to bake, sorted by name, and what was left out of the environment."""

    baked: Mapping[str, str] = field(repr=False)
    left_out: tuple[LeftOut, ...]


def select(
    variables: Mapping[str, str], *, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> Config:
    """Choose the config vars among the variables of an environment, and find out what the owner has set.

    `include` brings dyno variables back and `exclude` leaves config vars out, both as glob patterns;
    exclude wins, and nothing brings back a name that starts with `_` or a path that exists in the dyno
    alone. Bytes that are not UTF-8 stand in names and values as surrogates (PEP 383); raises InputError
    where one would be baked.
    """
    include, exclude = tuple(include), tuple(exclude)
    environment = _Environment(variables)
    baked: dict[str, str] = {}
    left_out: list[LeftOut] = []
    for name in environment.names():
        if name == "_":
            left_out.append(LeftOut(name, SHELL_REASON))
        elif name.startswith("_"):
            left_out.append(LeftOut(name, SETTING_REASON))
        elif matches(name, exclude):
            left_out.append(LeftOut(name, EXCLUDE_REASON))
        else:
            value = environment.owners_value(name)
            if isinstance(value, LeftOut) and matches(name, include) and environment.can_be_included(name):
                value = variables[name]
            if isinstance(value, LeftOut):
                left_out.append(value)
            else:
                baked[name] = value
    _refuse_invalid_text(baked)
    return Config(baked, tuple(left_out))


def secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what must not be shown: all values but those that everybody knows or may know."""
    environment = _Environment(variables)
    return {name: value for name, value in variables.items() if environment.is_secret(name)}


class _Environment:
    """The variables of a process, and who has set them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._notes = read_notes(variables)
        self._platform = Table(PLATFORM_VARIABLES, variables)
        self._buildpacks = Table(BUILDPACK_VARIABLES, variables)
        self._places = Places(variables.get("HOME", ""))

    def names(self) -> list[str]:
        """Return the names of all variables, also of those that the start scripts have unset."""
        present = (name for name in self._variables if not is_note(name))
        return sorted({*present, *self._notes.unset})

    def owners_value(self, name: str) -> str | LeftOut:
        """Return what the owner has set a variable to."""
        if group := self._platform.setter(name, self._variables.get(name, "")):
            return LeftOut(name, group.reason)
        value = self._value_before_start_scripts(name)
        if value is not None and self._may_be_a_default(name):
            group = self._buildpacks.setter(name, value)
            value = None if group else value
        if value is not None:
            value = owners_part(name, value, self._places)
        if value is None:
            return LeftOut(name, _reason(name))
        if self._places.are_in(value):
            return LeftOut(name, PLACE_REASON)
        return value

    def can_be_included(self, name: str) -> bool:
        """Whether a dyno variable would be of any use outside of the dyno."""
        return name in self._variables and not self._places.are_in(self._variables[name])

    def is_secret(self, name: str) -> bool:
        """Whether the value of a variable may be shown to nobody."""
        if is_note(name):
            return name.startswith(WAS)
        value = self._variables[name]
        group = self._platform.setter(name, value)
        if not group and isinstance(self.owners_value(name), LeftOut):
            if owners_part(name, value, self._places) is None:
                return False
            group = self._buildpacks.setter(name, value)
        return group is None or group.secret

    def _value_before_start_scripts(self, name: str) -> str | None:
        value = self._variables.get(name)
        if value is None or self._notes.were_set(name, value):
            return self._notes.was.get(name)
        noted = self._notes.set.get(name)
        if noted and noted in value and setter_of_any_value(name, SHARED_VARIABLES):
            # .profile has added to what the start scripts have set. So may the launcher, at the front.
            before, _, after = value.rpartition(noted)
            return before + self._notes.was.get(name, "") + after
        return value

    def _may_be_a_default(self, name: str) -> bool:
        started_with = self._notes.started_with
        return started_with is None or (name not in started_with and name not in self._notes.set)


def _reason(name: str) -> str:
    group = setter_of_any_value(name, (*SHARED_VARIABLES, *BUILDPACK_VARIABLES))
    return group.reason if group else START_SCRIPT_REASON


def _refuse_invalid_text(baked: Mapping[str, str]) -> None:
    invalid_names = [name for name in baked if not _is_text(name)]
    invalid_values = [name for name in baked if _is_text(name) and not _is_text(baked[name])]
    if not invalid_names and not invalid_values:
        return
    what = [f"The name of the config var {printable(name)} is not valid UTF-8." for name in invalid_names]
    what += [f"The value of the config var {printable(name)} is not valid UTF-8." for name in invalid_values]
    raise InputError(
        "\n".join(what),
        why="No format of the baked config files can hold it: all of them hold text.",
        todo="Set it again as text, for binary data in base64, or leave it out with _LAMBDA_CONFIG_EXCLUDE.",
    )


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
