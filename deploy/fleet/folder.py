"""Files of a fleet's functions: NAME.json, the payload of the function NAME, and NAME.env, its config.

Nobody would notice a file that is not read: a version would go live unverified, or with the config of the one
before. So names are checked against the fleet file.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.fleet.definition import LARGEST
from deploy.target.parsers import json_payload
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAYLOAD = ".json"
CONFIG = ".env"
LONGEST_LIST = 10  # names in an error


def match_files(present: Sequence[str], functions: Sequence[str], ending: str, place: str) -> dict[str, str]:
    """Return the names of the files with this ending that belong to functions, by function.

    Raise InputError if no file matches, or if some functions have no file and some files no function: one of
    these may be misspelt. `place` is where the files are, for the reader.
    """
    todo = f"A file is called like its function in the fleet file, NAME{ending}"
    files = [name for name in present if name.endswith(ending) and name != ending]
    found = {name.removesuffix(ending): name for name in files if name.removesuffix(ending) in functions}
    if not found:
        why = f"There are {_listed(files)}." if files else ""
        raise InputError(f"No file {place} belongs to a function in the fleet file.", why=why, todo=todo)
    missing = [name for name in functions if name not in found]
    strangers = [name for name in files if name not in found.values()]
    if missing and strangers:
        raise InputError(
            f"Some files {place} belong to no function in the fleet file: {_listed(strangers)}.",
            why=f"These functions have no file: {_listed(missing)}.",
            todo=f"{todo}. Correct the names, or take these files away.",
        )
    return found


def find_files(folder: Path, functions: Sequence[str], ending: str) -> dict[str, Path]:
    """Return the files in a folder that belong to functions, by function; raise InputError as above.

    Raise it also for what is not a regular file, or can't be read.
    """
    shown = printable(str(folder))
    try:
        present = sorted(path.name for path in folder.iterdir())
    except NotADirectoryError:
        raise InputError(
            f"{shown} is not a folder.", todo="Name the folder that holds a file for each function."
        ) from None
    except OSError as error:
        raise InputError(f"The folder {shown} can't be read: {error.strerror}.") from None
    found = match_files(present, functions, ending, f"in the folder {shown}")
    paths = {function: folder / name for function, name in found.items()}
    for path in paths.values():
        _check_regular(path)
    return paths


def read_payloads(folder: Path, functions: Sequence[str]) -> dict[str, bytes]:
    """Return the payloads of those functions that have a file NAME.json; raise InputError as above."""
    found = find_files(folder, functions, PAYLOAD)
    return {function: _read_payload(path) for function, path in found.items()}


def parse_payload(content: bytes, shown: str) -> bytes:
    """Return a payload as it is sent; raise InputError if it is not JSON."""
    if len(content) > LARGEST:
        raise InputError(f"{shown} is larger than 1 MiB.")
    try:
        return json_payload(content.decode())
    except ValueError:
        raise InputError(f"{shown} is not JSON in UTF-8.") from None


def _read_payload(path: Path) -> bytes:
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    return parse_payload(content, shown)


def _check_regular(path: Path) -> None:
    """Raise InputError for a pipe, which may never end, for a folder, and for a link that leads nowhere."""
    shown = printable(str(path))
    try:
        is_regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    if not is_regular:
        raise InputError(f"{shown} is not a regular file.", todo="Replace it with one, or remove it.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(printable, names[:LONGEST_LIST]))
    return f"{shown} and {len(names) - LONGEST_LIST} more" if len(names) > LONGEST_LIST else shown
