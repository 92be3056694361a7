"""The customer's own key that encrypts the package in Lambda."""

import re
from pathlib import Path

import pytest

from deploy.infrastructure.policy import policy
from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome, deploy
from targets import target

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"
SETTING = "_LAMBDA_SOURCE_KMS_KEY_ARN"


def run(slug: Path, function: Function, **changed: str) -> Outcome:
    return deploy(slug, env={**function.aws.settings(function), **changed})


def key_of(function: Function) -> str | None:
    return function.get()["Code"].get("SourceKMSKeyArn")


def encrypt(function: Function, key: str) -> None:
    """Have the administrator encrypt the code that is there."""
    function.aws.client().update_function_code(
        FunctionName=function.name, ZipFile=function.code(), SourceKMSKeyArn=key
    )


def test_the_package_is_encrypted_by_the_key_that_is_set(slug: Path, function: Function) -> None:
    """And again by each later deploy."""
    for text in ("one", "two"):
        assert run(slug, function, TEXT=text, **{SETTING: KEY}).status == 0
        assert key_of(function) == KEY


def test_a_package_via_a_bucket_is_encrypted_too(
    slug: Path, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the bucket is a different one."""
    monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 0)
    bucket = function.aws.create_bucket()
    assert run(slug, function, _LAMBDA_S3_BUCKET=bucket, **{SETTING: KEY}).status == 0
    assert key_of(function) == KEY


def test_the_key_that_a_function_has_is_kept(slug: Path, function: Function) -> None:
    """Without it in the call, AWS would take a key of its own."""
    encrypt(function, OTHER_KEY)
    assert run(slug, function).status == 0
    assert key_of(function) == OTHER_KEY


def test_a_key_that_may_not_be_read_does_not_stop_a_deploy(slug: Path, function: Function) -> None:
    """lambda:GetFunction is a comfort: lambda:UpdateFunctionCode alone is enough, as the documents say."""
    function.aws.allowed = {"lambda:UpdateFunctionCode"}
    outcome = run(slug, function)
    assert (outcome.status, outcome.stderr) == (0, "")
    function.aws.allowed = {"lambda:UpdateFunctionCode", "kms:GenerateDataKey", "kms:Decrypt"}
    assert run(slug, function, **{SETTING: KEY}).status == 0
    assert key_of(function) == KEY


def test_the_same_package_is_uploaded_again_for_another_key(slug: Path, function: Function) -> None:
    """Once: what is encrypted by the key already has nothing to do."""
    assert run(slug, function).status == 0
    assert "Nothing to do" not in run(slug, function, **{SETTING: KEY}).stdout
    assert key_of(function) == KEY
    assert "Nothing to do" in run(slug, function, **{SETTING: KEY}).stdout
    assert "Nothing to do" in run(slug, function).stdout


def test_a_key_that_the_deployer_may_not_use_is_named(slug: Path, function: Function) -> None:
    """With the statement that its policy lacks; nothing is changed."""
    before = function.code_sha256()
    function.aws.denied.add("kms:GenerateDataKey")
    outcome = run(slug, function, **{SETTING: KEY})
    assert outcome.status == 1
    assert f"lacks the permission kms:GenerateDataKey on {KEY}" in outcome.stderr
    assert "$LATEST was not changed." in outcome.stderr
    assert function.code_sha256() == before


def test_the_policy_is_enough(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """What `deploy doctor --policy` prints lets the deploy through, and names this key alone."""
    printed = policy(target(_LAMBDA_FUNCTION_ARN=function.arn, **{SETTING: KEY}))
    (statement,) = [each for each in printed["Statement"] if each["Sid"] == "EncryptCode"]
    assert statement["Resource"] == [KEY]
    aws.policy = printed
    assert run(slug, function, **{SETTING: KEY}).status == 0
    assert key_of(function) == KEY


@pytest.mark.parametrize(
    "wrong", ["alias/deploys", "arn:aws:kms:eu-west-1:123456789012:alias/deploys", "1234", f"{KEY}/x", "arn:"]
)
def test_only_the_arn_of_a_key_is_taken(slug: Path, function: Function, wrong: str) -> None:
    """AWS answers with the key itself, which an alias could not be compared with."""
    outcome = run(slug, function, **{SETTING: wrong})
    assert outcome.status == 2
    assert re.search(f"{SETTING} is not the ARN of a KMS key", outcome.stderr)
    assert function.deploy_calls == []
