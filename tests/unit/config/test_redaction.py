"""Redaction: values are taken out of texts in whatever form they come."""

import base64
import html
import json
import math
import random
import shlex
import string
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.config.formats import _properties_value
from deploy.config.parts import COMMON
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


def _is_secret(value: str) -> bool:
    return len(value.strip()) >= 4 and value.strip().lower() not in COMMON


VALUES = st.text(AWKWARD | ANYTHING, min_size=4, max_size=30).filter(_is_secret)


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
    return [value for value in values if _is_secret(value)]


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


# --- bytes and text that are packed more than once ------------------------------------------------


def _dump(value: str) -> str:
    """Return what xxd prints."""
    data, lines = _bytes(value), []
    for at in range(0, len(data), 16):
        line = data[at : at + 16]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        lines.append(f"{at:08x}: {line.hex(' ', 2):<40} {shown}")
    return "\n".join(lines)


def _utf_16(value: str) -> bytes:
    return value.encode("utf-16-le")


PACKED: dict[str, Encoder] = {
    "JSON of a Buffer": lambda value: json.dumps({"type": "Buffer", "data": list(_bytes(value))}),
    "Java's bytes": lambda value: str([byte - 256 * (byte > 127) for byte in _bytes(value)]),
    "Go's bytes": lambda value: " ".join(map(str, _bytes(value))),
    "an array in C": lambda value: ", ".join(f"0x{byte:02x}" for byte in _bytes(value)),
    "an array over lines": lambda value: ",\n".join(f"0x{byte:02X}" for byte in _bytes(value)),
    "JavaScript's escape": lambda value: "".join(f"%u{ord(character):04x}" for character in value),
    "HTML without semicolons": lambda value: "".join(f"&#{ord(character)}" for character in value),
    "base32": lambda value: base64.b32encode(_bytes(value)).decode(),
    "base64 of a URL's escapes": lambda value: base64.b64encode(_percent(value).encode()).decode(),
    "base64 of UTF-16": lambda value: base64.b64encode(_utf_16(value)).decode(),
    "hex of UTF-16": lambda value: _utf_16(value).hex(),
    "base64 in base64": lambda value: base64.b64encode(base64.b64encode(_bytes(value))).decode(),
    "base64 in hex": lambda value: base64.b64encode(_bytes(value)).hex(),
    "hex in base64": lambda value: base64.b64encode(_bytes(value).hex().encode()).decode(),
    "base64 in JSON in base64": lambda value: _base64(json.dumps({"key": _base64(value)})),
    "xxd": _dump,
}
LATIN = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])


@pytest.mark.parametrize("form", PACKED)
@FEW
@given(value=st.text(LATIN, min_size=8, max_size=40).filter(_is_secret))
@example(value="k9$Zq-Tr7!vB2xW&mN4pL")
@example(value="S3cr3tPassw0rdOfTheÜser, and more than a line of it")
def test_bytes_and_what_is_packed_twice_are_taken_out(form: str, value: str) -> None:
    """A function prints a buffer, a header of a header, or what Windows has encoded."""
    packed = PACKED[form](value)
    redacted = redact(f"<\n{packed}\n>", {"☃": value})
    assert "[☃]" in redacted
    left = redacted.replace("[☃]", "")
    assert len(left.strip("<>\n")) <= len('{"type": "Buffer", "data": []}')
    assert not any(packed[at : at + 8] in left for at in range(28, len(packed) - 12))


# --- pieces ---------------------------------------------------------------------------------------


def _random(seed: int, length: int) -> str:
    characters = string.ascii_letters + string.digits + "+$!-_,"
    return "".join(random.Random(seed).choices(characters, k=length))  # noqa: S311 - the same each time


@given(seed=st.integers(), length=st.integers(20, 300), data=st.data())
def test_any_longer_piece_of_a_value_is_taken_out(seed: int, length: int, data: st.DataObject) -> None:
    """Whoever has cut it, and where: no four characters in a row are left of it."""
    value = _random(seed, length)
    start = data.draw(st.integers(0, length - 20))
    piece = value[start : data.draw(st.integers(start + 20, length))]
    form = data.draw(st.sampled_from(["as it is", "JSON", "URL", "base64", "hex", "JSON in JSON"]))
    assert redact(f"<{FORMS[form](piece)}>", {"☃": value}) == "<[☃]>"


@pytest.mark.parametrize("length", [16, 20, 64, 65, 10_000])
def test_the_beginning_of_a_value_is_taken_out(length: int) -> None:
    """Node.js cuts strings at 10,000 characters."""
    value = _random(1, 200_000)
    text = f"{{ KEY: '{value[:length]}'... {len(value) - length} more characters }}"
    assert redact(text, {"KEY": value}) == f"{{ KEY: '[KEY]'... {len(value) - length} more characters }}"


@pytest.mark.parametrize("start", [0, 1, 5_000])
def test_a_log_from_within_a_value_is_taken_out(start: int) -> None:
    """The last 4 KB of a log begin in a value, whose end was cut off before."""
    value = _random(2, 20_000)
    log = f"{value[start:10_000]}'... 10000 more characters\nEND"
    assert redact_tail(log[-4096:], {"KEY": value}) == "[KEY]'... 10000 more characters\nEND"


