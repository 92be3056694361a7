"""The command line: arguments → command → exit status."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy import __version__
from deploy.commands import base, config, deploy, doctor, package, plan, rollback, status
from deploy.config.redaction import without_values
from deploy.errors import DeployError, InputError, Interrupted, unexpected
from deploy.help import HELP
from deploy.output import Output
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType, ModuleType

COMMANDS = {
    "config": config,
    "package": package,
    "plan": plan,
    "status": status,
    "rollback": rollback,
    "doctor": doctor,
}

# Not for people: bin/compile runs it.
BUILD_COMMAND = "base"

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: Sequence[str], *, slug: Path) -> int:
    """Run a command on the app in `slug` and give the exit status."""
    # A core file would hold the config.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    defaults = argparse.Namespace(run=deploy.run, env_file=None, json=False, debug=False)
    process_environment = dict(os.environ)
    try:
        options = _parser(arguments).parse_args(arguments, defaults)
    except InputError as error:
        output = Output(process_environment, as_json="--json" in arguments)
        output.error(error)
        _document(error, output)
        return error.exit_code
    output = Output(process_environment, as_json=options.json)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    secrets: Mapping[str, str] = process_environment
    try:
        environment = _environment(process_environment, options.env_file)
        secrets = {**process_environment, **environment}
        return int(options.run(options, environment, slug, output))
    except DeployError as error:
        _tell(error, output, process_environment)
        if options.debug:
            _print_traceback(error, secrets)
        return error.exit_code
    except Interrupted as interrupted:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        ended = DeployError(f"Interrupted by {interrupted.signal_name}. {interrupted.consequence}")
        _document(ended, output)
        output.error(ended)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: no user sees a traceback unasked
        _tell(unexpected(error), output, process_environment)
        if options.debug:
            _print_traceback(error, secrets)
        return 1


def _tell(error: DeployError, output: Output, environment: Mapping[str, str]) -> None:
    output.error(error)
    _document(error, output)
    if environment.get("DYNO", "").startswith("release."):
        # People read the end of the release phase's log: its last line tells how it went.
        output.error(DeployError(f"Not released: {error.what.splitlines()[0]}"))


def _document(error: DeployError, output: Output) -> None:
    # Where stdout is the fault, there is nothing left to tell it.
    with contextlib.suppress(DeployError):
        output.document(error.document())


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signal.Signals(number).name)


def _print_traceback(error: BaseException, secrets: Mapping[str, str]) -> None:
    """Print where an error came from, with every value of the environment taken out."""
    import traceback

    sys.stderr.write(without_values("".join(traceback.format_exception(error)), secrets))


# --- arguments ------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Explains wrong arguments as every other error is explained."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}.", todo=f"`{self.prog} --help` tells what it takes.")


class _TopParser(_Parser):
    """Shows the help that is written for people as a whole."""

    def format_help(self) -> str:
        return HELP


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--env-file",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="take the config vars from a .env file instead of from the environment; settings of "
        "the environment (_AWS_…, _LAMBDA_…) win over those in it",
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on stdout, everything else on stderr",
    )
    common.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print a traceback when something fails",
    )
    parser = _TopParser(prog="deploy", parents=[common], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"lambda-deploy {__version__}")
    deploy.add_arguments(parser)
    subparsers = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    commands: dict[str, ModuleType] = dict(COMMANDS)
    if BUILD_COMMAND in arguments[:1]:
        commands[BUILD_COMMAND] = base
    for name, module in commands.items():
        command = subparsers.add_parser(
            name, description=module.__doc__, parents=[common], allow_abbrev=False
        )
        command.set_defaults(run=module.run)
        if hasattr(module, "add_arguments"):
            module.add_arguments(command)
    return parser


# --- the environment ------------------------------------------------------------------------------


def _environment(process: Mapping[str, str], env_file: Path | None) -> Mapping[str, str]:
    """Give the variables that the deploy goes by; bytes that are not UTF-8 stand as surrogates."""
    if sys.getfilesystemencoding() != "utf-8":
        process = {_as_utf_8(name): _as_utf_8(value) for name, value in process.items()}
    if env_file is None:
        return process
    settings = {name: value for name, value in process.items() if name.startswith(("_AWS_", "_LAMBDA_"))}
    return {**_read_env_file(env_file), **settings}


def _as_utf_8(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _read_env_file(path: Path) -> dict[str, str]:
    from dotenv.parser import parse_stream

    shown = printable(str(path))
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text.") from None
    wrong = [
        str(binding.original.line)
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    if wrong:
        raise InputError(
            f"{shown} has lines that are not NAME=value.",
            why=f"Line {', '.join(wrong)}.",
            todo="Quote values with blanks or line breaks: NAME='a value'",
        )
    # Values are taken as they are: a password that holds ${…} means just that.
    return {
        binding.key: binding.value
        for binding in bindings
        if binding.key is not None and binding.value is not None
    }
