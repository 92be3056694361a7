"""`deploy`, the command without a name: brings the function to this slug and this config."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.output import Output
    from deploy.release.watch import StopSignal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a deploy alone takes."""
    parser.add_argument("--force", action="store_true")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true")
    mode.add_argument("--watch", action="store_true")


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Deploy, or find that there is nothing to do; in a formation dyno stay."""
    from deploy.release.watch import is_formation_dyno

    if options.watch or (is_formation_dyno(environment) and not options.once):
        return _watch(options, environment, slug, output)
    from deploy.target.settings import read_settings

    settings = read_settings(environment)
    from deploy.errors import leaving
    from deploy.release.deploy import DONE, deploy

    deployed = deploy(environment, settings, slug, output, force=options.force)
    with leaving(DONE):
        output.document(deployed.document)
    return 0


def _watch(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    import gc
    import signal
    import time

    from deploy.errors import InputError, Interrupted
    from deploy.release.watch import BEFORE_THE_END, StopSignal

    gc.enable()
    output.stay()
    stop = StopSignal()
    stop.install((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    try:
        try:
            _stay(options, environment, slug, output, stop)
        except InputError as error:
            output.error(error)
            output.document(error.document())
            output.detail(f"Ending in {BEFORE_THE_END:.0f} seconds; a config change or a push starts anew")
            stop.checkpoint()
            time.sleep(BEFORE_THE_END)
            return error.exit_code
    except Interrupted as interrupted:
        if interrupted.consequence != Interrupted.NOTHING_CHANGED:
            raise
        output.drop_held()
        output.step(f"Stopped by {interrupted.signal_name}")
        return 0


def _stay(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    slug: Path,
    output: Output,
    stop: StopSignal,
) -> NoReturn:
    import time

    from deploy.aws.codes import DENIED
    from deploy.aws.function import connect
    from deploy.errors import DeployError
    from deploy.release.deploy import Deployed, deploy, look_for_drift
    from deploy.release.watch import Schedule, stay
    from deploy.target.settings import read_settings

    settings = read_settings(environment)
    function = connect(settings.function)

    told = False

    def attempt() -> Deployed:
        nonlocal told
        deployed = deploy(
            environment,
            settings,
            slug,
            output,
            function=function,
            force=options.force,
            checkpoint=stop.checkpoint,
        )
        output.document(deployed.document)
        if not told:
            output.detail(f"Staying: looking for drift every {settings.release.reconcile_interval} seconds")
        told = True
        return deployed

    blind = False

    def drift(deployed: Deployed) -> str | None:
        nonlocal blind
        try:
            return look_for_drift(function, deployed)
        except DeployError as error:
            if error.code not in DENIED:
                raise
            if not blind:
                output.notice(f"Drift can't be seen. {error.what}\n{error.todo}")
            blind = True
            return None

    stay(
        attempt,
        drift,
        Schedule(settings.release.reconcile_interval, settings.release.reconcile_repairs),
        output=output,
        stop=stop,
        sleep=time.sleep,
    )
