"""Redaction: values are taken out of texts in whatever form they come."""

import base64
import html
import json
import math
import shlex
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.config.formats import _properties_value
from deploy.config.redaction import Redactor

Encoder = Callable[[str], str]
FEW = settings(max_examples=25, deadline=None)  # for each of many forms


def redact(text: str, variables: Mapping[str, str]) -> str:
    return Redactor(variables).redact(text)


def redact_tail(text: str, variables: Mapping[str, str]) -> str:
    return Redactor(variables).redact_tail(text)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _octal(value: str) -> str:
    """Return what bash's `printf %q` and `set` put in `$'…'`."""
    return "".join(
        chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\{byte:03o}" for byte in _bytes(value)
    )


def _json(value: str) -> str:
    return json.dumps(value)[1:-1]


def _readable_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _percent(value: str) -> str:
    return quote(_bytes(value), safe="")


def _base64(value: str) -> str:
    return base64.b64encode(_bytes(value)).decode().rstrip("=")


def _entities(value: str) -> str:
    return "".join(f"&#x{ord(character):x};" for character in value)


# Each encodes a character by itself, so that the encoding of a value's end is the end of its encoding.
BY_CHARACTER: dict[str, Encoder] = {
    "as it is": str,
    "JSON": _json,
    "readable JSON": _readable_json,
    "JSON in JSON": lambda value: _json(_json(value)),
    "readable JSON in JSON": lambda value: _json(_readable_json(value)),
    "JSON in JSON in JSON": lambda value: _json(_json(_json(value))),
    "JSON of PHP": lambda value: _json(value).replace("/", "\\/"),
    "Python's repr of bytes": lambda value: repr(_bytes(value) + b"'\"")[2:-4],
    "Python's ascii": lambda value: ascii(value + "'\"")[1:-4],
    "C": _octal,
    "URL": _percent,
    "URL, lower case": lambda value: _percent(value).lower() if value.islower() else _percent(value),
    "all of it in a URL": lambda value: "".join(f"%{byte:02x}" for byte in _bytes(value)),
    "URL in URL": lambda value: _percent(_percent(value)),
    "query": lambda value: quote_plus(_bytes(value)),
    "query in JSON in JSON": lambda value: _json(_json(quote_plus(_bytes(value)))),
    "JSON in a URL": lambda value: _percent(_json(value)),
    "HTML": html.escape,
    "HTML in JSON": lambda value: _json(html.escape(value)),
    "JSON in XML": lambda value: html.escape(_json(value)),
    "JavaScript": lambda value: "".join(f"\\u{{{ord(character):x}}}" for character in value),
    "URL in URL in URL in JSON": lambda value: _json(_percent(_percent(_percent(value)))),
    "XML": _entities,
    "hex": lambda value: _bytes(value).hex(),
    "HEX": lambda value: _bytes(value).hex().upper(),
    "Node.js's Buffer": lambda value: "".join(f" {byte:02x}" for byte in _bytes(value)),
}
FORMS: dict[str, Encoder] = BY_CHARACTER | {
    "Python's repr": lambda value: repr(value)[1:-1],
    "properties": _properties_value,
    "shell": lambda value: shlex.quote(f" {value}")[2:-1],
    "bin/sh": lambda value: value.replace("'", "'\\''"),
    "YAML": lambda value: value.replace("'", "''"),
    "CSV": lambda value: value.replace('"', '""'),
    "base64": _base64,
    "base64 of a URL": lambda value: base64.urlsafe_b64encode(_bytes(value)).decode().rstrip("="),
    "wrapped base64": lambda value: base64.encodebytes(_bytes(value)).decode().rstrip("=\n"),
    "wrapped base64 in JSON": lambda value: _json(base64.encodebytes(_bytes(value)).decode().rstrip("=\n")),
    "base64 in a URL": lambda value: _percent(_base64(value)),
    "JSON in base64": lambda value: _base64(_json(value)),
    "readable JSON in base64": lambda value: _base64(_readable_json(value)),
}

# Names must not be taken for values, nor what stands around them.
ANYTHING = st.characters(blacklist_characters="☃<>\0", blacklist_categories=["Cs"])
AWKWARD = st.sampled_from("ab'\"\\/%+ &;=\n\r\tüß€😀\x85\x1b-_{}")
VALUES = st.text(AWKWARD | ANYTHING, min_size=4, max_size=30).filter(lambda value: len(value.strip()) >= 4)


