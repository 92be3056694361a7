"""Checks at build time that Lambda can unpack an artifact.

A deploy passes on the very bytes that were checked here, which it identifies by their SHA-256 in build.json.
So a bad artifact fails the push, and a deploy does not check it again.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from deploy.artifact.archive import BUILD_AGAIN, place_of, refused_entry
from deploy.artifact.content import read_content
from deploy.artifact.records import ENCRYPTED
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.artifact.archive import Directory
    from deploy.artifact.window import Seekable


def check_entries(directory: Directory) -> None:
    """Raise InputError for an entry that can't be unpacked, or if there is none."""
    if not len(directory):
        raise InputError(
            "The artifact holds no entry: there is nothing in it to deploy. Nothing was changed.",
            why="It is a ZIP or JAR file, and an empty one.",
            todo=BUILD_AGAIN,
        )
    names = []
    for name, *_, flags in directory:
        if name.startswith("/") or (".." in name and ".." in name.split("/")):
            raise refused_entry(name, "has a name that leads out of the package")
        if flags & ENCRYPTED:
            raise refused_entry(name, "is encrypted, and Lambda can't decrypt it")
        names.append(name)
    _check_places(names)


def _check_places(names: Sequence[str]) -> None:
    """Refuse two entries that are unpacked to one place, and a file where others need a folder."""
    # No name holds a zero, and it sorts before all else: what lies in x/ comes right behind x.
    keys = [place_of(name).replace("/", "\0") for name in names]
    ordered = sorted(range(len(keys)), key=keys.__getitem__)
    for first, second in itertools.pairwise(ordered):
        if not keys[first]:  # "." or "./", the root
            continue
        if keys[first] == keys[second]:
            also = "" if names[first] == names[second] else f", also as {printable(names[first])}"
            raise refused_entry(names[second], f"is there twice{also}")
        if keys[second].startswith(f"{keys[first]}\0") and not names[first].endswith("/"):
            raise refused_entry(names[first], f"is a file, and the folder of {printable(names[second])} too")


def check_contents(
    file: Seekable,
    directory: Directory,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Read all entries. Raise InputError for one that does not hold what the directory says.

    `progress` receives unzipped bytes, done and in total.
    """
    done = 0
    for entry in directory:
        for _ in read_content(file, entry):
            pass
        done += entry.size
        progress(done, directory.unzipped_size)
