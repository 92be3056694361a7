"""`deploy package -o FILE`: writes the package to a file, without AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from deploy.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to write it."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="where to; it holds the config"
    )


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Write the package."""
    from deploy.artifact import base as bases
    from deploy.artifact.package import check_target, write
    from deploy.release.candidate import prepare
    from deploy.target.settings import read_config_settings

    check_target(slug, bases.read(slug), options.output)
    with prepare(environment, read_config_settings(environment), slug, output) as prepared:
        write(prepared.package, options.output, output.writing)
    output.step(
        f"Wrote {printable(str(options.output))}: CodeSha256 {prepared.package.code_sha256}. It holds the "
        "config: keep it safe."
    )
    output.document({"file": str(options.output), **prepared.document()})
    return 0
