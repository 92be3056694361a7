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
    _install_first_handlers()
    import gc
    from pathlib import Path

    from deploy.cli import main

    # A deploy is over before there is garbage to speak of; the formation dyno collects it again.
    gc.disable()
    # The runtime lies at <slug>/.lambda-deploy/runtime, wherever the slug was moved to.
    return main(sys.argv[1:], slug=Path(RUNTIME).parent.parent)


def _install_first_handlers() -> None:
    """End by the message while modules are imported, which takes longest; `main` has handlers of its own."""
    import signal

    def end(number: int, _frame: object) -> None:
        _interrupted(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, end)


def _interrupted(name: str) -> None:
    try:
        os.write(2, f" !     Interrupted by {name}. Nothing was changed.\n".encode())
    finally:
        os._exit(1)


if __name__ == "__main__":
    try:
        # Python would take down hundreds of modules one by one, and the system does it anyway. Nothing is
        # left to flush, and a thread that waits for a reader would have to be waited for.
        os._exit(_help() if sys.argv[1:] in (["--help"], ["-h"]) else _run())
    except KeyboardInterrupt:  # before the handlers were set
        _interrupted("SIGINT")
    except (MemoryError, SystemError):  # before there was anything to explain it
        sys.stderr.write(" !     There is too little memory here.\n")
        os._exit(1)
