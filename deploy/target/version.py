"""The name of a version, such as 1.1.1, and the alias that stands for it: AWS takes no dots there."""

from __future__ import annotations

import re
from dataclasses import dataclass

PACKAGE = "package"  # the setting's value for: as package.json or its like has it

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}")
REPLACED = str.maketrans(".+", "--")


@dataclass(frozen=True)
class VersionName:
    """What people call a version."""

    text: str

    @property
    def alias(self) -> str:
        """The alias of this name: 1-1-1 for 1.1.1. Others may have the same one, such as 1.1-1."""
        return self.text.translate(REPLACED)


def parse_name(text: str) -> VersionName:
    """Take a name; raises ValueError with what is wrong, as a clause that follows what holds it."""
    if not NAME.fullmatch(text):
        msg = "is not a name such as 1.1.1: up to 128 letters, digits, `.`, `+`, `-` and `_`"
        raise ValueError(msg)
    if text.isdecimal():
        msg = "is a number, and AWS numbers versions by itself: write 2.0 for 2, for example"
        raise ValueError(msg)
    return VersionName(text)


def parse_setting(text: str) -> str:
    """Return a name, or the word for that of the app's own files; raises ValueError with what is wrong."""
    return text if text == PACKAGE else parse_name(text).text


def is_number(text: str) -> bool:
    """Whether it is AWS's own number of a version, not a name."""
    return re.fullmatch("[1-9][0-9]*", text) is not None
