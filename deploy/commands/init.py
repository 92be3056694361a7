"""`deploy init [FUNCTION]`: writes a .env file to fill in, with all settings, and the deployer's policy."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError
from deploy.infrastructure.policy import policy
from deploy.target.arn import parse_function
from deploy.target.environment import read_target
from deploy.target.sdk import SDK_SETTINGS
from deploy.target.settings import SETTINGS
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context
    from deploy.target.setting import Setting

EXAMPLE = "init my-function -o my-function.env"
FILE = Path(".env")
POLICY = Path("deploy-policy.json")
WIDTH = 100  # columns
FUNCTION = "_LAMBDA_FUNCTION_ARN"
CREDENTIALS = ("_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY")
IGNORED = {".env", "/.env", "*.env", ".env*", ".*"}  # lines of a .gitignore

HEAD = """\
# The settings and the config of one function, for --env-file. Keep it out of git: it will hold secrets.
# A line that begins with # is a comment: remove that sign from a setting to use it.

# --- which function, and who deploys it ---
"""
CONFIG = """
# --- the function's config: each variable without an underscore at its beginning is baked ---

#GREETING=hello
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the function."""
    parser.add_argument(
        "function", metavar="FUNCTION", nargs="?", help="the function's ARN, or its name without the policy"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, default=FILE, help=f"where to; {FILE} by default"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Write the file, readable by its owner alone, and beside it the policy if an ARN is given."""
    report, file = context.report, options.output
    function = _check(options.function) if options.function else ""
    policy_file = file.with_name(POLICY.name) if function.startswith("arn:") else None
    for path in filter(None, (file, policy_file)):
        if os.path.lexists(path):
            raise _there(path)
    _write(file, _content(function), mode=0o600)
    report.step(f"Wrote {printable(str(file))}: fill in what is missing there")
    written = {"env_file": str(file), "policy": None}
    if policy_file:
        target = read_target({FUNCTION: function, **dict.fromkeys(CREDENTIALS, "none")}, context.slug)
        _write(policy_file, json.dumps(policy(target), indent=2) + "\n", mode=0o644)
        report.step(f"Wrote {printable(str(policy_file))}: the least that the deployer has to be allowed")
        written["policy"] = str(policy_file)
    if _is_in_git(file):
        report.notice(
            f"{printable(file.name)} is not in .gitignore, and it will hold secrets.\n"
            f"Add this line: /{printable(file.name)}"
        )
    report.detail(f"Then check the set-up: `deploy doctor --env-file {printable(str(file))}`")
    report.document(written)
    return 0


def _check(text: str) -> str:
    try:
        parse_function(text)
    except ValueError as error:
        raise InputError(f"The function {error}.", todo=f"Such as {SETTINGS['function'].example}") from None
    return text


def _content(function: str) -> str:
    first, *others = SETTINGS.values()
    sdk = {each.name: each for each in SDK_SETTINGS}
    lines = [
        HEAD,
        _comment(first),
        f"{FUNCTION}={function}\n" if function else f"#{FUNCTION}={first.example}\n",
    ]
    for name in CREDENTIALS:
        lines += ["", _comment(sdk[name]), f"{name}=\n"]
    lines += ["", "# --- everything else that can be set, each with an example ---\n"]
    for each in (*(one for one in SDK_SETTINGS if one.name not in CREDENTIALS), *others):
        lines += ["", _comment(each), f"#{each.name}={each.example}\n"]
    return "\n".join(line.rstrip("\n") for line in lines) + "\n" + CONFIG


def _comment(setting: Setting) -> str:
    text = setting.meaning.replace("`", "")
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _write(path: Path, content: str, *, mode: int) -> None:
    shown = printable(str(path))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(content)
    except FileExistsError:
        raise _there(path) from None
    except OSError as error:
        raise DeployError(f"{shown} can't be written: {error.strerror}.") from None


def _there(path: Path) -> InputError:
    return InputError(
        f"{printable(str(path))} exists already, and stays as it is.",
        todo="Name a file in another folder: -o FILE",
    )


def _is_in_git(file: Path) -> bool:
    """Whether git would take the file; where a .gitignore is elsewhere, nobody knows."""
    folder = file.absolute().parent
    if not (folder / ".git").exists():
        return False
    try:
        lines = set((folder / ".gitignore").read_text("utf-8", "replace").split())
    except OSError:
        return True
    return file.name not in lines and f"/{file.name}" not in lines and not (file == FILE and lines & IGNORED)
