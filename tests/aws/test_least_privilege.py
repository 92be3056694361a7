"""What each feature needs of IAM: just that is enough, and whatever is missing is named in time."""

from pathlib import Path

import pytest

import deploy.artifact.limits
from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome
from in_process import deploy as run

CONFIG = {"DATABASE_URL": "postgres://a-canary-of-the-config"}

PLAIN = {"lambda:UpdateFunctionCode"}
READ = {"lambda:GetFunctionConfiguration"}
ALIAS = (
    PLAIN
    | READ
    | {"lambda:GetAlias", "lambda:ListVersionsByFunction", "lambda:PublishVersion", "lambda:CreateAlias"}
)
MOVE = ALIAS - {"lambda:CreateAlias"} | {"lambda:UpdateAlias"}
VERIFY = MOVE | {"lambda:InvokeFunction"}
KEEP = MOVE | {"lambda:ListAliases", "lambda:DeleteFunction"}
BUCKET = PLAIN | {"s3:PutObject", "s3:GetObject", "s3:DeleteObject"}
ROLLBACK = READ | {"lambda:GetAlias", "lambda:ListVersionsByFunction", "lambda:UpdateAlias"}

ALIAS_SETTINGS = {"_LAMBDA_ALIAS": "live"}
VERIFY_SETTINGS = {**ALIAS_SETTINGS, "_LAMBDA_VERIFY_PAYLOAD": "{}"}
KEEP_SETTINGS = {**ALIAS_SETTINGS, "_LAMBDA_KEEP_VERSIONS": "1"}


def deployed(slug: Path, function: Function, settings: dict[str, str], *arguments: str) -> Outcome:
    """Run a command as the deployer."""
    outcome = run(slug, *arguments, env={**CONFIG, **function.aws.settings(function), **settings})
    assert "canary" not in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome


def with_versions(function: Function) -> None:
    """Publish three versions and have the alias point at the last, as the administrator."""
    client = function.aws.client()
    for timeout in (1, 2, 3):
        client.update_function_configuration(FunctionName=function.name, Timeout=timeout)
        client.publish_version(FunctionName=function.name)
    client.create_alias(
        FunctionName=function.name,
        Name="live",
        FunctionVersion="3",
        Description="[previous version: 2]",
    )


# --- without an alias ------------------------------------------------------------------------------


def test_a_plain_deploy_needs_to_update_the_code_and_nothing_else(slug: Path, function: Function) -> None:
    """It says what it does without: waiting, and finding that there is nothing to do."""
    function.aws.allowed = PLAIN
    for _ in range(2):
        outcome = deployed(slug, function, {})
        assert (outcome.status, outcome.stderr) == (0, "")
        assert "that needs the permission lambda:GetFunctionConfiguration" in outcome.stdout
    operations = [call.operation for call in function.deploy_calls]
    assert operations == ["GetFunctionConfiguration", "UpdateFunctionCode"] * 2


def test_one_more_permission_saves_the_upload(slug: Path, function: Function) -> None:
    """With lambda:GetFunctionConfiguration the second deploy finds that there is nothing to do."""
    function.aws.allowed = PLAIN | READ
    assert deployed(slug, function, {}).status == 0
    assert "-----> Nothing to do" in deployed(slug, function, {}).stdout


def test_without_the_one_permission_it_is_named(slug: Path, function: Function) -> None:
    """Where the deployer may do nothing at all, with the statement that it needs."""
    function.aws.allowed = set()
    before = function.code()
    outcome = deployed(slug, function, {})
    assert outcome.status == 1
    assert "lacks the permission lambda:UpdateFunctionCode" in outcome.stderr
    assert f'"Resource": "{function.arn}"' in outcome.stderr
    assert function.code() == before


# --- with an alias ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [(ALIAS_SETTINGS, MOVE), (VERIFY_SETTINGS, VERIFY), (KEEP_SETTINGS, KEEP)],
    ids=["alias", "verify", "keep"],
)
def test_each_feature_gets_along_with_what_it_needs(
    slug: Path, function: Function, settings: dict[str, str], allowed: set[str]
) -> None:
    """The permissions that the README names for it are enough."""
    with_versions(function)
    function.aws.allowed = allowed
    outcome = deployed(slug, function, settings)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert function.alias() == "4"


def test_the_first_deploy_makes_the_alias(slug: Path, function: Function) -> None:
    """With lambda:CreateAlias in place of lambda:UpdateAlias."""
    function.aws.allowed = ALIAS
    outcome = deployed(slug, function, ALIAS_SETTINGS)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert function.alias() == "1"


@pytest.mark.parametrize(
    "missing",
    [
        "lambda:GetFunctionConfiguration",
        "lambda:GetAlias",
        "lambda:ListVersionsByFunction",
        "lambda:ListAliases",
        "lambda:UpdateFunctionCode",
    ],
)
def test_what_is_missing_for_an_alias_is_named_before_anything_is_changed(
    slug: Path, function: Function, missing: str
) -> None:
    """All that is read is read first."""
    with_versions(function)
    before = function.code_sha256()
    function.aws.allowed = (KEEP | VERIFY) - {missing}
    outcome = deployed(slug, function, {**KEEP_SETTINGS, **VERIFY_SETTINGS})
    assert outcome.status == 1
    assert f"lacks the permission {missing}" in outcome.stderr
    assert (function.code_sha256(), function.versions(), function.alias()) == (before, ["1", "2", "3"], "3")


