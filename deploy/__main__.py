"""Entry point: `.lambda-deploy/bin/deploy` and `lambda-deploy` run this file with an isolated interpreter.

Nothing happens before the last lines, not even an import: Ctrl-C there would end in a traceback.
"""


def _main() -> int:
    import os.path
    import sys

    # Links are not followed: in an image, the slug's runtime is one, into another layer.
    runtime = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes its time
    if __package__ in {None, ""}:
        # Started as a file by `python -I`, which puts nothing on the path: neither the app's folder,
        # whose `json.py` or `boto3/` would otherwise be ours, nor this one.
        sys.path.insert(0, runtime)
        if runtime.endswith("/lambda_deploy"):
            # What `pip install --user` has installed with it is on no isolated interpreter's path.
            sys.path.append(os.path.dirname(runtime))  # noqa: PTH120
    is_in_slug = runtime.endswith("/.lambda-deploy/runtime")
    if sys.argv[1:] in (["--help"], ["-h"]):
        return _help(is_in_slug=is_in_slug)
    _install_first_handlers()
    import gc
    from pathlib import Path

    from deploy.cli import main

    # A deploy is over before there is garbage to speak of; the formation dyno collects it again.
    gc.disable()
    # The runtime lies at <slug>/.lambda-deploy/runtime, wherever the slug was moved to. Elsewhere this is
    # `lambda-deploy`, installed or in a checkout, which deploys the app in the working folder.
    return main(sys.argv[1:], slug=Path(runtime).parent.parent if is_in_slug else None)


def _help(*, is_in_slug: bool) -> int:
    import sys

    from deploy.help import page  # which imports nothing: the first command that people try answers at once

    try:
        sys.stdout.write(page(is_in_slug=is_in_slug))
        sys.stdout.flush()
    except (AttributeError, OSError):  # closed, or nobody reads it
        return 1
    return 0


def _install_first_handlers() -> None:
    """End by the message while modules are imported, which takes longest; `main` has handlers of its own."""
    import signal

    def end(number: int, _frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # one message is enough
            signal.signal(each, signal.SIG_IGN)
        _give_up(f"Interrupted by {signal.Signals(number).name}. Nothing was changed.")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, end)


def _give_up(why: str) -> None:
    import os

    try:
        os.write(2, f" !     {why}\n".encode())
    finally:
        os._exit(1)


def _exit(status: int) -> None:
    """Exit at once: Python would take down hundreds of modules one by one, and the system does it anyway.

    Nothing is left to flush, and a thread that waits for a reader would have to be waited for.
    """
    import os

    os._exit(status)


if __name__ == "__main__":
    try:
        _exit(_main())
    except KeyboardInterrupt:  # before the handlers were set
        _give_up("Interrupted by SIGINT. Nothing was changed.")
    except (MemoryError, SystemError):  # before there was anything to explain it
        _give_up("There is too little memory here.")
