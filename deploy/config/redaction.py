"""Takes secrets out of texts that we did not write: AWS's messages, a function's log, a traceback."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The user and password of a URL (RFC 3986, 3.2.1), which may come out in another form than it was set.
USER_INFORMATION = re.compile(r"//[^/\s@]+@")
SHORTEST = 4  # characters; without shorter values (a 1, a yes) a text could not be read any more
SHORTEST_LINE = 16  # characters of a line of a longer value, such as a key in PEM


def without_values(text: str, variables: Mapping[str, str]) -> str:
    """Put the name of a variable, in brackets, in place of its value, whole, escaped or line by line."""
    forms = {form: name for name, value in variables.items() for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, f"[{forms[form]}]")
    return USER_INFORMATION.sub("//[…]@", text)


def without_cut_value(text: str, variables: Mapping[str, str]) -> str:
    """Take out the end of a value at the start of a text that was cut within it."""
    for name, value in variables.items():
        ends = (value[start:] for start in range(1, len(value) - SHORTEST + 1))
        if end := next((end for end in ends if text.startswith(end)), ""):
            return f"[{name}]{text[len(end) :]}"
    return text


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it is, as Python and JSON escape it, and its longer lines."""
    if len(value) < SHORTEST:
        return
    yield value
    yield repr(value)[1:-1]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE)