AWKWARD_VALUE = 'it\'s "10%" + a\\b/c=&amp;\r\nüß\xa1€😀\x85\x1b-_\t$(x)'


@pytest.mark.parametrize("form", FORMS)
@example(value=AWKWARD_VALUE)
@FEW
@given(value=VALUES)
def test_a_value_is_taken_out_in_every_form(form: str, value: str) -> None:
    """Nothing of it is left, whatever encodes it."""
    text = redact(f"<{FORMS[form](value)}>", {"☃": value})
    assert text in {"<[☃]>", "< [☃]>"}


@pytest.mark.parametrize("form", sorted({*FORMS} - {"properties"}))
def test_a_value_that_is_not_utf_8_is_taken_out_in_every_form(form: str) -> None:
    """Python has its bytes as surrogates; a setting may hold them."""
    value = "caf\udce9-Grüße\udcff"
    assert redact(f"<{FORMS[form](value)}>", {"NAME": value}) in {"<[NAME]>", "< [NAME]>"}


@pytest.mark.parametrize("text", ["%A1bcd", "\xe1bcd", "\\u00e1bcd"])
def test_a_value_is_taken_out_in_latin_1(text: str) -> None:
    """Its bytes may be a part of a character of UTF-8, which is taken out with them."""
    assert redact(f"<{text}>", {"NAME": "\xa1bcd"}) == "<[NAME]>"


@given(before=st.binary(max_size=5), value=VALUES, after=st.binary(max_size=5))
def test_a_value_is_taken_out_of_larger_base64(before: bytes, value: str, after: bytes) -> None:
    """A header holds `user:password` in base64: no character remains that holds a bit of the value."""
    packed = base64.b64encode(before + value.encode() + after).decode()
    first, shown, last = redact(f"<{packed}>", {"☃": value}).partition("[☃]")
    assert shown
    assert f"<{packed}>".startswith(first)
    assert f"<{packed}>".endswith(last)
    assert len(first[1:]) * 6 <= len(before) * 8
    assert len(last.rstrip("=>")) * 6 < len(after) * 8 + 6


@st.composite
def related_values(draw: st.DrawFn) -> list[str]:
    """Return values of which some hold others, or parts of them."""
    values = draw(st.lists(VALUES, min_size=1, max_size=3))
    for _ in range(draw(st.integers(0, 3))):
        one, other = draw(st.sampled_from(values)), draw(st.sampled_from(values))
        start = draw(st.integers(0, len(one)))
        values.append(draw(st.sampled_from([one + other, one[start:] + other, one[start:], one[:start]])))
    return [value for value in values if len(value.strip()) >= 4]


@given(values=related_values(), data=st.data())
def test_no_form_of_a_value_is_left_whatever_the_others_are(values: list[str], data: st.DataObject) -> None:
    """Values hold each other, overlap, and stand in a text side by side."""
    variables = {"☃" * (at + 1): value for at, value in enumerate(values)}
    forms = data.draw(st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=3))
    pieces = st.sampled_from([*(FORMS[form](value) for form in forms for value in values), "<", "é", "\n"])
    text = "".join(data.draw(st.lists(pieces, max_size=8)))
    redacted = redact(text, variables)
    for form in forms:
        for value in values:
            assert FORMS[form](value) not in redacted


@given(value=VALUES, text=st.text(ANYTHING, max_size=20))
def test_what_holds_no_value_stays_as_it_is(value: str, text: str) -> None:
    """Also what looks like an escape, invalid text and all."""
    text = f"{text}\udcff"
    if set(value).isdisjoint(text):
        assert redact(text, {"☃": f"{value}{value}{value}{value}"}) == text


# --- a beginning that was cut off -----------------------------------------------------------------


@pytest.mark.parametrize("form", BY_CHARACTER)
@FEW
@given(value=VALUES, data=st.data())
def test_the_rest_of_a_cut_value_is_taken_out_in_every_form(
    form: str, value: str, data: st.DataObject
) -> None:
    """AWS returns the last 4 KB of a log: the cut may be within an escape, and within a character."""
    at = data.draw(st.integers(0, len(value) - 1))
    left = data.draw(st.integers(0, len(BY_CHARACTER[form](value[at]).encode())))
    cut = BY_CHARACTER[form](value[at]).encode()
    text = (
        cut[len(cut) - left :].decode(errors="replace") + BY_CHARACTER[form](value[at + 1 :]) + "<\tthe log"
    )
    redacted = Redactor({"☃": value}).redact_tail(text)
    if len(value[at + 1 :].encode()) >= 4:
        assert redacted == "[☃]<\tthe log"


