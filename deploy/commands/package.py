"""`deploy package -o FILE`: writes the package to a file, without AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.artifact.package import check_target, write
from deploy.commands.app import read_configured_app
from deploy.release.candidate import prepare
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "package -o function.zip"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to write it."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="where to; it holds the config"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Write the package."""
    report, slug = context.report, context.slug
    check_target(slug, options.output)

    def progress(done: int, total: int) -> None:
        context.cancellation.check()
        report.progress("Writing", done, total)

    app = read_configured_app(context)
    with prepare(app, report, context.cancellation) as candidate:
        write(candidate.package, options.output, progress)
    report.step(
        f"Wrote {printable(str(options.output))}: CodeSha256 {candidate.package.code_sha256}. It holds the "
        "config: keep it safe."
    )
    report.document({"file": str(options.output), **candidate.to_dict()})
    return 0
