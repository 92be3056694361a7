"""`deploy fleet plan|apply|status FILE`: makes the versions live that a fleet file names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.commands.deploy import add_shift_arguments, shift_options
from deploy.commands.plan import SOMETHING_TO_DO
from deploy.errors import InputError
from deploy.fleet.apply import FleetInterrupted, apply_fleet, plan_fleet
from deploy.fleet.board import Board
from deploy.fleet.definition import read_definition
from deploy.fleet.folder import CONFIG, find_files, read_payloads
from deploy.fleet.status import read_status
from deploy.fleet.summary import report_outcomes, report_status, show_outcomes
from deploy.fleet.survey import Choices, Fleet
from deploy.target.fleet import read_fleet

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "fleet plan fleet.json"
WITHOUT = "Leave it out."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done, the file, and what a promotion takes."""
    parser.add_argument("action", choices=("plan", "apply", "status"), help="what to do")
    parser.add_argument("file", metavar="FILE", type=Path, help="the fleet file, in JSON")
    parser.add_argument(
        "--config-dir",
        metavar="DIR",
        type=Path,
        help="bake the config in DIR/NAME.env into what is promoted to the function NAME",
    )
    parser.add_argument(
        "--payload-dir",
        metavar="DIR",
        type=Path,
        help="verify the function NAME with the payload in DIR/NAME.json",
    )
    parser.add_argument(
        "--as-is",
        action="store_true",
        help="promote packages that this buildpack has not made, unchanged, whatever they carry",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="apply: move the aliases of all that can be prepared, even if others can't",
    )
    parser.add_argument(
        "--one-by-one",
        action="store_true",
        help="apply: move one alias after the other, and none after a failure",
    )
    add_shift_arguments(parser, waits=False)
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"plan, status: exit with {SOMETHING_TO_DO} if a function is not at its version",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Plan, apply or show the status."""
    _check_options(options)
    definition = read_definition(options.file)
    names = [wanted.name for wanted in definition.lambdas]
    payloads = read_payloads(options.payload_dir, names) if options.payload_dir else {}
    configs = find_files(options.config_dir, names, CONFIG) if options.config_dir else {}
    members = read_fleet(context.variables, names, payloads)
    choices = Choices(
        configs, options.as_is, shift_options(options, "deploy fleet apply"), options.one_by_one
    )
    fleet = Fleet(definition, members, context.cancellation, choices)
    board = Board(context.report.console)
    if options.action == "status":
        statuses = read_status(fleet, board, context.cancellation)
        report_status(statuses, context.report)
        all_live = all(result.value and result.value.is_live for result in statuses)
        return SOMETHING_TO_DO if options.exit_code and not all_live else 0
    is_plan = options.action == "plan"
    if is_plan:
        outcomes = plan_fleet(fleet, board, context.cancellation)
    else:
        try:
            outcomes = apply_fleet(fleet, board, context.cancellation, keep_going=options.keep_going)
        except FleetInterrupted as interrupted:
            show_outcomes(interrupted.outcomes, context.report, is_plan=False)
            raise
    report_outcomes(outcomes, context.report, is_plan=is_plan, keep_going=options.keep_going)
    changes = any(outcome.plan and outcome.plan.action != "nothing" for outcome in outcomes)
    return SOMETHING_TO_DO if is_plan and options.exit_code and changes else 0


def _check_options(options: argparse.Namespace) -> None:
    """Raise InputError for an option that means nothing for what is done."""
    if options.exit_code and options.action == "apply":
        raise InputError("--exit-code is for `plan` and `status`.", todo=WITHOUT)
    if options.keep_going and options.action != "apply":
        raise InputError("--keep-going is for `apply`: this changes nothing.", todo=WITHOUT)
