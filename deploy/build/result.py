"""What was made or found as the base of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from deploy.build.zip.compression import Written


class Made(NamedTuple):
    """The base's path in the app, its digest and sizes, and what it needs of the function.

    `compression` is None if the app's own build compressed it, `runtime` and `architecture` if it would do
    with any.
    """

    path: str
    written: Written
    compression: str | None = None
    runtime: str | None = None
    architecture: str | None = None
