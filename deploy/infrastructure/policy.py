"""The least privilege: the IAM policy that a target's settings need, collected from the steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.aws import parameters
from deploy.infrastructure.iam import Document, document
from deploy.release import state
from deploy.release.steps import all_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.aws.permissions import Grant
    from deploy.target.environment import Target

# Those that doctor asks, besides the steps' own.
DOCTORS_SERVICES = frozenset({"iam", "sts"})
LOGS_SERVICES = frozenset({"logs"})
CONFIG_SERVICES = frozenset({"ssm"})
PIPELINE_SERVICES = frozenset({"codepipeline", "sts"})
HOOK_SERVICES = frozenset({"codedeploy"})


def policy(*targets: Target) -> Document:
    """Return the IAM policy for a deployer with just these settings, of one function or of several."""
    return policy_of(grant for target in targets for grant in grants(target))


def policy_of(given: Iterable[Grant]) -> Document:
    """Return the IAM policy that grants this; what differs in its resources alone is one statement."""
    merged: dict[tuple[object, ...], Grant] = {}
    for grant in given:
        what = (grant.name, grant.permissions, str(grant.condition))
        known = merged.get(what, replace(grant, resources=()))
        resources = dict.fromkeys((*known.resources, *grant.resources))
        merged[what] = replace(known, resources=tuple(resources))
    return document(grant.statement() for grant in merged.values())


def grants(target: Target) -> Iterator[Grant]:
    """Yield what the current settings need."""
    first, *others = all_steps()
    yield from first.grants(target)
    yield from state.grants(target)
    for step in others:
        yield from step.grants(target)
    yield from parameters.grants(target)


def services() -> frozenset[str]:
    """Return the services whose API models the slug needs; `deploy tools` takes its own from there."""
    return DOCTORS_SERVICES | LOGS_SERVICES | services_of_tools()


def services_of_tools() -> frozenset[str]:
    """Return the services whose API models the handlers of the tools need."""
    return (CONFIG_SERVICES | PIPELINE_SERVICES | HOOK_SERVICES).union(
        *(step.services for step in all_steps())
    )