@pytest.mark.parametrize("at", [0, 10, 16_000, 16_384, 30_000])
@pytest.mark.parametrize("form", ["as it is", "JSON", "base64", "JSON in JSON in JSON"])
def test_no_part_of_a_value_is_shown_where_a_text_is_cut(at: int, form: str) -> None:
    """Only the beginning of a long answer is searched: a value may go on behind it, or begin just there."""
    value = _random(3, 100_000)
    text = "." * at + FORMS[form](value) + FORMS[form](value)
    shown = Redactor({"KEY": value}).redact_start(text, 20_000)
    assert shown.startswith("." * min(at, 15_000))
    assert set(shown) <= set(".[KEY]…")


def test_a_text_that_is_shown_in_part_says_so() -> None:
    """By an ellipsis, which nothing has that is shown as a whole."""
    redactor = Redactor({"KEY": "hunter2hunter2"})
    assert redactor.redact_start("x hunter2hunter2", 300) == "x [KEY]"
    assert redactor.redact_start("x hunter2hunter2", 4) == "x [K…"
    assert redactor.redact_start("x" * 1_000_000, 4) == "xxxx…"
    assert redactor.redact_start("", 4) == ""


def test_of_a_very_long_text_both_ends_are_shown() -> None:
    """A traceback ends with what has happened, and may hold an answer of megabytes."""
    value = _random(4, 100_000)
    shown = Redactor({"KEY": value}).redact_ends(f"Traceback:\n{value}\nValueError: hunter2")
    assert shown.startswith("Traceback:\n[KEY]")
    assert shown.endswith("[KEY]\nValueError: hunter2")


FUNCTION = "a-function-with-a-long-name"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{FUNCTION}"


@pytest.mark.parametrize(
    "text",
    [
        f"User: arn:aws:iam::123456789012:user/deployer may not lambda:InvokeFunction on {ARN}:2",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/other",
        "https://other.example.com:5432 does not answer",
        "GET /orders/list?sort=ascending&mode=wide 404",
        "-----------------------------------------",
        "it is true that localhost is production, and debug is false",
        "eu-west-1 123456789012 a-function-with-a-long-name my-bucket-for-packages",
    ],
)
def test_what_everybody_knows_remains(text: str) -> None:
    """Config shares regions, accounts, hosts and paths with messages; without them a message says nothing."""
    variables = {
        "SELF": f"{ARN}:live",
        "TOPIC": "arn:aws:sns:eu-west-1:123456789012:events",
        "QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
        "API": "https://other.example.com:5432/orders/list?sort=ascending&mode=wide&key=0123456789abcdef",
        "PEM": PEM,
        "NODE_ENV": "production",
        "DEBUG": "false",
        "HOST": "localhost",
        "PLACE": json.dumps({"region": "eu-west-1", "account": "123456789012", "name": FUNCTION}),
        "AWS_REGION": "eu-west-1",
        "BUCKET": "my-bucket-for-packages",
    }
    known = {"eu-west-1", "123456789012", ARN, FUNCTION, "my-bucket-for-packages"}
    assert Redactor(variables, known).redact(text) == text


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
        ("admin:S3cr3tPassw0rd", "S3cr3tPassw0rd"),
        ("alice:wonder,bob:builder", "builder"),
        ("k1-abc123def456,k2-xyz789uvw", "k2-xyz789uvw"),
        ('["abc123def456","xyz789uvw012"]', "abc123def456"),
        ('{"stripe":"sk_live_12345"}', "sk_live_12345"),
        ('{"pin": 1234567890}', "1234567890"),
        ("host=h user=u passwd='ab cd ef'", "ab cd ef"),
        ('password: "ab, cd"', "ab, cd"),
        ("-----BEGIN X-----\nshortline12\n-----END X-----", "shortline12"),
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
    assert redact("xabababx", {"ONE": "abab"}) == "x[ONE]x"
    assert redact("abacabacababacaba", {"ONE": "abacaba"}) == "[ONE]"


def test_a_value_that_is_part_of_another_goes_by_its_own_name() -> None:
    """Its owner looks for that one."""
    variables = {"DATABASE_URL": "postgres://app:hunter2@db/orders", "PASSWORD": "hunter2"}
    assert redact("hunter2", variables) == "[PASSWORD]"
    assert redact(variables["DATABASE_URL"], variables) == "[DATABASE_URL]"


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "ab" * 50_000, "\\" * 100_000, "\\u005c%255c&amp;#92;" * 5_000, "://a:" * 20_000],
)
def test_no_text_takes_long(text: str) -> None:
    """What repeats itself is where a search takes the square of the length: minutes instead of seconds."""
    values = [
        "a" * 50_000,
        "ab" * 25_000,
        "\\" * 5_000,
        "secret=" * 5_000,
        "://a:" * 5_000,
        "[" * 50_000,
    ]
    started = time.process_time()
    redactor = Redactor({f"N{at}": value for at, value in enumerate(values)})
    redactor.redact(text)
    redactor.redact_tail(text[-4096:])
    assert time.process_time() - started < 5


@pytest.mark.parametrize("part", ["xxxxxxxx{}", "{}xxxxxxxx", "https://hooks.example.com/services/{}/end"])
def test_thousands_of_parts_that_resemble_each_other_do_not_take_long(part: str) -> None:
    """A list in JSON: its items begin or end with the same, and so does what a text is full of."""
    items = [part.format(number) for number in range(10_000)]
    redactor = Redactor({"LIST": json.dumps(items)})
    text = (part.format("?") * 10_000)[: 128 * 1024]
    started = time.process_time()
    redactor.redact(text)
    redactor.redact_tail(text[:4096])
    assert redactor.redact_tail(f"{items[777][3:]}: this and {items[9_999]}") == "[LIST]: this and [LIST]"
    assert time.process_time() - started < 2.5
