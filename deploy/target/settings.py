"""Settings: the `_…` variables that steer a deploy, validated all at once.

A setting is never baked. `_LAMBDA_…` settings are ours, `_AWS_X` is what `AWS_X` is to the AWS SDK;
the app's own `AWS_…` config vars belong to the function and are never used for the deploy.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.errors import InputError
from deploy.target.arn import FunctionReference, is_region, parse_function
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "_LAMBDA_"
SDK_SETTING = re.compile(r"_AWS_[A-Z0-9_]+")

CONFIG_FORMATS = (".properties", ".json", ".sh")
DEFAULT_CONFIG_FILE = "env.properties"

ALIAS = re.compile(r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


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
    Setting(
        "_LAMBDA_TIMEOUT",
        "300",
        "How long each wait may take, for the function to be ready and for the answer that verifies it, in "
        "seconds; 300 where it is not set.",
    ),
    Setting(
        "_LAMBDA_ALIAS",
        "live",
        "Publish a version with each deploy and point this alias at it; a qualifier in "
        "`_LAMBDA_FUNCTION_ARN` says the same.",
    ),
    Setting(
        "_LAMBDA_VERIFY_PAYLOAD",
        '{"ping": true}',
        "With an alias: invoke the new version with this JSON before the alias moves.",
    ),
    Setting(
        "_LAMBDA_VERIFY_EXPECT",
        '"ok": *true',
        "A regular expression that the answer has to match.",
    ),
    Setting(
        "_LAMBDA_KEEP_VERSIONS",
        "10",
        "With an alias: delete the oldest versions but this many; never one that an alias points at.",
    ),
    Setting(
        "_LAMBDA_S3_BUCKET",
        "my-deploys",
        "The bucket that a package over 50 MB passes through; it is deleted there when the deploy is over.",
    ),
    Setting(
        "_LAMBDA_S3_PREFIX",
        "lambda/",
        "What the names of objects in the bucket begin with.",
    ),
    Setting(
        "_LAMBDA_S3_KMS_KEY_ID",
        "alias/deploys",
        "The KMS key that encrypts the object, in place of the bucket's own (SSE-S3).",
    ),
    Setting(
        "_LAMBDA_RELEASE_PHASE",
        "true",
        "At build time: deploy in the release phase, after each push, config change, promotion and rollback.",
    ),
    Setting(
        "_LAMBDA_RECONCILE_INTERVAL",
        "10m",
        "How often a formation dyno looks for drift: seconds, minutes or hours, as `30s`, `10m`, `6h`.",
    ),
    Setting(
        "_LAMBDA_RECONCILE",
        "report",
        "`repair` puts drift right, `report` only tells of it; `repair` where it is not set.",
    ),
)


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
class Verification:
    """What the new version is asked before the alias moves, and what it has to answer."""

    payload: bytes = field(repr=False)
    expect: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Bucket:
    """Where a package goes that is too large for a direct upload."""

    name: str
    prefix: str = ""
    kms_key_id: str | None = None


@dataclass(frozen=True)
class ReleaseSettings:
    """How a release goes: to $LATEST alone where there is no alias.

    `timeout` and `reconcile_interval` are in seconds; the latter is for a formation dyno.
    """

    alias: str | None = None
    timeout: int = 300
    keep_versions: int | None = None
    verification: Verification | None = None
    bucket: Bucket | None = None
    reconcile_interval: int = 600
    reconcile_repairs: bool = True


@dataclass(frozen=True)
class Settings:
    """Everything that a deploy goes by."""

    function: FunctionSettings
    release: ReleaseSettings
    config: ConfigSettings


@dataclass(frozen=True)
class Problem:
    """What is wrong with one setting; never holds its value."""

    name: str
    wrong: str
    example: str = ""


def object_prefix(bucket: Bucket, function: FunctionSettings) -> str:
    """Give what the keys of all objects of this function's deploys begin with."""
    return f"{bucket.prefix}{function.function.name}-"


