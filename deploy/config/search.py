"""A search for many values in a text at once: whole ones, and pieces of them.

What stands at each place of the text is looked up among the values, instead of each value in the text. So the
time depends on the length of the text, and hardly on the number of values or on what they have in common.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# In bytes:
SHORTEST = 4  # of what is found; as many make a number, which is looked up at once
LONGEST_WHOLE = 64  # of a value that is looked up as a whole; a longer one is found by its pieces
SHORTEST_PIECE = 16  # of a part of a value that is found anywhere
LONGEST_REST = 32  # of a value's end that the text begins with; a longer one is a piece
LONGEST_CUT_ESCAPE = 16  # what a cut may leave of an escape, as of \\ud83d\\ude00

# Pieces begin every STEP bytes of a value, so each of SHORTEST_PIECE bytes and a STEP more is found; their
# first GRAM bytes are a number, too.
STEP, GRAM = 4, 8
RUN = re.compile(rb"\x01{%d,}" % ((SHORTEST_PIECE - GRAM) // STEP + 1))

# What values have in common with texts that do not show them: rules, schemes, hosts, paths, heads of ARNs.
PUBLIC = re.compile(
    rb"(?s:(.)\1{3,})|[a-z][a-z0-9+.-]{1,15}://|(?<!\w)(?:[a-z0-9-]{1,63}\.)+[a-z]{2,}(?!\w)(?::[0-9]+)?"
    rb"|[/?&][a-z_.=-]{3,}|(?:[a-z0-9-]{0,32}:){2,4}[0-9]{12}:(?:[a-z-]{1,32}[:/])?"
)


class Found(NamedTuple):
    """Where a value is, and whose. `is_cut` says that it is a piece that lacks the beginning."""

    start: int
    end: int
    name: str
    is_cut: bool = False


class Search:
    """Finds values, each given with its name; what is `known` does not make a piece a secret."""

    def __init__(self, names: Mapping[bytes, str], known: Iterable[bytes] = ()) -> None:
        self._known = sorted(known, key=len, reverse=True)
        self._wholes = {value: name for value, name in names.items() if len(value) <= LONGEST_WHOLE}
        lengths: dict[int, set[int]] = {}
        for value in self._wholes:
            lengths.setdefault(int.from_bytes(value[:SHORTEST], sys.byteorder), set()).add(len(value))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}
        self._ends = sorted((value[: -LONGEST_REST - 1 : -1], name) for value, name in names.items())
        self._index({value: name for value, name in names.items() if len(value) > SHORTEST_PIECE})

    def _index(self, names: Mapping[bytes, str]) -> None:
        """Note where each number that a piece may begin with stands in all values, one after another."""
        values = bytearray(GRAM)  # so no place is 0
        self._starts: list[int] = []
        self._last: set[bytes] = set()  # the last GRAM bytes that are looked up, and what is behind them
        for value in names:
            self._starts.append(len(values))
            values += value + bytes(STEP - len(value) % STEP)
            self._last.add(value[len(value) // STEP * STEP - GRAM :])
        self._names = list(names.values())
        self._values = bytes(values)
        numbers = _stepped(self._values, GRAM)
        places = range(GRAM, GRAM + len(numbers) * STEP, STEP)
        # What is in several values gets the name of the first.
        self._places = dict(zip(reversed(numbers), reversed(places), strict=True))

    def wholes(self, text: bytes) -> Iterator[Found]:
        """Yield at each place the longest of the values up to LONGEST_WHOLE."""
        for first in range(SHORTEST):
            lengths = list(map(self._lengths.get, _numbers(text, first, SHORTEST)))
            places = range(first, first + len(lengths) * SHORTEST, SHORTEST)
            for start in compress(places, lengths):
                number = int.from_bytes(text[start : start + SHORTEST], sys.byteorder)
                for length in self._lengths[number]:
                    value = text[start : start + length]
                    if value in self._wholes:
                        yield Found(start, start + len(value), self._wholes[value])
                        break

    def pieces(self, text: bytes, *, public: bool = False) -> Iterator[Found]:
        """Yield what is part of a value, unless it is short, or may stand in any text (`public`)."""
        for first in range(STEP):
            places = list(map(self._places.get, _stepped(text, first)))
            for run in RUN.finditer(bytes(map(bool, places))):
                place, last = places[run.start()], places[run.end() - 1]
                if place and last:
                    start, end = first + run.start() * STEP, first + (run.end() - 1) * STEP + GRAM
                    start, place = self._extended_left(text, start, place)
                    end = self._extended_right(text, end, last + GRAM)
                    if public or self._is_telling(text[start:end]):
                        at = bisect_right(self._starts, place) - 1
                        yield Found(start, end, self._names[at], is_cut=self._starts[at] != place)

    def _extended_left(self, text: bytes, start: int, place: int) -> tuple[int, int]:
        """Return where the bytes before a piece begin that belong to it, too; they are fewer than STEP."""
        for _ in range(STEP - 1):
            if start and text[start - 1] == self._values[place - 1]:
                start, place = start - 1, place - 1
        return start, place

    def _extended_right(self, text: bytes, end: int, place: int) -> int:
        extended = end
        for more in range(1, STEP):
            added = text[end : end + more]
            if len(added) == more and (
                added == self._values[place : place + more] or text[end - GRAM : end] + added in self._last
            ):
                extended = end + more
        return extended

    def _is_telling(self, piece: bytes) -> bool:
        for known in self._known:
            piece = piece.replace(known, b"")
        return len(piece) > LONGEST_WHOLE or len(PUBLIC.sub(b"", piece)) >= SHORTEST_PIECE

    def rests(self, text: bytes) -> Iterator[Found]:
        """Yield the ends of values that the text begins with, be it behind the rest of an escape."""
        for start in range(LONGEST_CUT_ESCAPE):
            window = text[start : start + LONGEST_REST]
            for length in range(len(window), SHORTEST - 1, -1):
                end = window[length - 1 :: -1]
                at = bisect_left(self._ends, (end,))
                if at < len(self._ends) and self._ends[at][0].startswith(end):
                    yield Found(start, start + length, self._ends[at][1], is_cut=True)
                    break


def _numbers(data: bytes, first: int, size: int) -> memoryview:
    """Return the numbers of so many bytes that a text consists of, from a place on."""
    view = memoryview(data)[first:]
    return view[: len(view) // size * size].cast("I" if size == SHORTEST else "Q")


def _stepped(data: bytes, first: int) -> list[int]:
    """Return the numbers of GRAM bytes that begin every STEP bytes."""
    even, odd = _numbers(data, first, GRAM), _numbers(data, first + STEP, GRAM)
    numbers = [0] * (len(even) + len(odd))
    numbers[::2], numbers[1::2] = even, odd
    return numbers
