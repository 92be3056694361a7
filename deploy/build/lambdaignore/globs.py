"""Git's wildcard patterns, many at once.

The patterns form one nondeterministic automaton. The states that it is in are the bits of one integer. A
byte of text costs a few operations on such integers, whatever the patterns are: nothing backtracks.
"""

from __future__ import annotations

import re
import string
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

SLASH = ord("/")

# PATH_MAX on Linux. A pattern that needs longer paths matches nothing.
_LONGEST_PATH = 4096

_BYTES = [bytes((byte,)) for byte in range(256)]
_ANY = bytes(byte for byte in range(1, 256) if byte != SLASH)

_TOKEN = re.compile(
    rb"""
    (?P<folders> (?<![^/]) \*\*+ / )               # **/ at the start of a component
    | (?P<below> (?<![^/]) \*\*+ (?= \Z | \\/ ) )  # /** at the end
    | (?P<star> \*+ )
    | (?P<any> \? )
    | (?P<bracket> \[ )
    | \\ (?P<escaped> . )
    | (?P<literal> [^*?\[\\]+ )
    """,
    re.DOTALL | re.VERBOSE,
)

# As in git, whose classes don't depend on the locale. It does not count \v and \f as spaces.
_CLASSES = {
    name: characters.encode()
    for name, characters in {
        b"alnum": string.ascii_letters + string.digits,
        b"alpha": string.ascii_letters,
        b"blank": " \t",
        b"cntrl": "".join(map(chr, (*range(1, 32), 127))),
        b"digit": string.digits,
        b"graph": string.ascii_letters + string.digits + string.punctuation,
        b"lower": string.ascii_lowercase,
        b"print": string.ascii_letters + string.digits + string.punctuation + " ",
        b"punct": string.punctuation,
        b"space": " \t\n\r",
        b"upper": string.ascii_uppercase,
        b"xdigit": string.hexdigits,
    }.items()
}


class Glob(NamedTuple):
    """A parsed pattern: steps, as the bytes that they accept, and gaps, as the step before which they are."""

    steps: list[bytes]
    stars: set[int]  # gaps for any bytes but slashes
    folders: set[int]  # gaps for any folders, each with the slash after it


def parse(pattern: bytes) -> Glob | None:
    """Parse a pattern, without slashes around it. Return None if it can't match anything."""
    glob = Glob([], set(), set())
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None or len(glob.steps) > _LONGEST_PATH:
            return None
        position = token.end()
        if token.lastgroup in ("folders", "below"):
            glob.folders.add(len(glob.steps))
        if token.lastgroup in ("star", "below"):
            glob.stars.add(len(glob.steps))
        elif token.lastgroup == "any":
            glob.steps.append(_ANY)
        elif token.lastgroup == "bracket":
            bracket = _bracket(pattern, position)
            if bracket is None:
                return None
            accepted, position = bracket
            glob.steps.append(accepted)
        elif token.lastgroup in ("escaped", "literal"):
            glob.steps.extend(_BYTES[byte] for byte in token[token.lastgroup][: _LONGEST_PATH + 1])
    return glob


def _bracket(pattern: bytes, position: int) -> tuple[bytes, int] | None:
    """Parse what follows a `[`. Return the bytes that it accepts and its end, or None if malformed."""
    negated = pattern[position : position + 1] in (b"!", b"^")
    position += negated
    members: set[int] = set()
    start = position
    previous = b""  # what may begin a range
    closing = 0  # where the next `]` is; searching again for each `[:` would take quadratic time
    while (byte := pattern[position : position + 1]) != b"]" or position == start:
        after = pattern[position + 1 : position + 2]
        if byte == b"-" and previous and after not in (b"", b"]"):
            position += 1 + (after == b"\\")
            byte = pattern[position : position + 1]
            if not byte:
                return None
            members.update(range(previous[0], byte[0] + 1))
            previous = b""
        elif byte == b"[" and after == b":":
            closing = closing if closing > position + 1 else pattern.find(b"]", position + 2)
            if closing < 0:
                return None
            if closing > position + 2 and pattern[closing - 1 : closing] == b":":
                accepted = _CLASSES.get(pattern[position + 2 : closing - 1])
                if accepted is None:
                    return None
                members.update(accepted)
                previous = b""
                position = closing
            else:
                members.add(byte[0])
                previous = byte
        else:
            if byte == b"\\":
                position += 1
                byte = after
            if not byte:
                return None
            members.add(byte[0])
            previous = byte
        position += 1
    return bytes(byte for byte in _ANY if (byte in members) != negated), position + 1


class Automaton:
    """The automaton of several patterns. Each has a state before each of its steps, and one at its end."""

    def __init__(self, patterns: Iterable[tuple[bytes, int]]) -> None:
        """Build it from patterns and their lines. Those that match only folders end with a slash."""
        starts, stars, folders, ends, folder_ends = (array("L") for _ in range(5))
        steps: defaultdict[bytes, array[int]] = defaultdict(lambda: array("L"))
        self._lines: dict[int, int] = {}
        state = 0
        for pattern, line in patterns:
            glob = parse(pattern.removesuffix(b"/"))
            if glob is None:
                continue
            starts.append(state)
            stars.extend(state + gap for gap in glob.stars)
            folders.extend(state + gap for gap in glob.folders)
            for number, accepted in enumerate(glob.steps):
                steps[accepted].append(state + number)
            state += len(glob.steps)
            (folder_ends if pattern.endswith(b"/") else ends).append(state)
            self._lines[state] = line
            state += 1
        self._starts, self._stars, self._folders = _bits(starts), _bits(stars), _bits(folders)
        self._ends, self._folder_ends = _bits(ends), _bits(folder_ends)
        self._steps = [0] * 256
        for accepted, states in steps.items():
            mask = _bits(states)
            for byte in accepted:
                self._steps[byte] |= mask
        shared: dict[int, int] = {}
        self._steps = [shared.setdefault(mask, mask) for mask in self._steps]

    def last_line(self, text: bytes, is_folder: bool) -> int:
        """Return the line of the last pattern that matches, or 0."""
        steps, stars, folders = self._steps, self._stars, self._folders
        states, reached = self._starts, 0
        for byte in text:
            # From a gap for folders that was reached, each slash leads back to it.
            reached |= states & folders
            states = (states & steps[byte]) << 1 | (reached if byte == SLASH else states & stars)
            if not states and not reached:
                return 0
        ended = states & (self._ends | self._folder_ends if is_folder else self._ends)
        return self._lines[ended.bit_length() - 1] if ended else 0


def _bits(numbers: array[int]) -> int:
    # Not by `|=`: each time it would copy the integer.
    bits = bytearray(max(numbers, default=-1) // 8 + 1)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return int.from_bytes(bits, "little")
