"""`deploy plan`: what a deploy would do, changing nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from deploy.output import megabytes, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.baking import Bake
    from deploy.difference import Changes, Difference
    from deploy.function import Function
    from deploy.output import Output
    from deploy.package import Package
    from deploy.release import State

__all__ = ["add_arguments", "run"]

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
    from deploy import base as bases
    from deploy import release
    from deploy.baking import bake
    from deploy.origin import read_origin
    from deploy.package import build
    from deploy.settings import read_release_settings, read_settings
    from deploy.waiting import Deadline

    release_settings, config_settings = read_release_settings(environment)
    function_settings = None if options.offline else read_settings(environment).function
    base = bases.read(slug)
    baked = bake(environment, config_settings, output)
    output.step("Making the package")
    with build(slug, base, baked.files, output.hashing) as package:
        output.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        state, difference = release.State(None), None
        origin = read_origin(environment, base.source_version)
        if function_settings is not None:
            from deploy.function import connect

            function = connect(function_settings)
            deadline = Deadline(release_settings.timeout)
            state = release.read_state(function, release_settings, origin, deadline, output)
        description = origin.describe(base.sha256, baked.digest)
        stepped_back = origin.is_older_than(state.origin) and not options.force
        steps: tuple[release.Step, ...] = ()
        if not stepped_back:
            steps = release.plan(
                package, release_settings, state, description, origin=origin, force=options.force
            )
        if function_settings is not None:
            difference = _difference(function, state, package, baked, output)
    changed = any(not isinstance(step, release.RecordRelease) for step in steps)
    if stepped_back:
        output.step("A deploy would step back: a later release of this app was deployed already")
    elif steps:
        output.step("A deploy would")
    else:
        output.step("A deploy would do nothing: the function runs this already")
    for step in steps:
        output.detail(str(step))
    if difference:
        _show("Config", difference.config, output)
        _show("Code", difference.code, output)
    output.document(
        {
            "steps": [str(step) for step in steps],
            "changed": changed,
            "stepped_back": stepped_back,
            "code_sha256": package.code_sha256,
            "size": package.size,
            "unzipped_size": package.unzipped_size,
            "base_sha256": base.sha256,
            "config": baked.document(),
            "difference": asdict(difference) if difference else None,
        }
    )
    return SOMETHING_TO_DO if changed and options.exit_code else 0


def _difference(
    function: Function, state: State, package: Package, baked: Bake, output: Output
) -> Difference | None:
    from deploy.difference import compare, remote_file
    from deploy.errors import DeployError

    qualifier = state.alias.version if state.alias else "$LATEST"
    try:
        return compare(remote_file(function, qualifier), package.file, baked.files)
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
