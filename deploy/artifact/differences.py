"""What a deploy would change in the code and in the config, by name, never by value.

Entries are compared by size and CRC-32, so no more of a package is read than its central directory and its
config file.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.config.formats import variables
from deploy.errors import DeployError, InputError
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from deploy.artifact.archive import Directory, Entry
    from deploy.artifact.window import Seekable
    from deploy.config.formats import ConfigFile


@dataclass(frozen=True)
class Changes:
    """The names that are new, changed, and gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.added) + len(self.changed) + len(self.removed)


@dataclass(frozen=True)
class Difference:
    """What differs between the deployed package and the new one.

    `config` is None if the config changes, but the names can't be compared; `why` says why.
    """

    config: Changes | None
    code: Changes
    why: str = ""


class _NotComparedError(Exception):
    """Says why the config vars of the deployed package can't be compared, although they change."""


# Bytes of a deployed config file that are read: ours are smaller, whoever else's may be of any size.
LARGEST_CONFIG = 16 * 1024 * 1024

NO_DIFFERENCE = Difference(Changes((), (), ()), Changes((), (), ()))


def compare(deployed: Seekable, package: Seekable, config_files: Sequence[ConfigFile]) -> Difference:
    """Compare two packages.

    Raise DeployError if the deployed one can't be read.
    """
    with _saying("The deployed package is not a complete ZIP."):
        old = read_directory(deployed)
        before = dict(_code(old, config_files))
    code = _changes(before, _code(read_directory(package), config_files))
    for file in config_files:
        index = old.find(file.name)
        if index is not None:
            try:
                deployed_variables = _deployed_variables(file.name, deployed, old.entry(index))
            except _NotComparedError as error:
                return Difference(None, code, str(error))
            return Difference(_changes(deployed_variables, _variables(file)), code)
    return Difference(_changes({}, _variables(config_files[0])), code)


def _code(directory: Directory, config_files: Sequence[ConfigFile]) -> Iterator[tuple[str, object]]:
    """Return what identifies the content of each entry, except the config."""
    config = {file.name for file in config_files}
    return ((entry.name, (entry.size, entry.crc)) for entry in directory if entry.name not in config)


@contextlib.contextmanager
def _saying(what: str) -> Iterator[None]:
    """Report what is damaged: the message for an artifact of the build does not fit a deployed one."""
    try:
        yield
    except InputError as error:
        raise DeployError(what, why=error.why) from None


def _variables(file: ConfigFile) -> Iterable[tuple[str, object]]:
    return variables(file.name, file.content).items()


def _deployed_variables(name: str, deployed: Seekable, entry: Entry) -> dict[str, str]:
    """Return the config vars of a deployed file; raise _NotComparedError if they can't be compared."""
    if entry.size > LARGEST_CONFIG:
        raise _NotComparedError(
            f"The {name} of the deployed package would be replaced; it is {megabytes(entry.size)} large, so "
            "config vars are not compared."
        )
    with _saying(f"The {name} of the deployed package is damaged."):
        content = b"".join(read_content(deployed, entry))
    try:
        return variables(name, content)
    except ValueError:
        raise _NotComparedError(
            f"The {name} of the deployed package would be replaced; it is not one that this buildpack wrote, "
            "so config vars can't be compared."
        ) from None


def _changes(old: Mapping[str, object], new: Iterable[tuple[str, object]]) -> Changes:
    gone = dict(old)
    added, changed = [], []
    for name, value in new:
        if name not in gone:
            added.append(name)
        elif gone.pop(name) != value:
            changed.append(name)
    return Changes(tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(gone)))
