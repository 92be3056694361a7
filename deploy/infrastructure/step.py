"""The roles of the CodePipeline step: that of its function, and the one in the lower account. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.aws.permissions import ANYTHING, Grant, Permission
from deploy.infrastructure.fleet import STATUS, fleet_grants, source_policy
from deploy.infrastructure.iam import trust, trust_service
from deploy.infrastructure.policy import policy_of
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.target.environment import Target
    from deploy.target.fleet import Member

# CodePipeline has no resource for jobs:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
REPORT = (
    Permission("codepipeline:PutJobSuccessResult", "report that a job is done, or goes on"),
    Permission("codepipeline:PutJobFailureResult", "report why a job failed"),
)
CREATE_LOG = Permission("logs:CreateLogGroup", "write the log", needed=False)
WRITE_LOG = tuple(
    Permission(f"logs:{action}", "write the log", needed=False)
    for action in ("CreateLogStream", "PutLogEvents")
)
EXTERNAL_ID = "the value of _LAMBDA_SOURCE_EXTERNAL_ID"  # which is not printed


def step_roles(member: Member, role_arn: str, function: str = "") -> dict[str, Any]:
    """Return the policies and the trust policies of the roles; `member` is any function of the fleet.

    `role_arn` is that of the step's role, and `function` the name of its function; each is empty if it
    is not known yet.
    """
    target = member.target
    account = role_arn.split(":")[4] if role_arn else None
    target = replace(target, function=replace(target.function, account=account))
    roles = {"step": {"trust": trust_service("lambda"), "policy": policy_of(_grants(target, function))}}
    if source := member.source:
        step = role_arn or f"arn:{partition_of(target.region)}:iam::ACCOUNT:role/ROLE_OF_THE_STEP"
        has_id = target.settings.source_external_id is not None
        trusted = trust({"AWS": step}, {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}} if has_id else None)
        roles["source"] = {"trust": trusted, "policy": source_policy(source)}
    return roles


def _grants(target: Target, function: str) -> Iterator[Grant]:
    yield from (grant for grant in fleet_grants(target) if STATUS not in grant.permissions)
    yield Grant("Report", REPORT, (ANYTHING,))
    yield log_grant(target, function)


def log_grant(target: Target, function: str) -> Grant:
    """Return what a function needs to write its log.

    One that has a name has its log group already; that of a function without one is any.
    """
    account, partition = target.function.account or ANYTHING, partition_of(target.region)
    groups = f"arn:{partition}:logs:{target.region}:{account}:log-group:/aws/lambda/"
    if function:
        return Grant("Log", WRITE_LOG, (f"{groups}{function}:*",))
    return Grant("Log", (CREATE_LOG, *WRITE_LOG), (f"{groups}*",))
