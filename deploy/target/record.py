"""The record of a published version: where it comes from, and what its base and its baked files are.

It is kept in AWS alone, in the description of the version and of the alias that names it, so whoever may read
the function can see what runs, and can take the baked files out of the package and prove what is left:

    team-orders, v42, commit 0123456789ab, base <SHA-256>, config 0123456789ab, files env.properties, env.json

A package that was copied from another account, whatever it holds, has a record that proves nothing:

    base <SHA-256 of all of it>, copied as it is
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.target.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNKNOWN = Provenance()

LONGEST_DESCRIPTION = 256  # characters that AWS takes, of a version's and of an alias's

SEPARATOR = ", "  # no name of a baked file holds a comma: the setting that names them is separated by commas
SHORT = 12  # digits of a digest, enough to tell two apart

BASE = re.compile(f"base ([0-9a-f]{{64}}|[0-9a-f]{{{SHORT}}})")
CONFIG = re.compile(f"config ([0-9a-f]{{{SHORT}}})")
COUNT = re.compile("([1-9][0-9]{0,2}) files?")
COPIED = "copied as it is"
FILES = "files "
COMMIT = "commit "
RELEASE = re.compile("v([0-9]{1,9})")
NAME = "version "


@dataclass(frozen=True)
class Record:
    """What is recorded with a version: base and baked files prove it, the rest is for readers.

    Earlier buildpacks recorded the first digits of `base_sha256` and no files. `files` are the names of the
    baked files in the package's order, empty if only their number fits. It is 0 for a package that was copied
    as it is, which may hold anybody's config. `config` is the beginning of a digest of their contents. `name`
    is what the version is called, or was when it was published.
    """

    base_sha256: str
    files: tuple[str, ...] = ()
    file_count: int | None = None
    config: str = ""
    provenance: Provenance = UNKNOWN
    name: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it proves a base: its digest is recorded in full, and how many files were baked."""
        return len(self.base_sha256) > SHORT and bool(self.file_count)

    @property
    def is_copy(self) -> bool:
        """Whether nobody knows what the package holds."""
        return self.file_count == 0

    def is_of(self, base_sha256: str) -> bool:
        """Whether it records this base, as far as the digits that it has say."""
        return base_sha256.startswith(self.base_sha256)

    def baked_files(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return which of a package's entries, in the order of its directory, were baked: the last ones.

        Raise ValueError if the record is not complete or does not fit these entries.
        """
        if not self.is_complete or self.file_count is None or self.file_count > len(names):
            raise ValueError("a record that does not fit")
        baked = tuple(names[len(names) - self.file_count :])
        if self.files not in {(), baked}:
            raise ValueError("other files than were recorded")
        return baked

    def describe(self) -> str:
        """Return it as a description: as much as AWS takes, and what proves the base in any case."""
        return next(text for text in self._forms() if len(text) <= LONGEST_DESCRIPTION)

    def summary(self) -> str:
        """Return it for a reader, with short digests and without the files."""
        copied = COPIED if self.is_copy else ""
        return _joined(*self._origin(), f"base {self.base_sha256[:SHORT]}", self._config(), copied)

    def _forms(self) -> Iterator[str]:
        """Yield the descriptions from the most telling to the shortest."""
        name = f"{NAME}{self.name}" if self.name else ""
        count = _counted(self.file_count)
        names = FILES + SEPARATOR.join(self.files) if self.files else count
        base = f"base {self.base_sha256}"
        app, *rest = self._origin()
        for origin in ((app, *rest), rest):
            for files in (names, count):
                yield _joined(name, *origin, base, self._config(), files)
                yield _joined(name, *origin, base, files)
        yield _joined(name, base, count)

    def _origin(self) -> tuple[str, str, str]:
        source = self.provenance
        return (
            source.app or "",
            "" if source.release is None else f"v{source.release}",
            f"{COMMIT}{shorten(source.commit)}" if source.commit else "",
        )

    def _config(self) -> str:
        return f"config {self.config[:SHORT]}" if self.config else ""


def parse_record(description: str) -> Record | None:
    """Return what a description records; None if it is somebody else's."""
    parts = description.split(SEPARATOR)
    # An app may be called anything, so what comes last counts.
    place = next((i for i in range(len(parts) - 1, -1, -1) if BASE.fullmatch(parts[i])), None)
    if place is None:
        return None
    origin, base, rest = parts[:place], parts[place][len("base ") :], parts[place + 1 :]
    config = CONFIG.fullmatch(rest[0]) if rest else None
    files, file_count = _files(rest[1:] if config else rest)
    if file_count is None and (len(base) > SHORT or len(rest) > 1):
        return None
    name = origin.pop(0)[len(NAME) :] if origin and origin[0].startswith(NAME) else None
    return Record(base, files, file_count, config[1] if config else "", _provenance(origin), name)


def _files(parts: Sequence[str]) -> tuple[tuple[str, ...], int | None]:
    """Return the names and the number of baked files."""
    text = SEPARATOR.join(parts)
    if text == COPIED:
        return (), 0
    if count := COUNT.fullmatch(text):
        return (), int(count[1])
    if not text.startswith(FILES):
        return (), None
    names = tuple(text[len(FILES) :].split(SEPARATOR))
    return (names, len(names)) if all(names) else ((), None)


def _counted(files: int | None) -> str:
    if files is None:
        return ""
    return f"{files} file{'s' * (files != 1)}" if files else COPIED


def _provenance(parts: list[str]) -> Provenance:
    commit = parts.pop()[len(COMMIT) :] if parts and parts[-1].startswith(COMMIT) else None
    release = RELEASE.fullmatch(parts[-1]) if parts else None
    if release:
        parts.pop()
    return Provenance(SEPARATOR.join(parts) or None, int(release[1]) if release else None, commit)


def shorten(commit: str) -> str:
    """Return the beginning of a commit's digest, and what may follow it."""
    sha, dash, dirty = commit.partition("-")
    return f"{sha[:SHORT]}{dash}{dirty}"


def _joined(*parts: str) -> str:
    return SEPARATOR.join(part for part in parts if part)
