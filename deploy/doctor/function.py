"""Checks of the credentials, the clock and the function."""

from __future__ import annotations

import contextlib
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from deploy.aws.codes import CONFLICT, CUT, NO_ANSWER, NO_CREDENTIALS, NOT_FOUND, UNREACHABLE
from deploy.aws.refusals import container_image
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError
from deploy.target.sdk import PROFILES, ROLE, TOKEN_FILE
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.aws.inquiry import Answer
    from deploy.target.environment import Target

UPDATE = "lambda:UpdateFunctionCode"
READ = "lambda:GetFunctionConfiguration"

# What AWS says of credentials that it does not take, whatever they may do.
REJECTED = frozenset(
    """
    ExpiredToken ExpiredTokenException InvalidAccessKeyId InvalidClientTokenId InvalidSignatureException
    RequestExpired SignatureDoesNotMatch UnrecognizedClientException
""".split()
) | {NO_CREDENTIALS}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
LARGEST_SKEW = 5 * 60  # seconds; AWS refuses requests that are older or younger
UNNOTICED_SKEW = 2  # seconds; the Date header has no fractions, and the answer was on its way


def obstacle(answer: Answer) -> str:
    """Return why no other call of AWS would get further than this one; nothing if it may."""
    if answer.code in REJECTED:
        return "the credentials are not accepted"
    if answer.error and answer.code in {"", CUT, NO_ANSWER, UNREACHABLE}:
        return answer.error.what
    return ""


def check_credentials(identity: Answer, latest: Answer, target: Target) -> Check:
    """Check that AWS takes the credentials, and show whose they are."""
    for answer in (identity, latest):
        if answer.error and answer.code in REJECTED:
            return failed("credentials", answer.error)
    if "Arn" not in identity.content:
        return unknown("credentials", identity.error.what if identity.error else "AWS does not name them")
    return ok("credentials", f"{identity.content['Arn']}, {_origin(target)}")


def _origin(target: Target) -> str:
    """Return where the credentials come from, as far as the settings say."""
    sdk = target.sdk
    if TOKEN_FILE in sdk:
        return "by a web identity token"
    origin = "with the credentials that the AWS CLI would use here"
    if key := sdk.get("AWS_ACCESS_KEY_ID"):
        origin = f"with the access key that ends in {key[-4:]}"
    elif profile := next((sdk[name] for name in PROFILES if name in sdk), ""):
        origin = f"with the profile {printable(profile)}"
    return f"assumed {origin}" if ROLE in sdk else origin


def check_clock(*answers: Answer) -> Check:
    """Check that AWS will not refuse requests for their time."""
    for answer in answers:
        with contextlib.suppress(KeyError, ValueError):
            theirs = parsedate_to_datetime(answer.headers["date"])
            ours = dt.datetime.fromtimestamp(answer.received, dt.timezone.utc)
            return _compare_clocks((ours - theirs).total_seconds())
    return unknown("clock", "no answer of AWS's tells the time")


def _compare_clocks(skew: float) -> Check:
    if abs(skew) <= UNNOTICED_SKEW:
        return ok("clock", "the same as AWS's")
    detail = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} AWS's"
    if abs(skew) < LARGEST_SKEW:
        return ok("clock", detail)
    error = DeployError(
        f"It is {detail}, and AWS takes requests within 5 minutes of its own.",
        todo="Set the clock of this machine (on Heroku: restart the dyno).",
    )
    return failed("clock", error)


def check_function(latest: Answer, dry_run: Answer, target: Target) -> Check:
    """Check that the function is there and can be updated."""
    content = latest.content or dry_run.content
    where = f"{target.function.name} in {target.region}"
    if error := _wrong_function(latest, dry_run, target.function.name):
        return failed("function", error)
    if content:
        facts = [where, *(content.get(name) for name in ("PackageType", "Runtime", "State"))]
        facts.append(_wait(content))
        return ok("function", ", ".join(fact for fact in facts if fact))
    if dry_run.code == CONFLICT:
        return ok("function", f"{where}, being updated just now")
    if latest.denies:
        return unknown("function", f"neither {READ} nor {UPDATE} is allowed")
    return unknown("function", obstacle(latest))


def _wait(content: Mapping[str, Any]) -> str:
    """Return that a deploy would wait for the function; nothing if it would not."""
    if content.get("State") == "Pending":
        return "being made ready just now: a deploy waits for that"
    if content.get("LastUpdateStatus") == "InProgress":
        return "being updated just now: a deploy waits for that"
    return ""


def _wrong_function(latest: Answer, dry_run: Answer, name: str) -> DeployError | None:
    content = latest.content or dry_run.content
    if content.get("PackageType") == "Image":
        return container_image(name)
    if content.get("State") == "Failed":
        return DeployError(
            f"{name} is in the state Failed.",
            why=f"AWS says: {content.get('StateReason', '')}",
            todo="Fix the problem that AWS reports, or create the function again.",
        )
    if latest.error and not latest.denies and latest.code not in REJECTED:
        return latest.error
    # What a dry run that is allowed is refused for, a deploy will be refused for.
    if dry_run.code == NOT_FOUND or (dry_run.allows and dry_run.code != CONFLICT):
        return dry_run.error
    return None
