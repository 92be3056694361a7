"""Decodings of a text: what it says once its escapes, its base64 or its hex are undone.

A search in a decoded text finds a value however it was encoded: it does not matter which characters are
escaped, in which case, and what surrounds the value in the same base64. Each decoding knows which part of
the text its own parts come from.
"""

from __future__ import annotations

import base64
import binascii
import re
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAYERS = 3  # of escapes: a log line in JSON holds an event in JSON, which holds a body in JSON

# The escapes of JSON, Python, JavaScript, Java's properties and the shell's $'…'.
BACKSLASH = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|U([0-9a-fA-F]{8}))"
    rb"|x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))"
)
PERCENT = re.compile(rb"%(?:([0-9a-fA-F]{2})|[uU]([0-9a-fA-F]{4}))")
ENTITY = re.compile(rb"&(?:#([0-9]{1,7});?|#[xX]([0-9a-fA-F]{1,6});?|([a-zA-Z][a-zA-Z0-9]{1,31});)")
# Bytes as numbers, four of them or more: JSON of a Buffer, an array in Java, C or Python.
NUMBER = re.compile(rb"(?<![\w.])(?:0[xX]([0-9a-fA-F]{1,2})|(-?[0-9]{1,3}))(?![\w.])[\s,]*")
NUMBERS = re.compile(rb"(?:(?<![\w.])(?:0[xX][0-9a-fA-F]{1,2}|-?[0-9]{1,3})[\s,]+){3}")
# A line of hexdump or xxd: where it is, up to 16 bytes, and the same as characters.
DUMP = re.compile(
    rb"(?m)^[ \t]*[0-9a-fA-F]{4,8}:?[ \t]+((?:(?:[0-9a-fA-F]{2}){1,2}[ \t]{1,2}){1,16})[^\n]*\n?"
)
# What holds text in base64, base32 or hex, and may hold more of these.
PACKED = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,6}")
IN_HEX, IN_BASE32 = re.compile(rb"(?:[0-9a-fA-F]{2})+"), re.compile(rb"([A-Z2-7]+)=*")
UNREADABLE = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
CONTROLS = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
    b"e": b"\x1b",
    b"E": b"\x1b",
}
LAST_CHARACTER = 0x10FFFF

URL_ALPHABET = bytes.maketrans(b"-_", b"+/")  # RFC 4648, 5


@dataclass(frozen=True)
class Decoding:
    """A text decoded; `place` returns where in the text a part of it, from start to end, comes from."""

    data: bytes
    place: Callable[[int, int], tuple[int, int]]


def decodings(text: bytes) -> Iterator[Decoding]:
    """Yield a text as it is, then with its escapes undone, layer by layer, and what each holds packed."""
    layer = [Decoding(text, lambda start, end: (start, end))]
    seen = {text}
    for depth in range(LAYERS + 1):
        for decoding in layer:
            yield decoding
            yield from _unpacked(decoding, BASE64)
            yield from _unpacked(decoding, HEX)
        if depth < LAYERS:
            layer = [below for decoding in layer for below in _unescaped(decoding, seen)]


def unescape(text: bytes) -> bytes:
    """Return a text without its backslash escapes."""
    return BACKSLASH.sub(_undo_backslash, text)


def unpack_base64(packed: bytes) -> bytes:
    """Return what characters of base64 hold, of either alphabet and without padding."""
    missing = -len(packed) % 4
    if missing == 3:  # noqa: PLR2004 - the last character alone holds no byte
        packed, missing = packed[:-1], 0
    return binascii.a2b_base64(packed.translate(URL_ALPHABET) + b"=" * missing)


