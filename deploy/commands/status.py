"""`deploy status`: what runs, since when, where it comes from, and whether a deploy would change it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.aws.function import Configuration
    from deploy.output import Output
    from deploy.release.plan import State
    from deploy.target.provenance import Origin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is shown beyond the usual."""
    parser.add_argument("--versions", action="store_true", help="list the published versions too")


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Show the status. Needs lambda:GetFunctionConfiguration, with an alias what a deploy to it reads.

    Without an alias, lambda:GetFunction and lambda:ListTags tell which release was deployed last.
    """
    from deploy.artifact import base as bases
    from deploy.artifact.package import build
    from deploy.aws.function import connect
    from deploy.config.bake import bake
    from deploy.release import plan as release
    from deploy.target.provenance import read_origin, release_in
    from deploy.target.settings import read_settings

    settings = read_settings(environment)
    base = bases.read(slug)
    baked = bake(environment, settings.config, output, quietly=True)
    function = connect(settings.function)
    alias_name = settings.release.alias
    origin = read_origin(environment, base.source_version)
    with_tags = function.with_tags() if alias_name is None and origin.release is not None else None
    latest, tags = with_tags or (function.configuration(), None)
    versions = tuple(function.versions()) if alias_name or options.versions else ()
    alias = function.alias(alias_name) if alias_name else None
    recorded = release_in(alias.description)[1] if alias else release.recorded_in(tags)
    state = release.State(latest, alias, versions, origin=recorded)
    with build(slug, base, baked.files) as package:
        steps = release.plan(package, settings.release, state, "", force=True)
    serving = _serving(state)
    running = serving if alias_name else latest
    facts = [
        ("State", latest.state or "unknown"),
        ("Last update", f"{latest.update_status or 'unknown'}, {age(latest.last_modified)}"),
        ("Reason", latest.update_reason if latest.update_status == "Failed" else ""),
        ("Alias", _alias_line(alias_name, state)),
        ("CodeSha256", running.code_sha256 if running else ""),
        ("Comes from", serving.description if serving else _release(recorded)),
        ("Age", age(serving.last_modified) if serving else ""),
        ("Up to date", _up_to_date(changed=bool(steps), origin=origin, recorded=recorded)),
    ]
    output.step(f"{function.name} in {function.region}")
    for title, text in facts:
        if text:
            output.detail(f"{title + ':':13}{text}")
    if options.versions:
        output.step("Versions")
        for version in reversed(versions):
            mark = f" ← {alias_name}" if alias and alias.version == version.version else ""
            output.detail(f"{version.version:>5}  {age(version.last_modified)}  {version.description}{mark}")
        if not versions:
            output.detail("none")
    output.document(
        {
            "function": function.name,
            "region": function.region,
            "state": latest.state,
            "last_update_status": latest.update_status,
            "last_update_reason": latest.update_reason,
            "last_modified": latest.last_modified,
            "code_sha256": latest.code_sha256,
            "serving_code_sha256": running.code_sha256 if running else None,
            "alias": alias_name,
            "version": alias.version if alias else None,
            "weights": dict(alias.weights) if alias else {},
            "description": serving.description if serving else None,
            "release": {"app": recorded.app, "number": recorded.release} if recorded else None,
            "up_to_date": not steps,
            "deploy_would_step_back": origin.is_older_than(recorded),
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
    return 0


def age(moment: str) -> str:
    """Say how long ago an AWS time was (2026-11-20T10:20:30.000+0000), in the largest fitting unit."""
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


def _up_to_date(*, changed: bool, origin: Origin, recorded: Origin | None) -> str:
    if not changed:
        return "yes"
    if recorded and origin.is_older_than(recorded):
        return (
            f"no: release v{recorded.release} was deployed, and a deploy of this v{origin.release} steps back"
        )
    return "no: a deploy would change it, see `deploy plan`"


def _release(recorded: Origin | None) -> str:
    """Name the release that was deployed last; nothing where it is not known."""
    if recorded is None:
        return ""
    return f"{f'{recorded.app}, ' if recorded.app else ''}v{recorded.release}"


def _serving(state: State) -> Configuration | None:
    if state.alias is None:
        return None
    return next((each for each in state.versions if each.version == state.alias.version), None)


def _alias_line(name: str | None, state: State) -> str:
    if name is None:
        return ""
    if state.alias is None:
        return f"{name}: not there yet, the first deploy makes it"
    weights = "".join(f", {weight:.0%} to version {other}" for other, weight in state.alias.weights.items())
    return f"{name} is version {state.alias.version}{weights}"
