"""Checks, once, at build time, that an artifact may be passed on to Lambda as it is.

A deploy passes on the very bytes that were checked here, which it knows by their SHA-256 in build.json. So
nothing of this is done again while a release waits for it, and a bad artifact fails the push and not a
function weeks later.
"""

from __future__ import annotations

import itertools
import operator
import stat
import zlib
from array import array
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from deploy.artifact.archive import (
    BUILD_AGAIN,
    DEFLATED,
    ENCRYPTED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    PIECE,
    STORED,
    UNICODE_PATH,
    decode_name,
    extra_fields,
    place_of,
    read_at,
    read_data,
    refused_entry,
)
from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from deploy.artifact.archive import Directory, Entry

INPUT = 64 * 1024  # bytes given to zlib at a time: those that it leaves over are copied
LONGEST_TARGET = 4096  # bytes, Linux's PATH_MAX
MOST_LINKS = 40  # that Linux follows on one path
NO_LINKS: Mapping[str, str] = MappingProxyType({})


# --- names and places -----------------------------------------------------------------------------


def check_entries(file: BinaryIO, directory: Directory) -> None:
    """Check what a ZIP says of its entries, in its directory and where their data is.

    Raises InputError for the first one that can't be passed on, and where there is none at all.
    """
    if not len(directory):
        raise InputError(
            "The artifact holds no entry: there is nothing in it to deploy. Nothing was changed.",
            why="It is a ZIP or JAR file, and an empty one.",
            todo=BUILD_AGAIN,
        )
    names: list[str] = []
    links: list[Entry] = []
    ends = array("Q")
    for entry in directory:
        check_name(entry.name)
        if entry.flags & ENCRYPTED:
            raise _encrypted(entry)
        _check_second_name(entry.name, entry.extra)
        names.append(entry.name)
        if stat.S_ISLNK(entry.mode):
            links.append(entry)
        ends.append(_end_of_data(file, entry))
    _check_places(names)
    _check_overlaps(directory, ends)
    _check_links(file, links)


def check_name(name: str) -> None:
    """Raise InputError for the name of an entry that would be unpacked somewhere else."""
    # Lambda unpacks below /var/task; nothing may be written elsewhere.
    climbs = ".." in name and ".." in name.replace("\\", "/").split("/")
    if not name or "\0" in name or name.startswith("/") or climbs:
        raise refused_entry(name, "has a name that leads out of the package")


def _check_second_name(name: str, extra: bytes) -> None:
    """Refuse a second name, which some programs unpack by (4.6.9: version, CRC-32, and the name in UTF-8)."""
    for start, length in extra_fields(extra, UNICODE_PATH):
        second = extra[start + 5 : start + length].decode("utf-8", "backslashreplace")
        if second != name:
            raise refused_entry(name, f"has a second name, {printable(second)}")


def _check_places(names: Sequence[str]) -> None:
    """Refuse two entries that would be unpacked to one place, and a file where others need a folder."""
    # No name holds a zero, and it sorts before all else: what lies in x/ comes right behind x.
    keys = [place_of(name).replace("/", "\0") for name in names]
    ordered = sorted(range(len(keys)), key=keys.__getitem__)
    for first, second in itertools.pairwise(ordered):
        if not keys[first]:  # "." or "./" is where all of it is unpacked
            continue
        if keys[first] == keys[second]:
            also = "" if names[first] == names[second] else f", also as {printable(names[first])}"
            raise refused_entry(names[second], f"is there twice{also}")
        if keys[second].startswith(f"{keys[first]}\0") and not names[first].endswith("/"):
            raise refused_entry(names[first], f"is a file, and the folder of {printable(names[second])} too")


def _end_of_data(file: BinaryIO, entry: Entry) -> int:
    """Check an entry's local header (4.3.7), and give the place behind its data."""
    expected = entry.raw_name
    header = read_at(file, entry.start, LOCAL_HEADER.size + len(expected))
    signature, _, flags, method, *_, name_length, extra_length = LOCAL_HEADER.unpack_from(header)
    if signature != LOCAL_SIGNATURE:
        raise _misplaced(entry)
    name_start = entry.start + LOCAL_HEADER.size
    data_start: int = name_start + name_length + extra_length
    # Who reads a ZIP as a stream goes by this name, and so it must not be another, unchecked one.
    if name_length != len(expected) or not header.endswith(expected):
        other = printable(decode_name(read_at(file, name_start, name_length), flags))
        raise refused_entry(entry.name, f"has another name, {other}, where its data is")
    # The same holds for all else by which it is read. Its sizes may stand behind the data alone.
    if flags & ENCRYPTED:
        raise _encrypted(entry)
    if method != entry.method:
        raise refused_entry(entry.name, "has another compression method where its data is")
    if extra_length:
        _check_second_name(entry.name, read_at(file, name_start + name_length, extra_length))
    return data_start + entry.compressed_size


