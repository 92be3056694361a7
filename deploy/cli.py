"""The process: environment, signals, standard streams and exit status. No other module knows them.

A command runs in a thread of its own, and this one waits for it and for signals. So a signal never
interrupts the code of a command: it asks for the end by a token, and a command that is stuck in a call is
left behind. How a command ended is reported here and nowhere else, so that only one end is reported.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.arguments import parse
from deploy.cancel import NOTHING_CHANGED, NOTHING_TO_RUN, Cancellation, Cancelled
from deploy.commands import Context
from deploy.errors import DeployError, InputError, unexpected
from deploy.help import IN_SLUG, INSTALLED
from deploy.output import Report
from deploy.target.environment import kind_of_dyno
from deploy.target.source import Credentials, check_source, read_env_file, read_settings
from deploy.terminal import Console
from deploy.text import printable_lines

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

UNWINDING = 2.0  # seconds for a command to end by itself after it was cancelled

Ended = int | BaseException  # a command's exit status, or what it raised


def main(arguments: Sequence[str], *, slug: Path | None, cancellation: Cancellation | None = None) -> int:
    """Run a command on the app in `slug` and return the exit status; all waiting is `cancellation`'s.

    Without a slug the app is in the folder that --app names, or in the working folder.
    """
    # A core file would hold the config.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with _Events() as events:
        return _main(arguments, slug, cancellation or Cancellation(), events)


def _main(arguments: Sequence[str], slug: Path | None, cancellation: Cancellation, events: _Events) -> int:
    process = dict(os.environ)
    program = INSTALLED if slug is None else IN_SLUG
    report = Report(_console(process, program, as_json="--json" in arguments))
    try:
        options = parse(arguments, is_in_slug=slug is not None)
    except InputError as error:
        return _explain(error, report, process)
    except SystemExit:  # the parser has printed the help of a command, or the version
        return _flush()
    except Exception as error:  # noqa: BLE001 - a command's modules may need more memory than there is
        return _explain(unexpected(error), report, process)
    command = _Command(options, process, slug or options.app or Path(), report, cancellation)
    ended = _run(command, events, cancellation, report.console)
    if isinstance(ended, int):
        return ended
    if isinstance(ended, Cancelled):
        return _end(options.prog, report, cancellation, process)
    status = _explain(ended if isinstance(ended, DeployError) else unexpected(ended), report, process)
    if options.debug:
        _print_traceback(ended, {**process, **command.variables}, report)
    return status


def _flush() -> int:
    try:
        sys.stdout.flush()
    except (AttributeError, OSError):  # nobody reads it
        return 1
    return 0


def _console(process: Mapping[str, str], program: str, *, as_json: bool) -> Console:
    # https://no-color.org and https://force-color.org: any value but the empty one counts.
    colours: bool | None = None
    if process.get("NO_COLOR"):
        colours = False
    elif process.get("FORCE_COLOR"):
        colours = True
    elif process.get("TERM", "dumb") == "dumb":
        colours = False
    return Console(sys.stdout, sys.stderr, program=program, as_json=as_json, colours=colours)


# --- signals --------------------------------------------------------------------------------------


class _Events:
    """What the main thread waits for: signals, and the end of the command.

    Each is a byte in a pipe: the number of the signal, or 0. Python writes it as soon as a signal comes,
    whatever each thread is waiting for. A handler that puts into a queue is not enough: if several signals
    come at once, the main thread may not wake up in `SimpleQueue.get`.
    """

    def __init__(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._writer = os.fdopen(writer, "wb", buffering=0)
        self.ended: Ended = 0

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, lambda _number, _frame: None)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()

    def end(self, ended: Ended) -> None:
        """Say how the command ended."""
        self.ended = ended
        with contextlib.suppress(ValueError, OSError):  # nobody waits for it any more
            self._writer.write(b"\0")

    def next(self, seconds: float | None = None) -> str | None:
        """Wait for a signal and return its name; empty if the command has ended, None if the time is over."""
        if not select.select([self._reader], [], [], seconds)[0]:
            return None
        (number,) = self._reader.read(1)
        return signal.Signals(number).name if number else ""

    def has_ended(self, seconds: float) -> bool:
        """Whether the command ends within some seconds, whatever other signals come."""
        end = time.monotonic() + seconds
        while event := self.next(max(0.0, end - time.monotonic())):
            pass
        return event is not None


def _run(command: Callable[[], int], events: _Events, cancellation: Cancellation, console: Console) -> Ended:
    """Run a command in a thread and return its end; one that outlives a signal is left behind."""

    def work() -> None:
        try:
            events.end(command())
        except BaseException as error:  # noqa: BLE001 - it is reported there
            events.end(error)

    if name := events.next(0):
        cancellation.request(name)
        return Cancelled()
    try:
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:
        return DeployError("There is too little memory here to start a thread.")
    if name := events.next():
        console.hurry()
        cancellation.request(name)
        if not events.has_ended(cancellation.grace):
            cancellation.cancel()
            if not events.has_ended(UNWINDING):
                cancellation.clean_up()
                return Cancelled()
    return events.ended


def _end(prog: str, report: Report, cancellation: Cancellation, process: Mapping[str, str]) -> int:
    """Report an end by a signal and return the exit status; one that a formation dyno expects is no error."""
    changed = cancellation.consequence != NOTHING_CHANGED
    if cancellation.grace and not changed:
        report.discard()
        report.step(f"Stopped by {cancellation.reason}")
        return 0
    is_again = changed and NOTHING_TO_RUN not in cancellation.consequence
    what, again = f"Interrupted by {cancellation.reason}.", f"Run {prog} again." if is_again else ""
    if not (changed and cancellation.has_children):
        return _explain(DeployError(f"{what} {cancellation.consequence} {again}".rstrip()), report, process)
    error = DeployError(what, todo=again)
    error.left = cancellation.consequence
    return _explain(error, report, process)


# --- the command ----------------------------------------------------------------------------------


class _Command:
    """A command and all that it is given; calling it returns the exit status.

    `variables` are those that it uses; bytes that are not UTF-8 stand as surrogates.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        process: Mapping[str, str],
        slug: Path,
        report: Report,
        cancellation: Cancellation,
    ) -> None:
        self.variables = process
        self._options = options
        self._slug = slug
        self._report = report
        self._cancellation = cancellation

    def __call__(self) -> int:
        if sys.getfilesystemencoding() != "utf-8":
            self.variables = {_as_utf_8(name): _as_utf_8(text) for name, text in self.variables.items()}
        if not self._options.changes_something:
            status = self._run()
            if lost := self._report.console.lost:  # which is all that such a command leaves
                raise DeployError(f"The output could not be written to stdout: {lost}.")
            return status
        with self._cancellation.leaving(NOTHING_CHANGED):
            return self._run()

    def _run(self) -> int:
        options = self._options
        chosen = Credentials(options.aws_profile, default=options.aws_default_credentials)
        if options.env_file:
            self.variables = read_env_file(options.env_file, self.variables, chosen)
            if options.reads_config:
                _check_env_file(options.env_file, self._slug)
        elif chosen:
            self.variables = read_settings(self.variables, chosen)
        elif options.reads_config and not options.env_from_process:
            check_source(self.variables)
        context = Context(self.variables, self._slug, self._report, self._cancellation)
        return int(options.run(options, context))