@given(value=st.binary(min_size=8, max_size=30), cut=st.integers(0, 40))
def test_the_rest_of_a_cut_value_is_taken_out_in_base64(value: bytes, cut: int) -> None:
    """Wherever in a group of four characters the cut is."""
    text = value.decode("utf-8", "surrogateescape")
    packed = base64.b64encode(value).decode().rstrip("=")[cut:]
    redacted = Redactor({"☃": text}).redact_tail(f"{packed}<the log")
    # The bits of an incomplete byte come first.
    if len(value) - math.ceil(cut * 6 / 8) >= 4 and len(text.strip()) >= 4:
        assert redacted == "[☃]<the log"


def test_a_beginning_that_holds_no_value_stays() -> None:
    """A log that is short is not cut."""
    log = "START RequestId: 1\n\ttab\nEND"
    assert Redactor({"KEY": "RequestId-of-mine"}).redact_tail(log) == log
    assert redact_tail("\ufffd\ufffd nothing of it", {"KEY": "a-value"}) == "\ufffd\ufffd nothing of it"


def test_a_value_behind_the_cut_is_taken_out_too() -> None:
    """Its rest is in the first line, and the value in others."""
    redactor = Redactor({"PASSWORD": 'abc"SECRET'})
    assert redactor.redact_tail('c"SECRET and abc\\"SECRET') == "[PASSWORD] and [PASSWORD]"


# --- parts ----------------------------------------------------------------------------------------

LINES = [base64.b64encode(bytes(range(at, at + 48))).decode() for at in (0, 48, 96)] + ["c2hvcnQ="]
PEM = "\n".join(["-----BEGIN PRIVATE KEY-----", *LINES, "-----END PRIVATE KEY-----", ""])
ACCOUNT = json.dumps({"type": "service_account", "private_key": PEM, "project": {"token": "hunter2"}})
URL = "postgres://app:p%40ss%2Fw0rd@db.example.com:5432/orders?sslmode=require&application=0123456789abcdef"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (URL, "p%40ss%2Fw0rd"),
        (URL, "p@ss/w0rd"),
        (URL, "0123456789abcdef"),
        ("mysql://root:a/b?c#d@host/db", "a/b?c#d"),
        ("user:s3cret@tcp(host:3306)/db", "s3cret"),
        ("https://0123456789abcdef0123@sentry.example.com/1", "0123456789abcdef0123"),
        ("https://hooks.example.com/services/T0/B0/abcdefghijklmnopqrst", "abcdefghijklmnopqrst"),
        ("mongodb://u:hunter2@one:1,two:2/db", "hunter2"),
        ("redis://h:first-secret@a redis://h:other-secret@b", "other-secret"),
        ("Server=db;Password=hunter2;Encrypt=true", "hunter2"),
        ("host=db password='hunter2' user=app", "hunter2"),
        ("jdbc:mysql://host/db?user=app&password=hunter2", "hunter2"),
        ("AccountName=a;AccountKey=c2VjcmV0LWtleQ==", "c2VjcmV0LWtleQ=="),
        ("first-of-the-keys,second-of-the-keys", "second-of-the-keys"),
        (" padded value\n", "padded value"),
        (' {"a": "json"}\n', '{"a": "json"}'),
        ('"in quotes"', "in quotes"),
        (PEM, LINES[1]),
        (PEM, f"  {LINES[1]}\r\n"),
        (PEM, PEM.replace("\n", "\r\n")),
        (PEM.replace("\n", "\\n"), PEM),
        (base64.b64encode(PEM.encode()).decode(), PEM),
        (ACCOUNT, PEM),
        (ACCOUNT, "hunter2"),
        (base64.b64encode(ACCOUNT.encode()).decode(), LINES[2]),
        (json.dumps([{"url": URL}]), "p@ss/w0rd"),
        ('{"password": 12345678}', "12345678"),
        (json.dumps({"key": base64.b64encode(PEM.encode()).decode()}), LINES[2]),
        (base64.b64encode(json.dumps({"url": URL}).encode()).decode(), "p@ss/w0rd"),
        ("the first of the lines\nthe second of the lines", "the second of the lines"),
        ("short\nlines\n", "short\r\nlines"),
        ("short\r\nlines", "short\nlines"),
    ],
)
@pytest.mark.parametrize("form", ["as it is", "JSON in JSON", "URL", "base64", "HEX"])
def test_a_part_of_a_value_is_taken_out_in_every_form(value: str, shown: str, form: str) -> None:
    """A function's log shows the password of a URL, or a key that it has read from JSON."""
    encode = FORMS[form]
    redacted = redact(f"<{encode(shown)}>", {"NAME": value})
    assert "[NAME]" in redacted
    assert encode(shown.strip()) not in redacted


