"""The checks that ask AWS, in the order in which they make sense.

Permissions are checked one by one: by reads, by dry runs and by the policy simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.bucket import wrong_bucket
from deploy.aws.codes import NOT_FOUND
from deploy.aws.inquiry import Answer, Inquiry
from deploy.aws.refusals import other_account, todo_for_other_account
from deploy.aws.session import Session
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.doctor.fit import check_fit
from deploy.doctor.function import (
    READ,
    UPDATE,
    check_clock,
    check_credentials,
    check_function,
    obstacle,
)
from deploy.doctor.shift import check_shift
from deploy.errors import DeployError
from deploy.infrastructure.policy import grants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.artifact.base import Base
    from deploy.aws.permissions import Grant, Permission
    from deploy.target.environment import Target

NOT_CHECKED = (
    "not checked: only a call that changes something would show it, and iam:SimulatePrincipalPolicy is not "
    "allowed or has no answer"
)
NOT_SIMULATED = (
    "not checked: the policy simulator does not see what the function's account allows to the deployer's"
)


def check_aws(target: Target, base: Base | None) -> Iterator[Check]:
    """Check credentials, clock and function, and then each permission that the settings need."""
    try:
        session = Session(target)
        inquiry = Inquiry(session)
    except DeployError as error:
        yield failed("credentials", error)
        return
    identity, latest = inquiry.identity(), inquiry.latest()
    yield check_credentials(identity, latest, target)
    yield check_clock(identity, latest)
    # If nobody answers, there is no need to wait once more.
    dry_run = latest if obstacle(latest) else inquiry.dry_run()
    yield check_function(latest, dry_run, target)
    if latest.error is None and base is not None:
        serving = inquiry.serving().content if target.settings.alias else {}
        yield from check_fit(latest.content, serving, target, base)
    if not obstacle(latest):
        yield from check_shift(session, inquiry)
    yield from _check_permissions(session, inquiry, identity=identity, latest=latest, dry_run=dry_run)


def _check_permissions(
    session: Session, inquiry: Inquiry, *, identity: Answer, latest: Answer, dry_run: Answer
) -> Iterator[Check]:
    """Check each permission; what an earlier answer has shown is not asked again."""
    target = session.target
    why = obstacle(latest)
    absent = "there is no such function" if NOT_FOUND in {latest.code, dry_run.code} else ""
    known = {UPDATE: dry_run}
    if latest.denies or not target.settings.publishes:
        known[READ] = latest
    if target.settings.s3_bucket and not why:
        known["s3:ListBucket"] = inquiry.bucket()
        yield _check_bucket(known["s3:ListBucket"], session)
    foreign: list[str] = []
    for grant in grants(target):
        unasked = why or (absent if grant.service == "lambda" else "")
        yield from _check_grant(
            grant, inquiry, known, identity=identity, target=target, why=unasked, foreign=foreign
        )
    if target.settings.s3_bucket and not why:
        yield from _check_versioning(inquiry.versioning(), target.settings.s3_bucket)


def _check_grant(
    grant: Grant,
    inquiry: Inquiry,
    known: dict[str, Answer],
    *,
    identity: Answer,
    target: Target,
    why: str,
    foreign: list[str],
) -> Iterator[Check]:
    """Check the permissions of a grant; `foreign` are those that the account of the function has refused."""
    simulated: Mapping[str, bool] | None = None
    for permission in grant.permissions:
        action = permission.action
        if why:
            yield unknown(action, why)
        elif answer := known.get(action) or inquiry.permission(action):
            yield _check_answer(permission, grant, answer, target, foreign)
        elif grant.service == "lambda" and _is_elsewhere(identity, target):
            yield unknown(action, NOT_SIMULATED)
        else:
            if simulated is None:
                simulated = inquiry.simulate(identity.content.get("Arn", ""), grant)
            yield _check_simulated(permission, grant, simulated.get(action))


def _is_elsewhere(identity: Answer, target: Target) -> bool:
    """Whether the function is in an account that is not the deployer's."""
    account: str | None = identity.content.get("Account")
    return bool(account) and target.function.account not in {None, account}


def _check_simulated(permission: Permission, grant: Grant, is_allowed: bool | None) -> Check:
    if is_allowed is None:
        return unknown(permission.action, NOT_CHECKED)
    if is_allowed:
        return ok(permission.action, f"{permission.purpose} (simulated)")
    why = "The policy simulator says that the deployer's policies do not allow it."
    if not permission.action.startswith(("lambda:", "codedeploy:")):
        why += " The policy of the bucket or of the key may, which it does not see."
    return _missing(permission, why, _remedy(permission.action, grant))


def _check_answer(
    permission: Permission, grant: Grant, answer: Answer, target: Target, foreign: list[str]
) -> Check:
    action = permission.action
    if answer.error is None or answer.allows:
        return ok(action, permission.purpose)
    if not answer.denies:
        return unknown(action, answer.error.what)
    why = answer.error.why
    todo = _remedy(action, grant)
    if "explicit deny" in why:
        todo = f"A policy denies {action} explicitly: that statement has to go, an Allow does not help."
    elif caller := other_account(why, action, target.function):
        foreign.append(action)
        if len(foreign) > 1:
            return _missing(permission, f"For the same reason as {foreign[0]}.", "")
        why = answer.error.what
        todo = todo_for_other_account(target.function.account or "", caller, action)
    return _missing(permission, why, todo)


def _missing(permission: Permission, why: str, todo: str) -> Check:
    if not permission.needed:
        todo = f"{todo} A deploy does without.".strip()
    detail = f"missing, to {permission.purpose}\n{why}"
    return Check(permission.action, "failed", detail, todo, int(permission.needed))


def _remedy(action: str, grant: Grant) -> str:
    condition = " under its condition" if grant.condition else ""
    return (
        f"Allow {action}{condition} on {' and '.join(grant.resources)}: `deploy doctor --policy` prints the "
        "whole policy."
    )


def _check_versioning(versioning: Answer, bucket: str) -> Iterator[Check]:
    """Point out a bucket that keeps packages, which hold the config, after they were deleted."""
    if versioning.error:
        yield unknown("bucket versions", f"not checked: {versioning.error.what}")
    elif versioning.content.get("Status") == "Enabled":
        error = DeployError(
            f"s3://{bucket} keeps deleted objects as older versions, and packages hold the config.",
            todo="Use a bucket without versioning, or a lifecycle rule that deletes noncurrent versions "
            "after a day.",
        )
        yield failed("bucket versions", error, needed=False)


def _check_bucket(listing: Answer, session: Session) -> Check:
    bucket = session.target.settings.bucket
    if bucket is None:
        raise RuntimeError("a check of no bucket")
    region = listing.headers.get("x-amz-bucket-region", "")
    if wrong := wrong_bucket(bucket, region, session, exists=listing.status != 404):  # noqa: PLR2004
        return failed("bucket", wrong)
    if listing.error and not listing.denies:
        return failed("bucket", listing.error)
    return ok("bucket", f"s3://{bucket.name} in {session.target.region}")
