"""Takes secrets out of texts that we did not write: AWS's messages, a function's log, a traceback."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from deploy.config.decodings import decodings
from deploy.config.parts import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# The user and password of a URL (RFC 3986, 3.2.1), which may come out in another form than it was set.
USER_INFORMATION = re.compile(r"//[^/\s@]+@")
LONGEST_CUT_ESCAPE = 16  # bytes that a cut may leave of an escape, as of \\ud83d\\ude00
CUT_ESCAPE = re.compile(rb"[0-9A-Za-z\\{}%&#;+/_\s-]{0,16}")
REPLACEMENT = "\ufffd".encode()  # what a decoder puts in place of what a cut leaves of a character
PROBE = 4  # bytes at the start or end of a spelling, a number: whether they are in a text is known at once
CONTINUATION = range(0x80, 0xC0)  # bytes of UTF-8 that do not begin a character


class Span(NamedTuple):
    """A part of a text that is replaced, and the variable whose value it shows."""

    start: int
    end: int
    name: str


class Redactor:
    """Replaces config values in texts, as well as their parts, by the names of their variables.

    Finds them in every encoding that `decodings` undoes. Make it once for a set of variables.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        found = [(name, list(parts(value))) for name, value in variables.items()]
        # What is one variable's value and a part of another's is shown as the former.
        ranked = [(name, part) for name, all_parts in found for part in all_parts[:1]]
        ranked += [(name, part) for name, all_parts in found for part in all_parts[1:]]
        self._names: dict[bytes, str] = {}
        for name, part in ranked:
            for spelling in _spellings(part):
                self._names.setdefault(spelling, name)
        self._by_start = _grouped(self._names, lambda spelling: spelling[:PROBE])
        self._by_end = _grouped(self._names, lambda spelling: spelling[-PROBE:])

    def redact(self, text: str) -> str:
        """Return a text with `[NAME]` in place of each value and each part of one."""
        data = text.encode("utf-8", "surrogatepass")
        return _replace(data, self._spans(data))

    def redact_tail(self, text: str) -> str:
        """Return the same for a text whose beginning was cut off, be it within a value or a character."""
        data = text.encode("utf-8", "surrogatepass")
        return _replace(data, [*self._spans(data), *self._cut(data)])

    def _spans(self, data: bytes) -> Iterator[Span]:
        for decoding in decodings(data):
            for spelling in _present(self._by_start, decoding.data):
                for start, end in _occurrences(decoding.data, spelling):
                    yield Span(*decoding.place(start, end), self._names[spelling])

    def _cut(self, data: bytes) -> Iterator[Span]:
        """Yield what the text begins with of values whose beginning was cut off."""
        begin = 0
        while data.startswith(REPLACEMENT, begin):
            begin += len(REPLACEMENT)
        for decoding in decodings(data[begin:]):
            candidates = list(_present(self._by_end, decoding.data))
            for skipped in range(LONGEST_CUT_ESCAPE):
                rest = decoding.data[skipped:]
                for spelling in candidates:
                    length = _overlap(spelling, rest)
                    if length < PROBE:
                        continue
                    start, end = decoding.place(skipped, skipped + length)
                    if CUT_ESCAPE.fullmatch(data, begin, begin + start):
                        yield Span(0, begin + end, self._names[spelling])


# --- what is looked for ---------------------------------------------------------------------------


def _spellings(part: str) -> Iterator[bytes]:
    """Yield the bytes by which a part may appear in a decoded text."""
    spelled = (
        part,
        part.replace(" ", "+"),  # in a query
        part.replace("'", "'\\''"),  # in a shell
        part.replace("'", "'\"'\"'"),
        part.replace("'", "''"),  # in YAML and SQL
        part.replace('"', '""'),  # in CSV
        *(line_break.join(part.replace("\r\n", "\n").split("\n")) for line_break in ("\n", "\r\n", "\r")),
        json.dumps(part)[1:-1],  # in JSON that is packed in base64
        json.dumps(part, ensure_ascii=False)[1:-1],
    )
    for text in dict.fromkeys(spelled):
        for data in _encodings(text):
            if len(data) >= PROBE:
                yield data


