"""A folder with a file for each function of a fleet that has something of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.parsers import json_payload
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check_folder(folder: Path) -> None:
    """Raise InputError if a folder is not there: a typing error would go unnoticed."""
    if not folder.is_dir():
        raise InputError(
            f"{printable(str(folder))} is not a folder.",
            todo="Name the folder that holds a file for each function.",
        )


def read_payloads(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Return the payloads of those functions that have a file NAME.json.

    Raise InputError for one that is no JSON.
    """
    check_folder(folder)
    payloads: dict[str, bytes] = {}
    for name in names:
        path = folder / f"{name}.json"
        try:
            payloads[name] = json_payload(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{printable(str(path))} can't be read: {error.strerror}.") from None
        except ValueError:
            raise InputError(f"{printable(str(path))} is not JSON in UTF-8.") from None
    return payloads
