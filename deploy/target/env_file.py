"""The .env file: config from a file instead of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROXIES = ("HTTPS_PROXY", "NO_PROXY")


def read_env_file(path: Path, process: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a .env file, and the settings of the process, which win over those in it.

    Values are taken literally: a password that holds ${…} means just that. Raises InputError if the file
    can't be read, or has a line that is not NAME=value, or a NUL.
    """
    from dotenv.parser import parse_stream

    shown = printable(str(path))
    try:
        with path.open(encoding="utf-8", newline="") as stream:  # a carriage return in a value is meant
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text.") from None
    wrong = [
        str(binding.original.line)
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    if wrong:
        raise InputError(
            f"{shown} has lines that are not NAME=value.",
            why=f"Line {', '.join(wrong)}.",
            todo="Quote values with blanks or line breaks: NAME='a value'",
        )
    values = {each.key: each.value for each in bindings if each.key and each.value is not None}
    if impossible := sorted(name for name, value in values.items() if "\0" in f"{name}{value}"):
        raise InputError(
            f"{shown} has values with a NUL character, which no environment variable can hold.",
            why=f"Look at {', '.join(map(printable, impossible))}.",
        )
    settings = {name: value for name, value in process.items() if name.startswith("_")}
    for name in PROXIES:
        # On a laptop the process's own proxy is the way out; in a dyno it is config of the function.
        if proxy := process.get(name) or process.get(name.lower()):
            settings.setdefault(f"_{name}", proxy)
    return values | settings
