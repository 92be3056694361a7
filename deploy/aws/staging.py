"""The way of a package through the bucket: composed of its base that is kept there, or uploaded whole."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from deploy.artifact.assembly import Span
from deploy.artifact.composition import compose
from deploy.aws.bases import KeptBase, UnusableError
from deploy.aws.bucket import check_region
from deploy.aws.multipart import Body, StagedUpload
from deploy.aws.together import together
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deploy.artifact.composition import Object
    from deploy.artifact.package import Package
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.target.settings import Bucket

PART = 8 * 1024 * 1024  # bytes


@contextlib.contextmanager
def stage(
    bucket: Bucket,
    package: Package,
    session: Session,
    *,
    progress: Callable[[int], None],
    report: Report,
    cancellation: Cancellation,
) -> Iterator[str]:
    """Put a package into the bucket, give its key, and delete it at the end: it holds secrets.

    Encrypted, and checked by SHA-256; `progress` receives the bytes sent. What it has in common with
    its base is copied from there, if there is enough of it. Raises DeployError, before anything is uploaded
    if the bucket is missing or in another region.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html (S3Bucket, S3Key)
    """
    upload = StagedUpload(bucket, session, report, cancellation)
    lists = check_region(bucket, upload.client, session, cancellation)
    with cancellation.cleanup(upload.delete):
        objects = compose(package)
        upload.begin(max(1, len(objects)))
        if not objects or not _composed(upload, package, objects, progress, lists=lists):
            _upload_whole(upload, package, progress)
        progress(package.size)
        yield upload.key


def _composed(
    upload: StagedUpload,
    package: Package,
    objects: Sequence[Object],
    progress: Callable[[int], None],
    *,
    lists: bool,
) -> bool:
    """Have S3 compose the package; return whether it could, and say why if it could not."""
    if package.source is None:
        raise RuntimeError("a composition without a base")  # layout has given none
    base = KeptBase(upload, package.source, progress, knows_what_is_there=lists)
    try:
        try:
            _make_parts(upload, package, base, objects)
        except UnusableError as unusable:
            base.keep(unusable)
            _make_parts(upload, package, base, objects)
    except UnusableError as unusable:
        upload.report.notice(f"The whole package is uploaded: {base.explain(unusable)}")
        upload.forget_parts()
        return False
    for index, parts in enumerate(objects):
        for number, part in enumerate(parts, 1):
            if part.is_previous and not upload.copy(index, number, upload.key, None, part.sha256):
                raise DeployError(
                    "S3 did not put the package together as it was asked to.",
                    why="The SHA-256 of what it copied is not the one of what it was to copy.",
                    todo="Run `deploy` again.",
                )
        upload.cancellation.check()
        upload.complete(index, sum(part.size for part in parts))
    return True


def _make_parts(upload: StagedUpload, package: Package, base: KeptBase, objects: Sequence[Object]) -> None:
    """Make the parts that are missing and need no object but the base, all at the same time."""
    calls: list[Callable[[], None]] = []
    for index, parts in enumerate(objects):
        for number, part in enumerate(parts, 1):
            if upload.has(index, number) or part.is_previous:
                continue
            if part.span:
                calls.append(partial(base.copy, index, number, part))
            else:
                body = Body(package.open(), part.content, upload.cancellation)
                calls.append(partial(upload.send, index, number, body, part.sha256))
    together(calls)


def _upload_whole(upload: StagedUpload, package: Package, progress: Callable[[int], None]) -> None:
    """Upload it, whole; raises InputError if it was changed meanwhile."""
    try:
        for number, start in enumerate(range(0, package.size, PART), 1):
            span = Span(start, min(start + PART, package.size))
            upload.send(0, number, Body(package.open(), (span,), upload.cancellation))
            progress(span.end)
    except DeployError:
        # What is not what was signed, S3 refuses for reasons that are another story.
        package.check_again()
        raise
    # They were read from the base one by one, which somebody may have written to meanwhile.
    package.check_again()
    upload.complete(0, package.size)
