"""Which paths .lambdaignore excludes: exactly those that git excludes for the same lines in a .gitignore.

The reference is https://git-scm.com/docs/gitignore, and git since 2.52. Earlier versions have one bug that
matters here: `foo**/bar` matches `foobar` too.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from deploy.build.lambdaignore.globs import Automaton
from deploy.files import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_WILDCARD = re.compile(rb"[*?\[\\]")

# What separates the runs of a pattern. A bracket that is not simple is assumed to end with the last `]`.
_BETWEEN_RUNS = re.compile(
    rb"[*?/] | \\.? | \[ (?: [!^]? [^\[\\!^] [^]\[\\]* \] | .*\] | .* )", re.DOTALL | re.VERBOSE
)

# Up to this number, searching for each run is faster than looking up each part of a path.
_FEW_RUNS = 200

# An automaton has an integer for each byte, with a bit for each state: larger ones would take more memory.
_PATTERNS_OF_AN_AUTOMATON = 1000


class Rules:
    """The rules of a file, by the numbers of their lines: negative ones for lines that begin with `!`."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        """Parse lines that were split at line feeds."""
        names: dict[bytes, int] = {}
        paths: dict[bytes, int] = {}
        for number, line in enumerate(lines, 1):
            if line.startswith(b"#"):
                continue
            pattern = _without_trailing_spaces(line.removesuffix(b"\r"))
            signed = number
            if pattern.startswith(b"!"):
                pattern = pattern[1:]
                signed = -number
            # If several lines have the same pattern, the last one counts.
            if pattern.find(b"/", 0, -1) >= 0:
                paths[pattern.removeprefix(b"/")] = signed
            else:
                names[pattern] = signed
        self._names = _Patterns(names)
        self._paths = _Patterns(paths)

    def excludes(self, path: str, *, is_folder: bool) -> bool:
        """Whether `path`, relative to the folder of the file, is excluded.

        Ask from the top down and don't enter excluded folders: nothing in them can be re-included.
        """
        text = os.fsencode(path)
        name = text[text.rfind(b"/") + 1 :]
        return _last(self._names.last_line(name, is_folder), self._paths.last_line(text, is_folder)) > 0

    def includes_by_name(self, folder: str) -> bool:
        """Whether a folder at the top is re-included by name.

        A line names `.output` if it is `.output`, `/.output`, `.output/` or `/.output/`: no wildcards, no
        backslashes, no folders below it. The last line that does so must begin with `!`, and the rules as
        a whole must not exclude the folder.
        """
        text = os.fsencode(folder)
        line = _last(self._names.spelled(text, is_folder=True), self._paths.spelled(text, is_folder=True))
        return line < 0 and not self.excludes(folder, is_folder=True)


def read_rules(path: Path) -> Rules:
    """Read the rules from a file. Return none if it does not exist.

    Raise InputError if it is not a regular file or not UTF-8. Git would read other encodings too, but
    rules in UTF-16, as some editors and shells write it, would silently match nothing.
    """
    return Rules(read_lines(path) if os.path.lexists(path) else ())


def _without_trailing_spaces(line: bytes) -> bytes:
    """Return the line without the spaces at its end, except one after a backslash."""
    if not line.endswith(b" "):
        return line
    stripped = line.rstrip(b" ")
    backslashes = len(stripped) - len(stripped.rstrip(b"\\"))
    return stripped + b" " if backslashes % 2 else stripped


def _last(*lines: int) -> int:
    return max(lines, key=abs)


class _Patterns:
    """Patterns for names, or for paths, and their lines. Those that match only folders end with a slash.

    A pattern with wildcards is tried only if the text contains a certain run of bytes without which it
    can't match: the one that it shares with the fewest other patterns.
    """

    def __init__(self, lines: dict[bytes, int]) -> None:
        self._literals = {pattern: line for pattern, line in lines.items() if not _WILDCARD.search(pattern)}
        self._globs = {pattern: line for pattern, line in lines.items() if pattern not in self._literals}
        runs = {pattern: _runs(pattern) for pattern in self._globs}
        number_of = Counter(itertools.chain.from_iterable(runs.values()))
        self._patterns: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for pattern, found in runs.items():
            rarest = min(found, key=lambda run: (number_of[run], -len(run)), default=b"")
            self._patterns[rarest].append(pattern)
        self._lengths = sorted({len(run) for run in self._patterns})
        self._automata: dict[bytes, list[Automaton]] = {}

    def last_line(self, text: bytes, is_folder: bool) -> int:
        """Return the number of the last line that matches, or 0."""
        found = self.spelled(text, is_folder)
        for run in self._runs_of(text):
            for automaton in self._automata_of(run):
                if line := automaton.last_line(text, is_folder):
                    found = _last(found, line)
                    break
        return found

    def spelled(self, text: bytes, is_folder: bool) -> int:
        """Return the number of the last line without wildcards that matches, or 0."""
        line = self._literals.get(text, 0)
        return _last(line, self._literals.get(text + b"/", 0)) if is_folder else line

    def _runs_of(self, text: bytes) -> Iterable[bytes]:
        if len(self._patterns) <= _FEW_RUNS:
            return [run for run in self._patterns if run in text]
        lengths = itertools.takewhile(lambda length: length <= len(text), self._lengths)
        parts = {text[start : start + size] for size in lengths for start in range(len(text) - size + 1)}
        return self._patterns.keys() & parts

    def _automata_of(self, run: bytes) -> list[Automaton]:
        """Return the automata of the patterns with this run, the one with the last lines first."""
        if run not in self._automata:
            ordered = sorted(((pattern, self._globs[pattern]) for pattern in self._patterns[run]), key=_line)
            self._automata[run] = [
                Automaton(ordered[max(0, end - _PATTERNS_OF_AN_AUTOMATON) : end])
                for end in range(len(ordered), 0, -_PATTERNS_OF_AN_AUTOMATON)
            ]
        return self._automata[run]


def _line(pattern: tuple[bytes, int]) -> int:
    return abs(pattern[1])


def _runs(pattern: bytes) -> list[bytes]:
    """Return runs of bytes that every text contains that the pattern matches."""
    return [run for run in _BETWEEN_RUNS.split(pattern) if run]
