"""The name of a Lambda function: an ARN, a partial ARN or a bare name, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

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

SEPARATOR = re.compile(r"[\s,]+")


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


def split_functions(text: str) -> list[str]:
    """Return the functions that a value of `_LAMBDA_FUNCTION_ARN` names."""
    return [name for name in SEPARATOR.split(text) if name]


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
    if parts[0] == "arn" and len(parts) > 1:
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
    expected = partition_of(region)
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


def partition_of(region: str) -> str:
    """Return the partition that a region belongs to, by the beginning of its name."""
    return next((p for start, p in PARTITION_OF_REGION if region.startswith(start)), "aws")


def is_region(text: str) -> bool:
    """Whether a text has the form of a region's name."""
    return REGION.fullmatch(text) is not None
