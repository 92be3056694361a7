"""`deploy plan`: what a deploy would do, changing nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from deploy.artifact.differences import NO_DIFFERENCE, compare
from deploy.artifact.limits import check_size
from deploy.aws.codes import LATEST
from deploy.errors import DeployError, InputError
from deploy.fleet.parallel import for_each
from deploy.release.candidate import prepare
from deploy.release.deploy import assess, prepare_for
from deploy.release.deployed import running, short
from deploy.release.plan import decide
from deploy.release.state import State
from deploy.release.steps.shift import FollowShift, ShiftOptions
from deploy.target.environment import read_app, read_targets
from deploy.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from deploy.artifact.differences import Changes, Difference
    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.release.candidate import Candidate
    from deploy.release.deploy import Assessment
    from deploy.release.plan import Plan
    from deploy.target.environment import Target

EXAMPLE = "plan --exit-code"
SOMETHING_TO_DO = 3
NEW = "a new one"  # version, which has no number yet
SHOWN = 50  # names of a kind; a program gets them all
FOLDED = 5  # files of a folder that are shown by name if there are many


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a plan takes."""
    parser.add_argument("--offline", action="store_true", help="without AWS, as if nothing were deployed")
    parser.add_argument(
        "--exit-code", action="store_true", help=f"exit with {SOMETHING_TO_DO} if there are changes"
    )
    parser.add_argument("--force", action="store_true", help="plan a `deploy --force`")
    parser.add_argument("--now", action="store_true", help="plan a `deploy --now`, without a shift")


def run(options: argparse.Namespace, context: Context) -> int:
    """Make the package, read what runs, and show the steps and the difference."""
    report, shift = context.report, ShiftOptions(now=options.now)
    if options.offline:
        app = read_app(context.variables, context.slug)
        if app.settings.config_from:
            raise InputError(
                "--offline can't read the config that _LAMBDA_CONFIG_FROM names.", todo="Plan without it."
            )
        with prepare(app, report, context.cancellation) as candidate:
            check_size(candidate.package, app.settings.bucket)
            plan = decide(candidate, app.settings, State(None), shift, force=options.force)
            _show_plan(plan, candidate, None, report)
        return SOMETHING_TO_DO if plan.changes and options.exit_code else 0
    targets = read_targets(context.variables, context.slug)

    def plan_one(target: Target, report: Report, cancellation: Cancellation) -> Assessment:
        assessment = assess(candidate, target, report, cancellation, options=shift, force=options.force)
        difference = _difference(assessment, report)
        _show_plan(assessment.plan, candidate, difference, report)
        return assessment

    with prepare_for(targets[0], report, context.cancellation) as candidate:
        assessments = for_each(targets, plan_one, _describe, report, context.cancellation, together=True)
    changes = any(assessment.plan.changes for assessment in assessments)
    return SOMETHING_TO_DO if changes and options.exit_code else 0


def _describe(assessment: Assessment) -> tuple[str, str, str]:
    before, plan = running(assessment), assessment.plan
    if plan.is_older:
        return before, before, "would be skipped: a newer release is live"
    if not plan.changes:
        return before, before, "would do nothing"
    if plan.again:
        return before, "?", str(plan.steps[0])
    after = NEW if plan.publishes else plan.version or before
    if plan.uploads and not plan.publishes:
        after = short(assessment.candidate.package.code_sha256)
    return before, after, f"would take {len(plan.steps)} step{'s' * (len(plan.steps) != 1)}"


def _show_plan(plan: Plan, candidate: Candidate, difference: Difference | None, report: Report) -> None:
    if plan.is_older:
        report.step("A deploy would be skipped: a newer release of this app is live")
    elif plan.steps:
        report.step("A deploy would")
    else:
        report.step("A deploy would do nothing: the function runs this already")
    for step in plan.steps:
        report.detail(str(step))
    if plan.again and not isinstance(plan.steps[-1], FollowShift):
        report.detail("decide again what is missing then")
    if difference:
        _show("Config", difference.config, report, difference.why)
        _show("Code", difference.code, report)
        report.step(_sum(difference))
    report.document(
        {
            "steps": [str(step) for step in plan.steps],
            "changed": plan.changes,
            "stepped_back": plan.is_older,
            **candidate.to_dict(),
            "difference": asdict(difference) if difference else None,
        }
    )


def _difference(assessment: Assessment, report: Report) -> Difference | None:
    from deploy.aws.download import RemoteFile

    state, package = assessment.state, assessment.candidate.package
    running = state.serving if state.alias else state.latest
    if running and running.code_sha256 == package.code_sha256:
        return NO_DIFFERENCE
    qualifier = state.alias.version if state.alias else LATEST
    try:
        deployed = RemoteFile(assessment.function, qualifier)
        return compare(deployed, package.open(), assessment.candidate.baked.files)
    except DeployError as error:
        report.notice(f"Can't show the differences. {error.what}\n{error.todo}".strip())
        return None


def _show(title: str, changes: Changes | None, report: Report, why_not: str = "") -> None:
    if changes is None:
        report.step(title)
        report.detail(why_not)
        return
    if changes.count:
        report.step(title)
    for sign, names in (("+", changes.added), ("~", changes.changed), ("-", changes.removed)):
        folded = fold(names) if len(names) > SHOWN else list(names)
        for name in folded[:SHOWN]:
            report.change(sign, printable(name))
        if len(folded) > SHOWN:
            report.change(sign, f"and {len(folded) - SHOWN} more")


def fold(names: Sequence[str]) -> list[str]:
    """Return names in which a folder with many files stands once, at the beginning, with their number."""
    in_folder = Counter(name.partition("/")[0] for name in names if "/" in name)
    many = {top: count for top, count in in_folder.items() if count > FOLDED}
    folders = [f"{top}/ ({count} files)" for top, count in many.items()]
    return folders + [name for name in names if "/" not in name or name.partition("/")[0] not in many]


def _sum(difference: Difference) -> str:
    """Return how many names and files would be added, changed and removed."""
    config = _count(difference.config) if difference.config else "replaced"
    return f"Config: {config}; code: {_count(difference.code)}"


def _count(changes: Changes) -> str:
    kinds = (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed))
    return ", ".join(f"{len(names)} {kind}" for kind, names in kinds if names) or "unchanged"
