"""Formats: config vars → the bytes of a baked file, chosen by the file's extension.

Each format gives back every value exactly, to the reader named in its docstring. All of them are
deterministic: the same config vars make the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ConfigFile:
    """A file to bake: its path in the package, its bytes and its permissions.

    `reserved` names the config vars that it leaves to the Lambda runtime.
    """

    name: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    reserved: tuple[str, ...] = ()


def encode(file_name: str, baked: Mapping[str, str]) -> ConfigFile:
    """Bake config vars into a file whose extension, one of settings.CONFIG_FORMATS, is its format.

    Raises InputError for a config var that the format can't hold.
    """
    baked = dict(sorted(baked.items()))
    extension = PurePosixPath(file_name).suffix
    if extension == ".properties":
        return ConfigFile(file_name, _properties(baked))
    if extension == ".json":
        return ConfigFile(file_name, _json(baked))
    return _shell(file_name, baked)


def variables(file_name: str, content: bytes) -> dict[str, str]:
    """Return the config vars in a baked file.

    Raise ValueError unless `encode` writes exactly these bytes: what looks like a name in a file of someone
    else's may be a part of a value.
    """
    text = content.decode("utf-8")
    extension = PurePosixPath(file_name).suffix
    if extension == ".properties":
        baked = _read_properties(text)
    elif extension == ".json":
        baked = _read_json(text)
    else:
        baked = _read_shell(text)
    try:
        is_ours = encode(file_name, baked).content == content
    except InputError:
        is_ours = False
    if not is_ours:
        raise ValueError(file_name)
    return baked


# --- *.properties ---------------------------------------------------------------------------------

PLAIN_ASCII = range(0x20, 0x7F)
PROPERTIES_LINE = re.compile(r"((?:[^\\=]|\\.)*)=(.*)")
PROPERTIES_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\(.)")
PROPERTIES_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
PROPERTIES_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
PROPERTIES_BLANKS = {" ": "\\ ", "\t": "\\t", "\f": "\\f"}
PROPERTIES_NAME_ESCAPES = {**PROPERTIES_ESCAPES, **PROPERTIES_BLANKS, "=": "\\=", ":": "\\:"}


def _properties(baked: Mapping[str, str]) -> bytes:
    """Write what java.util.Properties.load reads; pure ASCII, so the reader's charset does not matter.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
    As little as possible is escaped, for simpler readers undo little: `=`, `:`, `#` and `!` in a
    value and blanks within it mean nothing to load() and stay as they are.
    """
    lines = (f"{_properties_name(name)}={_properties_value(value)}\n" for name, value in baked.items())
    return "".join(lines).encode("ascii")


def _properties_name(name: str) -> str:
    escaped = "".join(_properties_character(c, PROPERTIES_NAME_ESCAPES) for c in name)
    return f"\\{escaped}" if escaped.startswith(("#", "!")) else escaped


def _properties_value(value: str) -> str:
    # load() drops the blanks before a value, but none after one that is escaped.
    first = PROPERTIES_BLANKS.get(value[:1])
    rest = value[1:] if first else value
    return (first or "") + "".join(_properties_character(c, PROPERTIES_ESCAPES) for c in rest)


def _properties_character(character: str, escapes: Mapping[str, str]) -> str:
    if character in escapes:
        return escapes[character]
    if ord(character) in PLAIN_ASCII or character in PROPERTIES_BLANKS:
        return character
    utf_16 = character.encode("utf-16-be")
    units = (utf_16[i : i + 2].hex() for i in range(0, len(utf_16), 2))
    return "".join(f"\\u{unit}" for unit in units)


def _read_properties(text: str) -> dict[str, str]:
    pairs = (PROPERTIES_LINE.fullmatch(line) for line in text.split("\n"))
    return {_unescaped(found[1]): _unescaped(found[2]) for found in pairs if found}


def _unescaped(text: str) -> str:
    units = PROPERTIES_ESCAPE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else PROPERTIES_CONTROLS.get(found[2], found[2]),
        text,
    )
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


# --- *.json ---------------------------------------------------------------------------------------


def _json(baked: Mapping[str, str]) -> bytes:
    """Write one object of strings in UTF-8, for JSON.parse, require() and json.load (RFC 8259)."""
    return f"{json.dumps(dict(baked), ensure_ascii=False, indent=2)}\n".encode()


def _read_json(text: str) -> dict[str, str]:
    try:
        parsed = json.loads(text)
    except RecursionError:
        parsed = None
    if not isinstance(parsed, dict) or not all(isinstance(value, str) for value in parsed.values()):
        raise ValueError("no object of strings")
    return parsed


# --- *.sh -----------------------------------------------------------------------------------------

# Reserved environment variables, and those that the runtime sets for the function's role and tracing:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart-best-practices.html (container credentials)
RESERVED_BY_LAMBDA = tuple(
    """
    AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_CONTAINER_* AWS_DEFAULT_REGION AWS_EXECUTION_ENV AWS_LAMBDA_*
    AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SECRET_KEY AWS_SECURITY_TOKEN AWS_SESSION_TOKEN
    AWS_XRAY_DAEMON_ADDRESS LAMBDA_* _HANDLER _X_AMZN_TRACE_ID
