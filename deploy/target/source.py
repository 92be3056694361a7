"""Where the variables come from: the process, or a .env file and what of the process is the deploy's.

A variable of the process that is meant for the deploy, and not for the function, gets a name that starts with
`_`, as if it had been set so: it is a setting, never baked and never shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.arn import split_functions
from deploy.target.profile import find_region_of
from deploy.target.provenance import CI_VARIABLES
from deploy.target.sdk import (
    CONFIG_FILE,
    CREDENTIALS_FILE,
    KEYS,
    METADATA_DISABLED,
    PROFILES,
    REGIONS,
    ROLE,
    ROLE_SESSION,
    SESSION_TOKEN,
    TOKEN_FILE,
)
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Set by Heroku and Dokku, by our own start script and layer, by herokuish, the lifecycle of Cloud Native
# Buildpacks, Scalingo, Clever Cloud, Cloud Foundry and Gigalixir.
MARKS = """
DYNO _DEPLOY_STARTED_WITH _DEPLOY_IMAGE DOKKU_APP_NAME HEROKUISH_* CNB_* SCALINGO_APPLICATION_ID
CC_DEPLOYMENT_ID VCAP_APPLICATION LOGPLEX_TOKEN
""".split()

PROXIES = ("HTTPS_PROXY", "NO_PROXY")
NEWER_REGION_FIRST = REGIONS[::-1]  # which wins

# What the SDK looks at for credentials, in the order of its documentation:
# https://docs.aws.amazon.com/boto3/latest/guide/credentials.html
IN_VARIABLES = (*KEYS, SESSION_TOKEN, TOKEN_FILE, *PROFILES)
OF_A_ROLE = (ROLE, ROLE_SESSION)
DEFAULT_FILES = {CONFIG_FILE: ".aws/config", CREDENTIALS_FILE: ".aws/credentials"}
MACHINE = """
AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_EC2_METADATA_SERVICE_ENDPOINT
AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE AWS_EC2_METADATA_V1_DISABLED AWS_METADATA_SERVICE_TIMEOUT
AWS_METADATA_SERVICE_NUM_ATTEMPTS
""".split()

QUOTED = re.compile(r"\s*(export\s+)?[^=\s]+[ \t]*=[ \t]*['\"]")
QUOTE_IS_WRONG = ": the quote that begins there is not closed, or text follows the closing one"


@dataclass(frozen=True)
class Credentials:
    """Whose credentials an option asks for instead of the settings': a profile's, or the usual ones."""

    profile: str | None = None
    default: bool = False

    def __bool__(self) -> bool:
        """Whether an option asks for any."""
        return self.default or self.profile is not None


def is_platform(variables: Mapping[str, str]) -> bool:
    """Whether a process with these variables runs in a dyno, or in a container of a known platform."""
    return any(fnmatchcase(name, mark) for mark in MARKS for name in variables)


def check_source(variables: Mapping[str, str]) -> None:
    """Raise InputError if nobody has said that the variables of this process are config.

    On a laptop and in a CI runner most of them belong to the machine, some of them secrets (GITHUB_TOKEN).
    """
    if not is_platform(variables):
        raise InputError(
            "This is not a dyno, so the variables of this process may not be the function's config.",
            why="Everything that does not start with _ would be baked: tokens of this machine, too.",
            todo="Name a file that holds the config: --env-file FILE\n"
            "If this environment is the config, as in a container made for it: --env-from-process",
        )


def read_env_file(
    path: Path, process: Mapping[str, str], credentials: Credentials = Credentials()
) -> dict[str, str]:
    """Return the variables of a .env file, and the settings of the process, which win over those in it.

    Of the process's other variables those count that concern the deploy: the proxy, what CI says of the
    commit, and the credentials that an option asks for. Raises InputError if the file is wrong.
    """
    return _with_credentials(parse_env_file(path) | _settings(process), process, credentials)


def parse_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a .env file.

    Values are taken literally: a password that holds ${…} means just that. Raises InputError if the file
    can't be read, or has a line that is not NAME=value, or a NUL.
    """
    from dotenv.parser import parse_stream

    shown = printable(str(path))
    try:
        with path.open(encoding="utf-8", newline="") as stream:  # a carriage return in a value is meant
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text.") from None
    wrong = [
        each.original for each in bindings if each.error or (each.key is not None and each.value is None)
    ]
    if wrong:
        lines = [f"Line {each.line}{QUOTE_IS_WRONG * bool(QUOTED.match(each.string))}." for each in wrong]
        raise InputError(
            f"{shown} has lines that are not NAME=value.",
            why="\n".join(lines),
            todo="Quote values with blanks or line breaks: NAME='a value'. In them, the quote itself is \\'.",
        )
    values = {each.key: each.value for each in bindings if each.key and each.value is not None}
    if impossible := sorted(name for name, value in values.items() if "\0" in f"{name}{value}"):
        raise InputError(
            f"{shown} has values with a NUL character, which no environment variable can hold.",
            why=f"Look at {', '.join(map(printable, impossible))}.",
        )
    return values


