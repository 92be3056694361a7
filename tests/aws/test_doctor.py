"""deploy doctor: what it finds, and that it changes nothing on the way."""

import http.server
import os
import re
import time
from email.utils import formatdate
from pathlib import Path
from typing import Literal

import pytest
from botocore.config import Config

from aws_answers import Answer, Answers
from aws_calls import ACCOUNT_ID, Call
from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from examination import (
    LAMBDA_ACTIONS,
    PLAIN,
    RELEASE,
    S3_ACTIONS,
    SIMULATED,
    examine,
    printed_policy,
)
from in_process import deploy
from targets import ARN

SIMULATE = "iam:SimulatePrincipalPolicy"
VERSIONING = "s3:GetBucketVersioning"
READS = {
    "GetCallerIdentity",
    "GetFunctionConfiguration",
    "GetFunction",
    "GetAlias",
    "ListVersionsByFunction",
    "ListAliases",
    "HeadBucket",
    "GetBucketVersioning",
    "SimulatePrincipalPolicy",
}
REHEARSED = {"UpdateFunctionCode", "Invoke"}


@pytest.fixture(scope="module")
def bucket(aws: EmbeddedAWS) -> str:
    """A bucket in the function's region."""
    return aws.create_bucket()


@pytest.fixture
def everything(aws: EmbeddedAWS, function: Function, bucket: str) -> dict[str, str]:
    """Settings with every feature that the embedded AWS has."""
    return {**aws.settings(function), **RELEASE, "_LAMBDA_S3_BUCKET": bucket}


# --- the checks ------------------------------------------------------------------------------------