@pytest.mark.parametrize("width", [48, 60, 76, 1000])
def test_a_key_is_taken_out_however_its_lines_are_broken(width: int) -> None:
    """Libraries write a key anew, and the last line is short."""
    body = "".join(LINES)
    lines = "\n".join(f"    {body[at : at + width]}" for at in range(0, len(body), width))
    assert redact(f"<{lines}>", {"KEY": PEM}) in {"<    [KEY]=>", "<    [KEY]>"}


@pytest.mark.parametrize("value", [PEM, "".join(LINES)])
def test_a_key_is_taken_out_in_hex(value: str) -> None:
    """A dump shows the bytes that are set in base64."""
    key = base64.b64decode("".join(LINES)).hex(":")
    assert redact(f"<{key}>", {"KEY": value}) == "<[KEY]>"


@pytest.mark.parametrize(
    "text",
    [
        "yes, it is",
        "connect to db.example.com:5432 as app, in production, eu-central-1",
        "GET /orders?sslmode=require",
        "type service_account",
        "true enough",
        "ask somebody",
    ],
)
def test_ordinary_words_remain(text: str) -> None:
    """Without each `yes` and each word of a value, a text says nothing any more."""
    variables = {"SHORT": "yes", "BLANK": "      ", "URL": URL, "ACCOUNT": ACCOUNT}
    variables["HELP"] = "write to: somebody@example.com"
    variables["MODE"] = json.dumps({"stage": "production", "region": "eu-central-1", "bypass": "true"})
    assert redact(text, variables) == text


def test_passwords_in_urls_are_taken_out_whatever_the_variables_hold() -> None:
    """An endpoint or a proxy comes out in another form than it was set."""
    assert redact("http://user:pass@host/", {}) == "http://[…]@host/"


# --- names ----------------------------------------------------------------------------------------


def test_of_values_that_overlap_the_longest_gives_the_name() -> None:
    """One name stands for all of what they cover."""
    variables = {"ONE": "abcd", "LONG": "abcdefgh", "OTHER": "ghijk"}
    assert redact("abcdefghijk abcd ghijk", variables) == "[LONG] [ONE] [OTHER]"
    assert redact("abcdefghijk", {"ONE": "abcd", "LONG": "cdefghijk"}) == "[LONG]"
    assert redact("abcdabcd", {"ONE": "abcd"}) == "[ONE][ONE]"
    assert redact("xabababax", {"ONE": "abab"}) == "x[ONE]x"
    assert redact("abacabacababacaba", {"ONE": "abacaba"}) == "[ONE]"


def test_a_value_that_is_part_of_another_goes_by_its_own_name() -> None:
    """Its owner looks for that one."""
    variables = {"DATABASE_URL": "postgres://app:hunter2@db/orders", "PASSWORD": "hunter2"}
    assert redact("hunter2", variables) == "[PASSWORD]"
    assert redact(variables["DATABASE_URL"], variables) == "[DATABASE_URL]"


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "ab" * 100_000, "\\" * 200_000, "\\u005c%255c&amp;#92;" * 10_000, "://a:" * 40_000],
)
def test_no_text_takes_long(text: str) -> None:
    """What repeats itself is where a search takes the square of the length: minutes instead of seconds."""
    values = [
        "a" * 100_000,
        "ab" * 50_000,
        "\\" * 10_000,
        "secret=" * 10_000,
        "://a:" * 10_000,
        "[" * 100_000,
    ]
    started = time.process_time()
    redactor = Redactor({f"N{at}": value for at, value in enumerate(values)})
    redactor.redact(text)
    redactor.redact_tail(text[-4096:])
    assert time.process_time() - started < 20
