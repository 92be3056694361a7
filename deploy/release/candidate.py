"""From the environment to the package: what a deploy, its plan and `deploy package` have in common."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.artifact import base as bases
from deploy.artifact.package import build
from deploy.config.bake import bake
from deploy.target.provenance import read_origin
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.artifact.base import Base
    from deploy.artifact.package import Package
    from deploy.config.bake import Bake
    from deploy.output import Output
    from deploy.target.provenance import Origin
    from deploy.target.settings import ConfigSettings


@dataclass(frozen=True)
class Prepared:
    """A package that is ready to be deployed, and where it comes from."""

    base: Base
    baked: Bake
    package: Package
    origin: Origin

    @property
    def description(self) -> str:
        """What a version says of where it comes from."""
        return self.origin.describe(self.base.sha256, self.baked.digest)

    def document(self) -> dict[str, object]:
        """Describe it to a program."""
        return {
            "code_sha256": self.package.code_sha256,
            "size": self.package.size,
            "unzipped_size": self.package.unzipped_size,
            "base_sha256": self.base.sha256,
            "config": self.baked.document(),
        }


@contextlib.contextmanager
def prepare(
    environment: Mapping[str, str], settings: ConfigSettings, slug: Path, output: Output
) -> Iterator[Prepared]:
    """Bake the config into the base; the package can be read until the block ends.

    Raises InputError where the slug, the config or the two together are wrong.
    """
    base = bases.read(slug)
    baked = bake(environment, settings, output)
    output.step("Making the package")
    with build(slug, base, baked.files, output.hashing) as package:
        output.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        yield Prepared(base, baked, package, read_origin(environment, base.source_version))
