"""Config: which variables of the environment are the function's, and which are left out, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class DynoVariables:
    """Variables that are not the owner's but are set by the same hand, as glob patterns."""

    reason: str
    names: tuple[str, ...]


# Two things make a name belong here: its value means nothing outside the dyno, or it varies from dyno
# to dyno and from release to release, so that the same config would make another package each time.
DYNO_VARIABLES = (
    DynoVariables(
        "set by the platform for each dyno",
        (
            "DYNO",
            "DYNO_RAM",
            "HEROKU_DYNO_ID",
            "HEROKU_METRICS_URL",
            "HOME",
            "HOSTNAME",
            "LOGNAME",
            "PORT",
            "STACK",
            "TMPDIR",
            "USER",
            "DOKKU_*",
        ),
    ),
    DynoVariables(
        "set by the platform for each release",
        (
            "HEROKU_BUILD_DESCRIPTION",
            "HEROKU_RELEASE_CREATED_AT",
            "HEROKU_RELEASE_VERSION",
            "HEROKU_SLUG_DESCRIPTION",
        ),
    ),
    DynoVariables(
        "set by the shell or the terminal",
        (
            "BASH",
            "BASHOPTS",
            "BASH_*",
            "COLORTERM",
            "COLUMNS",
            "LANG",
            "LC_*",
            "LINES",
            "LS_COLORS",
            "OLDPWD",
            "PS1",
            "PS2",
            "PS4",
            "PWD",
            "SHELL",
            "SHELLOPTS",
            "SHLVL",
            "SSH_AUTH_SOCK",
            "SSH_CLIENT",
            "SSH_CONNECTION",
            "SSH_TTY",
            "TERM",
        ),
    ),
    DynoVariables(
        "changed by the shell that starts the deploy",
        (
            "COMP_WORDBREAKS",
            "EPOCHREALTIME",
            "EPOCHSECONDS",
            "HISTCMD",
            "IFS",
            "LINENO",
            "OPTERR",
            "OPTIND",
            "PPID",
            "RANDOM",
            "SECONDS",
            "SRANDOM",
        ),
    ),
    DynoVariables(
        "set by the language buildpacks: where programs and libraries lie in the dyno",
        (
            "CPATH",
            "CPPPATH",
            "INCLUDE_PATH",
            "LD_LIBRARY_PATH",
            "LD_PRELOAD",
            "LIBRARY_PATH",
            "PATH",
            "PKG_CONFIG_PATH",
        ),
    ),
    DynoVariables(
        "set by the language buildpacks: fitted to the size of the dyno",
        ("MALLOC_ARENA_MAX", "MEMORY_AVAILABLE", "WEB_CONCURRENCY", "WEB_MEMORY"),
    ),
    DynoVariables("set by heroku/nodejs", ("NODE_HOME",)),
    DynoVariables(
        "set by heroku/jvm, heroku/java and heroku/gradle",
        ("JAVA_HOME", "JAVA_OPTS", "JAVA_TOOL_OPTIONS"),
    ),
    DynoVariables(
        "set by heroku/python",
        (
            "FORWARDED_ALLOW_IPS",
            "GUNICORN_CMD_ARGS",
            "PYTHONEXECUTABLE",
            "PYTHONHASHSEED",
            "PYTHONHOME",
            "PYTHONPATH",
            "PYTHONUNBUFFERED",
        ),
    ),
)

# heroku/nodejs adds its metrics plugin in some dynos and not in others; in Lambda, Node.js would look for
# it in vain and not start.
NODEJS_PLUGIN = re.compile(r"\s*--require[ =]\S*/\.heroku/heroku-nodejs-plugin\S*")

NODEJS_REASON = "set by heroku/nodejs"
SETTING_REASON = "a setting of the deploy: its name starts with _"
EXCLUDE_REASON = "excluded by _LAMBDA_CONFIG_EXCLUDE"


@dataclass(frozen=True)
class LeftOut:
    """A variable that is not baked, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Config:
    """The config vars to bake, sorted by name, and what was left out of the environment."""

    baked: Mapping[str, str] = field(repr=False)
    left_out: tuple[LeftOut, ...]


def select(
    environment: Mapping[str, str], *, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> Config:
    """Choose the config vars among the variables of an environment.

    `include` brings dyno variables back and `exclude` leaves config vars out, both as glob patterns;
    exclude wins, and nothing brings back a name that starts with `_`. Bytes that are not UTF-8 stand
    in names and values as surrogates (PEP 383); raises InputError where one would be baked.
    """
    include, exclude = tuple(include), tuple(exclude)
    baked: dict[str, str] = {}
    left_out: list[LeftOut] = []
    for name in sorted(environment):
        reason = _reason_to_leave_out(name, include, exclude)
        value = _owners_part(name, environment[name])
        if value is None:
            reason = reason or NODEJS_REASON
        if reason:
            left_out.append(LeftOut(name, reason))
        elif value is not None:
            baked[name] = value
    _refuse_invalid_text(baked)
    return Config(baked, tuple(left_out))


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Give what must not be shown: all but the variables of the dyno, config or not."""
    return {
        name: value
        for name, value in environment.items()
        if not any(_matches(name, group.names) for group in DYNO_VARIABLES)
    }


def _reason_to_leave_out(name: str, include: tuple[str, ...], exclude: tuple[str, ...]) -> str | None:
    if name.startswith("_"):
        return SETTING_REASON
    if _matches(name, exclude):
        return EXCLUDE_REASON
    if _matches(name, include):
        return None
    return next((group.reason for group in DYNO_VARIABLES if _matches(name, group.names)), None)


def _owners_part(name: str, value: str) -> str | None:
    """Take out of a config var what a buildpack adds to it in the dyno; None where that is all of it."""
    if name != "NODE_OPTIONS":
        return value
    owners = NODEJS_PLUGIN.sub("", value)
    return None if value and not owners else owners


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_invalid_text(baked: Mapping[str, str]) -> None:
    invalid_names = [name for name in baked if not _is_text(name)]
    invalid_values = [name for name in baked if _is_text(name) and not _is_text(baked[name])]
    if not invalid_names and not invalid_values:
        return
    what = [f"The name of the config var {printable(name)} is not valid UTF-8." for name in invalid_names]
    what += [f"The value of the config var {printable(name)} is not valid UTF-8." for name in invalid_values]
    raise InputError(
        "\n".join(what),
        why="No format of the baked config files can hold it: all of them hold text.",
        todo="Set it again as text, for binary data in base64, or leave it out with _LAMBDA_CONFIG_EXCLUDE.",
    )


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
