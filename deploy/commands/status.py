"""`deploy status`: what runs, since when, where it comes from, and whether a deploy would change it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from deploy.release.deploy import assess, prepare_for, running, short
from deploy.target.environment import read_targets
from deploy.target.record import parse_record

if TYPE_CHECKING:
    import argparse

    from deploy.aws.answers import Configuration
    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.release.deploy import Assessment
    from deploy.release.state import State
    from deploy.target.environment import Target
    from deploy.target.provenance import Provenance
    from deploy.target.record import Record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is shown beyond the usual."""
    parser.add_argument("--versions", action="store_true", help="list the published versions too")


def run(options: argparse.Namespace, context: Context) -> int:
    """Show the status. Needs lambda:GetFunctionConfiguration, with an alias what a deploy to it reads."""
    report = context.report
    targets = read_targets(context.variables, context.slug)

    def show_one(target: Target, report: Report, cancellation: Cancellation) -> Assessment:
        assessment = assess(candidate, target, report, cancellation, force=True, look_once=True)
        _show_one(target, assessment, report, with_versions=options.versions)
        return assessment

    report.buffer()
    first, *others = targets
    with prepare_for(first, report, context.cancellation) as candidate:
        report.discard()
        if others:
            from deploy.fleet.conclusion import conclude
            from deploy.fleet.parallel import run_each

            conclude(run_each(targets, show_one, report, context.cancellation), _describe, report)
        else:
            show_one(first, report, context.cancellation)
    return 0


def _describe(assessment: Assessment) -> tuple[str, str, str]:
    now = running(assessment.state)
    if assessment.plan.changes:
        return now, short(assessment.candidate.package.code_sha256), "a deploy would change it"
    return now, now, "up to date"


def _show_one(target: Target, assessment: Assessment, report: Report, *, with_versions: bool) -> None:
    state, function = assessment.state, assessment.function
    is_up_to_date = not assessment.plan.changes
    latest = state.latest
    if latest is None:
        raise RuntimeError("a state without $LATEST")  # look_once raises
    versions = state.versions
    if with_versions and state.alias is None:
        versions = tuple(function.versions())
    _show(target, state, latest, report, is_up_to_date=is_up_to_date)
    if with_versions:
        _show_versions(state, versions, report)
    serving, recorded = state.serving, state.recorded
    running = serving if target.settings.alias else latest
    report.document(
        {
            "function": target.function.name,
            "region": target.region,
            "state": latest.state,
            "last_update_status": latest.update_status,
            "last_update_reason": latest.update_reason,
            "last_modified": latest.last_modified,
            "code_sha256": latest.code_sha256,
            "serving_code_sha256": running.code_sha256 if running else None,
            "alias": target.settings.alias,
            "version": state.alias.version if state.alias else None,
            "weights": dict(state.alias.weights) if state.alias else {},
            "description": serving.description if serving else None,
            "release": {"app": recorded.app, "number": recorded.release} if recorded else None,
            "up_to_date": is_up_to_date,
            "deploy_would_step_back": target.provenance.is_older_than(recorded),
            "versions": [
                {
                    "version": version.version,
                    "last_modified": version.last_modified,
                    "description": version.description,
                    "code_sha256": version.code_sha256,
                }
                for version in versions
            ],
        }
    )


def _show(
    target: Target, state: State, latest: Configuration, report: Report, *, is_up_to_date: bool
) -> None:
    serving = state.serving
    running = serving if target.settings.alias else latest
    record = parse_record(serving.description) if serving else None
    facts = [
        ("State", latest.state or "unknown"),
        ("Last update", f"{latest.update_status or 'unknown'}, {age(latest.last_modified)}"),
        ("Reason", latest.update_reason if latest.update_status == "Failed" else ""),
        ("Alias", _alias_line(target.settings.alias, state)),
        ("CodeSha256", running.code_sha256 if running else ""),
        ("Comes from", _origin(serving) if serving else ""),
        ("Base", record.base_sha256 if record and record.is_complete else ""),
        ("Baked files", _baked_files(record) if record else ""),
        ("Age", age(serving.last_modified) if serving else ""),
        ("Up to date", _up_to_date(target.provenance, state.recorded, is_up_to_date=is_up_to_date)),
    ]
    report.step(f"{target.function.name} in {target.region}")
    for title, text in facts:
        if text:
            report.detail(f"{title + ':':13}{text}")


def _show_versions(state: State, versions: tuple[Configuration, ...], report: Report) -> None:
    report.step("Versions")
    for version in reversed(versions):
        is_live = state.alias is not None and state.alias.version == version.version
        mark = f" ← {state.alias.name}" if state.alias and is_live else ""
        report.detail(f"{version.version:>5}  {age(version.last_modified)}  {_origin(version)}{mark}")
    if not versions:
        report.detail("none")


def _origin(version: Configuration) -> str:
    """Return where a version comes from, or what somebody else's description says."""
    record = parse_record(version.description)
    return record.summary() if record else version.description


def _baked_files(record: Record) -> str:
    if record.files:
        return ", ".join(record.files)
    return f"the last {record.file_count} of the package" if record.file_count else ""


def age(moment: str) -> str:
    """Return how long ago an AWS time was (2026-11-20T10:20:30.000+0000), in the largest fitting unit."""
    try:
        then = dt.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        return moment or "at an unknown time"
    seconds = int((dt.datetime.now(dt.timezone.utc) - then).total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "just now"


def _up_to_date(ours: Provenance, recorded: Provenance | None, *, is_up_to_date: bool) -> str:
    if is_up_to_date:
        return "yes"
    if recorded and ours.is_older_than(recorded):
        return f"no: release v{recorded.release} is live, and a deploy of this v{ours.release} is skipped"
    return "no: a deploy would change it, see `deploy plan`"


def _alias_line(name: str | None, state: State) -> str:
    if name is None:
        return ""
    if state.alias is None:
        return f"{name}: not there yet, the first deploy creates it"
    weights = "".join(f", {weight:.0%} to version {other}" for other, weight in state.alias.weights.items())
    return f"{name} is version {state.alias.version}{weights}"
