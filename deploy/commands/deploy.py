"""`deploy`, the command without a name: deploys this slug with the current config."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from deploy.aws.codes import REPLACED, SHIFT_FAILED
from deploy.errors import DeployError, InputError
from deploy.fleet.parallel import for_each, run_each
from deploy.release.deploy import connect, deploy, prepare_for
from deploy.release.steps.shift import ShiftOptions
from deploy.target.environment import Target, kind_of_dyno, read_targets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.release.deployed import Deployed

EXAMPLE = "deploy --force"


# Which of two releases is later is recorded with an alias alone.
ONLY_REPORTED = "It is only reported: _LAMBDA_RECONCILE=repair needs _LAMBDA_ALIAS."

# What to do if some of several functions failed. A rollback takes each back from what it runs now.
ADVICE = "Run `deploy` again: what is deployed already is left out."
ADVICE_OF_ALIAS = (
    f"{ADVICE} To go back instead, deploy the release before on all of them, or roll back those alone that "
    "have moved: name them in _LAMBDA_FUNCTION_ARN for `deploy rollback` (on Heroku: `heroku run -e "
    "_LAMBDA_FUNCTION_ARN=NAME -- deploy rollback`)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a deploy alone takes."""
    parser.add_argument("--force", action="store_true")
    add_shift_arguments(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true")
    mode.add_argument("--watch", action="store_true")


def add_shift_arguments(parser: argparse.ArgumentParser, *, waits: bool = True) -> None:
    """Add the options of a shift."""
    parser.add_argument("--now", action="store_true", help="move the alias at once, without a shift")
    parser.add_argument(
        "--ignore-alarms", action="store_true", help="shift although an alarm of the deployment group is on"
    )
    if waits:
        parser.add_argument(
            "--no-wait", action="store_true", help="exit as soon as CodeDeploy has begun to shift traffic"
        )


def shift_options(options: argparse.Namespace, command: str = "deploy") -> ShiftOptions:
    """Return what a command asks of shifts."""
    waits = not getattr(options, "no_wait", False)
    return ShiftOptions(options.now, options.ignore_alarms, waits, command)


def run(options: argparse.Namespace, context: Context) -> int:
    """Deploy, or find that there is nothing to do; in a formation dyno keep running."""
    is_formation = kind_of_dyno(context.variables) == "formation"
    if options.watch or (is_formation and not options.once):
        return _watch(options, context)
    targets, shift = read_targets(context.variables, context.slug), shift_options(options)

    def deploy_one(target: Target, report: Report, cancellation: Cancellation) -> Deployed:
        # An unchanged deploy, many times a day from a scheduler, is one line in the log.
        report.buffer()
        deployed = deploy(candidate, target, report, cancellation, options=shift, force=options.force)
        with cancellation.leaving(deployed.leaves):
            report.document(deployed.document)
        cancellation.consequence = deployed.leaves
        return deployed

    if len(targets) == 1:
        context.report.buffer()
    with prepare_for(targets[0], context.report, context.cancellation) as candidate:
        advice = ADVICE_OF_ALIAS if targets[0].settings.alias else ADVICE
        for_each(targets, deploy_one, _describe, context.report, context.cancellation, advice=advice)
    return 0


def _describe(deployed: Deployed) -> tuple[str, str, str]:
    return deployed.before, deployed.after, deployed.outcome


def _watch(options: argparse.Namespace, context: Context) -> int:
    import gc

    from deploy.release.watch import BEFORE_THE_END, GRACE

    gc.enable()
    report, cancellation = context.report, context.cancellation
    report.stay()
    cancellation.grace = GRACE
    try:
        _keep_all_deployed(read_targets(context.variables, context.slug), options, context)
    except InputError as error:
        report.error(error)
        report.document(error.to_dict())
        report.detail(f"Exiting in {BEFORE_THE_END:.0f} seconds; a config change or a push starts it again")
        cancellation.wait_between_steps(BEFORE_THE_END)
        return error.exit_code


def _keep_all_deployed(targets: Sequence[Target], options: argparse.Namespace, context: Context) -> NoReturn:
    """Keep each function deployed, by a thread of its own; raise InputError once all of them have to end."""
    report, cancellation = context.report, context.cancellation
    if len(targets) == 1:
        _keep_deployed(targets[0], options, report, cancellation)
    results = run_each(
        targets,
        lambda target, named, child: _keep_deployed(target, options, named, child),
        report,
        cancellation,
        threads=len(targets),
    )
    names = ", ".join(result.name for result in results)
    raise InputError(f"None of the functions can be deployed: {names}.")


def _keep_deployed(
    target: Target, options: argparse.Namespace, report: Report, cancellation: Cancellation
) -> NoReturn:
    from deploy.release.watch import DriftFinder, Schedule, keep_deployed

    settings = target.settings
    function = connect(target, cancellation)
    shift = replace(shift_options(options), waits=True)  # or there would be no end to look at
    is_first = True

    def attempt() -> Deployed | None:
        nonlocal is_first
        try:
            report.buffer()
            with prepare_for(target, report, cancellation) as candidate:
                deployed = deploy(
                    candidate,
                    target,
                    report,
                    cancellation,
                    function=function,
                    options=shift,
                    force=options.force,
                )
        except DeployError as error:
            if error.code != SHIFT_FAILED and (settings.alias or error.code != REPLACED):
                raise
            report.error(error)
            report.document(error.to_dict())
            # Another shift would send traffic to the same version again.
            why = "No other try" if error.code == SHIFT_FAILED else "Leaving the function to the other one"
            report.detail(f"{why}; a restart of this dyno deploys again")
            return None
        report.document(deployed.document)
        if is_first:
            how = "" if settings.repairs_drift else ", which is only reported"
            report.detail(f"Looking for drift every {settings.reconcile_interval} seconds from now on{how}")
        is_first = False
        return deployed

    keep_deployed(
        attempt,
        DriftFinder(function, report, "" if settings.alias else ONLY_REPORTED).find,
        Schedule(settings.reconcile_interval, settings.repairs_drift),
        report=report,
        cancellation=cancellation,
    )
