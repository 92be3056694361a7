"""The environment → the functions of a fleet: each here, and where versions of it are promoted from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.arn import FunctionReference, partition_of
from deploy.target.environment import (
    FUNCTION,
    SHARED_GROUP,
    Role,
    Target,
    explain_problems,
    kind_of_dyno,
    read_settings,
)
from deploy.target.provenance import Provenance
from deploy.target.sdk import find_near_misses, find_region, read_sdk_settings
from deploy.target.setting import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deploy.target.settings import Settings


OF_AN_APP = {FUNCTION, "_LAMBDA_VERSION", "_LAMBDA_KEEP_VERSIONS"}  # which a fleet ignores
ALIAS = "_LAMBDA_ALIAS"
PAYLOAD = "_LAMBDA_VERIFY_PAYLOAD"
TODO = (
    "Correct it in the environment, and run again. On a laptop, --aws-profile NAME takes credentials and "
    "region from ~/.aws."
)
NO_PAYLOADS: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True)
class Member:
    """One function of a fleet, and its counterpart in the lower account, which is only read."""

    target: Target
    source: Target | None

    @property
    def name(self) -> str:
        """The function's name here."""
        return self.target.function.name


def read_fleet(
    variables: Mapping[str, str], names: Sequence[str], payloads: Mapping[str, bytes] = NO_PAYLOADS
) -> tuple[Member, ...]:
    """Read what a deploy to each of these functions needs; no slug, no config var and no ARN counts.

    `payloads` are those of functions that are not verified by the settings' own. Raises InputError
    with all problems of the settings at once, and for names outside the fleet's prefix.
    """
    own = {name: text for name, text in variables.items() if name.startswith("_") and name not in OF_AN_APP}
    settings, problems = find_problems(own, has_payloads=bool(payloads))
    sdk, sdk_problems = read_sdk_settings(own)
    region, _ = find_region(sdk, None)
    problems += sdk_problems
    problems += [SHARED_GROUP] if len(names) > 1 and settings.shares_group else []
    if problems:
        raise explain_problems(problems, TODO)
    prefix = settings.fleet_prefix
    if outside := [name for name in names if not name.startswith(prefix)]:
        raise InputError(
            f"{len(outside)} of {len(names)} functions are outside this fleet: {', '.join(outside)}.",
            why=f"The names of its functions begin with {prefix} (_LAMBDA_FLEET_PREFIX).",
            todo="Correct the names in the fleet file. Nothing was asked of AWS.",
        )
    template = Target(
        Path(),
        settings,
        variables={},
        provenance=Provenance(),
        dyno=kind_of_dyno(variables),
        notices=tuple(find_near_misses(own)),
        function=FunctionReference("any"),
        region=region,
        sdk=sdk,
        policy_options="--policy --fleet deployer",
    )
    return tuple(_member(name, template, payloads.get(name)) for name in names)


def find_problems(own: Mapping[str, str], *, has_payloads: bool) -> tuple[Settings, list[Problem]]:
    """Parse a fleet's settings; return what is wrong with them, credentials aside, what is missing first."""
    settings, found = read_settings(own)
    region, region_problems = find_region(read_sdk_settings(own)[0], None)
    problems = [each for each in found if each.stage != "build"] + region_problems
    if has_payloads and not own.get(PAYLOAD):  # _LAMBDA_VERIFY_EXPECT goes with these, too
        problems = [each for each in problems if each.name != PAYLOAD]
    if not own.get(ALIAS):  # others need it, but a fleet does in any case
        problems = [each for each in problems if each.name != ALIAS]
    return settings, [*_missing(settings, region, {each.name for each in problems}), *problems]


def _member(name: str, template: Target, payload: bytes | None) -> Member:
    function = FunctionReference(name)
    settings = replace(template.settings, function=function)
    if payload is not None:
        settings = replace(settings, verify_payload=payload)
    target = replace(template, function=function, settings=settings)
    return Member(target, _source(target))


def _missing(settings: Settings, region: str, known: set[str]) -> Iterator[Problem]:
    """Yield a problem for each setting that a fleet needs, unless it is a problem already."""
    required = {
        "_LAMBDA_FLEET_PREFIX": settings.fleet_prefix,
        ALIAS: settings.alias,
        "_AWS_DEFAULT_REGION": region,
    }
    for name, value in required.items():
        if not value and name not in known:
            yield Problem(name, "is not set")
    if settings.source_role_arn is None and "_LAMBDA_SOURCE_ROLE_ARN" not in known:
        others = {
            "_LAMBDA_SOURCE_EXTERNAL_ID": settings.source_external_id,
            "_LAMBDA_SOURCE_REGION": settings.source_region,
            "_LAMBDA_SOURCE_PREFIX": settings.source_prefix,
        }
        if asking := [name for name, value in others.items() if value]:
            wrong = f"is not set, but {' and '.join(asking)} {'is' if len(asking) == 1 else 'are'}"
            yield Problem("_LAMBDA_SOURCE_ROLE_ARN", wrong)


def _source(target: Target) -> Target | None:
    """Return the counterpart of a function in the lower account, if there is one."""
    settings = target.settings
    if settings.source_role_arn is None:
        return None
    role = Role(settings.source_role_arn, settings.source_external_id)
    prefix = settings.source_prefix or settings.fleet_prefix
    name = f"{prefix}{target.function.name[len(settings.fleet_prefix) :]}"
    region = settings.source_region or target.region
    function = FunctionReference(name, role.account, region, partition_of(region))
    policy_options = "--policy --fleet source"
    return replace(target, function=function, region=region, role=role, policy_options=policy_options)
