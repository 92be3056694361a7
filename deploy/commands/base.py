"""`deploy base BUILD_DIR`: makes or finds the base of an app. bin/compile runs it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.build.base import make
from deploy.build.wheels import Pip
from deploy.target.environment import read_app
from deploy.target.pip import read_pip_variables

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the app's folder, and the one of the cache."""
    parser.add_argument("app", metavar="BUILD_DIR", type=Path)
    parser.add_argument("--cache", metavar="DIR", type=Path, help="keep downloads in this folder")


def run(options: argparse.Namespace, context: Context) -> int:
    """Make the base and describe it."""
    variables, report = context.variables, context.report
    base = make(
        options.app,
        report,
        read_app(variables, options.app, ["build"]).settings,
        pip=Pip(read_pip_variables(variables), options.cache),
        source_version=variables.get("SOURCE_VERSION") or None,
        stack=variables.get("STACK") or None,
    )
    report.document(asdict(base))
    return 0