def _encodings(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        # What is not UTF-8 is in the environment as surrogates (PEP 383).
        with contextlib.suppress(UnicodeEncodeError):
            yield text.encode("utf-8", "surrogateescape")
        with contextlib.suppress(UnicodeEncodeError):
            yield text.encode("latin-1")


# --- where it is ----------------------------------------------------------------------------------


def _grouped(spellings: Iterable[bytes], key: Callable[[bytes], bytes]) -> dict[int, list[bytes]]:
    groups: dict[int, list[bytes]] = {}
    for spelling in spellings:
        groups.setdefault(int.from_bytes(key(spelling), sys.byteorder), []).append(spelling)
    return groups


def _present(groups: Mapping[int, list[bytes]], data: bytes) -> Iterator[bytes]:
    """Yield the spellings of each group whose four bytes are anywhere in a text."""
    view = memoryview(data)
    firsts = range(min(PROBE, len(data)))
    numbers = (view[first : first + (len(data) - first) // PROBE * PROBE].cast("I") for first in firsts)
    for key in groups.keys() & chain.from_iterable(numbers):
        yield from groups[key]


def _occurrences(data: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Yield where something is, overlaps included, in a time that is proportional to the text's length.

    Where it overlaps with itself, the text repeats itself; all that does is taken as one occurrence.
    """
    start = data.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        overlapping = data.find(wanted, start + 1, end + len(wanted) - 1)
        again = end
        if overlapping >= 0:
            period = overlapping - start
            end = _end_of_repetition(data, end, period)
            again = end - period + 1
        yield start, end
        start = data.find(wanted, again)


def _end_of_repetition(data: bytes, end: int, period: int) -> int:
    length = 1
    while length:
        piece = data[end : end + length]
        if len(piece) == length and piece == data[end - period : end - period + length]:
            end += length
            length *= 2
        else:
            length //= 2
    return end


def _overlap(value: bytes, text: bytes) -> int:
    """Return how much of the text's beginning is the end of a value (Knuth, Morris and Pratt)."""
    wanted = text[: len(value)]
    if wanted[:PROBE] not in value or value[-PROBE:] not in wanted:
        return 0
    borders = [0] * len(wanted)
    matched = 0
    for at in range(1, len(wanted)):
        while matched and wanted[at] != wanted[matched]:
            matched = borders[matched - 1]
        matched += wanted[at] == wanted[matched]
        borders[at] = matched
    matched = 0
    for byte in value[-len(wanted) :]:
        while matched and byte != wanted[matched]:
            matched = borders[matched - 1]
        matched += byte == wanted[matched]
    return matched


# --- what is put there ----------------------------------------------------------------------------


def _replace(data: bytes, spans: Iterable[Span]) -> str:
    pieces: list[bytes] = []
    done = 0
    for start, end, name in _merged(spans):
        first, last = _whole_characters(data, start, end)
        pieces += (data[done:first], f"[{name}]".encode("utf-8", "surrogatepass"))
        done = last
    pieces.append(data[done:])
    return USER_INFORMATION.sub("//[…]@", b"".join(pieces).decode("utf-8", "surrogatepass"))


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order, those that overlap as one that goes by the name of the longest."""
    merged = None
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        length = span.end - span.start
        if merged is None or span.start >= merged.end:
            if merged:
                yield merged
            merged, longest = span, length
            continue
        name = span.name if length > longest else merged.name
        merged, longest = Span(merged.start, max(merged.end, span.end), name), max(longest, length)
    if merged:
        yield merged


def _whole_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    while start > 0 and data[start] in CONTINUATION:
        start -= 1
    while end < len(data) and data[end] in CONTINUATION:
        end += 1
    return start, end
