"""deploy doctor --policy: what each setting needs and no more, on resources as exact as the settings."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import EmbeddedAWS, Function
from examination import PLAIN, RELEASE, examine, printed_policy
from in_process import deploy
from paths import REPOSITORY
from targets import ARN


def statements(policy: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the statements by their names."""
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_a_plain_deploy_needs_one_permission(slug: Path) -> None:
    """The policy for nothing but a function and credentials; what a deploy does without is marked so."""
    policy = printed_policy(slug, PLAIN)
    latest = [ARN, f"{ARN}:$LATEST"]
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Deploy", "Effect": "Allow", "Action": ["lambda:UpdateFunctionCode"], "Resource": [ARN]},
            {
                "Sid": "OptionalCompare",
                "Effect": "Allow",
                "Action": ["lambda:GetFunctionConfiguration"],
                "Resource": latest,
            },
            {"Sid": "OptionalPlan", "Effect": "Allow", "Action": ["lambda:GetFunction"], "Resource": latest},
        ],
    }


def test_each_setting_adds_what_it_needs(slug: Path) -> None:
    """And nothing else: each statement comes with its setting."""
    plain = {"Deploy", "OptionalCompare", "OptionalPlan"}
    alias = plain - {"OptionalCompare"} | {"Compare", "FindVersions", "Publish", "MoveAlias"}
    cases: list[tuple[dict[str, str], set[str]]] = [
        ({}, plain),
        ({"_LAMBDA_ALIAS": "live"}, alias),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live"}, alias),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}"}, alias | {"Verify"}),
        (
            {"_LAMBDA_ALIAS": "live", "_LAMBDA_KEEP_VERSIONS": "9"},
            alias | {"FindOldVersions", "DeleteOldVersions"},
        ),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_VERSION": "1.1.1"}, alias | {"OptionalListNames"}),
        ({"_LAMBDA_VERSION": "1.1.1"}, alias - {"MoveAlias"} | {"NameVersion", "OptionalListNames"}),
        ({"_LAMBDA_S3_BUCKET": "my-deploys"}, plain | {"Upload", "OptionalBases", "OptionalBucket"}),
        (
            {"_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"},
            plain | {"Upload", "OptionalBases", "OptionalBucket", "Encrypt"},
        ),
    ]
    for settings, expected in cases:
        assert set(statements(printed_policy(slug, {**PLAIN, **settings}))) == expected


def test_versions_may_be_deleted_and_the_function_not(slug: Path) -> None:
    """lambda:DeleteFunction on the function's own ARN would take all of it."""
    deletion = statements(printed_policy(slug, {**PLAIN, **RELEASE}))["DeleteOldVersions"]
    assert deletion["Resource"] == [f"{ARN}:*"]


