"""What an alias's description records: its owner's words, the version before, the release, and a shift.

While CodeDeploy shifts an alias nobody else may write to it. So what is recorded before a shift holds
however the shift ends: which versions it goes from and to, and which release that is. Where the alias is then
tells whether the release is live.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.target.provenance import Provenance, release_in
from deploy.target.record import LONGEST_DESCRIPTION

if TYPE_CHECKING:
    from deploy.aws.answers import Alias

PREVIOUS = re.compile(r" ?\[previous version: ([0-9]+)\]")
SHIFT = re.compile(r" ?\[shift: ([0-9]+) (back )?to ([0-9]+)(?:, (?:(\S+) )?v([0-9]+))?\]")
# What an alias says that was set up with its function and has served no deploy.
PLACEHOLDER = "[placeholder]"


@dataclass(frozen=True)
class ShiftNote:
    """A shift as it is recorded before it begins: the two versions, and the release that it brings.

    `goes_back` if it is that of a rollback.
    """

    origin: str
    goal: str
    release: Provenance | None = None
    goes_back: bool = False

    @property
    def way(self) -> str:
        """The two versions, for a reader."""
        return f"version {self.origin} to {self.goal}"

    def __str__(self) -> str:
        release = self.release.note.removeprefix("[release: ").removesuffix("]") if self.release else ""
        to = "back to" if self.goes_back else "to"
        return f"[shift: {self.origin} {to} {self.goal}{f', {release}' if release else ''}]"


@dataclass(frozen=True)
class Note:
    """What a description says, taken apart."""

    words: str = ""
    previous: str | None = None
    release: Provenance | None = None
    shift: ShiftNote | None = None

    def describe(self) -> str:
        """Return the description, within the length that AWS takes: the owner's words are cut first."""
        notes = (
            f"[previous version: {self.previous}]" if self.previous else "",
            self.release.note if self.release else "",
            str(self.shift) if self.shift else "",
        )
        note = " ".join(each for each in notes if each)
        return f"{self.words[: LONGEST_DESCRIPTION - len(note) - 1]} {note}".strip()


def parse_note(description: str) -> Note:
    """Take a description apart."""
    shift = SHIFT.search(description)
    noted = None
    if shift:
        release = Provenance(shift[4], int(shift[5])) if shift[5] else None
        noted = ShiftNote(shift[1], shift[3], release, bool(shift[2]))
    previous = PREVIOUS.search(description)
    rest = description.replace(PLACEHOLDER, "")
    words, release = release_in(PREVIOUS.sub("", SHIFT.sub("", rest)))
    return Note(words.strip(), previous[1] if previous else None, release, noted)


def settled_note(alias: Alias) -> Note:
    """Return what is recorded of where the alias is now, a shift that is over included."""
    note = parse_note(alias.description)
    shift = note.shift
    if shift is None or alias.weights or alias.version != shift.goal:
        return Note(note.words, note.previous, note.release)
    return Note(note.words, shift.origin, shift.release or note.release)


def pending_shift(alias: Alias) -> ShiftNote | None:
    """Return the shift that is recorded and has not brought the alias to its goal; it may be over as well."""
    shift = parse_note(alias.description).shift
    if shift is None or (alias.version == shift.goal and not alias.weights):
        return None
    return shift


def is_placeholder(alias: Alias) -> bool:
    """Whether an alias still points at the placeholder that it was set up with; nobody goes back there."""
    return PLACEHOLDER in alias.description


def failed_shift(alias: Alias) -> ShiftNote | None:
    """Return the shift of a deploy that is recorded, and has left the alias whole where it was.

    It has failed, it was stopped, or it never began, if CodeDeploy does not shift the alias now.
    """
    shift = pending_shift(alias)
    if shift is None or shift.goes_back or alias.weights or alias.version != shift.origin:
        return None
    return shift


def previous_version(alias: Alias) -> str | None:
    """Return the version that an alias served before, as its description remembers it."""
    return settled_note(alias).previous


def recorded_release(alias: Alias, *, is_shifting: bool) -> Provenance | None:
    """Return the release that is live, or the one that a shift which goes on is bringing."""
    shift = pending_shift(alias) if is_shifting else None
    return (shift.release if shift else None) or settled_note(alias).release
