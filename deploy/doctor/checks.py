"""The checks of `deploy doctor`: each looks at one thing that a deploy needs, and says what to do about it.

A check never raises and never stops another one. What it can't tell is `unknown`, with the reason.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from deploy.artifact import base as bases
from deploy.artifact.package import build, check_base, holds
from deploy.aws.codes import CONFLICT, NO_ANSWER, NOT_FOUND
from deploy.aws.errors import other_account, todo_for_other_account
from deploy.config.bake import bake
from deploy.doctor.probes import Answer, Objects, Probes
from deploy.errors import DeployError, InputError
from deploy.infrastructure.policy import grants
from deploy.release import plan as releases
from deploy.target.settings import read_release_settings, read_settings
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.artifact.base import Base
    from deploy.config.bake import Bake
    from deploy.infrastructure.policy import Grant, Permission
    from deploy.output import Output
    from deploy.target.arn import FunctionReference
    from deploy.target.settings import Bucket, FunctionSettings, Settings

UPDATE = "lambda:UpdateFunctionCode"
READ = "lambda:GetFunctionConfiguration"

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

SETTINGS_ARE_WRONG = "settings are wrong"

# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
TASK_ROOT = "/var/task/"

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
        base = bases.read(slug)
        check_base(slug, base)
        yield _ok("base", f"{printable(base.base)}, {megabytes(base.size)}, {base.entries} entries")
    except DeployError as error:
        yield _failed("base", error)
    try:
        release, config = read_release_settings(environment)
    except InputError:
        yield _unknown("config", SETTINGS_ARE_WRONG)
        yield _unknown("package", SETTINGS_ARE_WRONG)
        return
    try:
        baked = bake(environment, config, output, quietly=True)
    except DeployError as error:
        yield _failed("config", error)
        yield _unknown("package", "the config can't be baked")
        return
    size = sum(len(file.content) for file in baked.files)
    count = len(baked.config.baked)
    yield _ok("config", f"{count} config var{'s' * (count != 1)}, {megabytes(size)} in {baked.file_names}")
    if base is None:
        yield _unknown("package", "there is no base to make it of")
        return
    yield _check_package(slug, base, baked, release.bucket, output)


def _check_package(slug: Path, base: Base, baked: Bake, bucket: Bucket | None, output: Output) -> Check:
    try:
        with build(slug, base, baked.files, output.hashing) as package:
            releases.check_size(package, bucket)
    except DeployError as error:
        return _failed("package", error)
    size = f"{megabytes(package.size)} of 50 MB"
    if bucket and package.size > releases.DIRECT_LIMIT:
        size = f"{megabytes(package.size)}, by way of s3://{bucket.name} for it is over 50 MB"
    return _ok("package", f"{size}, {megabytes(package.unzipped_size)} of 250 MB unzipped")


# --- AWS -------------------------------------------------------------------------------------------


def check_aws(settings: Settings, slug: Path, *, complete: bool) -> Iterator[Check]:
    """Check credentials, clock and function, and then each permission that the settings need.

    Whether the function can run what is deployed stops no deploy: it may be put right afterwards.

    `complete` tells that these are all settings, not only those that say where the function is.
    """
    try:
        probes = Probes(settings)
    except DeployError as error:
        yield _failed("credentials", error)
        return
    identity, latest = probes.identity(), probes.latest()
    yield _check_credentials(identity, latest, settings.function)
    yield _check_clock(identity, latest)
    # Where nobody answers, there is no need to wait once more.
    dry_run = latest if _obstacle(latest) else probes.dry_run()
    yield _check_function(latest, dry_run, settings.function)
    if latest.error is None:
        yield from _check_fit(latest.content, slug, settings.config.files if complete else ())
    yield from _check_lambda(settings, probes, latest, dry_run)
    if settings.release.bucket:
        yield from _check_s3(settings, settings.release.bucket, probes, _obstacle(latest))
    if not complete:
        yield _unknown("other permissions", SETTINGS_ARE_WRONG)


def _obstacle(answer: Answer) -> str:
    """Tell why no other call of AWS would get further than this one; nothing where it may."""
    if answer.code in REJECTED:
        return "the credentials are not accepted"
    if answer.error and answer.code in {"", NO_ANSWER}:
        return answer.error.what
    return ""


def _check_credentials(identity: Answer, latest: Answer, settings: FunctionSettings) -> Check:
    for answer in (identity, latest):
        if answer.error and answer.code in REJECTED:
            return _failed("credentials", answer.error)
    if "Arn" not in identity.content:
        return _unknown("credentials", identity.error.what if identity.error else "AWS does not name them")
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


def _check_function(latest: Answer, dry_run: Answer, settings: FunctionSettings) -> Check:
    content = latest.content or dry_run.content
    where = f"{settings.function.name} in {settings.region}"
    if error := _wrong_function(latest, dry_run, settings.function.name):
        return _failed("function", error)
    if content:
        facts = [where, *(content.get(name) for name in ("PackageType", "Runtime", "State"))]
        facts.append(_wait(content))
        return _ok("function", ", ".join(fact for fact in facts if fact))
    if dry_run.code == CONFLICT:
        return _ok("function", f"{where}, being updated just now")
    if latest.denies:
        return _unknown("function", f"neither {READ} nor {UPDATE} is allowed")
    return _unknown("function", _obstacle(latest))


def _wait(content: Mapping[str, Any]) -> str:
    """Say that a deploy would wait for the function; nothing where it would not."""
    if content.get("State") == "Pending":
        return "being made ready just now: a deploy waits for that"
    if content.get("LastUpdateStatus") == "InProgress":
        return "being updated just now: a deploy waits for that"
    return ""


def _wrong_function(latest: Answer, dry_run: Answer, name: str) -> DeployError | None:
    content = latest.content or dry_run.content
    if content.get("PackageType") == "Image":
        return InputError(
            f"{name} is a container image, and this deploy uploads a ZIP.",
            todo="Make a function of package type Zip, and name it in _LAMBDA_FUNCTION_ARN.",
        )
    if content.get("State") == "Failed":
        return DeployError(
            f"{name} is in the state Failed.",
            why=f"AWS says: {content.get('StateReason', '')}",
            todo="Mend what AWS names, or make the function anew.",
        )
    if latest.error and not latest.denies and latest.code not in REJECTED:
        return latest.error
    # What a dry run that is allowed is refused for, a deploy will be refused for.
    if dry_run.code == NOT_FOUND or (dry_run.allows and dry_run.code != CONFLICT):
        return dry_run.error
    return None


# --- what runs it -----------------------------------------------------------------------------------


def _check_fit(content: Mapping[str, Any], slug: Path, files: tuple[str, ...]) -> Iterator[Check]:
    """Check that the function runs this base, and finds the config `files` where they are known."""
    try:
        base = bases.read(slug)
    except DeployError:  # which check_app has told
        return
    runtime = content.get("Runtime", "")
    if error := _wrong_runtime(runtime, base.kind):
        yield _failed("runtime", error, needed=False)
    environment = content.get("Environment", {})
    # AWS gives an error in place of variables that the deployer may not decrypt. What an OS-only runtime does
    # with the wrapper is the app's matter.
    if not files or not runtime or runtime.startswith("provided") or "Error" in environment:
        return
    wrapper = environment.get("Variables", {}).get(WRAPPER, "")
    if check := _check_wrapper(wrapper, files, slug, base):
        yield check


def _wrong_runtime(runtime: str, kind: str) -> DeployError | None:
    if kind == "java" and runtime and not runtime.startswith(("java", "provided")):
        return DeployError(
            f"The function runs {runtime}, and this app is a Java app.",
            todo="Set the function's runtime to a Java, or name another function in _LAMBDA_FUNCTION_ARN.",
        )
    if kind == "nodejs" and runtime.startswith("java"):
        return DeployError(
            f"The function runs {runtime}, and this app is a Node.js app.",
            todo="Set the function's runtime to a Node.js, or name another function in _LAMBDA_FUNCTION_ARN.",
        )
    return None


def _check_wrapper(wrapper: str, files: tuple[str, ...], slug: Path, base: Base) -> Check | None:
    """Check that what starts the function's runtime goes by a baked env.sh, where one is baked."""
    scripts = [f"{TASK_ROOT}{file}" for file in files if file.endswith(".sh")]
    if wrapper in scripts:
        return _ok("wrapper", f"{WRAPPER} is {printable(wrapper)}")
    todo = f"Remove {WRAPPER} from the function, or name the file in _LAMBDA_CONFIG_FILES."
    if scripts:
        todo = f"Set it on the function, after the first deploy with this file: {WRAPPER}={scripts[0]}"
    of_the_app = wrapper.startswith(TASK_ROOT)
    if of_the_app and not _holds(slug, base, wrapper.removeprefix(TASK_ROOT)):
        what = f"The function's {WRAPPER} is {printable(wrapper)}, which the package does not hold."
        why = "A function whose wrapper is missing does not start."
    elif not scripts:
        return None
    elif of_the_app:
        return _unknown("wrapper", f"{printable(wrapper)}, a script of the app, has to source {scripts[0]}")
    else:
        what = f"The function has no environment variable {WRAPPER}."
        if wrapper:
            what = f"The function's {WRAPPER} is {printable(wrapper)}, and not {scripts[0]}."
        why = "So the config that is baked into this file does not reach its environment."
    return _failed("wrapper", DeployError(what, why=why, todo=todo), needed=False)


