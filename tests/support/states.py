"""Makes what a plan is decided from: candidates, versions and aliases, without AWS and without a slug."""

import io
from dataclasses import replace
from typing import Any

from deploy.artifact.base import Base
from deploy.artifact.package import Package
from deploy.aws.answers import Alias, Configuration
from deploy.config.bake import Bake
from deploy.config.variables import Config
from deploy.release.candidate import Candidate
from deploy.target.provenance import Provenance
from deploy.target.version import parse_name

OURS, OTHER = "ours", "other"  # CodeSha256
EMPTY_ZIP = b"PK\5\6" + bytes(18)


class OurPackage(Package):
    """A package whose digest is easy to read."""

    code_sha256 = OURS


def candidate(
    size: int = 1000,
    unzipped_size: int = 3000,
    *,
    provenance: Provenance | None = None,
    name: str | None = None,
) -> Candidate:
    """Return a candidate with the digest OURS, these sizes and a name; its package is an empty ZIP."""
    base = Base("nodejs", "base.zip", "b" * 64, 1, 1, 1, None, "0.1.0", None, None)
    package = OurPackage(lambda: io.BytesIO(EMPTY_ZIP), b"", size, unzipped_size)
    called = parse_name(name) if name else None
    return Candidate(base, Bake(Config({}, ()), ()), package, provenance or Provenance(), called)


def version(number: str, code_sha256: str = OURS, **changed: Any) -> Configuration:
    """Return a version that is active and up to date, but for what is changed."""
    usual = Configuration(
        version=number,
        code_sha256=code_sha256,
        revision_id=f"revision-{number}",
        state="Active",
        state_reason="",
        update_status="Successful",
        update_reason="",
        last_modified="",
        description="",
        running={"MemorySize": 128},
    )
    return replace(usual, **changed)


def latest(code_sha256: str = OTHER, **changed: Any) -> Configuration:
    """Return $LATEST, with different code unless another digest is given."""
    return version("$LATEST", code_sha256, **changed)


def alias(number: str, description: str = "", **weights: float) -> Alias:
    """Return the alias `live` at a version; `v4=0.1` sends a tenth to version 4."""
    named = {name.removeprefix("v"): weight for name, weight in weights.items()}
    return Alias("live", number, named, description, "alias-revision")