def unpack_hex(packed: bytes) -> bytes:
    """Return what hexadecimal digits hold, in pairs."""
    return binascii.unhexlify(packed[: len(packed) // 2 * 2])


# --- escapes --------------------------------------------------------------------------------------


def _unescaped(decoding: Decoding, seen: set[bytes]) -> Iterator[Decoding]:
    for pattern, undo in (
        (BACKSLASH, _undo_backslash),
        (BACKSLASH, _undo_backslash_of_bytes),
        (PERCENT, _undo_percent),
        (ENTITY, _undo_entity),
        (PACKED, _undo_packed),
        (DUMP, _undo_dump),
        (NUMBER, _undo_number),
    ):
        if pattern is NUMBER and not NUMBERS.search(decoding.data):
            continue
        below = _undo(decoding, pattern, undo)
        if below.data not in seen:
            seen.add(below.data)
            yield below


def _undo(
    decoding: Decoding, pattern: re.Pattern[bytes], undo: Callable[[re.Match[bytes]], bytes]
) -> Decoding:
    undone = bytearray()
    # By turns of what is between two escapes, which may be nothing, and of an escape:
    starts, origins = array("I", [0]), array("I", [0])  # where it begins in this text and in the escaped one
    read = 0
    for match in pattern.finditer(decoding.data):
        content = undo(match)
        if content == match[0]:
            continue
        undone += decoding.data[read : match.start()]
        begin = len(undone)
        undone += content
        starts.extend((begin, len(undone)))
        origins.extend(match.span())
        read = match.end()
    undone += decoding.data[read:]

    def place(start: int, end: int) -> tuple[int, int]:
        first = bisect_right(starts, start) - 1
        last = bisect_right(starts, end - 1) - 1
        # Of an escape all belongs to each of its bytes.
        origin = origins[first] + (0 if first % 2 else start - starts[first])
        until = origins[last + 1] if last % 2 else origins[last] + end - starts[last]
        return decoding.place(origin, until)

    return Decoding(bytes(undone), place)


def _undo_backslash(match: re.Match[bytes]) -> bytes:
    high, low, four, braced, eight, byte, octal, other = match.groups()
    if high:
        return bytes.fromhex((high + low).decode()).decode("utf-16-be").encode()
    if point := four or braced or eight:
        return _character(int(point, 16), match[0])
    if byte or octal:
        return chr(int(byte, 16) if byte else int(octal, 8)).encode()
    return CONTROLS.get(other, other)


def _undo_backslash_of_bytes(match: re.Match[bytes]) -> bytes:
    """Undo an escape of bytes, of which several may make up a character: the shell's and Python's."""
    byte, octal = match[6], match[7]
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    return _undo_backslash(match)


def _undo_percent(match: re.Match[bytes]) -> bytes:
    if match[2]:
        return _character(int(match[2], 16), match[0])
    return bytes.fromhex(match[1].decode())


def _undo_entity(match: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = match.groups()
    if name:
        character = html5.get(f"{name.decode()};")
        return character.encode() if character else match[0]
    return _character(int(decimal) if decimal else int(hexadecimal, 16), match[0])


def _undo_number(match: re.Match[bytes]) -> bytes:
    number = int(match[1], 16) if match[1] else int(match[2])
    return bytes([number & 0xFF]) if -0x80 <= number <= 0xFF else match[0]  # noqa: PLR2004 - Java has a sign


def _undo_dump(match: re.Match[bytes]) -> bytes:
    return match[1]


def _undo_packed(match: re.Match[bytes]) -> bytes:
    """Return the text that is packed; what is packed if it is no text."""
    packed = match[0].rstrip(b"=")
    if IN_HEX.fullmatch(packed) and (text := _text(unpack_hex(packed))):
        return text
    if IN_BASE32.fullmatch(packed) and (text := _text(_unpack_base32(packed))):
        return text
    return _text(unpack_base64(packed)) or match[0]


def _unpack_base32(packed: bytes) -> bytes:
    # One, three or six characters in the last group hold no byte more than one less does.
    packed = packed[: len(packed) - (len(packed) % 8 in {1, 3, 6})]
    return base64.b32decode(packed + b"=" * (-len(packed) % 8))


def _text(data: bytes) -> bytes:
    """Return bytes that are text, of UTF-8 or UTF-16, as UTF-8; nothing if they are none."""
    encoding = "utf-8"
    if data.count(0) * 3 >= len(data):
        encoding = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    text = data.decode(encoding, "ignore")
    is_text = len(text.encode(encoding)) > len(data) - 4 and not UNREADABLE.search(text)
    return text.encode() if is_text else b""


def _character(point: int, otherwise: bytes) -> bytes:
    return chr(point).encode("utf-8", "surrogatepass") if point <= LAST_CHARACTER else otherwise


# --- base64 and hex -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Packing:
    """A way to write bytes in characters of `bits` each, of which `group` make up whole bytes.

    `zero` is the character whose bits are all 0.
    """

    alphabet: re.Pattern[bytes]
    bits: int
    group: int
    zero: bytes
    unpack: Callable[[bytes], bytes]

    @property
    def others(self) -> bytes:
        """All other characters."""
        return self.alphabet.sub(b"", bytes(range(256)))


BASE64 = Packing(re.compile(rb"[A-Za-z0-9+/_-]"), 6, 4, b"A", unpack_base64)
HEX = Packing(re.compile(rb"[A-Fa-f0-9]"), 4, 2, b"0", unpack_hex)


def _unpacked(decoding: Decoding, packing: Packing) -> Iterator[Decoding]:
    """Yield what the characters of a packing hold, for each place in a group that the first one may have.

    What is not of its alphabet is skipped: line breaks, indents and colons stand between the characters.
    """
    packed = decoding.data.translate(None, packing.others)
    positions = array("I")
    for added in range(packing.group):

        def place(start: int, end: int, added: int = added) -> tuple[int, int]:
            if not positions:
                positions.extend(match.start() for match in packing.alphabet.finditer(decoding.data))
            first = max(start * 8 // packing.bits - added, 0)
            last = (end * 8 - 1) // packing.bits - added
            return decoding.place(positions[first], positions[last] + 1)

        yield Decoding(packing.unpack(packing.zero * added + packed), place)
