"""What a build made or found as the base of an app."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: digest, size and unzipped size in bytes, and the number of entries."""

    sha256: bytes
    size: int
    unzipped_size: int
    entries: int


@dataclass(frozen=True, slots=True)
class Result:
    """The base's path in the app, its digest and sizes, and what it needs of the function.

    `compression` is None if the app's own build compressed it, `runtime` and `architecture` if it would do
    with any.
    """

    path: str
    written: Written
    compression: str | None = None
    runtime: str | None = None
    architecture: str | None = None
