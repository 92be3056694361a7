"""The settings of fleets, and of what they share with single deploys."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.target import parsers
from deploy.target.setting import declare

DEFAULT_RATE = 15  # calls a second; https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


@dataclass(frozen=True)
class FleetSettings:
    """The values of these settings."""

    fleet_prefix: str = declare(
        "_LAMBDA_FLEET_PREFIX",
        parsers.function_prefix,
        "team-",
        "Required for `deploy fleet`: what the names of all functions in the fleet file begin with. No other "
        "function is touched.",
        "release",
        default="",
    )
    source_role_arn: str | None = declare(
        "_LAMBDA_SOURCE_ROLE_ARN",
        parsers.role_arn,
        "arn:aws:iam::111111111111:role/fleet-source",
        "For `deploy fleet`: the role in the lower account that is assumed to read the versions that are "
        "promoted from there.",
        "release",
    )
    source_external_id: str | None = declare(
        "_LAMBDA_SOURCE_EXTERNAL_ID",
        parsers.external_id,
        "3e8f1b64",
        "The external ID that the trust policy of that role asks for.",
        "release",
        secret=True,
    )
    source_region: str | None = declare(
        "_LAMBDA_SOURCE_REGION",
        parsers.region,
        "eu-west-1",
        "The region of the lower account's functions; the same as here by default.",
        "release",
    )
    source_prefix: str | None = declare(
        "_LAMBDA_SOURCE_PREFIX",
        parsers.function_prefix,
        "staging-",
        "What the names of the functions begin with in the lower account, in place of "
        "`_LAMBDA_FLEET_PREFIX`; the same by default.",
        "release",
    )
    config_from: str | None = declare(
        "_LAMBDA_CONFIG_FROM",
        parsers.parameter_path,
        "ssm:/my-app/{name}/",
        "Config vars from SSM parameters below a path, decrypted; the last part of a parameter's name is the "
        "variable's. `{name}` stands for the function's name. They win over config vars of the same name.",
        "release",
    )
    max_calls_per_second: int = declare(
        "_LAMBDA_MAX_CALLS_PER_SECOND",
        parsers.whole_number,
        "5",
        f"How many calls of Lambda's API a deploy makes in a second at most, {DEFAULT_RATE} by default: AWS "
        "throttles an account at about that. Fewer leave some to others.",
        "release",
        default=DEFAULT_RATE,
    )
