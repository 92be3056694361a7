"""`deploy plan`: what a deploy would do, changing nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from deploy.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.artifact.differences import Changes, Difference
    from deploy.aws.function import Function
    from deploy.output import Output
    from deploy.release.candidate import Prepared
    from deploy.release.plan import State

SOMETHING_TO_DO = 3
SHOWN = 50  # names of a kind; a program gets them all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a plan takes."""
    parser.add_argument("--offline", action="store_true", help="without AWS, as if nothing were deployed")
    parser.add_argument(
        "--exit-code", action="store_true", help=f"give {SOMETHING_TO_DO} when there is something to do"
    )
    parser.add_argument("--force", action="store_true", help="plan a `deploy --force`")


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Make the package, read what runs, and show the steps and the difference."""
    from deploy.aws.wait import Deadline
    from deploy.release import plan as release
    from deploy.release.candidate import prepare
    from deploy.target.settings import read_release_settings, read_settings

    release_settings, config_settings = read_release_settings(environment)
    function_settings = None if options.offline else read_settings(environment).function
    state, difference = release.State(None), None
    with prepare(environment, config_settings, slug, output) as prepared:
        if function_settings is None:
            decision = release.decide(prepared, release_settings, state, force=options.force)
        else:
            from deploy.aws.function import connect

            function = connect(function_settings)
            deadline = Deadline(release_settings.timeout)
            state = release.read_state(function, release_settings, prepared.origin, deadline, output)
            decision = release.decide(prepared, release_settings, state, force=options.force)
            difference = _difference(function, state, prepared, output)
    if decision.stepped_back:
        output.step("A deploy would step back: a later release of this app was deployed already")
    elif decision.steps:
        output.step("A deploy would")
    else:
        output.step("A deploy would do nothing: the function runs this already")
    for step in decision.steps:
        output.detail(str(step))
    if difference:
        _show("Config", difference.config, output)
        _show("Code", difference.code, output)
    output.document(
        {
            "steps": [str(step) for step in decision.steps],
            "changed": decision.changed,
            "stepped_back": decision.stepped_back,
            **prepared.document(),
            "difference": asdict(difference) if difference else None,
        }
    )
    return SOMETHING_TO_DO if decision.changed and options.exit_code else 0


def _difference(function: Function, state: State, prepared: Prepared, output: Output) -> Difference | None:
    from deploy.artifact.differences import NO_DIFFERENCE, compare, remote_file
    from deploy.errors import DeployError

    qualifier = state.alias.version if state.alias else "$LATEST"
    configurations = (state.latest, *state.versions)
    running = next((each for each in configurations if each and each.version == qualifier), None)
    if running and running.code_sha256 == prepared.package.code_sha256:
        return NO_DIFFERENCE
    try:
        return compare(remote_file(function, qualifier), prepared.package.file, prepared.baked.files)
    except DeployError as error:
        output.notice(f"What differs can't be told. {error.what}\n{error.todo}".strip())
        return None


def _show(title: str, changes: Changes, output: Output) -> None:
    output.step(title)
    kinds = (("+", changes.added), ("~", changes.changed), ("-", changes.removed))
    for sign, names in kinds:
        for name in names[:SHOWN]:
            output.detail(f"{sign} {printable(name)}")
        if len(names) > SHOWN:
            output.detail(f"{sign} and {len(names) - SHOWN} more")
    if not any(names for _, names in kinds):
        output.detail("no difference")
