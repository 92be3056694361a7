"""`deploy status`: what runs, since when, where it comes from, and whether a deploy would change it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from deploy.fleet.parallel import for_each
from deploy.release.deploy import assess, prepare_for
from deploy.release.deployed import running
from deploy.release.naming import called, find_conflict
from deploy.release.shift_status import shift_document, shift_line
from deploy.release.state import read_aliases
from deploy.target.environment import read_targets
from deploy.target.record import parse_record

if TYPE_CHECKING:
    import argparse

    from deploy.aws.answers import Alias, Configuration
    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.release.deploy import Assessment
    from deploy.release.state import State
    from deploy.target.environment import Target
    from deploy.target.record import Record

EXAMPLE = "status --versions"


VERSIONS = ("version", "alias", "name", "age", "from")


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
    with prepare_for(targets[0], report, context.cancellation) as candidate:
        report.discard()
        for_each(targets, show_one, _describe, report, context.cancellation, together=True)
    return 0


def _describe(assessment: Assessment) -> tuple[str, str, str]:
    outcome = "a deploy would change it" if assessment.plan.changes else "up to date"
    return "", running(assessment), outcome


def _show_one(target: Target, assessment: Assessment, report: Report, *, with_versions: bool) -> None:
    state, function = assessment.state, assessment.function
    is_up_to_date = not assessment.plan.changes
    latest = state.latest
    if latest is None:
        raise RuntimeError("a state without $LATEST")  # look_once raises
    versions, aliases = state.versions, None
    if with_versions:
        versions = versions or tuple(function.versions())
    if with_versions or target.settings.version:
        aliases = state.aliases or read_aliases(function)
    live = state.alias.version if state.alias else None
    names = _names(live, aliases, target.settings.alias) if live else None
    _show(target, assessment, latest, names or [], report, is_up_to_date=is_up_to_date)
    if with_versions:
        _show_versions(state, versions, aliases, report)
    serving, recorded = _described(target, state), state.recorded
    running = state.serving if target.settings.alias else latest
    name, record = assessment.candidate.name, parse_record(serving.description) if serving else None
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
            "version": live,
            "names": names,
            "weights": dict(state.alias.weights) if state.alias else {},
            "shift": shift_document(state),
            "name": name.text if name else None,
            "named_version": state.named.version if state.named else None,
            "description": serving.description if serving else None,
            "base_sha256": record.base_sha256 if record and record.is_complete else None,
            "baked_files": list(record.files) if record else [],
            "release": {"app": recorded.app, "number": recorded.release} if recorded else None,
            "up_to_date": is_up_to_date,
            "deploy_would_step_back": target.provenance.is_older_than(recorded),
            "versions": [
                {
                    "version": version.version,
                    "last_modified": version.last_modified,
                    "names": _names(version.version, aliases, target.settings.alias),
                    "description": version.description,
                    "code_sha256": version.code_sha256,
                }
                for version in versions
            ],
        }
    )


def _described(target: Target, state: State) -> Configuration | None:
    """Return the version that is described: the one that is served, or without an alias the named one."""
    if target.settings.alias or state.named is None:
        return state.serving
    return state.version(state.named.version)


def _show(
    target: Target,
    assessment: Assessment,
    latest: Configuration,
    names: list[str],
    report: Report,
    *,
    is_up_to_date: bool,
) -> None:
    state = assessment.state
    serving = _described(target, state)
    running = state.serving if target.settings.alias else latest
    record = parse_record(serving.description) if serving else None
    facts = [
        ("State", latest.state or "unknown"),
        ("Last update", f"{latest.update_status or 'unknown'}, {age(latest.last_modified)}"),
        ("Reason", latest.update_reason if latest.update_status == "Failed" else ""),
        ("Alias", _alias_line(target.settings.alias, state, names)),
        ("Shift", shift_line(target.settings, state)),
        ("Name", _name_line(target, assessment)),
        ("CodeSha256", running.code_sha256 if running else ""),
        ("Comes from", _origin(serving) if serving else ""),
        ("Base", record.base_sha256 if record and record.is_complete else ""),
        ("Baked files", _baked_files(record) if record else ""),
        ("Age", age(serving.last_modified) if serving else ""),
        ("Up to date", _up_to_date(target, assessment, is_up_to_date=is_up_to_date)),
    ]
    report.step(f"{target.function.name} in {target.region}")
    for title, text in facts:
        if text:
            report.detail(f"{title + ':':13}{text}")


def _show_versions(
    state: State, versions: tuple[Configuration, ...], aliases: tuple[Alias, ...] | None, report: Report
) -> None:
    report.step("Versions")
    live = state.alias
    rows = [VERSIONS]
    for version in reversed(versions):
        names = _names(version.version, aliases, live.name if live else None) or []
        alias = live.name if live and live.version == version.version else ""
        rows.append((version.version, alias, ", ".join(names), age(version.last_modified), _origin(version)))
    if versions:
        report.table(rows)
    if not versions:
        report.detail("none")
    elif aliases is None:
        report.detail("their names are not shown: the deployer lacks the permission lambda:ListAliases")


def _names(version: str, aliases: tuple[Alias, ...] | None, live: str | None) -> list[str] | None:
    """Return what a version is called, by all aliases except the live one; None if they are not known."""
    if aliases is None:
        return None
    return [called(alias) for alias in aliases if alias.version == version and alias.name != live]


def _name_line(target: Target, assessment: Assessment) -> str:
    name, named = assessment.candidate.name, assessment.state.named
    if name is None:
        return ""
    if named is None:
        return f"{name.text}: not there yet, the next deploy gives it"
    conflict = find_conflict(assessment.candidate, target.settings, assessment.state)
    return conflict.what if conflict else f"{name.text} is version {named.version}"


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


def _up_to_date(target: Target, assessment: Assessment, *, is_up_to_date: bool) -> str:
    ours, recorded = target.provenance, assessment.state.recorded
    if is_up_to_date:
        return "yes"
    if assessment.plan.follows:
        return "as soon as the shift has come to its end"
    if recorded and ours.is_older_than(recorded):
        return f"no: release v{recorded.release} is live, and a deploy of this v{ours.release} is skipped"
    return "no: a deploy would change it, see `deploy plan`"


def _alias_line(name: str | None, state: State, names: list[str]) -> str:
    if name is None:
        return ""
    if state.alias is None:
        return f"{name}: not there yet, the first deploy creates it"
    weights = "".join(f", {weight:.0%} to version {other}" for other, weight in state.alias.weights.items())
    known_as = f" ({', '.join(names)})" if names else ""
    return f"{name} is version {state.alias.version}{known_as}{weights}"
