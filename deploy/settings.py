"""Settings: the `_…` variables that steer a deploy, validated all at once.

A setting is never baked. `_LAMBDA_…` settings are ours, `_AWS_X` is what `AWS_X` is to the AWS SDK;
the app's own `AWS_…` config vars belong to the function and are never used for the deploy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.errors import InputError
from deploy.output import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "SETTINGS",
    "ConfigSettings",
    "FunctionReference",
    "FunctionSettings",
    "Setting",
    "parse_function",
    "read_config_settings",
    "read_settings",
    "unknown_settings",
]

PREFIX = "_LAMBDA_"
SDK_PREFIX = "_AWS_"

CONFIG_FORMATS = (".properties", ".json", ".sh")
DEFAULT_CONFIG_FILE = "env.properties"


@dataclass(frozen=True)
class Setting:
    """One row of the README's table of settings, which a test holds against this list."""

    name: str
    example: str
    meaning: str


SETTINGS = (
    Setting(
        "_LAMBDA_FUNCTION_ARN",
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function",
        "Required. The function: its ARN, a partial ARN (`123456789012:function:my-function`) or its name.",
    ),
    Setting(
        "_AWS_ACCESS_KEY_ID",
        "AKIAIOSFODNN7EXAMPLE",
        "Required. The deployer's access key.",
    ),
    Setting(
        "_AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "Required. The deployer's secret key.",
    ),
    Setting(
        "_AWS_DEFAULT_REGION",
        "eu-west-1",
        "The region; needed only where `_LAMBDA_FUNCTION_ARN` does not name it.",
    ),
    Setting(
        "_AWS_…",
        "_AWS_SESSION_TOKEN",
        "Any other `_AWS_X` is what `AWS_X` is to the AWS SDK: `_AWS_SESSION_TOKEN`, "
        "`_AWS_ENDPOINT_URL`, `_AWS_MAX_ATTEMPTS`, `_AWS_CA_BUNDLE`, …",
    ),
    Setting(
        "_LAMBDA_JAR_FILE",
        "target/my-function.jar",
        "Java, at build time: the JAR or ZIP to deploy, a path in the app; found by itself where just "
        "one candidate exists.",
    ),
    Setting(
        "_LAMBDA_CONFIG_FILES",
        "env.properties,env.json,env.sh",
        "The files to bake, by extension; `env.properties` where it is not set.",
    ),
    Setting(
        "_LAMBDA_CONFIG_INCLUDE",
        "PORT,JAVA_*",
        "Glob patterns of dyno variables to bake all the same.",
    ),
    Setting(
        "_LAMBDA_CONFIG_EXCLUDE",
        "*_TEST,PAPERTRAIL_*",
        "Glob patterns of config vars to leave out; wins over include.",
    ),
)


@dataclass(frozen=True)
class FunctionReference:
    """A Lambda function as `_LAMBDA_FUNCTION_ARN` names it, taken apart."""

    name: str
    account: str | None = None
    region: str | None = None
    partition: str | None = None
    qualifier: str | None = None

    @property
    def identifier(self) -> str:
        """The FunctionName that AWS's API takes, without the qualifier."""
        if self.partition and self.region and self.account:
            return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"
        if self.account:
            return f"{self.account}:function:{self.name}"
        return self.name


@dataclass(frozen=True)
class ConfigSettings:
    """Which config vars are baked, and into which files of the package."""

    files: tuple[str, ...] = (DEFAULT_CONFIG_FILE,)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class FunctionSettings:
    """Where to deploy to, and the environment that the AWS SDK gets to see.

    `sdk_environment` holds credentials under the SDK's own names (AWS_ACCESS_KEY_ID, …).
    """

    function: FunctionReference
    region: str
    sdk_environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Problem:
    """What is wrong with one setting; never holds its value."""

    name: str
    wrong: str
    example: str = ""


# --- reading --------------------------------------------------------------------------------------


def read_settings(environment: Mapping[str, str]) -> tuple[FunctionSettings, ConfigSettings]:
    """Read everything that a deploy needs; raises InputError with all problems at once."""
    problems: list[Problem] = []
    function = _read_function_settings(environment, problems)
    config = _read_config_settings(environment, problems)
    if problems or function is None:
        raise _report(problems)
    return function, config


def read_config_settings(environment: Mapping[str, str]) -> ConfigSettings:
    """Read what steers the config alone; raises InputError with all problems at once."""
    problems: list[Problem] = []
    config = _read_config_settings(environment, problems)
    if problems:
        raise _report(problems)
    return config


