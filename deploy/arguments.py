"""The arguments: the chosen command and its options; no other command is imported."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy import __version__
from deploy.errors import InputError
from deploy.help import HELP
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("config", "package", "plan", "status", "rollback", "doctor", "help", "version")
WITH_CONFIG = ("", "config", "package", "plan", "status", "doctor")
CHANGING = ("", "rollback")
NAMES = ", ".join(COMMANDS)
BUILD_COMMANDS = ("base", "services")  # not for people: bin/compile runs them


class _Parser(argparse.ArgumentParser):
    """Explains wrong arguments as every other error is explained."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}.", todo=f"`{self.prog} --help` shows what it takes.")


class _TopParser(_Parser):
    """Shows the help that is written for people as a whole."""

    def format_help(self) -> str:
        return HELP


def _as_options(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments with `help` and `version` as the options that they stand for."""
    match arguments:
        case ["help", "settings" | "--help" | "-h", *_]:
            return arguments
        case ["help", "help", *_]:
            return ["help", "--help"]
        case ["help", name, *_] if name in COMMANDS:
            return _as_options([name, "--help"])
        case ["help", name, *_] if name != "deploy" and not name.startswith("-"):
            raise _unknown(name)
        case ["help", *_]:
            return ["--help"]
        case ["version", *rest]:
            return ["--version", *rest]
    return arguments


def _unknown(name: str) -> InputError:
    return InputError(f"deploy: there is no command {printable(name)}.", todo=f"There are: {NAMES}.")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments, with the chosen command's `run`; no other command is imported."""
    arguments = _as_options(arguments)
    if arguments and not arguments[0].startswith("-"):
        name, *rest = arguments
        if name not in (*COMMANDS, *BUILD_COMMANDS):
            raise _unknown(name)
        module = import_module(f"deploy.commands.{name}")
        parser = _Parser(prog=f"deploy {name}", description=module.__doc__, allow_abbrev=False)
    else:
        name, rest = "", list(arguments)
        if before := next((name for name in rest if name in COMMANDS), ""):
            raise InputError(
                f"deploy: options come after the command: `deploy {before} …`.",
                todo="`deploy --help` shows what it takes.",
            )
        module = import_module("deploy.commands.deploy")
        parser = _TopParser(prog="deploy", allow_abbrev=False)
        parser.add_argument("--version", action="version", version=f"lambda-deploy {__version__}")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--env-file",
        metavar="FILE",
        type=Path,
        help="take the config vars from a .env file instead of from the environment; settings of "
        "the environment (_AWS_…, _LAMBDA_…) win over those in it",
    )
    source.add_argument(
        "--env-from-process",
        action="store_true",
        help="take the config vars from the environment although this is not a dyno",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on stdout, everything else on stderr"
    )
    parser.add_argument("--debug", action="store_true", help="print a traceback when something fails")
    options = parser.parse_args(rest, argparse.Namespace(run=module.run, prog=parser.prog))
    options.reads_config = name in WITH_CONFIG and not getattr(options, "policy", False)
    options.changes_something = name in CHANGING
    return options
