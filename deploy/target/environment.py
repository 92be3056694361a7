"""The environment → an App or a Target: the only place where variables are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from deploy.errors import InputError
from deploy.target import parsers
from deploy.target.arn import split_functions
from deploy.target.provenance import Provenance, read_provenance
from deploy.target.sdk import SDK_SETTINGS, find_near_misses, find_region, read_sdk_settings
from deploy.target.setting import Problem, Stage
from deploy.target.settings import NAMES, PREFIX, SETTINGS, Settings, closest
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from deploy.target.arn import FunctionReference

FUNCTION = "_LAMBDA_FUNCTION_ARN"

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
class Role:
    """A role that is assumed with the credentials of the settings, and the external ID that it asks for."""

    arn: str
    external_id: str | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """The account that it is in."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Target(App):
    """One function to deploy, with everything that its deploy needs.

    `sdk` holds the credentials and the AWS SDK's other settings, under the SDK's own names. A function
    in another account, which is only read, is reached by a `role` that is assumed with them. `policy_options`
    are those of `deploy doctor` that print what its deployer, or that role, has to be allowed.
    """

    function: FunctionReference
    region: str
    sdk: Mapping[str, str] = field(repr=False)
    role: Role | None = None
    policy_options: str = "--policy"

    @property
    def object_prefix(self) -> str:
        """What the keys of all objects of this function's deploys begin with."""
        return f"{self.settings.s3_prefix}{self.function.name}-"

    @property
    def base_prefix(self) -> str:
        """What the keys of all bases in the bucket begin with, whichever function they are for."""
        return f"{self.settings.s3_prefix}bases/"


def read_app(
    variables: Mapping[str, str], slug: Path, stages: Iterable[Stage] = ("config", "release")
) -> App:
    """Read what needs no AWS; raises InputError with all problems of these stages at once."""
    settings, problems = read_settings(next(_for_each_function(variables)))
    relevant = [problem for problem in problems if problem.stage in stages]
    if relevant:
        raise explain_problems(relevant)
    return _app(variables, slug, settings)


def read_target(variables: Mapping[str, str], slug: Path) -> Target:
    """Read everything that a deploy of one function needs; raises InputError with all problems at once."""
    target, problems = _read_target(variables, slug)
    if target is None:
        raise explain_problems(problems)
    return target


def read_targets(variables: Mapping[str, str], slug: Path) -> tuple[Target, ...]:
    """Read a target for each function that is named; raises InputError with all problems at once."""
    targets: list[Target] = []
    problems: dict[Problem, None] = {}
    for each in _for_each_function(variables):
        target, wrong = _read_target(each, slug)
        problems |= dict.fromkeys(wrong)
        if target is not None and any(_is_same(target, other) for other in targets):
            problems[Problem(FUNCTION, f"names {target.function.name} twice")] = None
        targets += [target] if target else []
    if len(targets) > 1 and "{name}" in (targets[0].settings.config_from or ""):
        what = "holds {name}, and there are several functions, which get the same package"
        problems[Problem("_LAMBDA_CONFIG_FROM", what, "ssm:/my-app/")] = None
    if len(targets) > 1 and targets[0].settings.shares_group:
        problems[SHARED_GROUP] = None
    if problems:
        raise explain_problems(list(problems))
    return tuple(targets)


