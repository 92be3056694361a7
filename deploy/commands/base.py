"""`deploy base BUILD_DIR`: makes or finds the base of an app. bin/compile runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from deploy.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the app's folder."""
    parser.add_argument("app", metavar="BUILD_DIR", type=Path)


def run(options: argparse.Namespace, environment: Mapping[str, str], _slug: Path, output: Output) -> int:
    """Make the base and describe it."""
    from dataclasses import asdict

    from deploy.build.base import make

    output.document(asdict(make(options.app, environment, output)))
    return 0
