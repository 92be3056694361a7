"""A ZIP made from files: compressed by all cores, with the same bytes on every machine.

The bytes come from libdeflate, whose version requirements.lock pins. The interpreter's zlib is a different
one on each stack, and would make the same commit a new version after a stack upgrade. libdeflate's output
depends on version and level alone; a test holds the digest that it has to have, under each Python.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import deflate

from deploy.artifact.records import IN_ZIP64_32, NewEntry, end_records
from deploy.build.result import Written
from deploy.errors import DeployError, InputError
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LEVEL = 6
COMPRESSION = f"deflate {deflate.__version__}, level {LEVEL}"  # as build.json keeps it

# Bytes. A batch makes it worthwhile to hand small files over to a thread. What is in flight bounds memory,
# unless a single file is larger.
BATCH = 256 * 1024
IN_FLIGHT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What `create` puts into a ZIP: a file, a symbolic link, or (with neither) an empty folder.

    `size` is in bytes: the file's, or that of the link's target.
    """

    name: str
    path: str | None = None
    link_target: str | None = None
    executable: bool = False
    size: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it is an empty folder."""
        return self.path is None and self.link_target is None


def create(
    files: Iterable[SourceFile],
    target: BinaryIO,
    progress: Callable[[int], None] = lambda _entries: None,
) -> Written:
    """Write a ZIP of files, in their order, with the same bytes for the same contents and names.

    Modes are 0644 and 0755, links stay links, times are all alike. `progress` receives the number of entries
    written. Raise InputError for a file that the format can't hold, OSError if one can't be read.
    """
    sha256 = hashlib.sha256()
    position = unzipped_size = count = 0

    def write(content: bytes | bytearray) -> None:
        nonlocal position
        target.write(content)
        sha256.update(content)
        position += len(content)

    records = bytearray()
    for entry in _compressed(files):
        entry.start = position
        write(entry.local_header())
        write(entry.data)
        records += entry.central_record()
        unzipped_size += entry.size
        count += 1
        progress(count)
    end = end_records(position, len(records), count)
    write(records)
    write(end)
    return Written(sha256.digest(), position, unzipped_size, count)


def _compressed(files: Iterable[SourceFile]) -> Iterator[NewEntry]:
    """Return each file's entry in the order of the files, while threads work ahead."""
    pool = ThreadPoolExecutor(_cores())
    ahead: deque[tuple[int, Future[list[NewEntry]]]] = deque()
    in_flight = 0
    try:
        for size, batch in _batches(files):
            while ahead and in_flight + size > IN_FLIGHT:
                done, future = ahead.popleft()
                yield from future.result()
                in_flight -= done
            ahead.append((size, pool.submit(_entries, batch)))
            in_flight += size
        for _, future in ahead:
            yield from future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _cores() -> int:
    """Return how many this process may use; macOS does not say which."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _batches(files: Iterable[SourceFile]) -> Iterator[tuple[int, list[SourceFile]]]:
    batch: list[SourceFile] = []
    size = 0
    for file in files:
        batch.append(file)
        size += max(file.size, 1024)
        if size >= BATCH:
            yield size, batch
            batch, size = [], 0
    if batch:
        yield size, batch


def _entries(files: list[SourceFile]) -> list[NewEntry]:
    return [_entry(file) for file in files]


def _entry(file: SourceFile) -> NewEntry:
    if file.link_target is not None:
        return NewEntry(file.name, stat.S_IFLNK | 0o777, file.link_target.encode())
    if file.path is None:
        return NewEntry(f"{file.name}/", stat.S_IFDIR | 0o755, b"")
    mode = stat.S_IFREG | (0o755 if file.executable else 0o644)
    try:
        content = _read(file.path, file.name)
        return NewEntry(file.name, mode, content, deflate.deflate_compress(content, LEVEL))
    except MemoryError:
        raise _too_little_memory(file) from None


def _read(path: str, name: str) -> bytes:
    with open(path, "rb") as source:  # noqa: PTH123 - called for each file, and faster
        size = os.fstat(source.fileno()).st_size
        if size >= IN_ZIP64_32:
            raise _too_large(name, size)
        return source.read()


def _too_large(name: str, size: int) -> InputError:
    return InputError(
        f"{printable(name)} is {megabytes(size)} large; a ZIP entry for Lambda can't hold 4 GiB or more.",
        todo="Name it in .lambdaignore, or keep it in S3 and let the function fetch it.",
    )


def _too_little_memory(file: SourceFile) -> DeployError:
    return DeployError(
        f"There is too little memory here to compress {printable(file.name)}, {megabytes(file.size)} large.",
        why="A file is compressed as a whole, which takes up to twice its size.",
        todo="Name it in .lambdaignore, or build where there is more memory.",
    )