def _for_each_function(variables: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield the variables as they would be for each function alone; once if there is none."""
    names = split_functions(variables.get(FUNCTION, ""))
    if len(names) < 2:  # noqa: PLR2004
        yield variables
        return
    for name in names:
        yield {**variables, FUNCTION: name}


def _is_same(one: Target, other: Target) -> bool:
    accounts = {one.function.account, other.function.account} - {None}
    is_same_place = one.region == other.region and len(accounts) < 2  # noqa: PLR2004
    return is_same_place and one.function.name == other.function.name


def _read_target(variables: Mapping[str, str], slug: Path) -> tuple[Target | None, list[Problem]]:
    settings, problems = read_settings(variables)
    sdk, sdk_problems = read_sdk_settings(variables)
    region, region_problems = find_region(sdk, settings.function)
    function = settings.function
    if function is None and not any(each.name == FUNCTION for each in problems):
        problems.insert(0, Problem(FUNCTION, "is not set"))
    problems = [each for each in problems if each.stage != "build"] + sdk_problems + region_problems
    if problems or function is None:
        return None, problems
    app = _app(variables, slug, settings)
    return Target(**vars(app), function=function, region=region, sdk=sdk), []


SHARED_GROUP = Problem(
    "_LAMBDA_CODEDEPLOY",
    "names one group for several functions, and a group makes one deployment at a time: `{name}` in it "
    "stands for the function's name",
    "{name}/live",
)

# Settings that make no sense without another one: those of which one is missing, why, and those that ask.
REQUIRED_BY = (
    (("verify_payload",), "", ("verify_expect",)),
    (
        ("alias", "version"),
        ": versions are published for an alias or a name alone",
        ("verify_payload", "verify_expect", "keep_versions"),
    ),
    (("s3_bucket",), "", ("s3_prefix", "s3_kms_key_id")),
    (("alias",), ": it is the traffic of an alias that is shifted", ("shift",)),
    (("shift",), "", ("codedeploy", "hook_before", "hook_after")),
)


def read_settings(variables: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """Parse all settings; a setting that is wrong has its default, and is among the problems."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    given: set[str] = set()
    for name, setting in SETTINGS.items():
        # Pasted values often end in a blank or a line break, which none of the settings can mean.
        text = variables.get(setting.name, "").strip()
        if not text:
            continue
        given.add(name)
        try:
            values[name] = setting.parse(text)
        except ValueError as error:
            problems.append(Problem(setting.name, str(error), stage=setting.stage))
    problems += _alias_problems(values, given)
    problems += _artifact_problems(values)
    for missing, why, askers in REQUIRED_BY:
        asking = [SETTINGS[asker].name for asker in askers if asker in given]
        if asking and given.isdisjoint(missing):
            wrong = f"is not set, but {' and '.join(asking)} {'is' if len(asking) == 1 else 'are'}{why}"
            problems.append(Problem(SETTINGS[missing[0]].name, wrong))
    problems += _unknown_settings(variables)
    return Settings(**values), problems


def _alias_problems(values: dict[str, Any], given: set[str]) -> list[Problem]:
    """Take the qualifier of the function's ARN for the alias."""
    function: FunctionReference | None = values.get("function")
    if values.get("reconcile_repairs") and "alias" not in given and not (function and function.qualifier):
        wrong = "is `repair`, but _LAMBDA_ALIAS is not set: without one, drift is only reported"
        return [Problem("_LAMBDA_RECONCILE", wrong)]
    qualifier = function.qualifier if function else None
    if qualifier is None or qualifier == "$LATEST":
        return []
    alias = values.get("alias")
    given.add("alias")
    values["alias"] = qualifier
    if not parsers.ALIAS.fullmatch(qualifier):
        wrong = "ends in a version, which can't be changed: name an alias, or leave it out"
        return [Problem("_LAMBDA_FUNCTION_ARN", wrong)]
    if alias and alias != qualifier:
        wrong = "names a different alias from the one that _LAMBDA_FUNCTION_ARN ends in"
        return [Problem("_LAMBDA_ALIAS", wrong)]
    return []


def _artifact_problems(values: dict[str, Any]) -> list[Problem]:
    """Return a problem if the older name of the artifact's setting names another artifact."""
    artifact, jar_file = values.get("artifact"), values.get("jar_file")
    if not artifact or not jar_file or artifact == jar_file:
        return []
    wrong = "names one path, and _LAMBDA_JAR_FILE, which is its older name, another: remove that one"
    return [Problem("_LAMBDA_ARTIFACT", wrong, stage="build")]


def _unknown_settings(variables: Mapping[str, str]) -> list[Problem]:
    """Return a problem for each `_LAMBDA_…` variable that is not a setting."""
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in NAMES)
    problems = []
    for name in unknown:
        close = closest(name, NAMES)
        hint = f" (did you mean {close}?)" if close else " of this version: remove it"
        problems.append(Problem(printable(name), f"is not a setting{hint}", stage="config"))
    return problems


def _app(variables: Mapping[str, str], slug: Path, settings: Settings) -> App:
    notices = tuple(find_near_misses(variables))
    return App(slug, settings, variables, read_provenance(variables), kind_of_dyno(variables), notices)


def kind_of_dyno(variables: Mapping[str, str]) -> Dyno:
    """Return what runs this process: a formation dyno is started again whenever it ends."""
    dyno = variables.get("DYNO", "")
    if FORMATION_DYNO.fullmatch(dyno):
        return "formation"
    return "release" if dyno.startswith("release.") else "other"


def explain_problems(problems: list[Problem], todo: str = "") -> InputError:
    """Return the error for settings that are missing or wrong; `todo` is what to do if this is no app's."""
    examples = {setting.name: setting.example for setting in (*SETTINGS.values(), *SDK_SETTINGS)}
    lines = []
    for problem in problems:
        lines.append(f"{problem.name} {problem.wrong}.")
        if example := problem.example or examples.get(problem.name, ""):
            lines.append(f"  For example: {problem.name}={example}")
    count = "One setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    # A build reads no .env file.
    where, again = ", in the environment or in the .env file", "run again"
    if all(problem.stage == "build" for problem in problems):
        where, again = " or in the environment of the build", "push or build again"
    return InputError(
        f"{count} missing or wrong.",
        why="\n".join(lines),
        todo=todo or f"Correct it among the app's config vars{where}, wherever it is set, and {again}.",
    )