def _holds(slug: Path, base: Base, name: str) -> bool:
    """Tell whether the base holds a file; it does, where that can't be told."""
    try:
        return holds(slug, base, name)
    except InputError:
        return True


# --- permissions -----------------------------------------------------------------------------------


def _needed(settings: Settings, *services: str) -> Iterator[tuple[Permission, Grant]]:
    for grant in grants(settings):
        for permission in grant.permissions:
            if permission.action.partition(":")[0] in services:
                yield permission, grant


def _check_lambda(settings: Settings, probes: Probes, latest: Answer, dry_run: Answer) -> Iterator[Check]:
    obstacle = _obstacle(latest)
    if NOT_FOUND in {latest.code, dry_run.code}:
        obstacle = "there is no such function"
    known = {UPDATE: dry_run}
    if latest.denies or not settings.release.alias:
        known[READ] = latest
    for permission, grant in _needed(settings, "lambda"):
        action = permission.action
        if obstacle:
            yield _unknown(action, obstacle)
        elif answer := known.get(action) or probes.permission(action):
            yield _check_permission(permission, grant, answer, settings.function.function)
        else:
            yield _unknown(action, f"asked only where {READ} has told that there is no such version")


def _check_s3(settings: Settings, bucket: Bucket, probes: Probes, obstacle: str) -> Iterator[Check]:
    objects, answers = Objects({}), {}
    if not obstacle:
        answers["s3:ListBucket"] = probes.bucket(bucket)
        check = _check_bucket(answers["s3:ListBucket"], bucket, settings.function)
        yield check
        if check.status == "ok":
            objects = probes.objects(bucket)
            answers |= objects.answers
    for permission, grant in _needed(settings, "s3", "kms"):
        if answer := answers.get(permission.action):
            yield _check_permission(permission, grant, answer, settings.function.function)
        else:
            yield _unknown(permission.action, obstacle or "not tried, because another one is missing")
    yield from _check_leftovers(objects, bucket)


def _check_permission(
    permission: Permission, grant: Grant, answer: Answer, function: FunctionReference
) -> Check:
    action = permission.action
    if answer.error is None or answer.allows:
        return _ok(action, permission.purpose)
    if answer.code.startswith("KMS."):
        todo = "Check _LAMBDA_S3_KMS_KEY_ID: a key that is enabled, in the region of the bucket."
    elif answer.denies:
        todo = _remedy(action, grant, answer.error.why, function)
    else:
        return _unknown(action, answer.error.what)
    if not permission.needed:
        todo += " A deploy does without."
    detail = f"missing, to {permission.purpose}\n{answer.error.why}"
    return Check(action, "failed", detail, todo, int(permission.needed))


def _remedy(action: str, grant: Grant, why: str, function: FunctionReference) -> str:
    if "explicit deny" in why:
        return f"A policy denies {action} explicitly: that statement has to go, an Allow does not help."
    if caller := other_account(why, action, function):
        return (
            f"_LAMBDA_FUNCTION_ARN names the account {function.account}, and the access key belongs to "
            f"{caller}. {todo_for_other_account(function.account or '', caller, action)}"
        )
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
        return _failed("bucket", listing.error)
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
