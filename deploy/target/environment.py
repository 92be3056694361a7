"""The environment → an App or a Target: the only place where variables are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deploy.errors import InputError
from deploy.target.provenance import Provenance, read_provenance
from deploy.target.sdk import SDK_SETTINGS, find_near_misses, find_region, read_sdk_settings
from deploy.target.settings import SETTINGS, Problem, Settings, Stage, read_settings
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from deploy.target.arn import FunctionReference

SETTING_PREFIXES = ("_AWS_", "_LAMBDA_", "_HTTPS_PROXY", "_NO_PROXY")
PROXIES = ("HTTPS_PROXY", "NO_PROXY")

Dyno = Literal["formation", "release", "other"]

# https://devcenter.heroku.com/articles/dynos#local-environment-variables: DYNO is `<type>.<number>`, and
# one-off dynos, the scheduler's and the release phase's have types of their own. Dokku's cron has, too.
FORMATION_DYNO = re.compile(r"(?!(?:run|release|scheduler|cron)\.)[A-Za-z0-9_-]+\.[0-9]{1,4}")


@dataclass(frozen=True)
class App:
    """What is deployed, wherever to: a slug, the variables of its environment, and how they are baked.

    `notices` point out variables that may be meant as settings.
    """

    slug: Path
    settings: Settings
    variables: Mapping[str, str] = field(repr=False)
    provenance: Provenance
    dyno: Dyno
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Target(App):
    """One function to deploy, with everything that its deploy needs.

    `sdk` holds the credentials and whatever else the AWS SDK is told, under the SDK's own names.
    """

    function: FunctionReference
    region: str
    sdk: Mapping[str, str] = field(repr=False)

    @property
    def object_prefix(self) -> str:
        """What the keys of all objects of this function's deploys begin with."""
        return f"{self.settings.s3_prefix}{self.function.name}-"


def read_app(
    variables: Mapping[str, str], slug: Path, stages: Iterable[Stage] = ("config", "release")
) -> App:
    """Read what needs no AWS; raises InputError with all problems of these stages at once."""
    settings, problems = read_settings(variables)
    relevant = [problem for problem in problems if problem.stage in stages]
    if relevant:
        raise _explain(relevant)
    return _app(variables, slug, settings)


def read_target(variables: Mapping[str, str], slug: Path) -> Target:
    """Read everything that a deploy needs; raises InputError with all problems at once."""
    settings, problems = read_settings(variables)
    sdk, sdk_problems = read_sdk_settings(variables)
    region, region_problems = find_region(sdk, settings.function)
    function = settings.function
    if function is None and not any(each.name == "_LAMBDA_FUNCTION_ARN" for each in problems):
        problems.insert(0, Problem("_LAMBDA_FUNCTION_ARN", "is not set"))
    problems = [each for each in problems if each.stage != "build"] + sdk_problems + region_problems
    if problems or function is None:
        raise _explain(problems)
    app = _app(variables, slug, settings)
    return Target(**vars(app), function=function, region=region, sdk=sdk)


def _app(variables: Mapping[str, str], slug: Path, settings: Settings) -> App:
    notices = tuple(find_near_misses(variables))
    return App(slug, settings, variables, read_provenance(variables), kind_of_dyno(variables), notices)


def kind_of_dyno(variables: Mapping[str, str]) -> Dyno:
    """Return what runs this process: a formation dyno is started again whenever it ends."""
    dyno = variables.get("DYNO", "")
    if FORMATION_DYNO.fullmatch(dyno):
        return "formation"
    return "release" if dyno.startswith("release.") else "other"


def _explain(problems: list[Problem]) -> InputError:
    examples = {setting.name: setting.example for setting in (*SETTINGS.values(), *SDK_SETTINGS)}
    lines = []
    for problem in problems:
        lines.append(f"{problem.name} {problem.wrong}.")
        if example := problem.example or examples.get(problem.name, ""):
            lines.append(f"  For example: {problem.name}={example}")
    count = "One setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    return InputError(
        f"{count} missing or wrong. Nothing was changed.",
        why="\n".join(lines),
        todo="Correct it on the app (`heroku config:set NAME=value`, `heroku config:unset NAME`) or in the "
        ".env file, and run again.",
    )


# --- .env files -----------------------------------------------------------------------------------


def read_env_file(path: Path, process: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a .env file, and the settings of the process, which win over those in it.

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
    values = {each.key: each.value for each in bindings if each.key and each.value is not None}
    if impossible := sorted(name for name, value in values.items() if "\0" in f"{name}{value}"):
        raise InputError(
            f"{shown} has values with a NUL character, which no environment variable can hold.",
            why=f"Look at {', '.join(map(printable, impossible))}.",
        )
    settings = {name: value for name, value in process.items() if name.startswith(SETTING_PREFIXES)}
    for name in PROXIES:
        # On a laptop the process's own proxy is the way out; in a dyno it is config of the function.
        if proxy := process.get(name) or process.get(name.lower()):
            settings.setdefault(f"_{name}", proxy)
    return values | settings
