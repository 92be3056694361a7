"""The arguments: the chosen command and its options; no other command is imported."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy import __version__
from deploy.errors import InputError
from deploy.help import IN_SLUG, INSTALLED, named, page
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "config",
    "package",
    "plan",
    "status",
    "rollback",
    "fleet",
    "infrastructure",
    "invoke",
    "local",
    "doctor",
    "tools",
    "help",
    "version",
)
WITH_CONFIG = ("", "config", "package", "plan", "status", "local", "doctor")
CHANGING = ("", "rollback")
DEPLOY = "deploy"
FLEET = "fleet"
BUILD = "build"  # in a slug not for people: bin/compile runs it
SERVICES = "services"  # never for people
WITHOUT_VARIABLES = (BUILD, "help", SERVICES)  # they read no config, and need no credentials


# What holds for a command that has none of the options that say whose variables it uses.
WITHOUT_SOURCE = {
    "app": None,
    "env_file": None,
    "env_from_process": False,
    "aws_profile": None,
    "aws_default_credentials": False,
}


class _Parser(argparse.ArgumentParser):
    """Explains wrong arguments as every other error is explained."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}.", todo=f"`{self.prog} --help` shows what it takes.")

    def format_help(self) -> str:
        return named(super().format_help(), self.prog.partition(" ")[0])


class _TopParser(_Parser):
    """Shows the help that is written for people as a whole."""

    def format_help(self) -> str:
        return page(is_in_slug=self.prog == IN_SLUG)


def _as_options(arguments: Sequence[str], commands: Sequence[str], program: str) -> Sequence[str]:
    """Return the arguments with `help` and `version` as the options that they stand for."""
    match arguments:
        case ["help", "settings" | "--help" | "-h", *_]:
            return arguments
        case ["help", "help", *_]:
            return ["help", "--help"]
        case ["help", name, *_] if name in commands:
            return _as_options([name, "--help"], commands, program)
        case ["help", name, *_] if name not in {IN_SLUG, program} and not name.startswith("-"):
            raise _unknown(name, commands, program)
        case ["help", *_]:
            return ["--help"]
        case ["version", *rest]:
            return ["--version", *rest]
    return arguments


def _unknown(name: str, commands: Sequence[str], program: str) -> InputError:
    return InputError(
        f"{program}: there is no command {printable(name)}.", todo=f"There are: {', '.join(commands)}."
    )


def parse(arguments: Sequence[str], *, is_in_slug: bool) -> argparse.Namespace:
    """Return the arguments, with the chosen command's `run`; no other command is imported."""
    program, commands = (IN_SLUG, COMMANDS) if is_in_slug else (INSTALLED, (BUILD, *COMMANDS))
    arguments = _as_options(arguments, commands, program)
    is_named = list(arguments[:1]) == [DEPLOY]  # the command without a name, which people name nevertheless
    if arguments and not is_named and not arguments[0].startswith("-"):
        name, *rest = arguments
        if name not in (*commands, BUILD, SERVICES):
            raise _unknown(name, commands, program)
        module = import_module(f"deploy.commands.{name}")
        parser = _Parser(prog=f"{program} {name}", description=module.__doc__, allow_abbrev=False)
    else:
        name, rest = "", list(arguments[is_named:])
        if before := next((name for name in rest if name in commands), ""):
            raise InputError(
                f"{program}: options come after the command: `{program} {before} …`.",
                todo=f"`{program} --help` shows what it takes.",
            )
        module = import_module("deploy.commands.deploy")
        parser = _TopParser(prog=program, allow_abbrev=False)
        parser.add_argument("--version", action="version", version=f"lambda-deploy {__version__}")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    if name not in WITHOUT_VARIABLES:
        _add_source_arguments(parser, has_app=not is_in_slug)
    _add_output_arguments(parser)
    defaults = argparse.Namespace(run=module.run, prog=parser.prog, **WITHOUT_SOURCE)
    options = parser.parse_args(rest, defaults)
    reads_config = name in WITH_CONFIG or getattr(options, "local", False)
    options.reads_config = reads_config and not getattr(options, "policy", False)
    options.changes_something = name in CHANGING or (name == FLEET and options.action == "apply")
    asks_for_credentials = options.aws_profile or options.aws_default_credentials
    if asks_for_credentials and not options.env_file and name != FLEET:
        raise InputError(
            "--aws-profile and --aws-default-credentials need --env-file.",
            why="Without it the AWS_… variables here are config of the function, and not the deploy's.",
            todo="Name a file that holds the config: --env-file FILE",
        )
    return options


def _add_source_arguments(parser: argparse.ArgumentParser, *, has_app: bool) -> None:
    if has_app:
        parser.add_argument(
            "--app", metavar="DIR", type=Path, help="the app's folder; the working folder by default"
        )
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
    credentials = parser.add_mutually_exclusive_group()
    credentials.add_argument(
        "--aws-profile",
        metavar="NAME",
        help="with --env-file: use the credentials of a profile in ~/.aws",
    )
    credentials.add_argument(
        "--aws-default-credentials",
        action="store_true",
        help="with --env-file: use the credentials that the AWS CLI would use here: AWS_… variables, ~/.aws, "
        "the container's or the machine's",
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on stdout, everything else on stderr"
    )
    parser.add_argument("--debug", action="store_true", help="print a traceback when something fails")
