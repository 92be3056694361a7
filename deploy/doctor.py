"""The checks of `deploy doctor`: each looks at one thing that a deploy needs, and says what to do about it.

A check never raises and never stops another one. What it can't tell is `unknown`, with the reason.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

from deploy import archive
from deploy import base as bases
from deploy.baking import bake
from deploy.errors import DeployError, InputError
from deploy.output import megabytes, printable
from deploy.package import build
from deploy.policy import grants
from deploy.probes import Answer, Objects, Probes
from deploy.release import check_size
from deploy.settings import read_release_settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.baking import Bake
    from deploy.base import Base
    from deploy.output import Output
    from deploy.policy import Grant, Permission
    from deploy.settings import Bucket, FunctionSettings, Settings

__all__ = ["Check", "check_app", "check_aws", "usable_settings"]

NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"

# What AWS says of credentials that it does not take, whatever they may do.
REJECTED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
LARGEST_SKEW = 5 * 60  # seconds; AWS refuses requests that are older or younger
UNNOTICED_SKEW = 2  # seconds; the Date header has no fractions, and the answer was on its way


@dataclass(frozen=True)
class Check:
    """How one check ended. `exit_status` is the command's, where a deploy can't do without it."""

    name: str
    status: Literal["ok", "failed", "unknown"]
    detail: str = ""
    todo: str = ""
    exit_status: int = 0


def _ok(name: str, detail: str) -> Check:
    return Check(name, "ok", detail)


def _failed(name: str, error: DeployError, *, needed: bool = True) -> Check:
    detail = "\n".join(text for text in (error.what, error.why) if text)
    return Check(name, "failed", detail, error.todo, error.exit_code if needed else 0)


def _unknown(name: str, why: str) -> Check:
    return Check(name, "unknown", why)


# --- the app ---------------------------------------------------------------------------------------


def usable_settings(environment: Mapping[str, str]) -> tuple[Settings | None, Check]:
    """Read the settings; where some are wrong, give those that say where the function is, if they do."""
    try:
        settings = read_settings(environment)
    except InputError as error:
        where = {
            name: value
            for name, value in environment.items()
            if name.startswith("_AWS_") or name == "_LAMBDA_FUNCTION_ARN"
        }
        with contextlib.suppress(InputError):
            return read_settings(where), _failed("settings", error)
        return None, _failed("settings", error)
    return settings, _ok("settings", "all that are set are valid")


def check_app(environment: Mapping[str, str], slug: Path, output: Output) -> Iterator[Check]:
    """Check what needs no AWS: the base, the config, and the package that they make."""
    base: Base | None = None
    try:
        base = _whole_base(slug)
        yield _ok("base", f"{printable(base.base)}, {megabytes(base.size)}, {base.entries} entries")
    except DeployError as error:
        yield _failed("base", error)
    try:
        release, config = read_release_settings(environment)
        baked = bake(environment, config, output, quietly=True)
    except DeployError as error:
        yield _failed("config", error)
        yield _unknown("package", "the config can't be baked")
        return
    size = sum(len(file.content) for file in baked.files)
    yield _ok("config", f"{len(baked.config.baked)} config vars, {megabytes(size)} in {baked.file_names}")
    if base is None:
        yield _unknown("package", "there is no base to make it of")
        return
    yield _check_package(slug / base.base, baked, release.bucket, output)


def _whole_base(slug: Path) -> Base:
    base = bases.read(slug)
    path = slug / base.base
    try:
        with path.open("rb") as file:
            archive.read_directory(file)
            sha256, _ = archive.digest(file)
    except OSError as error:
        raise InputError(
            f"{printable(base.base)} can't be read: {error.strerror}.",
            todo="Push the app again, so that it is built anew.",
        ) from None
    if sha256.hex() != base.sha256:
        raise InputError(
            f"{printable(base.base)} is not what the build made: it was changed since.",
            todo="Push the app again, so that it is built anew.",
        )
    return base


def _check_package(base: Path, baked: Bake, bucket: Bucket | None, output: Output) -> Check:
    try:
        with build(base, baked.files, output.copying) as package:
            check_size(package, bucket)
    except DeployError as error:
        return _failed("package", error)
    way = f" (more goes by way of s3://{bucket.name})" if bucket else ""
    return _ok(
        "package",
        f"{megabytes(package.size)} of 50 MB{way}, {megabytes(package.unzipped_size)} of 250 MB unzipped",
    )


# --- AWS -------------------------------------------------------------------------------------------


def check_aws(settings: Settings) -> Iterator[Check]:
    """Check credentials, clock and function, and then each permission that the settings need."""
    try:
        probes = Probes(settings)
    except DeployError as error:
        yield _failed("credentials", error)
        return
    identity, latest = probes.identity(), probes.latest()
    yield _check_credentials(identity, latest, settings.function)
    yield _check_clock(identity, latest)
    # Where nobody answers, there is no need to wait once more.
    dry_run = latest if latest.error and not latest.code else probes.permission(UPDATE)
    yield _check_function(latest, dry_run, settings.function)
    if obstacle := _obstacle(latest, dry_run):
        for grant in grants(settings):
            yield from (_unknown(permission.action, obstacle) for permission in grant.permissions)
        return
    known = {UPDATE: dry_run}
    if latest.denies or not settings.release.alias:
        known[READ] = latest
    yield from _check_permissions(settings, probes, known)


UPDATE = "lambda:UpdateFunctionCode"
READ = "lambda:GetFunctionConfiguration"


def _check_credentials(identity: Answer, latest: Answer, settings: FunctionSettings) -> Check:
    for answer in (identity, latest):
        if answer.error and answer.code in REJECTED:
            return _failed("credentials", answer.error)
    if identity.error:
        return _unknown("credentials", identity.error.what)
    key = settings.sdk_environment["AWS_ACCESS_KEY_ID"][-4:]
    return _ok("credentials", f"{identity.content['Arn']}, with the access key that ends in {key}")


def _check_clock(*answers: Answer) -> Check:
    for answer in answers:
        with contextlib.suppress(KeyError, ValueError):
            theirs = parsedate_to_datetime(answer.headers["date"])
            ours = dt.datetime.fromtimestamp(answer.received, dt.timezone.utc)
            return _compare_clocks((ours - theirs).total_seconds())
    return _unknown("clock", "no answer of AWS's tells the time")


def _compare_clocks(skew: float) -> Check:
    if abs(skew) <= UNNOTICED_SKEW:
        return _ok("clock", "the same as AWS's")
    detail = f"{abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} AWS's"
    if abs(skew) < LARGEST_SKEW:
        return _ok("clock", detail)
    error = DeployError(
        f"It is {detail}, and AWS takes requests within 5 minutes of its own.",
        todo="Set the clock of this machine (on Heroku: restart the dyno).",
    )
    return _failed("clock", error)


def _check_function(latest: Answer, dry_run: Answer | None, settings: FunctionSettings) -> Check:
    name = settings.function.name
    answers = [answer for answer in (latest, dry_run) if answer]
    content = next((answer.content for answer in answers if answer.content), {})
    if content.get("PackageType") == "Image":
        error: DeployError = InputError(
            f"{name} is a container image, and this deploy uploads a ZIP.",
            todo="Make a function of package type Zip, and name it in _LAMBDA_FUNCTION_ARN.",
        )
        return _failed("function", error)
    if content.get("State") == "Failed":
        error = DeployError(
            f"{name} is in the state Failed.",
            why=f"AWS says: {content.get('StateReason', '')}",
            todo="Mend what AWS names, or make the function anew.",
        )
        return _failed("function", error)
    for answer in answers:
        # A dry run that was allowed and refused shows what a deploy would be refused for.
        if answer.error and (answer.code == NOT_FOUND or (answer.allows and answer.code != CONFLICT)):
            return _failed("function", answer.error)
    if content:
        facts = (content.get("PackageType"), content.get("Runtime"), content.get("State"))
        return _ok("function", ", ".join((f"{name} in {settings.region}", *(fact for fact in facts if fact))))
    if any(answer.code == CONFLICT for answer in answers):
        return _ok("function", f"{name} in {settings.region}, being updated just now")
    return _unknown("function", latest.error.what if latest.error else "")


def _obstacle(latest: Answer, dry_run: Answer | None) -> str:
    """Tell why no permission can be told at all; nothing where they can."""
    answers = [answer for answer in (latest, dry_run) if answer]
    if any(answer.code == NOT_FOUND for answer in answers):
        return "there is no such function"
    if latest.error and not any(answer.allows or answer.denies for answer in answers):
        return latest.error.what
    return ""


# --- permissions -----------------------------------------------------------------------------------


def _check_permissions(
    settings: Settings, probes: Probes, known: Mapping[str, Answer | None]
) -> Iterator[Check]:
    objects = Objects({})
    for grant in grants(settings):
        bucket = settings.release.bucket
        if grant.name == "Upload" and bucket:
            listing = probes.bucket(bucket)
            check = _check_bucket(listing, bucket, settings.function)
            yield check
            objects = probes.objects(bucket) if check.status == "ok" else Objects({})
            known = {**known, **objects.answers, "s3:ListBucket": listing}
            yield from _check_leftovers(objects, bucket)
        for permission in grant.permissions:
            if permission.action in known:
                answer = known[permission.action]
            elif permission.action.startswith("lambda:"):
                answer = probes.permission(permission.action)
            else:
                answer = None
            yield _check_permission(permission, grant, answer)


def _check_permission(permission: Permission, grant: Grant, answer: Answer | None) -> Check:
    action = permission.action
    if answer is None:
        why = (
            f"asked only where {READ} has told that there is no such version"
            if action.startswith("lambda:")
            else "not asked, because something that it takes is missing"
        )
        return _unknown(action, why)
    if answer.error is None or answer.allows:
        return _ok(action, permission.purpose)
    if answer.code.startswith("KMS."):
        todo = "Check _LAMBDA_S3_KMS_KEY_ID: a key that is enabled, in the region of the bucket."
    elif answer.denies:
        todo = _remedy(action, grant, answer.error.why)
    else:
        return _unknown(action, answer.error.what)
    if not permission.needed:
        todo += " A deploy does without."
    detail = f"needed to {permission.purpose}\n{answer.error.why}"
    return Check(action, "failed", detail, todo, int(permission.needed))


def _remedy(action: str, grant: Grant, why: str) -> str:
    if "explicit deny" in why:
        return f"A policy denies {action} explicitly: that statement has to go, an Allow does not help."
    condition = " under its condition" if grant.condition else ""
    return f"Allow it{condition} on {' and '.join(grant.resources)}: `deploy doctor --policy` prints all."


def _check_bucket(listing: Answer, bucket: Bucket, settings: FunctionSettings) -> Check:
    region = listing.headers.get("x-amz-bucket-region", settings.region)
    if listing.status == 404:  # noqa: PLR2004
        error = InputError(
            f"The bucket {bucket.name} does not exist.",
            todo="Make it, in the region of the function, or correct _LAMBDA_S3_BUCKET.",
        )
        return _failed("bucket", error)
    if region != settings.region:
        error = InputError(
            f"The bucket {bucket.name} is in {region}, the function in {settings.region}.",
            why="Lambda takes code from buckets of its own region alone.",
            todo=f"Let _LAMBDA_S3_BUCKET name a bucket in {settings.region}.",
        )
        return _failed("bucket", error)
    if listing.error and not listing.denies:
        return _unknown("bucket", listing.error.what)
    return _ok("bucket", f"s3://{bucket.name} in {region}")


def _check_leftovers(objects: Objects, bucket: Bucket) -> Iterator[Check]:
    if objects.keeps_versions:
        error = DeployError(
            f"s3://{bucket.name} keeps what is deleted as older versions, and packages hold the config.",
            todo="Use a bucket without versioning, or a lifecycle rule that deletes noncurrent versions "
            "after a day.",
        )
        yield _failed("bucket versions", error, needed=False)
    if objects.left:
        error = DeployError(
            f"{objects.left}, which this check has put there, could not be deleted.",
            todo="Delete it by hand; it holds nothing of yours.",
        )
        yield _failed("bucket leftovers", error, needed=False)