def _encrypted(entry: Entry) -> InputError:
    return refused_entry(entry.name, "is encrypted, and Lambda can't decrypt it")


def _check_overlaps(directory: Directory, ends: array[int]) -> None:
    ordered = _in_file_order(directory)
    following = (directory.starts[index] for index in itertools.islice(ordered, 1, None))
    for index, end in zip(ordered, itertools.chain(following, (directory.start,)), strict=False):
        if ends[index] > end:
            raise _misplaced(directory.entry(index))


def _in_file_order(directory: Directory) -> Sequence[int]:
    """Give the indexes of the records in the order in which the entries stand in the file."""
    starts = directory.starts
    if any(map(operator.gt, starts, itertools.islice(starts, 1, None))):
        return sorted(range(len(directory)), key=starts.__getitem__)
    return range(len(directory))


def _misplaced(entry: Entry) -> InputError:
    return refused_entry(entry.name, "is not where the central directory says: the file is damaged")


# --- symbolic links -------------------------------------------------------------------------------


def _check_links(file: BinaryIO, entries: Sequence[Entry]) -> None:
    """Refuse symbolic links that lead out of the package, as those of a Node.js app are refused."""
    links = {place_of(entry.name): _link_target(file, entry) for entry in entries}
    for entry, (place, target) in zip(entries, links.items(), strict=True):
        if target.startswith("/") or leaves(target, place.rpartition("/")[0], links):
            raise refused_entry(
                entry.name, f"is a symbolic link that leads out of the package, to {printable(target)}"
            )


def _link_target(file: BinaryIO, entry: Entry) -> str:
    if entry.name.endswith("/") or not place_of(entry.name):
        raise refused_entry(entry.name, "is a symbolic link and a folder at once")
    if max(entry.size, entry.compressed_size) > LONGEST_TARGET:
        raise refused_entry(entry.name, "is a symbolic link whose target is longer than a path can be")
    raw = b"".join(read_data(file, entry))
    if entry.method == DEFLATED:
        try:
            # No more than it declares: `check_contents` refuses what holds more.
            raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, LONGEST_TARGET)
        except zlib.error:
            raise _damaged(entry.name, "Its data can't be decompressed.") from None
    elif entry.method != STORED:
        raise refused_entry(entry.name, "is a symbolic link whose target is neither stored nor deflated")
    if not raw or b"\0" in raw:
        raise refused_entry(entry.name, "is a symbolic link whose target is no path")
    return raw.decode("utf-8", "surrogateescape")


def leaves(target: str, folder: str, links: Mapping[str, str] = NO_LINKS) -> bool:
    """Tell whether a relative path, walked from a folder of a package, leaves the package on its way.

    `links` are the targets of those symbolic links that are followed.
    """
    place: list[str] = []
    ahead = [*reversed(target.split("/")), *reversed(folder.split("/"))]
    followed = 0
    while ahead:
        part = ahead.pop()
        if part == ".." and not place:
            return True
        if part == "..":
            place.pop()
        elif part not in {"", "."}:
            place.append(part)
            next_target = links.get("/".join(place)) if links else None
            if next_target is not None:
                followed += 1
                if followed > MOST_LINKS:  # a loop, which leads nowhere
                    return False
                place.pop()
                ahead += reversed(next_target.split("/"))
    return False


# --- contents -------------------------------------------------------------------------------------


def check_contents(
    file: BinaryIO,
    directory: Directory,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Read all entries but those that are neither stored nor deflated, none beyond its declared size.

    `progress` is told unzipped bytes, done and in all. Raises InputError for an entry that holds something
    else than the directory says.
    """
    done, total = 0, directory.unzipped_size
    for entry in directory:
        if entry.method == STORED:
            _check(entry, read_data(file, entry))
        elif entry.method == DEFLATED:
            _check(entry, _inflate(read_data(file, entry)))
        done += entry.size
        progress(done, total)


def _check(entry: Entry, content: Iterable[bytes]) -> None:
    size = crc = 0
    try:
        for piece in content:
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > entry.size:
                raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds more.")
    except zlib.error:
        raise _damaged(entry.name, "Its data can't be decompressed.") from None
    if size < entry.size:
        raise _damaged(entry.name, f"It declares {entry.size} bytes, but holds {size}.")
    if crc != entry.crc:
        raise _damaged(entry.name, "Its content has another checksum (CRC-32) than it declares.")


def _inflate(data: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress, never more than PIECE at a time, whatever the data would grow to."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in data:
        for start in range(0, len(piece), INPUT):
            rest = piece[start : start + INPUT]
            while rest and not inflater.eof:
                yield inflater.decompress(rest, PIECE)
                rest = inflater.unconsumed_tail
    if not inflater.eof:
        yield inflater.flush()
    if not inflater.eof:
        raise zlib.error


def _damaged(name: str, why: str) -> InputError:
    return InputError(
        f"The entry {printable(name)} of the artifact is damaged. Nothing was changed.",
        why=why,
        todo=BUILD_AGAIN,
    )