def test_the_policy_needs_neither_aws_nor_credentials(slug: Path) -> None:
    """It comes first: the credentials are made with it."""
    env = {
        "_LAMBDA_FUNCTION_ARN": ARN,
        "_AWS_SECRET_ACCESS_KEY": "",
        "_AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    assert printed_policy(slug, env) == printed_policy(slug, PLAIN)
    outcome = deploy(slug, "doctor", "--policy", env={"_LAMBDA_FUNCTION_ARN": "my-function"})
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "_AWS_DEFAULT_REGION is not set" in outcome.stderr


@pytest.mark.parametrize(
    ("function", "region", "expected"),
    [
        ("my-function", "eu-west-1", "arn:aws:lambda:eu-west-1:*:function:my-function"),
        (
            "123456789012:function:my-function",
            "cn-north-1",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:my-function",
        ),
        ("my-function", "us-gov-west-1", "arn:aws-us-gov:lambda:us-gov-west-1:*:function:my-function"),
    ],
)
def test_resources_are_as_exact_as_the_settings(
    slug: Path, function: str, region: str, expected: str
) -> None:
    """A name stands for the function in any account; the partition follows from the region."""
    env = {"_LAMBDA_FUNCTION_ARN": function, "_AWS_DEFAULT_REGION": region, "_LAMBDA_S3_BUCKET": "my-deploys"}
    policy = statements(printed_policy(slug, env))
    assert policy["Deploy"]["Resource"] == [expected]
    partition = expected.split(":")[1]
    assert policy["Upload"]["Resource"] == [f"arn:{partition}:s3:::my-deploys/my-function-*"]


def test_the_documented_policy_is_the_printed_one(slug: Path) -> None:
    """docs/permissions.md shows the policy for all settings, and names each of its actions in the table."""
    document = (REPOSITORY / "docs/permissions.md").read_text()
    bucket = {"_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"}
    policy = printed_policy(slug, {**PLAIN, **RELEASE, **bucket})
    text, shown = document.split("```json\n")
    assert json.loads(shown.partition("```")[0]) == policy
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert actions <= set(re.findall(r"`(\w+:\w+)`", text))


KEY = "arn:aws:kms:eu-west-1:123456789012:key/"
BY_ALIAS = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/deploys"}}


@pytest.mark.parametrize(
    ("key_id", "resource", "condition"),
    [
        ("1234abcd-12ab", f"{KEY}1234abcd-12ab", None),
        (
            "arn:aws:kms:eu-west-1:999999999999:key/mrk-1",
            "arn:aws:kms:eu-west-1:999999999999:key/mrk-1",
            None,
        ),
        ("alias/deploys", f"{KEY}*", BY_ALIAS),
        (f"{KEY[:-4]}alias/deploys", f"{KEY}*", BY_ALIAS),
    ],
)
def test_a_key_is_named_as_iam_takes_it(
    slug: Path, key_id: str, resource: str, condition: dict[str, object] | None
) -> None:
    """IAM takes keys as resources and aliases as conditions."""
    env = {**PLAIN, "_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_KMS_KEY_ID": key_id}
    statement = statements(printed_policy(slug, env))["Encrypt"]
    assert (statement["Resource"], statement.get("Condition")) == ([resource], condition)


def test_wildcards_in_a_prefix_mean_themselves(slug: Path) -> None:
    """A prefix with a star in it does not open the bucket."""
    env = {**PLAIN, "_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_PREFIX": "a*?$/"}
    upload = statements(printed_policy(slug, env))["Upload"]
    assert upload["Resource"] == ["arn:aws:s3:::my-deploys/a${*}${?}${$}/my-function-*"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"_LAMBDA_ALIAS": "live"},
        {"_LAMBDA_VERSION": "1.1.1"},
        RELEASE,
        {**RELEASE, "_LAMBDA_VERSION": "1.1.1"},
        {"_LAMBDA_S3_BUCKET": "", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"},
        {**RELEASE, "_LAMBDA_S3_BUCKET": "", "_LAMBDA_S3_PREFIX": "a/b-"},
    ],
)
def test_its_policy_is_enough_and_no_more(
    slug: Path,
    aws: EmbeddedAWS,
    function: Function,
    *,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
) -> None:
    """With just this policy everything works; each of its actions is one that was taken.

    Deploys, a plan, a rollback and doctor are held to it, call by call.
    """
    env = {**aws.settings(function), **settings}
    if "_LAMBDA_S3_BUCKET" in settings:
        monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 0)
        env["_LAMBDA_S3_BUCKET"] = aws.create_bucket()
    aws.policy = printed_policy(slug, env)
    start = len(aws.calls)
    for value in "1234":
        outcome = deploy(slug, env={**env, "VALUE": value})
        assert (outcome.status, outcome.stderr) == (0, "")
    assert deploy(slug, "plan", env=env).stderr == ""
    if "_LAMBDA_ALIAS" in settings:
        assert deploy(slug, "rollback", env=env).status == 0
    if "_LAMBDA_VERSION" in settings:
        assert deploy(slug, "status", "--versions", env=env).status == 0
    taken = {call.action for call in aws.calls[start:] if call.access_key == aws.deployer.access_key}
    examination = examine(slug, env)
    assert (examination.exit_status, examination.names("failed")) == (0, set())
    granted = {action for statement in aws.policy["Statement"] for action in statement["Action"]}
    # Lambda reads the object itself, S3 asks for the key, and nothing was aborted.
    elsewhere = {"s3:GetObject", "s3:AbortMultipartUpload", "kms:GenerateDataKey", "kms:Decrypt"}
    assert granted - taken <= elsewhere