""".split()
)

SHELL_EXPORT = re.compile(r"export ([A-Za-z_][A-Za-z0-9_]*)='((?:[^']+|'\\'')*)'\n")
SHELL_NOT_EXPORTED = "# Not exported, the Lambda runtime owns them: "
QUOTE_IN_SHELL = "'\\''"
SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# bash, which is /bin/sh where Lambda runs, keeps these for itself: read-only, counted, arrays that are
# not exported, evaluated as arithmetic when they are set, or another name for $0. OPTIND is dash's too.
KEPT_BY_SHELL = frozenset(
    """
    BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND BASH_LINENO
    BASH_SOURCE BASH_SUBSHELL BASH_VERSINFO DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS
    HISTCMD LINENO OPTIND PIPESTATUS PPID RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID
""".split()
)

# execve(2): one string of the environment, `NAME=value` and its final NUL, in bytes (MAX_ARG_STRLEN),
# and all strings and their pointers, a quarter of the usual 8 MiB stack. What the runtime itself
# passes needs a part of it.
LONGEST_STRING = 128 * 1024
LARGEST_ENVIRONMENT = 2 * 1024 * 1024 - 256 * 1024
POINTER = 8


def _shell(file_name: str, baked: Mapping[str, str]) -> ConfigFile:
    """Write a POSIX script that exports the config vars, and runs its arguments where it has any.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper (its use)
    """
    reserved = tuple(name for name in baked if _is_reserved(name))
    exported = {name: value for name, value in baked.items() if name not in reserved}
    _refuse_what_no_process_takes(file_name, exported)
    lines = ["#!/bin/sh"]
    if reserved:
        lines.append(f"{SHELL_NOT_EXPORTED}{', '.join(reserved)}")
    lines += [f"export {name}={_quoted(value)}" for name, value in exported.items()]
    # A script that sources this file keeps its own $0 and its own arguments, which are not ours to run.
    lines += [
        'case "${0##*/}" in',
        f'{_quoted(PurePosixPath(file_name).name)}) [ "$#" -eq 0 ] || exec "$@" ;;',
        "esac",
    ]
    return ConfigFile(file_name, "".join(f"{line}\n" for line in lines).encode(), 0o755, reserved)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", QUOTE_IN_SHELL) + "'"


def _read_shell(text: str) -> dict[str, str]:
    """Return what a script exports, and the names of what it does not."""
    baked: dict[str, str] = {}
    _, _, rest = text.partition("\n")
    if rest.startswith(SHELL_NOT_EXPORTED):
        reserved, _, rest = rest.removeprefix(SHELL_NOT_EXPORTED).partition("\n")
        baked = dict.fromkeys(reserved.split(", "), "")
    at = 0
    while found := SHELL_EXPORT.match(rest, at):
        baked[found[1]] = found[2].replace(QUOTE_IN_SHELL, "'")
        at = found.end()
    return baked


def _is_reserved(name: str) -> bool:
    return SHELL_NAME.fullmatch(name) is not None and any(
        fnmatchcase(name, pattern) for pattern in RESERVED_BY_LAMBDA
    )


def _refuse_what_no_process_takes(file_name: str, exported: Mapping[str, str]) -> None:
    wrong = []
    total = 0
    for name, value in exported.items():
        size = len(f"{name}={value}".encode()) + 1
        total += size + POINTER
        if not SHELL_NAME.fullmatch(name):
            wrong.append(f"{printable(name)}: a shell can't export this name.")
        elif name in KEPT_BY_SHELL:
            wrong.append(f"{name}: the shell keeps this name for itself.")
        elif size > LONGEST_STRING:
            wrong.append(
                f"{name}: the value is too long by {size - LONGEST_STRING} bytes: Linux passes no more to a "
                "process (128 KiB with the name)."
            )
    if not wrong and total > LARGEST_ENVIRONMENT:
        wrong.append(
            f"All config vars together take {total} bytes; a process can be given {LARGEST_ENVIRONMENT}."
        )
    if wrong:
        raise InputError(
            f"{file_name} can't hold every config var.",
            why="\n".join(wrong),
            todo="Leave them out with _LAMBDA_CONFIG_EXCLUDE, give them another name, or bake "
            "env.properties or env.json, which take any name and any size, in place of a shell file: "
            "_LAMBDA_CONFIG_FILES=env.json",
        )
