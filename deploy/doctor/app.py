"""Checks of what needs no AWS: the base, the config, and the package that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact import base as bases
from deploy.artifact import limits
from deploy.artifact.composition import goes_via_bucket, layout, sent_size
from deploy.artifact.package import check_base, open_package
from deploy.config.bake import bake
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError
from deploy.release.candidate import find_name
from deploy.text import count, megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.artifact.base import Base
    from deploy.artifact.package import Package
    from deploy.config.bake import Bake
    from deploy.output import Report
    from deploy.target.environment import App
    from deploy.target.settings import Bucket

ENCODED = 4  # bytes of base64, for each 3


def check_base_of(slug: Path) -> tuple[Base | None, Check]:
    """Check that the base is what the build left."""
    try:
        base = bases.read(slug)
        check_base(slug, base)
    except DeployError as error:
        return None, failed("base", error)
    entries = count(base.entries, "entry", "entries")
    return base, ok("base", f"{printable(base.base)}, {megabytes(base.size)}, {entries}")


def check_config(app: App, base: Base | None, report: Report) -> Iterator[Check]:
    """Check the config, and the package that it makes with the base."""
    try:
        baked = bake(app, report, quietly=True)
    except DeployError as error:
        yield failed("config", error)
        yield unknown("package", "the config can't be baked")
        return
    size = sum(len(file.content) for file in baked.files)
    count = len(baked.config.baked)
    yield ok("config", f"{count} config var{'s' * (count != 1)}, {megabytes(size)} in {baked.file_names}")
    if base is None:
        yield unknown("package", "there is no base to make it from")
        return
    yield from _check_name(app, base)
    yield from _check_package(app, base, baked, report)


def _check_name(app: App, base: Base) -> Iterator[Check]:
    try:
        name = find_name(app.settings, base)
    except DeployError as error:
        yield failed("version name", error)
        return
    if name:
        yield ok("version name", f"{name.text}, as the alias {name.alias}")


def _check_package(app: App, base: Base, baked: Bake, report: Report) -> Iterator[Check]:
    bucket = app.settings.bucket
    try:
        progress = lambda done, total: report.progress("Hashing", done, total)  # noqa: E731
        with open_package(app.slug, base, baked.files, progress) as package:
            limits.check_size(package, bucket)
    except DeployError as error:
        yield failed("package", error)
        return
    size = f"{megabytes(package.size)} of 50 MiB"
    if bucket and package.size > limits.DIRECT_LIMIT:
        size = f"{megabytes(package.size)}, via s3://{bucket.name} because it is over 50 MiB"
    yield ok("package", f"{size}, {megabytes(package.unzipped_size)} of 250 MiB unzipped")
    yield ok("config change", f"sends {_what_a_config_change_sends(package, bucket)}")


def _what_a_config_change_sends(package: Package, bucket: Bucket | None) -> str:
    sent = sent_size(layout(package))
    if sent and bucket:
        return f"{megabytes(sent)} via s3://{bucket.name}, where the base is kept"
    if bucket and goes_via_bucket(package):
        return f"the whole package, {megabytes(package.size)}: it has too little in common with its base"
    whole = f"the whole package, {megabytes(ENCODED * package.size // 3)} in base64"
    return f"{whole}; with _LAMBDA_S3_BUCKET {megabytes(sent)}" if sent else whole
