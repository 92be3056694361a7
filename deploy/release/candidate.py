"""The candidate: this slug's base with this app's config, ready to be compared with what runs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.artifact import base as bases
from deploy.artifact.package import open_package
from deploy.config.bake import bake
from deploy.target.record import SHORT, Record
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.base import Base
    from deploy.artifact.package import Package
    from deploy.cancel import Cancellation
    from deploy.config.bake import Bake
    from deploy.output import Report
    from deploy.target.environment import App
    from deploy.target.provenance import Provenance


@dataclass(frozen=True)
class Candidate:
    """A package that is ready to be deployed, and where it comes from."""

    base: Base
    baked: Bake
    package: Package
    provenance: Provenance

    @property
    def record(self) -> Record:
        """What is recorded with a version of it."""
        names = tuple(file.name for file in self.baked.files)
        return Record(self.base.sha256, names, len(names), self.baked.digest[:SHORT], self.provenance)

    def to_dict(self) -> dict[str, object]:
        """Describe it for a program."""
        return {
            "code_sha256": self.package.code_sha256,
            "size": self.package.size,
            "unzipped_size": self.package.unzipped_size,
            "base_sha256": self.base.sha256,
            "config": self.baked.to_dict(),
        }


@contextlib.contextmanager
def prepare(app: App, report: Report, cancellation: Cancellation) -> Iterator[Candidate]:
    """Bake the config into the base; the package can be read until the block ends.

    Raises InputError if the slug, the config or the two together are wrong.
    """
    base = bases.read(app.slug)
    baked = bake(app, report)
    report.step("Making the package")

    def progress(done: int, total: int) -> None:
        cancellation.check_between_steps()
        report.progress("Hashed", done, total)

    with open_package(app.slug, base, baked.files, progress) as package:
        report.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        commit = app.provenance.commit or base.source_version
        yield Candidate(base, baked, package, replace(app.provenance, commit=commit))