def test_tells_each_check_in_a_line(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """The whole output where all is well, for a plain deploy."""
    outcome = deploy(slug, "doctor", env={**aws.settings(function), "NAME": "canary"})
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout == (
        "-----> Checking the app\n"
        "       ok       settings: all that are set are valid\n"
        "       ok       base: .lambda-deploy/base.zip, 237 bytes, 2 entries\n"
        "       ok       config: 1 config var, 12 bytes in env.properties\n"
        "       ok       package: 353 bytes of 50 MiB, 35 bytes of 250 MiB unzipped\n"
        "       ok       config change: sends the whole package, 470 bytes in base64\n"
        f"-----> Checking {function.name} and what this deployer may do\n"
        f"       ok       credentials: {aws.identity}, with the access key that ends in 0000\n"
        "       ok       clock: the same as AWS's\n"
        f"       ok       function: {function.name} in eu-west-1, Zip, nodejs20.x, Active\n"
        "       ok       lambda:UpdateFunctionCode: upload the package\n"
        "       ok       lambda:GetFunctionConfiguration: do nothing if nothing changed, and wait until "
        "an update is in place\n"
        "       ok       lambda:GetFunction: show in `deploy plan` what differs, and keep the key that "
        "encrypts the package\n"
        "-----> A deploy should work: 11 of 11 checks are ok\n"
    )


@pytest.mark.parametrize("action", sorted(LAMBDA_ACTIONS | S3_ACTIONS))
def test_finds_each_missing_permission(
    slug: Path, aws: EmbeddedAWS, everything: dict[str, str], action: str
) -> None:
    """Just the one that is missing fails, says on what to allow it, and stops only what needs it."""
    aws.allowed = {SIMULATE, VERSIONING, *LAMBDA_ACTIONS, *S3_ACTIONS} - {action}
    examination = examine(slug, everything)
    comfort = {"lambda:GetFunction", "s3:ListBucket"}
    assert (examination.names("failed"), examination.names("unknown")) == ({action}, set())
    assert examination.exit_status == (0 if action in comfort else 1)
    check = examination.checks[action]
    assert check["todo"].startswith(f"Allow {action} on arn:aws:")
    assert check["todo"].endswith(" A deploy does without.") == (action in comfort)


def test_without_the_simulator_says_what_it_did_not_check(
    slug: Path, aws: EmbeddedAWS, everything: dict[str, str]
) -> None:
    """What may not be asked is left open; the simulator is asked once, and what can be read is."""
    aws.allowed = LAMBDA_ACTIONS | S3_ACTIONS
    before = len(aws.calls)
    examination = examine(slug, everything)
    assert examination.exit_status == 0
    assert (examination.names("failed"), examination.names("unknown")) == (
        set(),
        {*SIMULATED, "bucket versions"},
    )
    assert examination.checks["lambda:CreateAlias"]["detail"].startswith(
        "not checked: only a call that changes"
    )
    operations = [call.operation for call in aws.calls[before:]]
    assert operations.count("SimulatePrincipalPolicy") == 1


@pytest.mark.parametrize(
    "identity", ["iam::123456789012:user/deployer", "sts::123456789012:assumed-role/deployer/me"]
)
@pytest.mark.parametrize("key_id", ["alias/deploys", "1234abcd-12ab"])
def test_the_simulator_is_asked_as_exactly_as_the_policy_is(
    slug: Path, aws: EmbeddedAWS, everything: dict[str, str], *, identity: str, key_id: str
) -> None:
    """Of a user or of a role: with the printed policy alone, no permission is missing or left open.

    A function without an account, a prefix with wildcards and a key's alias are no resources as they stand.
    """
    full = {
        **everything,
        "_LAMBDA_S3_PREFIX": "a*?$/",
        "_LAMBDA_S3_KMS_KEY_ID": key_id,
    }
    short = {
        **full,
        "_LAMBDA_FUNCTION_ARN": full["_LAMBDA_FUNCTION_ARN"].rpartition(":")[2],
        "_AWS_DEFAULT_REGION": "eu-west-1",
    }
    asks = {"Effect": "Allow", "Action": [SIMULATE, "s3:GetBucketVersioning"], "Resource": ["*"]}
    aws.identity = f"arn:aws:{identity.format(ACCOUNT_ID)}"
    aws.policy = {"Statement": [*printed_policy(slug, full)["Statement"], asks]}
    for settings in (full, short):
        examination = examine(slug, settings)
        assert examination.names("ok") == set(examination.checks) > LAMBDA_ACTIONS | S3_ACTIONS
    other = "arn:aws:kms:eu-west-1:123456789012:key/another"
    encryption = {"Effect": "Allow", "Action": ["kms:*"], "Resource": [other]}
    statements = [each for each in aws.policy["Statement"] if each.get("Sid") != "Encrypt"]
    aws.policy = {"Statement": [*statements, encryption]}
    examination = examine(slug, full)
    assert examination.names("failed") == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert "key may, which it does not see" in examination.checks["kms:Decrypt"]["detail"]


def test_a_plain_deploy_does_without_reading(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """One permission is enough: the rest is comfort, and the function is seen through the dry run."""
    aws.allowed = {"lambda:UpdateFunctionCode"}
    examination = examine(slug, aws.settings(function))
    assert examination.exit_status == 0
    assert examination.names("failed") == {"lambda:GetFunctionConfiguration", "lambda:GetFunction"}
    assert "Active" in examination.checks["function"]["detail"]


def test_asks_s3_where_lambda_has_no_such_function(slug: Path, everything: dict[str, str]) -> None:
    """One mistake does not hide another."""
    examination = examine(slug, {**everything, "_LAMBDA_FUNCTION_ARN": f"{ARN}-of-nobody"})
    assert examination.exit_status == 1
    assert examination.names("failed") == {"function"}
    assert examination.names("unknown") == LAMBDA_ACTIONS
    assert {"bucket"} | S3_ACTIONS <= examination.names("ok")


@pytest.mark.parametrize("name", ["_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_fail_once(slug: Path, everything: dict[str, str], name: str) -> None:
    """The reason stands where it belongs; what could not be asked is unknown, and the clock is read."""
    examination = examine(slug, {**everything, name: "canary-of-a-key"})
    assert examination.exit_status == 1
    assert examination.names("failed") == {"credentials"}
    assert name in examination.checks["credentials"]["todo"]
    assert examination.names("unknown") == {"function"} | LAMBDA_ACTIONS | S3_ACTIONS
    assert examination.checks["clock"]["status"] == "ok"
    assert "canary" not in examination.output


def test_somebody_else_answers(slug: Path) -> None:
    """A portal or a proxy in the way speaks another language: that is told, not a fault of ours."""
    page = Answer(200, body=b"<html>Welcome! Please log in.</html>")
    with Answers([page]) as server:
        env = {**PLAIN, "_LAMBDA_S3_BUCKET": "my-deploys", "_AWS_ENDPOINT_URL": server.url}
        examination = examine(slug, env)
    assert (examination.exit_status, examination.names("failed")) == (1, {"function"})
    assert "is not AWS" in examination.checks["function"]["detail"]


def test_nobody_answers(slug: Path) -> None:
    """Without a network there is one failure, and it is told within seconds."""
    examination = examine(slug, {**PLAIN, **RELEASE, "_AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert (examination.exit_status, examination.names("failed")) == (1, {"function"})
    assert "can't be reached" in examination.checks["function"]["detail"]


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_connection_that_comes_to_nothing(
    slug: Path, monkeypatch: pytest.MonkeyPatch, fault: Literal["cut", "stall"]
) -> None:
    """Closed without an answer, or without one for long: told once, and nothing else is asked."""
    quick = Config(connect_timeout=1, read_timeout=0.3, retries={"total_max_attempts": 1})
    monkeypatch.setattr("deploy.aws.inquiry.CONFIG", quick)
    with Answers([Answer(fault=fault)]) as server:
        examination = examine(slug, {**PLAIN, **RELEASE, "_AWS_ENDPOINT_URL": server.url})
        assert len(server.requests) <= 2
    assert examination.exit_status == 1
    assert "function" in examination.names("failed")
    assert "fault of its own" not in str(examination.checks)


@pytest.mark.parametrize(("skew", "exit_status"), [(60, 0), (-400, 1), (400, 1)])
def test_compares_the_clock_with_aws(
    slug: Path,
    aws: EmbeddedAWS,
    function: Function,
    *,
    monkeypatch: pytest.MonkeyPatch,
    skew: int,
    exit_status: int,
) -> None:
    """AWS refuses what is 5 minutes off; a minute is worth a word."""
    monkeypatch.setattr(
        http.server.BaseHTTPRequestHandler,
        "date_time_string",
        lambda _self, _timestamp=None: formatdate(time.time() - skew, usegmt=True),
    )
    examination = examine(slug, aws.settings(function))
    check = examination.checks["clock"]
    assert examination.exit_status == exit_status
    assert check["stops_a_deploy"] == (exit_status == 1)
    assert f"seconds {'ahead of' if skew > 0 else 'behind'} AWS's" in check["detail"]


def test_a_package_may_be_too_large(
    slug: Path, everything: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the direct limit it takes a bucket; over the unzipped limit nothing helps."""
    monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 100)
    without = {name: value for name, value in everything.items() if "S3" not in name}
    examination = examine(slug, without)
    assert (examination.exit_status, examination.names("failed")) == (2, {"package"})
    assert "_LAMBDA_S3_BUCKET" in examination.checks["package"]["todo"]
    package = examine(slug, everything).checks["package"]
    way = f"via s3://{everything['_LAMBDA_S3_BUCKET']} because it is over 50 MiB"
    assert re.fullmatch(rf"\d+ bytes, {way}, \d+ bytes of 250 MiB unzipped", package["detail"])
    assert package["status"] == "ok"
    monkeypatch.setattr("deploy.artifact.limits.UNZIPPED_LIMIT", 10)
    assert examine(slug, everything).checks["package"]["status"] == "failed"


def test_says_what_a_config_change_will_send(tmp_path: Path, everything: dict[str, str]) -> None:
    """With a bucket the config and the end of the package, without one all of it, and what a bucket saves."""
    slug = make_slug(tmp_path, {"data.bin": os.urandom(5_500_000)})
    bucket = everything["_LAMBDA_S3_BUCKET"]
    detail = examine(slug, everything).checks["config change"]["detail"]
    assert re.fullmatch(rf"sends \d+ bytes via s3://{bucket}, where the base is kept", detail)
    without = {name: value for name, value in everything.items() if "S3" not in name}
    detail = examine(slug, without).checks["config change"]["detail"]
    whole = r"sends the whole package, 7\.0 MiB in base64; with _LAMBDA_S3_BUCKET \d+ bytes"
    assert re.fullmatch(whole, detail), detail


def test_wrong_settings_are_told_together_and_do_not_end_it(slug: Path, everything: dict[str, str]) -> None:
    """What says where the function is, is right: it is asked what a plain deploy needs."""
    examination = examine(slug, {**everything, "_LAMBDA_TIMEOUT": "soon", "_LAMBDA_VERIFY_PAYLOAD": "{"})
    assert (examination.exit_status, examination.names("failed")) == (2, {"settings"})
    for name in ("_LAMBDA_TIMEOUT", "_LAMBDA_VERIFY_PAYLOAD"):
        assert name in examination.checks["settings"]["detail"]
    assert examination.names("unknown") == {"config", "package", "other permissions"}
    assert {"base", "credentials", "function", "lambda:UpdateFunctionCode"} <= examination.names("ok")


def test_without_a_function_the_app_is_checked_all_the_same(slug: Path) -> None:
    """On a fresh app it is the settings that are missing, and AWS is not asked."""
    examination = examine(slug, {})
    assert (examination.exit_status, examination.names("failed")) == (2, {"settings"})
    assert set(examination.checks) == {"settings", "base", "config", "package", "config change"}


def test_a_damaged_slug_is_told(tmp_path: Path, aws: EmbeddedAWS, function: Function) -> None:
    """A base that is missing, another one than the build made, and none at all."""
    slug = make_slug(tmp_path)
    base = slug / ".lambda-deploy/base.zip"
    content = base.read_bytes()
    base.write_bytes(content.replace(b"exports", b"exporta").replace(b"package", b"packaga"))
    for _ in ("changed", "missing"):
        examination = examine(slug, aws.settings(function))
        assert examination.exit_status == 2
        assert "base" in examination.names("failed")
        assert "lambda:UpdateFunctionCode" in examination.names("ok")
        base.unlink(missing_ok=True)
    (slug / ".lambda-deploy/build.json").unlink()
    assert "has not been built" in examine(slug, {}).checks["base"]["detail"]


def test_config_that_cannot_be_baked_is_told(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """The same error as a deploy's, and never the value."""
    env = {**aws.settings(function), "_LAMBDA_CONFIG_FILES": "env.json", "A": "canary\udc80"}
    examination = examine(slug, env)
    assert (examination.exit_status, examination.names("failed")) == (2, {"config"})
    assert examination.names("unknown") == {"package"}
    assert "canary" not in examination.output


# --- the bucket ------------------------------------------------------------------------------------


def test_a_bucket_may_be_missing_or_far_away(
    slug: Path, aws: EmbeddedAWS, everything: dict[str, str]
) -> None:
    """Both are wrong settings; then nothing is put anywhere."""
    far_away = aws.create_bucket("eu-central-1")
    for name, detail in (("bucket-of-nobody", "does not exist"), (far_away, "is in eu-central-1")):
        examination = examine(slug, {**everything, "_LAMBDA_S3_BUCKET": name})
        assert (examination.exit_status, examination.names("failed")) == (2, {"bucket"})
        assert detail in examination.checks["bucket"]["detail"]
    assert aws.left_in(far_away) == []


def test_a_bucket_may_keep_what_is_deleted(slug: Path, aws: EmbeddedAWS, everything: dict[str, str]) -> None:
    """A package in an older version is a secret that stays; a deploy works all the same."""
    bucket = aws.create_bucket()
    aws.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    examination = examine(slug, {**everything, "_LAMBDA_S3_BUCKET": bucket})
    assert (examination.exit_status, examination.names("failed")) == (0, {"bucket versions"})
    assert "lifecycle rule" in examination.checks["bucket versions"]["todo"]


# --- harmless --------------------------------------------------------------------------------------


def is_harmless(call: Call) -> bool:
    return call.operation in READS or (call.operation in REHEARSED and call.is_dry_run)


PERMISSIONS = {
    "all": None,
    "no simulator": LAMBDA_ACTIONS | S3_ACTIONS,
    "to read": LAMBDA_ACTIONS | S3_ACTIONS - SIMULATED,
    "none": set(),
}


@pytest.mark.parametrize("permissions", PERMISSIONS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"_LAMBDA_ALIAS": "live"},
        RELEASE,
        {"_LAMBDA_S3_BUCKET": ""},
        {**RELEASE, "_LAMBDA_S3_BUCKET": "", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"},
        {**RELEASE, "_LAMBDA_S3_BUCKET": "bucket-of-nobody", "_LAMBDA_FUNCTION_ARN": f"{ARN}-of-nobody"},
    ],
    ids=["plain", "alias", "release", "bucket", "everything", "nothing there"],
)
def test_makes_no_call_that_could_change_anything(
    slug: Path,
    aws: EmbeddedAWS,
    function: Function,
    *,
    bucket: str,
    settings: dict[str, str],
    permissions: str,
) -> None:
    """Each call that reaches AWS, in all configurations: it reads, simulates, or is a dry run."""
    env = {**aws.settings(function), **settings}
    if env.get("_LAMBDA_S3_BUCKET") == "":
        env["_LAMBDA_S3_BUCKET"] = bucket
    aws.allowed = PERMISSIONS[permissions]
    before = len(aws.calls)
    examine(slug, env)
    calls = aws.calls[before:]
    assert {call.operation for call in calls} > {"GetCallerIdentity", "GetFunctionConfiguration"}
    assert [call.operation for call in calls if not is_harmless(call)] == []


def test_invokes_nothing_and_leaves_no_trace(
    slug: Path, aws: EmbeddedAWS, function: Function, everything: dict[str, str]
) -> None:
    """With all permissions, after some deploys: the function and the bucket are as they were."""
    for value in ("1", "2"):
        assert deploy(slug, env={**everything, "VALUE": value}).status == 0
    invoked: list[object] = []
    aws.answers(function, lambda payload, _version: invoked.append(payload))
    client = aws.client()

    def state() -> list[object]:
        latest = client.get_function_configuration(FunctionName=function.name)
        versions = client.list_versions_by_function(FunctionName=function.name)["Versions"]
        return [latest["RevisionId"], versions, client.list_aliases(FunctionName=function.name)["Aliases"]]

    before = state()
    examination = examine(slug, everything)
    assert examination.exit_status == 0
    assert examination.names("ok") == set(examination.checks) > LAMBDA_ACTIONS | S3_ACTIONS
    assert state() == before
    assert invoked == []
    assert aws.left_in(everything["_LAMBDA_S3_BUCKET"]) == []


def test_shows_no_value_of_a_config_var_or_a_credential(slug: Path, everything: dict[str, str]) -> None:
    """Of the access key its end, as AWS's console shows it in lists; of the rest nothing."""
    env = {**everything, "NAME": "canary-of-config", "_LAMBDA_VERIFY_PAYLOAD": '"canary-of-a-payload"'}
    output = examine(slug, env).output
    assert "canary" not in output
    for name in ("_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"):
        assert everything[name] not in output
    assert "ends in 0000" in output
