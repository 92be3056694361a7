"""Checks of each permission that the settings need: by reads, dry runs and the policy simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.bucket import wrong_bucket
from deploy.aws.codes import NOT_FOUND
from deploy.aws.refusals import other_account, todo_for_other_account
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.doctor.function import READ, UPDATE, obstacle
from deploy.errors import DeployError
from deploy.infrastructure.policy import grants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.aws.inquiry import Answer, Inquiry
    from deploy.aws.permissions import Grant, Permission
    from deploy.aws.session import Session
    from deploy.target.environment import Target

NOT_CHECKED = (
    "not checked: only a call that changes something would show it, and iam:SimulatePrincipalPolicy is not "
    "allowed or has no answer"
)


def check_permissions(
    session: Session, inquiry: Inquiry, *, identity: Answer, latest: Answer, dry_run: Answer
) -> Iterator[Check]:
    """Check each permission; what an earlier answer has shown is not asked again."""
    target = session.target
    why = obstacle(latest)
    absent = "there is no such function" if NOT_FOUND in {latest.code, dry_run.code} else ""
    known = {UPDATE: dry_run}
    if latest.denies or not target.settings.alias:
        known[READ] = latest
    if target.settings.s3_bucket and not why:
        known["s3:ListBucket"] = inquiry.bucket()
        yield _check_bucket(known["s3:ListBucket"], session)
    for grant in grants(target):
        unasked = why or (absent if grant.service == "lambda" else "")
        yield from _check_grant(grant, inquiry, known, identity=identity, target=target, why=unasked)
    if target.settings.s3_bucket and not why and inquiry.keeps_versions():
        error = DeployError(
            f"s3://{target.settings.s3_bucket} keeps deleted objects as older versions, and packages hold "
            "the config.",
            todo="Use a bucket without versioning, or a lifecycle rule that deletes noncurrent versions "
            "after a day.",
        )
        yield failed("bucket versions", error, needed=False)


def _check_grant(
    grant: Grant, inquiry: Inquiry, known: dict[str, Answer], *, identity: Answer, target: Target, why: str
) -> Iterator[Check]:
    simulated: Mapping[str, bool] | None = None
    for permission in grant.permissions:
        action = permission.action
        if why:
            yield unknown(action, why)
        elif answer := known.get(action) or inquiry.permission(action):
            yield _check_answer(permission, grant, answer, target)
        else:
            if simulated is None:
                simulated = inquiry.simulate(identity.content.get("Arn", ""), grant)
            yield _check_simulated(permission, grant, simulated.get(action))


def _check_simulated(permission: Permission, grant: Grant, is_allowed: bool | None) -> Check:
    if is_allowed is None:
        return unknown(permission.action, NOT_CHECKED)
    if is_allowed:
        return ok(permission.action, f"{permission.purpose} (simulated)")
    why = "The policy simulator says that the deployer's policies do not allow it."
    if not permission.action.startswith("lambda:"):
        why += " The policy of the bucket or of the key may, which it does not see."
    return _missing(permission, why, _remedy(permission.action, grant))


def _check_answer(permission: Permission, grant: Grant, answer: Answer, target: Target) -> Check:
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
        account = target.function.account or ""
        todo = (
            f"_LAMBDA_FUNCTION_ARN names the account {account}, and the access key belongs to {caller}. "
            f"{todo_for_other_account(account, caller, action)}"
        )
    return _missing(permission, why, todo)


def _missing(permission: Permission, why: str, todo: str) -> Check:
    if not permission.needed:
        todo += " A deploy does without."
    detail = f"missing, to {permission.purpose}\n{why}"
    return Check(permission.action, "failed", detail, todo, int(permission.needed))


def _remedy(action: str, grant: Grant) -> str:
    condition = " under its condition" if grant.condition else ""
    return (
        f"Allow {action}{condition} on {' and '.join(grant.resources)}: `deploy doctor --policy` prints the "
        "whole policy."
    )


def _check_bucket(listing: Answer, session: Session) -> Check:
    bucket = session.target.settings.bucket
    if bucket is None:
        raise RuntimeError("a check of no bucket")
    region = listing.headers.get("x-amz-bucket-region", "")
    if wrong := wrong_bucket(bucket, region, session, exists=listing.status != 404):  # noqa: PLR2004
        return failed("bucket", wrong)
    if listing.error and not listing.denies:
        return failed("bucket", listing.error)
    return ok("bucket", f"s3://{bucket.name} in {region or session.target.region}")
