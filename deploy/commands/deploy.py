"""`deploy`, the command without a name: brings the function to this slug and this config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.output import megabytes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.baking import Bake
    from deploy.base import Base
    from deploy.output import Output

__all__ = ["add_arguments", "origin", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a deploy alone takes."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="point the alias at the new version even where it routes by weights",
    )


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Deploy, or find that there is nothing to do."""
    from deploy import base as bases
    from deploy import release
    from deploy.baking import bake
    from deploy.package import build
    from deploy.settings import read_settings

    settings = read_settings(environment)
    base = bases.read(slug)
    baked = bake(environment, settings.config, output)
    output.step("Making the package")
    with build(slug / base.base, baked.files, output.copying) as package:
        output.detail(f"{base.base} + {baked.file_names}: {megabytes(package.size)}")
        release.check_size(package, settings.release.bucket)

        from deploy.applying import Release, apply
        from deploy.function import connect
        from deploy.waiting import Deadline

        function = connect(settings.function)
        deadline = Deadline(settings.release.timeout)
        state = release.read_state(function, settings.release, deadline, output)
        description = origin(environment, base, baked)
        steps = release.plan(package, settings.release, state, description, force=options.force)
        carrying_out = Release(function, deadline, output, package=package, secrets=baked.config.baked)
        version = apply(steps, carrying_out)
        alias = settings.release.alias
        running = version or (state.alias.version if state.alias else None)
        where = f"{alias} is version {running}" if alias else f"CodeSha256 {package.code_sha256}"
        if steps:
            output.step(f"Deployed {function.name}: {where}")
        else:
            output.step(f"Nothing to do: {function.name} runs this package already ({where})")
        output.document(
            {
                "function": function.name,
                "region": function.region,
                "changed": bool(steps),
                "steps": [str(step) for step in steps],
                "alias": alias,
                "version": running if alias else None,
                "code_sha256": package.code_sha256,
                "size": package.size,
                "unzipped_size": package.unzipped_size,
                "base_sha256": base.sha256,
                "config": baked.document(),
            }
        )
    return 0


def origin(environment: Mapping[str, str], base: Base, baked: Bake) -> str:
    """Say where a version comes from: app, release, commit, and the digests of base and config."""
    commit = environment.get("HEROKU_SLUG_COMMIT") or environment.get("GIT_REV") or base.source_version
    parts = (
        environment.get("HEROKU_APP_NAME") or environment.get("DOKKU_APP_NAME"),
        environment.get("HEROKU_RELEASE_VERSION"),
        f"commit {commit[:12]}" if commit else None,
        f"base {base.sha256[:12]}",
        f"config {baked.digest[:12]}",
    )
    return ", ".join(part for part in parts if part)
