"""The least privilege of a fleet: the policies of who applies it, and of the role in the lower account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.aws import parameters
from deploy.aws.permissions import ANYTHING, Grant, Permission, bucket_arn, function_arn, literal
from deploy.infrastructure.policy import policy_of
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.code import UpdateCode
from deploy.release.steps.shift import ShiftAlias
from deploy.release.steps.verification import VerifyVersion
from deploy.release.steps.version import PublishVersion
from deploy.target.arn import FunctionReference, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.target.environment import Target

LOOK = (
    Permission("lambda:GetAlias", "see which version is live, and which has the wanted name"),
    Permission("lambda:GetFunctionConfiguration", "wait until a version is ready"),
)
STATUS = Permission(
    "lambda:ListAliases", "show in `deploy fleet status` what a version is called", needed=False
)
EXAMINE = (
    Permission("lambda:GetFunction", "compare both functions, and take the config over from what is live"),
    Permission("lambda:GetFunctionCodeSigningConfig", "see whether it takes signed code only"),
    Permission("lambda:ListVersionsByFunction", "use a version again that is there already"),
)
SIGNING = Permission("lambda:GetCodeSigningConfig", "see whether it refuses other code or only warns of it")
READ_CONFIG = Permission("lambda:GetFunction", "keep the config of a version out of what a failure shows")


def fleet_policy(target: Target) -> dict[str, Any]:
    """Return the IAM policy of who applies a fleet; `target` is any function of it."""
    return policy_of(fleet_grants(target))


def source_policy(source: Target) -> dict[str, Any]:
    """Return the IAM policy of the role in the lower account, which only reads; `source` is any function."""
    read = Permission("lambda:GetFunction", "read the versions that are promoted")
    return policy_of([Grant("ReadVersions", (read,), (_functions(source, _prefix(source)),))])


def fleet_grants(target: Target) -> Iterator[Grant]:
    """Yield what applying a fleet needs."""
    settings = target.settings
    functions = (_functions(target, settings.fleet_prefix),)
    any_function = replace(target, function=FunctionReference(ANYTHING, target.function.account))
    yield Grant("Look", LOOK, functions)
    for grant in (*MoveAlias.grants(any_function), *VerifyVersion.grants(any_function)):
        yield replace(grant, resources=functions)
    every = FunctionReference(f"{settings.fleet_prefix}{ANYTHING}", target.function.account)
    of_prefix = replace(target, function=every, settings=replace(settings, function=every))
    yield from ShiftAlias.grants(of_prefix)
    yield Grant("Status", (STATUS,), functions)
    if settings.source_role_arn:
        yield from _promotion_grants(any_function, functions)
    elif settings.verification:
        yield Grant("ReadConfig", (READ_CONFIG,), functions)


def _promotion_grants(target: Target, functions: tuple[str, ...]) -> Iterator[Grant]:
    settings, account = target.settings, target.function.account or ANYTHING
    yield Grant("Examine", EXAMINE, functions)
    signing = f"arn:{partition_of(target.region)}:lambda:{target.region}:{account}:code-signing-config:*"
    yield Grant("ExamineSigning", (SIGNING,), (signing,))
    for grant in (*UpdateCode.grants(target), *PublishVersion.grants(target)):
        if grant.service == "lambda":
            yield replace(grant, resources=functions)
        elif grant.name == "Upload":
            objects = f"{bucket_arn(target)}/{literal(settings.s3_prefix + settings.fleet_prefix)}*"
            yield replace(grant, resources=(objects,))
        else:
            yield grant
    assume = Permission("sts:AssumeRole", "read the lower account")
    yield Grant("ReadLowerAccount", (assume,), (settings.source_role_arn or "",))
    named = (settings.config_from or "").replace("{name}", f"{settings.fleet_prefix}{ANYTHING}")
    yield from parameters.grants(replace(target, settings=replace(settings, config_from=named)))


def _functions(target: Target, prefix: str) -> str:
    """Return the ARN of all functions of a fleet, and of their versions: `*` matches colons, too."""
    account = target.function.account
    return function_arn(replace(target, function=FunctionReference(f"{prefix}{ANYTHING}", account)))


def _prefix(source: Target) -> str:
    return source.settings.source_prefix or source.settings.fleet_prefix
