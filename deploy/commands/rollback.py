"""`deploy rollback [VERSION]`: the alias back to the version before, or to the one that is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.wait import Deadline
from deploy.errors import InputError
from deploy.fleet.parallel import for_each
from deploy.release.deploy import connect, execute
from deploy.release.naming import called
from deploy.release.plan import check_rollback, plan_rollback
from deploy.release.state import read_alias
from deploy.release.steps.step import Execution
from deploy.target.environment import read_targets

if TYPE_CHECKING:
    import argparse

    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.target.environment import Target

EXAMPLE = "rollback 1.1.0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the version, and what overrides the check for weights."""
    parser.add_argument(
        "version",
        metavar="VERSION",
        nargs="?",
        help="where to, by number or by name; the version before, if none is given",
    )
    parser.add_argument("--force", action="store_true", help="even if the alias routes by weights")


@dataclass(frozen=True)
class RolledBack:
    """What the alias left, and where it is now."""

    left: str | None
    version: str | None
    changed: bool


def run(options: argparse.Namespace, context: Context) -> int:
    """Roll back."""
    targets = read_targets(context.variables, context.slug)
    names = [check_rollback(target.settings, options.version) for target in targets]
    if options.version and len(targets) > 1 and not all(names):
        raise InputError(
            "Versions are numbered function by function, and there are several functions here.",
            todo="Name one of them in _LAMBDA_FUNCTION_ARN for this command, or name a version that "
            "all of them have, such as 1.1.0. Without a version each of them goes back to the one before.",
        )
    for_each(
        targets,
        lambda target, report, cancellation: _roll_back(target, options, report, cancellation),
        _describe,
        context.report,
        context.cancellation,
    )
    return 0


def _describe(done: RolledBack) -> tuple[str, str, str]:
    return done.left or "-", done.version or "-", "rolled back" if done.changed else "unchanged"


def _roll_back(
    target: Target, options: argparse.Namespace, report: Report, cancellation: Cancellation
) -> RolledBack:
    alias = target.settings.alias
    function = connect(target, cancellation)
    deadline = Deadline(target.settings.timeout, report, cancellation)
    name = check_rollback(target.settings, options.version)
    state = read_alias(function, name)
    plan = plan_rollback(target.settings, state, options.version, force=options.force)
    left = state.alias.version if state.alias else None
    version = execute(plan, Execution(function, deadline, report, cancellation, target=target)) or left
    done = f"The rollback itself is done: {alias} is version {version}."
    with cancellation.leaving(done if plan.steps else cancellation.consequence):
        if plan.steps:
            report.detail(
                "The next deploy, also by a formation dyno, deploys its own base and config again: to stay "
                "back, roll the app back too"
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
                "name": called(state.named) if state.named else None,
            }
        )
    return RolledBack(left, version, bool(plan.steps))
