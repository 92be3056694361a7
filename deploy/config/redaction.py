"""Takes secrets out of texts that we did not write: AWS's messages, a function's log, a traceback."""

from __future__ import annotations

import contextlib
import json
import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from deploy.config.decodings import decodings
from deploy.config.parts import is_text, parts
from deploy.config.search import LONGEST_CUT_ESCAPE, SHORTEST, Search
from deploy.config.variables import secrets
from deploy.target.arn import partition_of
from deploy.target.sdk import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from deploy.target.environment import Target

# The user and password of a URL (RFC 3986, 3.2.1), which may come out in another form than it was set.
USER_INFORMATION = re.compile(r"//[^/\s@]+@")
CUT_ESCAPE = re.compile(rb"[0-9A-Za-z\\{}%%&#;+/_\s-]{0,%d}" % LONGEST_CUT_ESCAPE)
REPLACEMENT = "\ufffd"  # what a decoder puts in place of what a cut leaves of a character
CONTINUATION = range(0x80, 0xC0)  # bytes of UTF-8 that do not begin a character
SHOWN_TO_FUNCTION = {"_LAMBDA_VERIFY_PAYLOAD"}  # settings that may come back in its log
LONGEST_SHOWN = 600  # characters of a message
LONGEST_TEXT = 16 * 1024  # characters of a text that is shown in part
UNCERTAIN = 1024  # bytes before a cut: where a value begins in them, too little of it may be left to be found


class Span(NamedTuple):
    """A part of a text that is replaced, and the variable whose value it shows."""

    start: int
    end: int
    name: str


class Redactor:
    """Replaces config values in texts, as well as their parts, by the names of their variables.

    Finds them in every encoding that `decodings` undoes. Make it once for a set of variables.
    """

    def __init__(self, variables: Mapping[str, str], known: Collection[str] = ()) -> None:
        """Take the variables, and what may be shown although it is a value or a part of one."""
        found = [(name, list(parts(value))) for name, value in variables.items() if value not in known]
        # What is one variable's value and a part of another's is shown as the former.
        ranked = [(name, part) for name, all_parts in found for part in all_parts[:1]]
        ranked += [(name, part) for name, all_parts in found for part in all_parts[1:]]
        names: dict[bytes, str] = {}
        for name, part in ranked:
            if part not in known:
                for spelling in _spellings(part):
                    names.setdefault(spelling, name)
        self._search = Search(names, [text.encode() for text in known])

    def redact(self, text: str) -> str:
        """Return a text with `[NAME]` in place of each value, each part of one, and each longer piece."""
        data = text.encode("utf-8", "surrogatepass")
        return _replace(data, self._spans(data))

    def redact_tail(self, text: str) -> str:
        """Return the same for a text whose beginning was cut off, be it within a value or a character."""
        rest = text.lstrip(REPLACEMENT)
        data = rest.encode("utf-8", "surrogatepass")
        spans = [*self._spans(data), *self._cut(data)]
        starts_with_value = any(span.start == 0 for span in spans)
        return ("" if starts_with_value else text[: len(text) - len(rest)]) + _replace(data, spans)

    def redact_start(self, text: str, length: int = LONGEST_SHOWN) -> str:
        """Return the first characters of a redacted text, followed by an ellipsis if there are more.

        Only so much of it is searched that a text of any length takes little time.
        """
        data = text[:LONGEST_TEXT].encode("utf-8", "surrogatepass")
        is_cut = len(text) > LONGEST_TEXT
        spans = [*self._spans(data), *([Span(len(data) - UNCERTAIN, len(data), "…")] if is_cut else [])]
        redacted = _replace(data, spans)
        return f"{redacted[:length]}…" if is_cut or len(redacted) > length else redacted

    def redact_ends(self, text: str) -> str:
        """Return a redacted text; if it is very long, its start and its end."""
        if len(text) <= 2 * LONGEST_TEXT:
            return self.redact(text)
        return f"{self.redact_start(text, LONGEST_TEXT)}\n{self.redact_tail(text[-LONGEST_TEXT:])}"

    def _spans(self, data: bytes) -> Iterator[Span]:
        for decoding in decodings(data):
            for found in chain(self._search.wholes(decoding.data), self._search.pieces(decoding.data)):
                yield Span(*decoding.place(found.start, found.end), found.name)

    def _cut(self, data: bytes) -> Iterator[Span]:
        """Yield what the text begins with of values whose beginning was cut off."""
        for decoding in decodings(data):
            for found in chain(
                self._search.rests(decoding.data), self._search.pieces(decoding.data, public=True)
            ):
                start, end = decoding.place(found.start, found.end)
                if found.is_cut and CUT_ESCAPE.fullmatch(data, 0, start):
                    yield Span(0, end, found.name)


def redactor_for(target: Target) -> Redactor:
    """Return what takes a target's credentials and config out of texts.

    What the settings name may be shown: the reader needs it, and AWS tells everybody.
    """
    function, region, settings = target.function, target.region, target.settings
    arn = f"arn:{partition_of(region)}:lambda:{region}:{function.account}:function:{function.name}"
    named = (settings.s3_bucket, settings.alias, function.account)
    credentials = {f"_{name}": value for name, value in target.sdk.items() if name not in PUBLIC}
    credentials |= {"_LAMBDA_SOURCE_EXTERNAL_ID": settings.source_external_id or ""}
    config = {
        name: value
        for name, value in secrets(target.variables).items()
        if name in SHOWN_TO_FUNCTION or not name.startswith("_")
    }
    return Redactor({**credentials, **config}, {region, function.name, arn, *filter(None, named)})


# --- what is looked for ---------------------------------------------------------------------------


def _spellings(part: str) -> Iterator[bytes]:
    """Yield the bytes by which a part may appear in a decoded text."""
    spelled = [part]
    if is_text(part):  # or binary data, which nobody quotes
        spelled += (
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
            if len(data) >= SHORTEST:
                yield data


def _encodings(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        # What is not UTF-8 is in the environment as surrogates (PEP 383).
        with contextlib.suppress(UnicodeEncodeError):
            yield text.encode("utf-8", "surrogateescape")
        with contextlib.suppress(UnicodeEncodeError):
            yield text.encode("latin-1")


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
    """Yield spans in order, those that overlap as one with the name of the longest."""
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
