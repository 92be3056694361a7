"""Parts of a config value that are as secret as the value: its lines, a URL's password, strings in JSON."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote

from deploy.config.decodings import unescape, unpack_base64

if TYPE_CHECKING:
    from collections.abc import Iterator

# In characters:
SHORTEST = 4  # of a value, and of a password in a URL
SHORTEST_CREDENTIAL = 6  # of what is called a password or a token; `bypass=true` is none
SHORTEST_ITEM = 8  # of an item of a list or JSON that is no word, so that `eu-central-1` remains readable
SHORTEST_PART = 16  # of any other part
DEPTH = 4  # of parts of parts: JSON in base64 holds a URL, whose password is percent-encoded

SEPARATORS = re.compile(r"[\s,;|?&#]+")
QUOTES = "\"'`()[]{}<>"
CREDENTIAL = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|signature|sig"
    r"|(?:api|access|account|auth|encryption|private|secret|shared|signing)[_-]?key)"
)
# `password=…` in a query or a connection string, `"api_key": "…"` in YAML.
NAMED = re.compile(
    rf"(?i){CREDENTIAL}[\"']?\s{{0,4}}[=:]\s{{0,4}}"
    rf"(?:\"([^\"]{{{SHORTEST_CREDENTIAL},}})\"|'([^']{{{SHORTEST_CREDENTIAL},}})'"
    rf"|[\"']?([^\s\"'&;,]{{{SHORTEST_CREDENTIAL},}}))"
)
# A user and a password; neither a host and a port, nor a URL, an ARN or a drive.
USER_AND_PASSWORD = re.compile(rf"(?!arn:)[^\s:/@]{{2,}}:(?!//|[0-9]+$)(\S{{{SHORTEST_CREDENTIAL},}})")
WORD = re.compile(r"[A-Z]*|[a-z]*|[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})*|[0-9]{1,4}[a-z]?")
BETWEEN_WORDS = re.compile(r"[\s._/:@+=-]+")
# What says nothing as a value, and much in a message.
COMMON = frozenset(
    """
    true false none null undefined default enabled disabled always never
    localhost production staging development testing test debug info warn warning error
""".split()
)
CREDENTIAL_KEY = re.compile(rf"(?i){CREDENTIAL}$")
PEM = re.compile(r"-----BEGIN [^-]{1,64}-----([^-]+)-----END ")
IN_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}|[A-Za-z0-9_][A-Za-z0-9_-]*={0,2}")


def parts(value: str) -> Iterator[str]:
    """Yield a value, what it says decoded, its parts, and the same of each of these.

    Bytes that are not UTF-8 are surrogates (PEP 383), as in the environment.
    """
    layer = [value, *_in_base64(value)]
    seen: set[str] = set()
    for _ in range(DEPTH):
        new = [part for part in dict.fromkeys(layer) if part not in seen and _tells(part)]
        yield from new
        seen.update(new)
        layer = list(chain.from_iterable(_parts(part) for part in new if is_text(part)))


def _tells(part: str) -> bool:
    return len(part.strip()) >= SHORTEST and part.strip().lower() not in COMMON


def _is_item(text: str) -> bool:
    """Whether an item of a list may be a secret: a long one, or one that does not consist of words."""
    if len(text) >= SHORTEST_PART:
        return True
    return len(text) >= SHORTEST_ITEM and not all(map(WORD.fullmatch, BETWEEN_WORDS.split(text)))


def _parts(text: str) -> Iterator[str]:
    strings = _strings_in_json(text)
    if strings is not None:
        yield text.strip()
        yield from strings
        return
    yield text.strip().strip(QUOTES)
    yield from _decoded(text)
    yield from _passwords(text)
    yield from (match[1] or match[2] or match[3] for match in NAMED.finditer(text))
    for item in _items(text):
        if _is_item(item):
            yield item
        if pair := USER_AND_PASSWORD.fullmatch(item):
            yield pair[1]


def _decoded(text: str) -> Iterator[str]:
    """Yield what a text says if its owner has encoded it, as is usual with a key of several lines."""
    if "%" in text:
        yield unquote(text, errors="surrogateescape")
    if "\\" in text:
        yield unescape(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")
    # What is only by chance in the alphabet of base64, such as a line of a key, decodes to no text.
    yield from filter(is_text, _in_base64(text))
    for body in PEM.findall(text):
        yield from _in_base64(body)


def _in_base64(text: str) -> Iterator[str]:
    packed = "".join(line.strip() for line in text.splitlines())
    if len(packed) >= SHORTEST_PART and IN_BASE64.fullmatch(packed):
        yield unpack_base64(packed.rstrip("=").encode()).decode("utf-8", "surrogateescape")


def is_text(text: str) -> bool:
    """Whether a string is text, and not bytes as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _passwords(text: str) -> Iterator[str]:
    """Yield the password of a URL, or of what has a user, a password and a host like one, and a long user."""
    address = text.partition("://")[2] or text
    authority = re.split("[/?#]", address, maxsplit=1)[0]
    user_information = authority.rpartition("@")[0]
    port = authority.partition(":")[2]
    if not user_information and port and not port.isdigit():
        # RFC 3986 wants `/`, `?` and `#` in a password to be encoded; they often aren't.
        user_information = address.rpartition("@")[0]
    if re.search(r"\s", user_information):
        return
    user, _, password = user_information.partition(":")
    yield password
    if len(user) >= SHORTEST_PART:
        yield user


def _strings_in_json(text: str) -> list[str] | None:
    """Return the strings of an object or array that may be secrets, or whose key says that they are."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        nodes = [("", json.loads(text, parse_int=str, parse_float=str))]
    except (ValueError, RecursionError):
        return None
    strings = []
    while nodes:
        key, node = nodes.pop()
        if isinstance(node, dict):
            nodes.extend(node.items())
        elif isinstance(node, list):
            nodes.extend((key, item) for item in node)
        elif isinstance(node, str):
            is_credential = CREDENTIAL_KEY.search(key) and len(node) >= SHORTEST_CREDENTIAL
            if is_credential or _is_item(node):
                strings.append(node)
    return strings


def _items(text: str) -> Iterator[str]:
    """Yield lines, the items of a list, the values of pairs, and segments of a URL's path."""
    yield from (line.strip() for line in text.splitlines())
    for word in SEPARATORS.split(text):
        item = word.strip(QUOTES)
        yield item
        yield item.partition("=")[2]
        yield from item.partition("://")[2].split("/")[1:]
