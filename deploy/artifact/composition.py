"""A package in S3, composed of its base, which lies there, and of the little that is sent.

S3 puts an object together from parts, and copies parts within a bucket. Each part but the last of an object
has 5 MiB at least, so only one small part fits into an object, at its end. A package has up to three in a row
behind what it has in common with the base: the config files, the base's central directory, and the end of
the package's own. If the directory is so small that sending it costs less than further calls, the three are
sent as one. Otherwise objects are made one after the other, each with all of the one before it, and one small
part more. These begin with 5 MiB of the base's last bytes, and not with all of them, which S3 copies once.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy.artifact import limits
from deploy.artifact.archive import read_at
from deploy.artifact.assembly import Span, changed_base, size_of
from deploy.artifact.window import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from deploy.artifact.assembly import Assembly
    from deploy.artifact.package import Package
    from deploy.artifact.window import Seekable

NOTHING = hashlib.sha256().digest()
SMALLEST_PART = 5 * 1024 * 1024  # bytes, of all parts but the last
SMALLEST_COPY = 960 * 1024  # bytes that are worth further calls: with the config, less than 1 MiB is sent


@dataclass(frozen=True)
class Source:
    """The base that a package was made from, and how: what both have in common need not be sent."""

    open: Callable[[], Seekable] = field(repr=False)
    sha256: bytes
    size: int
    assembly: Assembly = field(repr=False)


@dataclass(frozen=True)
class Part:
    """A part of an object in S3: bytes of the base, bytes that are sent, or all of the object before it.

    The last one has neither a `span` nor a `content`. `sha256` is known once the bytes have been read.
    """

    size: int
    span: Span | None = None
    content: tuple[Span | bytes, ...] = field(default=(), repr=False)
    sha256: bytes = b""

    @property
    def is_sent(self) -> bool:
        """Whether its bytes are sent."""
        return bool(self.content)

    @property
    def is_previous(self) -> bool:
        """Whether it is all of the object before it."""
        return self.span is None and not self.content


Object = tuple[Part, ...]


def layout(package: Package) -> tuple[Object, ...]:
    """Return the objects of which the last is the package; none if it can't be composed of its base.

    It can if it begins with 5 MiB of the base at least. Nothing is read for that.
    """
    parts = list(_parts(package.source.assembly.parts)) if package.source else []
    if not parts or parts[0].span is None or parts[0].size < SMALLEST_PART:
        return ()
    beginning: list[Part] = []
    if any(part.size < SMALLEST_PART for part in parts[:-1]) and parts[0].size >= 2 * SMALLEST_PART:
        start, end = parts[0].span
        beginning = [_copied(Span(start, end - SMALLEST_PART))]
        parts[0] = _copied(Span(end - SMALLEST_PART, end))
    objects: list[Object] = []
    current: list[Part] = []
    for part in parts:
        if current and current[-1].size < SMALLEST_PART:
            objects.append(tuple(current))
            current = [Part(sum(each.size for each in current))]
        current.append(part)
    return (*objects, (*beginning, *current))


def goes_via_bucket(package: Package) -> bool:
    """Whether a package goes via the bucket, if there is one.

    It does if it is too large for a direct upload, or has 5 MiB and more in common with its base. Less takes
    no longer to send than S3's calls do.
    """
    return package.size > limits.DIRECT_LIMIT or bool(layout(package))


def sent_size(objects: Iterable[Object]) -> int:
    """Return how many bytes of objects are sent."""
    return sum(part.size for parts in objects for part in parts if part.is_sent)


def _parts(assembled: Iterable[Span | bytes]) -> Iterator[Part]:
    """Yield what is copied, and what is sent between that, each in one part."""
    sent: list[Span | bytes] = []
    for part in assembled:
        if isinstance(part, Span) and part.size >= SMALLEST_COPY:
            if any(map(size_of, sent)):
                yield Part(sum(map(size_of, sent)), content=tuple(sent))
            sent = []
            yield _copied(part)
        else:
            sent.append(part)
    yield Part(sum(map(size_of, sent)), content=tuple(sent))


def _copied(span: Span) -> Part:
    return Part(span.size, span)


def compose(package: Package) -> tuple[Object, ...]:
    """Return the objects with the digests of their parts, by which S3's copies are checked.

    Reads the base once. Raise InputError if it is no longer what the package was made from.
    """
    planned = layout(package)
    if package.source is None or not planned:
        return ()
    base = package.source.open()
    of_package, so_far = hashlib.sha256(), hashlib.sha256()
    *early, last = planned
    # What the last object begins with comes first in the package, too, and no other object has it.
    alone = next((index for index, part in enumerate(last) if part.is_previous), len(last))
    beginning = [_read(base, part, of_package) for part in last[:alone]]
    objects: list[Object] = []
    for parts in (*early, last[alone:]):
        read: list[Part] = []
        for part in parts:
            if part.is_previous:
                read.append(replace(part, sha256=so_far.digest()))
            else:
                read.append(_read(base, part, of_package, so_far))
        objects.append(tuple(read))
    if of_package.digest() != package.sha256:
        raise changed_base()
    return (*objects[:-1], (*beginning, *objects[-1]))


def _read(base: Seekable, part: Part, of_package: hashlib._Hash, *others: hashlib._Hash) -> Part:
    """Return a part with its digest, and in memory what is sent of it; add it to digests of more than it."""
    is_first = of_package.digest() == NOTHING
    own, content = hashlib.sha256(), bytearray()
    for piece in _pieces(base, part):
        of_package.update(piece)
        for other in others if is_first else (own, *others):
            other.update(piece)
        if part.is_sent:
            content += piece
    sha256 = (of_package if is_first else own).digest()
    return replace(part, content=(bytes(content),) if part.is_sent else (), sha256=sha256)


def _pieces(base: Seekable, part: Part) -> Iterator[bytes]:
    for each in part.content or ((part.span,) if part.span else ()):
        if isinstance(each, bytes):
            yield each
            continue
        for position in range(each.start, each.end, PIECE):
            yield read_at(base, position, min(PIECE, each.end - position))