# --- reading --------------------------------------------------------------------------------------


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read everything that a deploy needs; raises InputError with all problems at once."""
    problems: list[Problem] = []
    function = _read_function_settings(environment, problems)
    qualifier = function.function.qualifier if function else None
    release = _read_release_settings(environment, qualifier, problems)
    config = _read_config_settings(environment, problems)
    if problems or function is None:
        raise _report(problems)
    return Settings(function, release, config)


def read_release_settings(environment: Mapping[str, str]) -> tuple[ReleaseSettings, ConfigSettings]:
    """Read what a plan needs that asks nobody; raises InputError with all problems at once."""
    problems: list[Problem] = []
    arn = _value(environment, "_LAMBDA_FUNCTION_ARN")
    qualifier = None
    if arn:
        try:
            qualifier = parse_function(arn).qualifier
        except ValueError as error:
            problems.append(Problem("_LAMBDA_FUNCTION_ARN", str(error)))
    release = _read_release_settings(environment, qualifier, problems)
    config = _read_config_settings(environment, problems)
    if problems:
        raise _report(problems)
    return release, config


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
        if not is_region(region):
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
        if SDK_SETTING.fullmatch(name) and (value := _value(environment, name))
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
    if not {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} & sdk.keys():
        problems.extend(
            Problem(
                f"_{name}",
                "names a profile, but there is none in a dyno: a deploy goes by the keys in its settings and "
                f"reads no file in ~/.aws. Remove it: `heroku config:unset _{name}`",
            )
            for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
            if name in sdk
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
            name == "AWS_CA_BUNDLE" and not _exists(value),
            "names a file that does not exist",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
    )
    return next(((wrong, example) for applies, wrong, example in checks if applies), None)


def _read_release_settings(
    environment: Mapping[str, str], qualifier: str | None, problems: list[Problem]
) -> ReleaseSettings:
    alias = _read_alias(environment, qualifier, problems)
    verification = _read_verification(environment, problems)
    keep_versions = _number(environment, "_LAMBDA_KEEP_VERSIONS", problems)
    about_versions = ("_LAMBDA_VERIFY_PAYLOAD", "_LAMBDA_VERIFY_EXPECT", "_LAMBDA_KEEP_VERSIONS")
    if alias is None and (wrong := _asked_for_by(environment, *about_versions)):
        problems.append(Problem("_LAMBDA_ALIAS", f"{wrong}: versions are published for an alias alone"))
    timeout = _number(environment, "_LAMBDA_TIMEOUT", problems)
    return ReleaseSettings(
        alias,
        ReleaseSettings.timeout if timeout is None else timeout,
        keep_versions,
        verification,
        _read_bucket(environment, problems),
        _read_interval(environment, problems),
        _read_reconcile(environment, problems),
    )


def _read_alias(environment: Mapping[str, str], qualifier: str | None, problems: list[Problem]) -> str | None:
    alias = _value(environment, "_LAMBDA_ALIAS") or None
    if alias and not ALIAS.fullmatch(alias):
        wrong = "is not the name of an alias: up to 128 letters, digits, `-` and `_`, not a number"
        problems.append(Problem("_LAMBDA_ALIAS", wrong))
    if qualifier is None or qualifier == "$LATEST":
        return alias
    if not ALIAS.fullmatch(qualifier):
        wrong = "ends in a version, which can't be changed: name an alias, or leave it out"
        problems.append(Problem("_LAMBDA_FUNCTION_ARN", wrong))
    if alias and alias != qualifier:
        problems.append(Problem("_LAMBDA_ALIAS", "names another alias than _LAMBDA_FUNCTION_ARN ends in"))
    return qualifier


def _read_verification(environment: Mapping[str, str], problems: list[Problem]) -> Verification | None:
    payload = _value(environment, "_LAMBDA_VERIFY_PAYLOAD")
    expect = _value(environment, "_LAMBDA_VERIFY_EXPECT") or None
    if expect is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(expect)
        except (re.error, OverflowError, RecursionError):
            problems.append(Problem("_LAMBDA_VERIFY_EXPECT", "is not a valid regular expression"))
    if not payload:
        if wrong := _asked_for_by(environment, "_LAMBDA_VERIFY_EXPECT"):
            problems.append(Problem("_LAMBDA_VERIFY_PAYLOAD", wrong))
        return None
    try:
        json.loads(payload)
    except (ValueError, RecursionError):
        problems.append(Problem("_LAMBDA_VERIFY_PAYLOAD", "is not valid JSON"))
    return Verification(payload.encode("utf-8", "surrogateescape"), expect)


def _read_bucket(environment: Mapping[str, str], problems: list[Problem]) -> Bucket | None:
    name = _value(environment, "_LAMBDA_S3_BUCKET")
    prefix = _value(environment, "_LAMBDA_S3_PREFIX")
    key_id = _value(environment, "_LAMBDA_S3_KMS_KEY_ID") or None
    if not name:
        if wrong := _asked_for_by(environment, "_LAMBDA_S3_PREFIX", "_LAMBDA_S3_KMS_KEY_ID"):
            problems.append(Problem("_LAMBDA_S3_BUCKET", wrong))
        return None
    if not BUCKET.fullmatch(name):
        wrong = "is not the name of a bucket; it stands alone, without s3://, path or ARN"
        problems.append(Problem("_LAMBDA_S3_BUCKET", wrong))
    if prefix.startswith("/") or not (prefix.isascii() and prefix.isprintable()):
        problems.append(Problem("_LAMBDA_S3_PREFIX", "begins with a slash or is not printable ASCII"))
    if key_id and not (key_id.isascii() and key_id.isprintable()):
        problems.append(Problem("_LAMBDA_S3_KMS_KEY_ID", "is not printable ASCII"))
    return Bucket(name, prefix, key_id)


def _read_interval(environment: Mapping[str, str], problems: list[Problem]) -> int:
    text = _value(environment, "_LAMBDA_RECONCILE_INTERVAL")
    if not text:
        return ReleaseSettings.reconcile_interval
    found = re.fullmatch("([1-9][0-9]{0,5})([smh])", text)
    if not found:
        problems.append(Problem("_LAMBDA_RECONCILE_INTERVAL", "is not a time such as 30s, 10m or 6h"))
        return ReleaseSettings.reconcile_interval
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def _read_reconcile(environment: Mapping[str, str], problems: list[Problem]) -> bool:
    text = _value(environment, "_LAMBDA_RECONCILE") or "repair"
    if text not in {"repair", "report"}:
        problems.append(Problem("_LAMBDA_RECONCILE", "is neither repair nor report"))
    return text == "repair"


def _number(environment: Mapping[str, str], name: str, problems: list[Problem]) -> int | None:
    text = _value(environment, name)
    if not text:
        return None
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        problems.append(Problem(name, "is not a whole number above 0"))
        return None
    return int(text)


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


def _asked_for_by(environment: Mapping[str, str], *names: str) -> str:
    """Say what is wrong with a setting that is missing where one of these is set; nothing where none is."""
    given = [name for name in names if _value(environment, name)]
    return f"is not set, but {' and '.join(given)} {'is' if len(given) == 1 else 'are'}" if given else ""


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
        todo="Correct it on the app (`heroku config:set NAME=value`, `heroku config:unset NAME`) or in the "
        ".env file, and run again.",
    )


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - False, no exception, for what can't be a path


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_is_valid