def read_settings(process: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """Return the settings of the process, and the credentials that an option asks for; no config."""
    return _with_credentials(_settings(process), process, credentials)


def _settings(process: Mapping[str, str]) -> dict[str, str]:
    settings = {name: value for name, value in process.items() if name.startswith("_")}
    for name in PROXIES:
        # On a laptop the process's own proxy is the way out; in a dyno it is config of the function.
        if proxy := process.get(name) or process.get(name.lower()):
            settings.setdefault(f"_{name}", proxy)
    for name in CI_VARIABLES:
        if text := process.get(name):
            settings.setdefault(f"_{name}", text)
    return settings


def _with_credentials(
    variables: dict[str, str], process: Mapping[str, str], credentials: Credentials
) -> dict[str, str]:
    """Return the variables with the credentials that an option asks for in place of any other.

    A role in the settings stays: it is assumed with these credentials.
    """
    if not credentials:
        return variables
    others = {f"_{name}" for name in (*IN_VARIABLES, *DEFAULT_FILES, *MACHINE, METADATA_DISABLED)}
    kept = {name: value for name, value in variables.items() if name not in others}
    kept |= {f"_{name}": value for name, value in _handed_down(process, credentials)}
    if not credentials.profile and f"_{TOKEN_FILE}" in kept:
        kept = {f"_{name}": process[name] for name in OF_A_ROLE if process.get(name)} | kept
    functions = split_functions(variables.get("_LAMBDA_FUNCTION_ARN", ""))
    name_regions = bool(functions) and all(function.startswith("arn:") for function in functions)
    if not name_regions and not any(variables.get(f"_{name}") for name in REGIONS):
        kept |= _region(process, kept, credentials)
    return kept


def _region(
    process: Mapping[str, str], settings: Mapping[str, str], credentials: Credentials
) -> dict[str, str]:
    """Return the region as the AWS CLI finds it: AWS_REGION wins over the older name, and both over files."""
    if name := next((name for name in NEWER_REGION_FIRST if process.get(name)), ""):
        return {f"_{name}": process[name]}
    named = (text for name in PROFILES if (text := settings.get(f"_{name}")))
    profile = credentials.profile or next(named, "default")
    region = find_region_of(profile, *(settings.get(f"_{file}", "") for file in DEFAULT_FILES))
    return {"_AWS_DEFAULT_REGION": region} if region else {}


def _handed_down(process: Mapping[str, str], credentials: Credentials) -> Iterator[tuple[str, str]]:
    names = MACHINE if credentials.profile else (*IN_VARIABLES, *MACHINE)
    for name in names:
        if process.get(name):
            yield name, process[name]
    for name, path in DEFAULT_FILES.items():
        if place := process.get(name) or (process.get("HOME") and f"{process['HOME']}/{path}"):
            yield name, place
    if credentials.profile:
        yield "AWS_PROFILE", credentials.profile
    else:
        yield METADATA_DISABLED, process.get(METADATA_DISABLED) or "false"
