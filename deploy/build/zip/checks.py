"""Checks at build time that Lambda can unpack an artifact, and notices about what it can't use.

A deploy passes on the very bytes that were checked here, which it identifies by their SHA-256 in build.json.
So a bad artifact fails the push, and a deploy does not check it again.
"""

from __future__ import annotations

import itertools
import re
import stat
from typing import TYPE_CHECKING

from deploy.artifact.archive import BUILD_AGAIN, Entry, place_of, refused_entry
from deploy.artifact.content import read_content
from deploy.artifact.records import ENCRYPTED
from deploy.errors import InputError
from deploy.text import first_of, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from deploy.artifact.archive import Directory
    from deploy.artifact.window import Seekable
    from deploy.output import Report

# Linux: bytes of a file's name (NAME_MAX), and of a path (PATH_MAX) with its final NUL and Lambda's folder.
LONGEST_NAME = 255
LONGEST_PATH = 4096 - len("/var/task/\0")

# What is wrong with an entry that Lambda can't unpack, or must not.
REFUSED: tuple[tuple[Callable[[Entry], bool], str], ...] = (
    (lambda entry: _leads_out(entry.name), "has a name that leads out of the package"),
    (lambda entry: "\0" in entry.name, "has a NUL in its name, and no file's name can hold one"),
    (lambda entry: _is_too_long(entry.name), f"has a name of more than {LONGEST_NAME} bytes between slashes"),
    (lambda entry: _size(entry.name) > LONGEST_PATH, f"has a path of more than {LONGEST_PATH} bytes"),
    (lambda entry: bool(entry.flags & ENCRYPTED), "is encrypted, and Lambda can't decrypt it"),
)

ONCE = """Have the build write each file once, and push again:
  Ant: <jar duplicate="preserve" ...>, and likewise for <zip>
  Gradle: duplicatesStrategy = DuplicatesStrategy.EXCLUDE, in the task that makes the JAR or ZIP
  maven-shade-plugin: a <filter> with an <exclude> for it, or a <transformer> that merges it"""

ODD_CHARACTER = re.compile(r"[\0-\x1f\x7f-\x9f\\]")
SHOWN = 3  # names in a notice


def check_entries(directory: Directory) -> None:
    """Raise InputError for an entry that can't be unpacked, or if there is none."""
    if not len(directory):
        raise InputError(
            "The artifact holds no entry: there is nothing in it to deploy.",
            why="It is a ZIP or JAR file, and an empty one.",
            todo=BUILD_AGAIN,
        )
    names = []
    for entry in directory:
        for is_refused, why in REFUSED:
            if is_refused(entry):
                raise refused_entry(entry.name, why)
        names.append(entry.name)
    _check_places(names)


def _leads_out(name: str) -> bool:
    return name.startswith("/") or (".." in name and ".." in name.split("/"))


def _is_too_long(name: str) -> bool:
    return len(name) * 4 > LONGEST_NAME and any(_size(part) > LONGEST_NAME for part in name.split("/"))


def _size(name: str) -> int:
    return len(name) if name.isascii() else len(name.encode())


def _check_places(names: Sequence[str]) -> None:
    """Refuse two files that are unpacked to one place, and a file where others need a folder."""
    # No name holds a zero, and it sorts before all else: what lies in x/ comes right behind x.
    keys = [place_of(name).replace("/", "\0") for name in names]
    ordered = sorted(range(len(keys)), key=keys.__getitem__)
    for first, second in itertools.pairwise(ordered):
        if not keys[first]:  # "." or "./", the root
            continue
        if names[first].endswith("/") and names[second].endswith("/"):
            continue  # a folder that is listed twice is made once
        if keys[first] == keys[second]:
            also = "" if names[first] == names[second] else f", also as {printable(names[first])}"
            raise refused_entry(names[second], f"is there twice{also}", ONCE)
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


def note_modes(directory: Directory, output: Report) -> None:
    """Point out what was made on Unix so that others than its owner can't read it.

    Lambda keeps the modes and runs the function as another user:
    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    _note(
        (entry.name for entry in directory if entry.mode and not _is_readable(entry)),
        "The function can't read",
        "Others than the owner have no permission to read it, and Lambda runs the function as another user. "
        "Have the build give files the mode 0644 or 0755, and folders 0755.",
        output,
    )


def _is_readable(entry: Entry) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH if entry.name.endswith("/") else stat.S_IROTH
    return entry.mode & needed == needed


def note_names(names: Iterable[str], output: Report) -> None:
    """Point out names with control characters, or with the backslashes of a ZIP that was made on Windows."""
    _note(
        (name for name in names if ODD_CHARACTER.search(name)),
        "There are control characters or backslashes in the name of",
        "Most often it is there by mistake, and tools such as unzip change such names. Rename it, or leave "
        "it out of the package.",
        output,
    )


def _note(names: Iterable[str], what: str, todo: str, output: Report) -> None:
    found = list(names)
    if found:
        output.notice("\n  ".join([f"{what}:", *first_of(found, SHOWN)]) + f"\n{todo}")
