"""`deploy build [DIR]`: makes the base of an app, once, at build time. bin/compile runs it, too."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.environment import read_app
from deploy.target.pip import read_pip_variables
from deploy.target.provenance import read_build
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "build --cache ~/.cache/lambda-deploy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the app's folder, and the one of the cache."""
    parser.add_argument(
        "app", metavar="DIR", type=Path, nargs="?", help="the app's folder; the working folder by default"
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="a folder that keeps downloads, for Python")


def run(options: argparse.Namespace, context: Context) -> int:
    """Make the base and describe it."""
    try:
        from deploy.build.commit import find_commit
        from deploy.build.maker import make
        from deploy.build.python.wheels import Pip
    except ImportError as error:
        raise InputError(
            "This slug has been built already, and can't be built again here.",
            why=f"What only builds need is not in a slug ({error.name}).",
            todo="Push the app again.",
        ) from None
    app: Path = options.app or context.slug
    if not app.is_dir():
        raise InputError(f"{printable(str(app))} is not a folder.", todo="Name the folder of the app.")
    build = read_build(context.variables)
    base = make(
        app,
        context.report,
        read_app(context.variables, app, ["build"]).settings,
        pip=Pip(read_pip_variables(context.variables), options.cache),
        source_version=build.source_version or find_commit(app, context.variables) or build.commit,
        stack=build.stack,
    )
    context.report.document(asdict(base))
    return 0
