"""The settings: the `_LAMBDA_…` variables that configure a deploy, each declared once.

A field of `Settings` is one setting: its variable, parser, example and meaning, and the part of a deploy
that reads it. docs/settings.md and `deploy help settings` are made from these declarations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from deploy.target import parsers
from deploy.target.arn import FunctionReference, parse_function
from deploy.target.fleet_settings import FleetSettings
from deploy.target.setting import Setting
from deploy.target.setting import declare as _setting
from deploy.target.shift_settings import THE_NAME, Shift, ShiftSettings
from deploy.target.version import parse_setting

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "_LAMBDA_"
DEFAULT_CONFIG_FILE = "env.properties"


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
class Settings(ShiftSettings, FleetSettings):
    """The values of all settings. Times are in seconds."""

    function: FunctionReference | None = _setting(
        "_LAMBDA_FUNCTION_ARN",
        parse_function,
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function",
        "Required. The function: its ARN, a partial ARN (`123456789012:function:my-function`) or its name. "
        "Several functions are separated by commas or blanks.",
        "release",
    )
    artifact: str | None = _setting(
        "_LAMBDA_ARTIFACT",
        str,
        "dist",
        "At build time: what to deploy, a path in the app: a JAR, a ZIP, a folder or a program; by default "
        "the JAR that is found, or the app's files. A file `.lambda-artifact` in the app says the same.",
        "build",
    )
    jar_file: str | None = _setting(
        "_LAMBDA_JAR_FILE",
        str,
        "target/my-function.jar",
        "The older name of `_LAMBDA_ARTIFACT`.",
        "build",
    )
    runtime: str | None = _setting(
        "_LAMBDA_RUNTIME",
        parsers.runtime,
        "python3.13",
        "Python, at build time: the function's runtime, which dependencies are installed for; by default "
        "what `.python-version` (or `runtime.txt`) says, or else `python3.13`.",
        "build",
    )
    architecture: str | None = _setting(
        "_LAMBDA_ARCHITECTURE",
        parsers.architecture,
        "arm64",
        "Python, at build time: the function's architecture, `x86_64` (the default) or `arm64`.",
        "build",
    )
    config_files: tuple[str, ...] = _setting(
        "_LAMBDA_CONFIG_FILES",
        parsers.config_files,
        "env.properties,env.json,env.sh",
        "The files to bake, by extension; `env.properties` by default.",
        "config",
        default=(DEFAULT_CONFIG_FILE,),
    )
    config_include: tuple[str, ...] = _setting(
        "_LAMBDA_CONFIG_INCLUDE",
        parsers.comma_separated,
        "PORT,JAVA_*",
        "Glob patterns of dyno variables to bake nevertheless.",
        "config",
        default=(),
    )
    config_exclude: tuple[str, ...] = _setting(
        "_LAMBDA_CONFIG_EXCLUDE",
        parsers.comma_separated,
        "*_TEST,PAPERTRAIL_*",
        "Glob patterns of config vars to leave out; wins over include.",
        "config",
        default=(),
    )
    timeout: int = _setting(
        "_LAMBDA_TIMEOUT",
        parsers.whole_number,
        "300",
        "How long each wait may take, for the function to be ready and for a verification as a whole, in "
        "seconds; 300 by default.",
        "release",
        default=300,
    )
    alias: str | None = _setting(
        "_LAMBDA_ALIAS",
        parsers.alias,
        "live",
        "Publish a version with each deploy and move this alias to it; a qualifier in "
        "`_LAMBDA_FUNCTION_ARN` says the same.",
        "release",
    )
    version: str | None = _setting(
        "_LAMBDA_VERSION",
        parse_setting,
        "1.1.1",
        "Publish a version with each deploy and give it this name: the alias `1-1-1`. `package` takes the "
        "name from `package.json`, `pom.xml`, `gradle.properties` or `pyproject.toml` at build time. A name "
        "stays with its base; only the config may change.",
        "release",
    )
    verify_payload: bytes | None = _setting(
        "_LAMBDA_VERIFY_PAYLOAD",
        parsers.json_payload,
        '{"ping": true}',
        "With an alias or a version's name: invoke the new version with this JSON before the alias moves.",
        "release",
        secret=True,
    )
    verify_expect: str | None = _setting(
        "_LAMBDA_VERIFY_EXPECT",
        parsers.regular_expression,
        '"ok": *true',
        "A regular expression that the answer has to match.",
        "release",
        secret=True,
    )
    keep_versions: int | None = _setting(
        "_LAMBDA_KEEP_VERSIONS",
        parsers.whole_number,
        "10",
        "With an alias or a version's name: keep this many versions and delete older ones; never one that an "
        "alias points at.",
        "release",
    )
    s3_bucket: str | None = _setting(
        "_LAMBDA_S3_BUCKET",
        parsers.bucket,
        "my-deploys",
        "The bucket where a base of 5 MiB and more is kept, so that a config change sends kilobytes, and "
        "that packages over 50 MiB pass through; a package is deleted there when the deploy is over.",
        "release",
    )
    s3_prefix: str = _setting(
        "_LAMBDA_S3_PREFIX",
        parsers.key_prefix,
        "lambda/",
        "What the names of objects in the bucket begin with.",
        "release",
        default="",
    )
    s3_kms_key_id: str | None = _setting(
        "_LAMBDA_S3_KMS_KEY_ID",
        parsers.printable_ascii,
        "alias/deploys",
        "The KMS key that encrypts the object, in place of the bucket's own (SSE-S3).",
        "release",
    )
    source_key_arn: str | None = _setting(
        "_LAMBDA_SOURCE_KMS_KEY_ARN",
        parsers.kms_key_arn,
        "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "The customer managed KMS key that encrypts the package in Lambda; by default the one that the "
        "function has.",
        "release",
    )
    release_phase: bool = _setting(
        "_LAMBDA_RELEASE_PHASE",
        lambda text: text.lower() == "true",  # bin/compile checks it
        "true",
        "At build time: deploy in the release phase, after each push, config change, promotion and rollback.",
        "build",
        default=False,
    )
    reconcile_interval: int = _setting(
        "_LAMBDA_RECONCILE_INTERVAL",
        parsers.interval,
        "10m",
        "How often a formation dyno looks for drift: seconds, minutes or hours, as `30s`, `10m`, `6h`.",
        "release",
        default=600,
    )
    reconcile_repairs: bool = _setting(
        "_LAMBDA_RECONCILE",
        parsers.repair_or_report,
        "report",
        "`repair` corrects drift, `report` only reports it; `repair` by default. Without an alias there is "
        "no order of releases, and drift is only reported: `repair` needs `_LAMBDA_ALIAS`.",
        "release",
        default=True,
    )
    stack: str | None = _setting(
        "_LAMBDA_STACK",
        parsers.stack_name,
        "orders",
        "For `deploy stack`: the name of the CloudFormation stack; by default the function's.",
        "release",
    )
    https_proxy: str | None = _setting(
        "_HTTPS_PROXY",
        parsers.http_url,
        "http://proxy.example.com:3128",
        "The proxy that the deploy itself goes through; `HTTPS_PROXY` is config of the function.",
        "release",
        secret=True,
    )
    no_proxy: tuple[str, ...] = _setting(
        "_NO_PROXY",
        parsers.comma_separated,
        "amazonaws.com,.internal",
        "Domains that the deploy reaches without the proxy.",
        "release",
        default=(),
    )

    @property
    def verification(self) -> Verification | None:
        """What verifies a version, if anything does."""
        return Verification(self.verify_payload, self.verify_expect) if self.verify_payload else None

    @property
    def shifting(self) -> Shift | None:
        """How CodeDeploy shifts the alias's traffic, if it does."""
        if self.shift is None or self.alias is None or self.function is None:
            return None
        application, group = self.codedeploy or (THE_NAME, self.alias)
        name = self.function.name
        return Shift(
            self.shift,
            application.replace(THE_NAME, name),
            group.replace(THE_NAME, name),
            self.hook_before,
            self.hook_after,
        )

    @property
    def shares_group(self) -> bool:
        """Whether several functions would have the same deployment group."""
        return self.codedeploy is not None and THE_NAME not in "/".join(self.codedeploy)

    @property
    def publishes(self) -> bool:
        """Whether a deploy publishes a version, for an alias that it moves or for a name."""
        return self.alias is not None or self.version is not None

    @property
    def repairs_drift(self) -> bool:
        """Whether a formation dyno corrects drift: only an alias records which of two releases is later."""
        return self.reconcile_repairs and self.alias is not None

    @property
    def bucket(self) -> Bucket | None:
        """The bucket that large packages pass through, if there is one."""
        return Bucket(self.s3_bucket, self.s3_prefix, self.s3_kms_key_id) if self.s3_bucket else None


# Those of shifts and of fleets come last.
_FIELDS = sorted(
    fields(Settings),
    key=lambda each: (
        each.name in FleetSettings.__dataclass_fields__,
        each.name in ShiftSettings.__dataclass_fields__,
    ),
)
SETTINGS: dict[str, Setting] = {each.name: each.metadata["setting"] for each in _FIELDS}
NAMES = {setting.name for setting in SETTINGS.values()}


def closest(name: str, names: Iterable[str]) -> str:
    """Return the one of some names that a mistyped one may mean; empty if none is close."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, n=1, cutoff=0.8)), "")
