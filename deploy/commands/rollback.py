"""`deploy rollback [VERSION]`: the alias back to the version before, or to the one that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the version, and what overrides the check for weights."""
    parser.add_argument(
        "version", metavar="VERSION", nargs="?", help="where to; the version before, where none is named"
    )
    parser.add_argument("--force", action="store_true", help="even where the alias routes by weights")


def run(options: argparse.Namespace, environment: Mapping[str, str], _slug: Path, output: Output) -> int:
    """Roll back."""
    from deploy.aws.function import connect
    from deploy.aws.wait import Deadline
    from deploy.config.variables import secrets
    from deploy.release.plan import check_rollback, plan_rollback, read_alias
    from deploy.release.steps import Release, apply
    from deploy.target.settings import read_settings

    settings = read_settings(environment)
    check_rollback(settings.release, options.version)
    function = connect(settings.function)
    deadline = Deadline(settings.release.timeout)
    state = read_alias(function, settings.release)
    steps = plan_rollback(settings.release, state, options.version, force=options.force)
    left = state.alias.version if state.alias else None
    version = apply(steps, Release(function, deadline, output, secrets=secrets(environment))) or left
    alias = settings.release.alias
    if steps:
        output.detail(
            "The next deploy, also by a formation dyno, brings the package of its own slug and config back; "
            "`heroku rollback` takes these back as well"
        )
        output.step(f"Rolled back {function.name}: {alias} is version {version}, it was version {left}")
    else:
        output.step(f"Nothing to do: {alias} is version {version} already")
    output.document(
        {
            "function": function.name,
            "region": function.region,
            "alias": alias,
            "changed": bool(steps),
            "left": left,
            "version": version,
        }
    )
    return 0
