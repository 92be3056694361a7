"""`deploy package -o FILE`: writes the package to a file, without AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.output import megabytes, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from deploy.output import Output

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to write it."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="where to; it holds the config"
    )


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Write the package."""
    from deploy import base as bases
    from deploy.baking import bake
    from deploy.package import build, write
    from deploy.settings import read_config_settings

    settings = read_config_settings(environment)
    base = bases.read(slug)
    baked = bake(environment, settings, output)
    output.step("Making the package")
    with build(slug, base, baked.files, output.hashing) as package:
        output.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        write(package, options.output, output.writing)
    output.step(
        f"Wrote {printable(str(options.output))}: CodeSha256 {package.code_sha256}. It holds the config: "
        "keep it safe."
    )
    output.document(
        {
            "file": str(options.output),
            "code_sha256": package.code_sha256,
            "size": package.size,
            "unzipped_size": package.unzipped_size,
            "base_sha256": base.sha256,
            "config": baked.document(),
        }
    )
    return 0
