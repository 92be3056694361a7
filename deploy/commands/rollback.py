"""`deploy rollback [VERSION]`: the alias back to the version before, or to the one that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.wait import Deadline
from deploy.config.variables import secrets
from deploy.release.deploy import connect, execute
from deploy.release.plan import check_rollback, plan_rollback
from deploy.release.state import read_alias
from deploy.release.steps.step import Execution
from deploy.target.environment import read_target

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the version, and what overrides the check for weights."""
    parser.add_argument(
        "version", metavar="VERSION", nargs="?", help="where to; the version before, if none is named"
    )
    parser.add_argument("--force", action="store_true", help="even if the alias routes by weights")


def run(options: argparse.Namespace, context: Context) -> int:
    """Roll back."""
    report, cancellation = context.report, context.cancellation
    target = read_target(context.variables, context.slug)
    alias = target.settings.alias
    check_rollback(target.settings, options.version)
    function = connect(target, cancellation)
    deadline = Deadline(target.settings.timeout, report, cancellation)
    state = read_alias(function)
    plan = plan_rollback(target.settings, state, options.version, force=options.force)
    left = state.alias.version if state.alias else None
    hidden = secrets(target.variables)
    version = execute(plan, Execution(function, deadline, report, cancellation, secrets=hidden)) or left
    done = f"The rollback itself is done: {alias} is version {version}."
    with cancellation.leaving(done if plan.steps else cancellation.consequence):
        if plan.steps:
            report.detail(
                "The next deploy, also by a formation dyno, deploys its own slug and config again; "
                "`heroku rollback` takes these back as well"
            )
            report.step(f"Rolled back {function.name}: {alias} is version {version}, it was version {left}")
        else:
            report.step(f"Nothing to do: {alias} is version {version} already")
        report.document(
            {
                "function": function.name,
                "region": function.region,
                "alias": alias,
                "changed": bool(plan.steps),
                "left": left,
                "version": version,
            }
        )
    return 0
