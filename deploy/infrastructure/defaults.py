"""What the app says of its functions without service.json: by its kind, its base and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.kind import JAVA, KINDS, NODEJS, OTHER, PYTHON, Kind, find_kind
from deploy.infrastructure.service import Defaults
from deploy.release.fit import WRAPPER, baked_scripts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deploy.artifact.base import Base
    from deploy.target.environment import Target

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIMES = {JAVA: "java21", NODEJS: "nodejs22.x", PYTHON: "python3.13", OTHER: "provided.al2023"}
ARCHITECTURE = "x86_64"


def defaults_of(target: Target, names: Sequence[str], base: Base | None) -> Defaults:
    """Return what holds for functions that service.json does not say otherwise of."""
    settings = target.settings
    kind = find_kind(base.kind) if base else _kind(target.slug)
    runtime = RUNTIMES[kind] if kind else None
    if kind is PYTHON:
        runtime = (base.runtime if base else settings.runtime) or runtime
    scripts = baked_scripts(target)
    return Defaults(
        names,
        settings.alias,
        runtime=runtime,
        architecture=(base.architecture if base else settings.architecture) or ARCHITECTURE,
        shift=settings.shift,
        environment={WRAPPER: scripts[0]} if scripts else {},
    )


def _kind(app: Path) -> Kind | None:
    return next((kind for kind in KINDS if any((app / file).is_file() for file in kind.files)), None)