def _check_env_file(path: Path, slug: Path) -> None:
    from deploy.artifact import base as bases
    from deploy.artifact.package import check_env_file

    try:
        base = bases.read(slug)
    except InputError:  # the command says it
        return
    check_env_file(slug, base, path)


def _as_utf_8(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _explain(error: DeployError, report: Report, process: Mapping[str, str]) -> int:
    report.error(error)
    _document(error, report)
    if kind_of_dyno(process) == "release":
        # People read the end of the release phase's log: its last line says how it went.
        report.error(DeployError(f"Not released: {error.what.splitlines()[0]}"))
    return error.exit_code


def _document(error: DeployError, report: Report) -> None:
    # If stdout itself is the problem, there is nothing left to tell it.
    with contextlib.suppress(DeployError):
        report.document(error.to_dict())


def _print_traceback(error: BaseException, secrets: Mapping[str, str], report: Report) -> None:
    """Print where an error came from, with every value of the environment taken out."""
    import traceback

    from deploy.config.redaction import Redactor

    text = Redactor(secrets).redact_ends("".join(traceback.format_exception(error)))
    for cause in error.causes if isinstance(error, DeployError) else ():
        text += "".join(_frames(cause))
    report.console.page(printable_lines(text).rstrip())


def _frames(error: BaseException | None) -> Iterator[str]:
    """Yield where an error came from, without its text: it may hold config that is in no variable."""
    import traceback

    while error:
        yield f"{type(error).__name__}\n"
        yield from traceback.format_tb(error.__traceback__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
