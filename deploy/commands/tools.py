"""`deploy tools -o FILE`: writes the Lambda package of the CodePipeline step and the CodeDeploy hook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.artifact.tools import write_tools
from deploy.infrastructure.policy import services_of_tools
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "tools -o tools.zip"
HANDLERS = ("deploy.step.handler", "deploy.hook.handler")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to write it."""
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="where to")


def run(options: argparse.Namespace, context: Context) -> int:
    """Write the package."""
    code_sha256, size = write_tools(options.output, services_of_tools())
    shown = printable(str(options.output))
    context.report.step(f"Wrote {shown}: {megabytes(size)}, CodeSha256 {code_sha256}")
    context.report.detail(f"Handlers: {', '.join(HANDLERS)}. Any Python runtime from python3.10 runs it.")
    context.report.document(
        {"file": str(options.output), "code_sha256": code_sha256, "size": size, "handlers": list(HANDLERS)}
    )
    return 0
