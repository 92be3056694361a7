"""Takes secrets out of texts that we did not write: AWS's messages, a function's log, a traceback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["without_values"]

# The user and password of a URL (RFC 3986, 3.2.1), which may come out in another form than it was set.
USER_INFORMATION = re.compile(r"//[^/\s@]+@")
SHORTEST = 4  # characters; without shorter values (a 1, a yes) a text could not be read any more


def without_values(text: str, variables: Mapping[str, str]) -> str:
    """Put the name of a variable, in brackets, in place of its value, also where that is escaped."""
    for name, value in sorted(variables.items(), key=lambda item: -len(item[1])):
        if len(value) >= SHORTEST:
            for shown in (value, repr(value)[1:-1]):
                text = text.replace(shown, f"[{name}]")
    return USER_INFORMATION.sub("//[…]@", text)
