"""The candidate: this slug's base with this app's config, ready to be compared with what runs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.artifact import base as bases
from deploy.artifact.package import open_package
from deploy.config.bake import bake
from deploy.errors import InputError
from deploy.target.record import SHORT, Record
from deploy.target.version import PACKAGE, VersionName, parse_name
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.base import Base
    from deploy.artifact.package import Package
    from deploy.cancel import Cancellation
    from deploy.config.bake import Bake
    from deploy.output import Report
    from deploy.target.environment import App, Target
    from deploy.target.provenance import Provenance
    from deploy.target.settings import Settings


@dataclass(frozen=True)
class Candidate:
    """A package that is ready to be deployed, where it comes from, and what its versions are called."""

    base: Base
    baked: Bake
    package: Package
    provenance: Provenance
    name: VersionName | None = None

    @property
    def record(self) -> Record:
        """What is recorded with a version of it."""
        names = tuple(file.name for file in self.baked.files)
        name = self.name.text if self.name else None
        return Record(self.base.sha256, names, len(names), self.baked.digest[:SHORT], self.provenance, name)

    def to_dict(self) -> dict[str, object]:
        """Describe it for a program."""
        return {
            "code_sha256": self.package.code_sha256,
            "size": self.package.size,
            "unzipped_size": self.package.unzipped_size,
            "base_sha256": self.base.sha256,
            "config": self.baked.to_dict(),
        }


def with_config(target: Target, candidate: Candidate) -> Target:
    """Return a target whose variables hold all that the candidate was baked with, wherever it is from."""
    return replace(target, variables={**target.variables, **candidate.baked.config.baked})


def with_parameters(target: Target, cancellation: Cancellation) -> Target:
    """Return a target with the config that its settings take from SSM, which wins over variables."""
    if not target.settings.config_from:
        return target
    from deploy.aws.parameters import read_parameters
    from deploy.aws.session import Session

    found = read_parameters(Session(target), cancellation)
    return replace(target, variables={**target.variables, **found})


@contextlib.contextmanager
def prepare(app: App, report: Report, cancellation: Cancellation) -> Iterator[Candidate]:
    """Bake the config into the base; the package can be read until the block ends.

    Raises InputError if the slug, the config or the two together are wrong.
    """
    base = bases.read(app.slug)
    name = find_name(app.settings, base)
    baked = bake(app, report)
    report.step("Making the package")

    def progress(done: int, total: int) -> None:
        cancellation.check_between_steps()
        report.progress("Hashing", done, total)

    with open_package(app.slug, base, baked.files, progress) as package:
        report.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        commit = app.provenance.commit or base.source_version
        yield Candidate(base, baked, package, replace(app.provenance, commit=commit), name)


def find_name(settings: Settings, base: Base) -> VersionName | None:
    """Return what versions of this base are called, None if the settings do not ask for a name.

    Raise InputError if the name is that of the app's own files, and the build found none that can be used.
    """
    if settings.version != PACKAGE:
        return VersionName(settings.version) if settings.version else None
    if base.version is None:
        raise InputError(
            "_LAMBDA_VERSION is `package`, and the build found no version in the app.",
            why="A build takes it from package.json, pom.xml, gradle.properties or pyproject.toml.",
            todo="Set it there and push again, or name the version itself: _LAMBDA_VERSION=1.1.1",
        )
    try:
        return parse_name(base.version)
    except ValueError as error:
        raise InputError(
            f"_LAMBDA_VERSION is `package`, and the app's own version, {printable(base.version)}, {error}.",
            todo="Change it there and push again, or name the version itself: _LAMBDA_VERSION=1.1.1",
        ) from None
