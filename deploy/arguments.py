"""The arguments: the chosen command and its options; no other command is imported."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy import __version__
from deploy.errors import InputError
from deploy.help import IN_SLUG, INSTALLED, commands, named, page
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

WITH_CONFIG = ("", "deploy", "config", "package", "plan", "status", "local", "hook", "doctor")
CHANGING = ("", "deploy", "rollback")
DEPLOY = "deploy"
FLEET = "fleet"
STACK = "stack"
WITHOUT_CONFIG = (FLEET, STACK)  # they read settings, and the machine's credentials need no .env file
BUILD = "build"  # in a slug not for people: bin/compile runs it
SERVICES = "services"  # never for people
WITHOUT_VARIABLES = (
    BUILD,
    "completion",
    "help",
    "init",
    SERVICES,
)  # they read no config, and need no credentials


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


# Options that change what happens to traffic: a wrong guess at one would do harm.
RISKY = frozenset({"--force", "--ignore-alarms", "--now"})
CLOSE = 0.8


def _as_options(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments with `help` and `version` as the options that they stand for."""
    match arguments:
        case ["help", "settings" | "--help" | "-h", *_]:
            return arguments
        case ["help", name, *_] if not name.startswith("-") and name != INSTALLED:
            return [name, "--help"]
        case ["help", *_]:
            return ["--help"]
        case ["version", *rest]:
            return ["--version", *rest]
    return arguments


def parse(arguments: Sequence[str], *, is_in_slug: bool) -> argparse.Namespace:
    """Return the arguments, with the chosen command's `run`; no other command is imported."""
    program, known = IN_SLUG if is_in_slug else INSTALLED, commands(is_in_slug=is_in_slug)
    arguments = _as_options(arguments)
    name, rest = "", list(arguments)
    if arguments and not arguments[0].startswith("-"):
        name, *rest = arguments
        if name not in (*known, BUILD, SERVICES):
            raise InputError(
                f"{program}: there is no command {printable(name)}.",
                todo=f"{_did_you_mean(name, known)}`{program} --help` shows all commands.",
            )
    if name in {"", DEPLOY} and (before := next((each for each in rest if each in known), "")):
        raise InputError(
            f"{program}: options come after the command: `{program} {before} …`.",
            todo=f"`{program} --help` shows what it takes.",
        )
    parser = make_parser(name, is_in_slug=is_in_slug)
    options, unknown = parser.parse_known_args(rest)
    if unknown:
        raise _no_such(unknown[0].partition("=")[0], parser)
    reads_config = name in WITH_CONFIG or getattr(options, "local", False)
    policies = (getattr(options, name, None) for name in ("policy", "fleet", "step"))
    options.reads_config = reads_config and all(option in {None, False} for option in policies)
    options.changes_something = name in CHANGING or (name in WITHOUT_CONFIG and options.action == "apply")
    if name in WITHOUT_CONFIG:
        options.prog = f"{options.prog} {options.action}"
    asks_for_credentials = options.aws_profile or options.aws_default_credentials
    if asks_for_credentials and not options.env_file and name not in WITHOUT_CONFIG:
        raise InputError(
            "--aws-profile and --aws-default-credentials need --env-file.",
            why="Without it the AWS_… variables here are config of the function, and not the deploy's.",
            todo="Name a file that holds the config: --env-file FILE",
        )
    return options


def make_parser(name: str, *, is_in_slug: bool) -> argparse.ArgumentParser:
    """Return the parser of a command, which without a name is a deploy."""
    program = IN_SLUG if is_in_slug else INSTALLED
    module = import_module(f"deploy.commands.{name or DEPLOY}")
    parser: argparse.ArgumentParser
    if name:
        example = f"example: {program} {module.EXAMPLE}" if hasattr(module, "EXAMPLE") else None
        parser = _Parser(
            prog=f"{program} {name}", description=module.__doc__, epilog=example, allow_abbrev=False
        )
    else:
        parser = _TopParser(prog=program, allow_abbrev=False)
        parser.add_argument("--version", action="version", version=f"lambda-deploy {__version__}")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    if name not in WITHOUT_VARIABLES:
        _add_source_arguments(parser, has_app=not is_in_slug, needs_file=name not in WITHOUT_CONFIG)
    _add_output_arguments(parser)
    parser.set_defaults(run=module.run, prog=parser.prog)
    for option, value in WITHOUT_SOURCE.items():
        if parser.get_default(option) is None:
            parser.set_defaults(**{option: value})
    return parser


def _no_such(text: str, parser: argparse.ArgumentParser) -> InputError:
    what = "option" if text.startswith("-") else "argument"
    known = [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001 - nothing public lists them
    return InputError(
        f"{parser.prog}: there is no {what} {printable(text)}.",
        todo=f"{_did_you_mean(text, known)}`{parser.prog} --help` shows what it takes.",
    )


def _did_you_mean(text: str, known: Sequence[str]) -> str:
    """Return the question whether one of the known words was meant; empty if none is like it."""
    import difflib  # nobody mistypes often

    alike = difflib.get_close_matches(text, known, n=1)
    if alike and alike[0] in RISKY and not difflib.get_close_matches(text, alike, cutoff=CLOSE):
        return ""
    return f"Did you mean `{alike[0]}`? " if alike else ""


def _add_source_arguments(parser: argparse.ArgumentParser, *, has_app: bool, needs_file: bool = True) -> None:
    only = "with --env-file: " if needs_file else ""
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
        help=f"{only}use the credentials of a profile in ~/.aws",
    )
    credentials.add_argument(
        "--aws-default-credentials",
        action="store_true",
        help=f"{only}use the credentials that the AWS CLI would use here: AWS_… variables, ~/.aws, "
        "the container's or the machine's",
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on stdout, everything else on stderr"
    )
    parser.add_argument("--debug", action="store_true", help="print a traceback when something fails")