@pytest.mark.parametrize(
    "missing", ["lambda:PublishVersion", "lambda:InvokeFunction", "lambda:UpdateAlias", "lambda:CreateAlias"]
)
def test_what_is_missing_on_the_way_leaves_what_serves_as_it_was(
    slug: Path, function: Function, missing: str
) -> None:
    """The alias stays, whether there is one or not."""
    first = missing == "lambda:CreateAlias"
    if not first:
        with_versions(function)
    function.aws.allowed = (VERIFY | ALIAS) - {missing}
    outcome = deployed(slug, function, VERIFY_SETTINGS)
    assert outcome.status == 1
    assert f"lacks the permission {missing}" in outcome.stderr
    assert function.alias() == (None if first else "3")


def test_versions_that_may_not_be_deleted_are_pointed_out(slug: Path, function: Function) -> None:
    """The release is done by then: exit status 0, and the permission is named."""
    with_versions(function)
    function.aws.allowed = KEEP - {"lambda:DeleteFunction"}
    outcome = deployed(slug, function, KEEP_SETTINGS)
    assert outcome.status == 0
    assert "lambda:DeleteFunction" in outcome.stderr
    assert function.alias() == "4"
    assert function.versions() == ["1", "2", "3", "4"]


# --- rollback --------------------------------------------------------------------------------------


def test_a_rollback_needs_no_permission_to_update_code(slug: Path, function: Function) -> None:
    """It reads, and moves the alias."""
    with_versions(function)
    function.aws.allowed = ROLLBACK
    outcome = deployed(slug, function, ALIAS_SETTINGS, "rollback")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert function.alias() == "2"


@pytest.mark.parametrize("missing", sorted(ROLLBACK))
def test_what_a_rollback_lacks_is_named(slug: Path, function: Function, missing: str) -> None:
    """And the alias stays."""
    with_versions(function)
    function.aws.allowed = ROLLBACK - {missing}
    outcome = deployed(slug, function, ALIAS_SETTINGS, "rollback")
    assert outcome.status == 1
    assert f"lacks the permission {missing}" in outcome.stderr
    assert function.alias() == "3"


# --- by way of a bucket ----------------------------------------------------------------------------


@pytest.fixture
def bucket(aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch) -> str:
    """Create a bucket, and have even a small package go by way of it."""
    monkeypatch.setattr(deploy.artifact.limits, "DIRECT_LIMIT", 0)
    return aws.create_bucket()


def by(bucket: str) -> dict[str, str]:
    """Give the settings for a bucket."""
    return {"_LAMBDA_S3_BUCKET": bucket, "_LAMBDA_S3_PREFIX": "deploys/"}


def test_a_bucket_takes_three_permissions(slug: Path, function: Function, bucket: str) -> None:
    """None of them is to list it."""
    function.aws.allowed = BUCKET
    outcome = deployed(slug, function, by(bucket))
    assert (outcome.status, outcome.stderr) == (0, "")
    assert function.aws.left_in(bucket) == []


@pytest.mark.parametrize("missing", ["s3:PutObject", "s3:GetObject"])
def test_what_is_missing_of_a_bucket_is_named_and_nothing_changed(
    slug: Path, function: Function, bucket: str, missing: str
) -> None:
    """s3:GetObject too, which Lambda needs in the deployer's name; and nothing is left in the bucket."""
    before = function.code()
    function.aws.allowed = BUCKET - {missing}
    outcome = deployed(slug, function, by(bucket))
    assert outcome.status == 1
    assert f"lacks the permission {missing}" in outcome.stderr
    assert f'"Resource": "arn:aws:s3:::{bucket}/' in outcome.stderr
    assert "could not be deleted" not in outcome.stderr
    assert function.code() == before
    assert function.aws.left_in(bucket) == []


def test_where_nothing_could_be_uploaded_nothing_is_said_of_deleting(
    slug: Path, function: Function, bucket: str
) -> None:
    """A deployer that may do nothing with the bucket hears of one thing, not of two."""
    function.aws.allowed = PLAIN
    outcome = deployed(slug, function, by(bucket))
    assert outcome.status == 1
    assert "lacks the permission s3:PutObject" in outcome.stderr
    assert "could not be deleted" not in outcome.stderr


def test_a_package_that_may_not_be_deleted_is_pointed_out(
    slug: Path, function: Function, bucket: str
) -> None:
    """It holds the config: its address and the permission are told; the deploy itself is done."""
    function.aws.allowed = BUCKET - {"s3:DeleteObject"}
    outcome = deployed(slug, function, by(bucket))
    assert outcome.status == 0
    (key,) = function.aws.left_in(bucket)
    assert f"s3://{bucket}/{key}" in outcome.stderr
    assert "s3:DeleteObject" in outcome.stderr
