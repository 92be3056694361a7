"""`deploy rollback [VERSION]`: the alias back to the version before, or to the one that is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.wait import Deadline
from deploy.cancel import NOTHING_TO_RUN
from deploy.commands.deploy import add_shift_arguments, shift_options
from deploy.errors import DeployError, InputError
from deploy.fleet.config import config_of
from deploy.fleet.parallel import for_each, run_each
from deploy.release.deploy import CLEARED, check_shift, connect, execute
from deploy.release.deployed import SHIFTED_BY_CODEDEPLOY
from deploy.release.description import failed_shift, previous_version
from deploy.release.naming import called
from deploy.release.plan import check_rollback, plan_rollback
from deploy.release.state import read_alias
from deploy.release.steps.shift import ROLLBACK
from deploy.release.steps.step import Execution
from deploy.target.environment import read_targets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.release.state import State
    from deploy.target.environment import Target

EXAMPLE = "rollback 1.1.0"

NAME_SOME = (
    "Name functions in _LAMBDA_FUNCTION_ARN for this command (on Heroku: `heroku run -e "
    "_LAMBDA_FUNCTION_ARN=NAME -- deploy rollback`)."
)
ADVICE = f"Roll back those alone that failed: the others are back already. {NAME_SOME}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the version, and what overrides the check for weights."""
    parser.add_argument(
        "version",
        metavar="VERSION",
        nargs="?",
        help="where to, by number or by name; the version before, if none is given",
    )
    parser.add_argument("--force", action="store_true", help="even if the alias routes by weights")
    add_shift_arguments(parser)


@dataclass(frozen=True)
class RolledBack:
    """What the alias left, and where it is now, by number and by the name that was given."""

    left: str | None
    version: str | None
    name: str | None
    changed: bool


def run(options: argparse.Namespace, context: Context) -> int:
    """Roll back."""
    targets = read_targets(context.variables, context.slug)
    wanted = [check_rollback(target.settings, options.version) for target in targets]
    if options.version and len(targets) > 1 and not all(wanted):
        raise InputError(
            "Versions are numbered function by function, and there are several functions here.",
            todo=f"Name a version that all of them have, such as 1.1.0. {NAME_SOME} Without a version each "
            "of them goes back to the one before.",
        )
    if options.version is None and len(targets) > 1:
        _check_same_package(targets, context)
    for_each(
        targets,
        lambda target, report, cancellation: _roll_back(target, options, report, cancellation),
        _describe,
        context.report,
        context.cancellation,
        advice=ADVICE,
    )
    return 0


def _check_same_package(targets: Sequence[Target], context: Context) -> None:
    """Raise InputError if the live versions differ: those before them are not one release's, either."""

    def look(target: Target, _report: Report, cancellation: Cancellation) -> str | None:
        try:
            live = read_alias(connect(target, cancellation)).serving
        except DeployError:  # the rollback of that function comes across it, too
            return None
        return live.code_sha256 if live else None

    running: dict[str, list[str]] = {}
    for result in run_each(targets, look, context.report, context.cancellation):
        if result.value:
            running.setdefault(result.value, []).append(result.name)
    if len(running) > 1:
        raise InputError(
            "The functions do not run the same package, as after a deploy that failed for some of them.",
            why="Each would go back from what it runs now, some of them one release too far. One package "
            f"each is live on {'; on '.join(', '.join(alike) for alike in running.values())}.",
            todo="Deploy one release on all of them, or roll back those alone that should go back. "
            f"{NAME_SOME} If versions have names, `deploy rollback 1.1.0` takes all of them to one.",
        )


def _describe(done: RolledBack) -> tuple[str, str, str]:
    after = f"{done.version} ({done.name})" if done.name else done.version
    return done.left or "-", after or "-", "rolled back" if done.changed else "unchanged"


def _roll_back(
    target: Target, options: argparse.Namespace, report: Report, cancellation: Cancellation
) -> RolledBack:
    alias = target.settings.alias
    function = connect(target, cancellation)
    deadline = Deadline(target.settings.timeout, report, cancellation)
    name, shift = check_rollback(target.settings, options.version), shift_options(options, ROLLBACK)
    state, goal = read_alias(function, name), options.version
    plan = plan_rollback(target.settings, state, goal, shift, force=options.force)
    left = _left(state)
    was_live = state.alias is not None and state.alias.version == left
    execution = Execution(function, deadline, report, cancellation, target=target)
    check_shift(plan, function, shift)
    execute(plan, execution)
    is_changed = bool(plan.steps)
    while plan.again and not execution.is_shifting:
        # What was under way is over; the version before was the one that it has left.
        goal = goal or (state.shift.before if state.shift else execution.version)
        with cancellation.leaving(CLEARED):
            state = read_alias(function, name)
            plan = plan_rollback(target.settings, state, goal, shift, force=options.force)
            check_shift(plan, function, shift)
            execute(plan, execution)
    version, called_so = execution.version or left, called(state.named) if state.named else None
    at = f"version {version}, {called_so}" if called_so else f"version {version}"
    done = f"The rollback itself is done: {alias} is version {version}."
    if execution.is_shifting:
        done = f"{SHIFTED_BY_CODEDEPLOY} {NOTHING_TO_RUN}"
    with cancellation.leaving(done if is_changed else cancellation.consequence):
        if is_changed:
            report.detail(
                "The next deploy, also by a formation dyno, deploys its own base and config again: to stay "
                "back, roll the app back too, or change the fleet file"
            )
            _show_config(function, left, version, report)
            report.step(_sentence(function.name, alias, at, left, was_live=was_live, execution=execution))
        else:
            report.step(f"Nothing to do: {alias} is {at} already")
            if options.version is None and state.alias and (noted := failed_shift(state.alias)):
                before = previous_version(state.alias) or "VERSION"
                report.detail(
                    f"The last shift, to version {noted.goal}, did not get there; `deploy rollback {before}` "
                    "goes to an earlier version"
                )
        report.document(
            {
                "function": function.name,
                "region": function.region,
                "alias": alias,
                "changed": is_changed,
                "left": left,
                "version": version,
                "name": called_so,
                "shifting": execution.is_shifting,
            }
        )
    return RolledBack(left, version, called_so, is_changed)


def _sentence(
    function: str, alias: str | None, at: str, left: str | None, *, was_live: bool, execution: Execution
) -> str:
    """Return what was done: a rollback that nobody waits for goes on; what was stopped was not live."""
    if execution.is_shifting:
        return (
            f"Rolling back {function}: CodeDeploy shifts {alias} to {at}, away from version {left}, and "
            "`deploy status` shows how far it is"
        )
    if was_live:
        return f"Rolled back {function}: {alias} is {at}, it was version {left}"
    return f"Rolled back {function}: {alias} is {at}, and the shift to version {left} was stopped"


def _show_config(function: Function, left: str | None, version: str | None, report: Report) -> None:
    """Show the names of the config vars that go back, as far as both versions may be read."""
    if not left or not version:
        return
    now, then = config_of(function, left), config_of(function, version)
    if now is None or then is None:
        return
    names = {
        "+": sorted(then.keys() - now.keys()),
        "~": sorted(name for name in then.keys() & now.keys() if then[name] != now[name]),
        "-": sorted(now.keys() - then.keys()),
    }
    if any(names.values()):
        report.step("The config goes back, too: these have the values of then")
    for sign, changed in names.items():
        for name in changed:
            report.change(sign, name)


def _left(state: State) -> str | None:
    """Return the version that a rollback takes traffic away from."""
    if state.shift and state.shift.goal and not state.shift.is_rollback:
        return state.shift.goal
    return state.alias.version if state.alias else None
