"""Entry point: `.lambda-deploy/bin/deploy` runs this file with an isolated interpreter."""

import os.path
import sys

RUNTIME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - pathlib takes its time

if __package__ in {None, ""}:
    # Started as a file by `python -I`, which puts nothing on the path: neither the app's folder,
    # whose `json.py` or `boto3/` would otherwise be ours, nor this one.
    sys.path.insert(0, RUNTIME)


def _help() -> int:
    from deploy.help import HELP  # which imports nothing: the first command that people try answers at once

    try:
        sys.stdout.write(HELP)
        sys.stdout.flush()
    except (AttributeError, OSError):  # closed, or nobody reads it
        return 1
    return 0


def _run() -> int:
    import gc
    from pathlib import Path

    from deploy.cli import main

    # A deploy is over before there is garbage to speak of; the formation dyno collects it again.
    gc.disable()
    try:
        # The runtime lies at <slug>/.lambda-deploy/runtime, wherever the slug was moved to.
        return main(sys.argv[1:], slug=Path(RUNTIME).parent.parent)
    except SystemExit:  # argparse has printed the help of a command, or the version
        return 0


def _exit(status: int) -> None:
    """Exit at once: Python would take down hundreds of modules one by one, and the system does it anyway."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - contextlib takes its time, too
            stream.flush()
        except (AttributeError, OSError):
            pass
    os._exit(status)


if __name__ == "__main__":
    try:
        _exit(_help() if sys.argv[1:] in (["--help"], ["-h"]) else _run())
    except KeyboardInterrupt:  # before the handlers were set
        sys.stderr.write(" !     Interrupted by SIGINT. Nothing was changed.\n")
        _exit(1)
