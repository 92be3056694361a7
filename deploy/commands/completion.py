"""`deploy completion SHELL`: prints what completes commands and options in bash, zsh or fish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.arguments import make_parser
from deploy.help import IN_SLUG, commands

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "completion bash >> ~/.bashrc"
OPTIONS_ONLY = ("version",)  # it is no module

BASH = """\
_{function}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" words=""
    if ((COMP_CWORD == 1)); then
        words="{commands}"
    else
        case "${{COMP_WORDS[1]}}" in
{cases}
        esac
    fi
    COMPREPLY=($(compgen -W "${{words}}" -- "${{word}}"))
}}
complete -o default -F _{function} {program}
"""

ZSH = """\
#compdef {program}
_{function}() {{
    if ((CURRENT == 2)); then
        compadd -- {commands}
        return
    fi
    case "${{words[2]}}" in
{cases}
    esac
    _files
}}
compdef _{function} {program}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=sorted(SHELLS), help="which shell")


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the script for a shell."""
    program = options.prog.partition(" ")[0]
    is_in_slug = program == IN_SLUG
    script = SHELLS[options.shell](program, _words(is_in_slug=is_in_slug))
    if not context.report.as_json:
        context.report.console.document(script.rstrip("\n"))
    context.report.document({"shell": options.shell, "script": script})
    return 0


def _words(*, is_in_slug: bool) -> dict[str, list[str]]:
    """Return what can follow each command."""
    names = commands(is_in_slug=is_in_slug)
    words: dict[str, list[str]] = {}
    for name in names:
        if name in OPTIONS_ONLY:
            words[name] = []
            continue
        actions = make_parser(name, is_in_slug=is_in_slug)._actions  # noqa: SLF001 - nothing public lists them
        choices = [
            str(each) for action in actions if not action.option_strings for each in action.choices or ()
        ]
        words[name] = choices + [option for action in actions for option in action.option_strings]
    words["help"] += names
    return words


def _bash(program: str, words: dict[str, list[str]]) -> str:
    cases = "\n".join(f'        {name}) words="{" ".join(own)}" ;;' for name, own in words.items())
    return BASH.format(program=program, function=_function(program), commands=" ".join(words), cases=cases)


def _zsh(program: str, words: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {name}) compadd -- {' '.join(own)} ;;" for name, own in words.items())
    return ZSH.format(program=program, function=_function(program), commands=" ".join(words), cases=cases)


def _fish(program: str, words: dict[str, list[str]]) -> str:
    lines = [f"complete -c {program} -n __fish_use_subcommand -f -a '{' '.join(words)}'"]
    lines += [
        f"complete -c {program} -n '__fish_seen_subcommand_from {name}' -a '{' '.join(own)}'"
        for name, own in words.items()
        if own
    ]
    return "\n".join(lines) + "\n"


def _function(program: str) -> str:
    return f"complete_{program.replace('-', '_')}"


SHELLS = {"bash": _bash, "fish": _fish, "zsh": _zsh}