def unknown_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each `_LAMBDA_…` variable that is no setting, with the setting that it may have meant."""
    known = [setting.name for setting in SETTINGS]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=1, cutoff=0.8)
            yield name, close[0] if close else None


def _read_function_settings(
    environment: Mapping[str, str], problems: list[Problem]
) -> FunctionSettings | None:
    reference: FunctionReference | None = None
    arn = _value(environment, "_LAMBDA_FUNCTION_ARN")
    if not arn:
        problems.append(Problem("_LAMBDA_FUNCTION_ARN", "is not set"))
    else:
        try:
            reference = parse_function(arn)
        except ValueError as error:
            problems.append(Problem("_LAMBDA_FUNCTION_ARN", str(error)))
    if reference and reference.qualifier not in {None, "$LATEST"}:
        problems.append(
            Problem(
                "_LAMBDA_FUNCTION_ARN",
                "ends in a version or an alias, but a deploy updates $LATEST: leave the qualifier out",
            )
        )
    problems.extend(
        Problem(name, "is not set")
        for name in ("_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY")
        if not _value(environment, name)
    )
    region = _read_region(environment, reference, problems)
    sdk_environment = _read_sdk_environment(environment, problems)
    if reference is None or region is None:
        return None
    return FunctionSettings(
        reference, region, {**sdk_environment, "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    )


def _read_region(
    environment: Mapping[str, str], reference: FunctionReference | None, problems: list[Problem]
) -> str | None:
    named = {
        name: region
        for name in ("_AWS_DEFAULT_REGION", "_AWS_REGION")
        if (region := _value(environment, name))
    }
    for name, region in named.items():
        if not _is_region(region):
            problems.append(Problem(name, "is not the name of a region", "eu-west-1"))
            return None
    if reference and reference.region:
        named = {"_LAMBDA_FUNCTION_ARN": reference.region, **named}
    if len(set(named.values())) > 1:
        first, *others = named
        other = next(name for name in others if named[name] != named[first])
        problems.append(
            Problem(
                other,
                f"names another region than {first}: remove it, or correct the wrong one",
            )
        )
        return None
    if not named:
        if reference:
            problems.append(
                Problem(
                    "_AWS_DEFAULT_REGION",
                    "is not set, and _LAMBDA_FUNCTION_ARN does not name the region",
                )
            )
        return None
    return next(iter(named.values()))


def _read_sdk_environment(environment: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    sdk = {
        name.removeprefix("_"): value
        for name in environment
        if name.startswith(SDK_PREFIX) and (value := _value(environment, name))
    }
    for name, value in sorted(sdk.items()):
        if wrong := _sdk_problem(name, value):
            problems.append(Problem(f"_{name}", *wrong))
    if sdk.get("AWS_ACCESS_KEY_ID", "").startswith("ASIA") and "AWS_SESSION_TOKEN" not in sdk:
        problems.append(
            Problem(
                "_AWS_SESSION_TOKEN",
                "is not set, but _AWS_ACCESS_KEY_ID is a temporary key (ASIA…), which needs one",
            )
        )
    return sdk


def _sdk_problem(name: str, value: str) -> tuple[str, str] | None:
    """Find what the SDK would stumble over, as (what is wrong, example)."""
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    modes = ("legacy", "standard", "adaptive")
    checks = (
        (not (value.isascii() and value.isprintable()), "holds a character that is not printable ASCII", ""),
        (name in keys and " " in value, "holds a blank", ""),
        (
            name.startswith("AWS_ENDPOINT_URL") and not _is_http_url(value),
            "is not an http(s) URL",
            "https://localhost:4566",
        ),
        (
            name == "AWS_MAX_ATTEMPTS" and not re.fullmatch("[1-9][0-9]{0,2}", value),
            "is not a whole number from 1 to 999",
            "5",
        ),
        (name == "AWS_RETRY_MODE" and value not in modes, f"is not one of {', '.join(modes)}", "standard"),
        (
            name == "AWS_CA_BUNDLE" and not Path(value).exists(),
            "names a file that does not exist",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
    )
    return next(((wrong, example) for applies, wrong, example in checks if applies), None)


def _read_config_settings(environment: Mapping[str, str], problems: list[Problem]) -> ConfigSettings:
    files = _list(environment, "_LAMBDA_CONFIG_FILES") or (DEFAULT_CONFIG_FILE,)
    problems.extend(
        Problem("_LAMBDA_CONFIG_FILES", wrong, "env.properties,env.json")
        for wrong in _config_file_problems(files)
    )
    return ConfigSettings(
        files,
        _list(environment, "_LAMBDA_CONFIG_INCLUDE"),
        _list(environment, "_LAMBDA_CONFIG_EXCLUDE"),
    )


def _config_file_problems(files: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for file in files:
        shown = printable(file)
        path = PurePosixPath(file)
        if file.startswith("/") or ".." in path.parts:
            yield f"holds {shown}, which leads out of the package"
        elif str(path) != file or "\\" in file or shown != file or not file.isascii():
            yield f"holds {shown}, which is not a plain path such as config/env.json"
        elif path.suffix not in CONFIG_FORMATS:
            known = ", ".join(CONFIG_FORMATS)
            yield f"holds {shown}, whose extension is none of {known}"
        elif file in seen:
            yield f"holds {shown} twice"
        seen.add(file)
    for file in files:
        if parents := {str(parent) for parent in PurePosixPath(file).parents} & seen:
            yield f"holds {printable(file)}, but {printable(min(parents))} is a file"


def _value(environment: Mapping[str, str], name: str) -> str:
    # Pasted values often end in a blank or a line break, which none of the settings can mean.
    return environment.get(name, "").strip()


def _list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for item in _value(environment, name).split(",") if (part := item.strip()))


def _report(problems: list[Problem]) -> InputError:
    examples = {setting.name: setting.example for setting in SETTINGS}
    lines = []
    for problem in problems:
        lines.append(f"{problem.name} {problem.wrong}.")
        if example := problem.example or examples.get(problem.name, ""):
            lines.append(f"  For example: {problem.name}={example}")
    count = "One setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    return InputError(
        f"{count} missing or wrong. Nothing was changed.",
        why="\n".join(lines),
        todo="Set them on the app, for example with `heroku config:set NAME=value`, and run again.",
    )


# --- the function's name --------------------------------------------------------------------------

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")
PARTITION = re.compile(r"aws(-[a-z]+)*")
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
QUALIFIER = re.compile(r"\$LATEST|[A-Za-z0-9_-]{1,128}")

# Partitions by the beginning of their regions' names, as in botocore's partitions.json.
PARTITION_OF_REGION = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def parse_function(text: str) -> FunctionReference:
    """Take apart a function's ARN, partial ARN or name, with or without a qualifier.

    The forms are those of FunctionName in
    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html.
    Raises ValueError with what is wrong, as a clause that follows the setting's name.
    """
    if not text.isascii() or any(character.isspace() for character in text):
        msg = "holds a blank or a character that no ARN has"
        raise ValueError(msg)
    parts = text.split(":")
    if parts[0] == "arn":
        return _parse_arn(parts)
    account = None
    if ACCOUNT.fullmatch(parts[0]) and len(parts) > 1:
        account = parts.pop(0)
        if parts[0] != "function":
            msg = "starts like a partial ARN, but `function:` does not follow the account"
            raise ValueError(msg)
    if parts[0] == "function" and len(parts) > 1:
        parts.pop(0)
    name, qualifier = _parse_name(parts)
    return FunctionReference(name, account=account, qualifier=qualifier)


def _parse_arn(parts: list[str]) -> FunctionReference:
    fields = 7
    if len(parts) < 3 or parts[2] != "lambda":  # noqa: PLR2004
        msg = "is an ARN, but not one of Lambda"
        raise ValueError(msg)
    if len(parts) < fields:
        msg = "is a Lambda ARN that is cut short"
        raise ValueError(msg)
    _, partition, _, region, account, resource, *rest = parts
    if resource != "function":
        msg = "is a Lambda ARN, but not one of a function"
        raise ValueError(msg)
    for what, value, pattern in (
        ("partition", partition, PARTITION),
        ("region", region, REGION),
        ("account", account, ACCOUNT),
    ):
        if not pattern.fullmatch(value):
            msg = f"is an ARN whose {what} is not valid"
            raise ValueError(msg)
    expected = next((p for start, p in PARTITION_OF_REGION if region.startswith(start)), "aws")
    if partition != expected:
        msg = f"has a partition that does not go with its region, which belongs to {expected}"
        raise ValueError(msg)
    name, qualifier = _parse_name(rest)
    return FunctionReference(name, account, region, partition, qualifier)


def _parse_name(parts: list[str]) -> tuple[str, str | None]:
    name, *rest = parts
    if not FUNCTION_NAME.fullmatch(name):
        msg = "has no valid function name: 1 to 64 letters, digits, `-` and `_`"
        raise ValueError(msg)
    if len(rest) > 1:
        msg = "has more parts than a function's name and a qualifier"
        raise ValueError(msg)
    if rest and not QUALIFIER.fullmatch(rest[0]):
        msg = "has a qualifier that is no version and no alias"
        raise ValueError(msg)
    return name, rest[0] if rest else None


def _is_region(text: str) -> bool:
    return REGION.fullmatch(text) is not None


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_is_valid
