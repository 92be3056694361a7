"""Packages over the direct limit, on their way through a bucket."""

import os
from pathlib import Path

import pytest

import deploy.artifact.limits
from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from in_process import deploy as run
from releases import Deploy, operations


@pytest.fixture
def bucket(aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch) -> str:
    """Create a bucket, and have even a small package go via it."""
    monkeypatch.setattr(deploy.artifact.limits, "DIRECT_LIMIT", 0)
    return aws.create_bucket()


def test_a_large_package_passes_through_a_bucket(
    tmp_path: Path, function: Function, aws: EmbeddedAWS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts, encrypted, with a checksum each, under the prefix; deleted when the deploy is over.

    So it is if the package can't be composed of its base.
    """
    monkeypatch.setattr("deploy.artifact.composition.SMALLEST_PART", 1 << 30)
    slug = make_slug(tmp_path, {"data.bin": os.urandom(9_000_000)})
    made = len(aws.calls)
    env = {
        **aws.settings(function),
        "_LAMBDA_S3_BUCKET": bucket,
        "_LAMBDA_S3_PREFIX": "deploys/",
        "NAME": "canary",
    }
    outcome = run(slug, env=env)
    assert (outcome.status, outcome.stderr) == (0, "")
    calls = [call for call in aws.calls[made:] if call.service == "s3"]
    names = [call.operation for call in calls]
    assert names[:2] == ["HeadBucket", "CreateMultipartUpload"]
    assert names[2:-2] == ["UploadPart"] * 2
    assert names[-2:] == ["CompleteMultipartUpload", "DeleteObject"]
    assert {call.access_key for call in calls} == {aws.deployer.access_key}
    assert all(call.path.startswith(f"/{bucket}/deploys/{function.name}-") for call in calls[1:])
    assert calls[1].headers["x-amz-server-side-encryption"] == "AES256"
    assert calls[1].headers["x-amz-checksum-algorithm"] == "SHA256"
    for call in calls[2:-2]:
        checksums = call.headers.get("x-amz-checksum-sha256") or call.headers["x-amz-trailer"]
        assert checksums
    assert function.get()["Configuration"]["CodeSize"] > 9_000_000
    assert aws.left_in(bucket) == []


@pytest.mark.usefixtures("bucket")
def test_a_large_package_without_a_bucket_is_refused_with_the_way_out(slug: Path, function: Function) -> None:
    """Before AWS is asked anything."""
    outcome = run(slug, env=function.aws.settings(function))
    assert outcome.status == 2
    assert "_LAMBDA_S3_BUCKET" in outcome.stderr
    assert function.deploy_calls == []


def test_a_key_of_ones_own_encrypts_the_package(function: Function, deployed: Deploy, bucket: str) -> None:
    """_LAMBDA_S3_KMS_KEY_ID in place of the bucket's own."""
    made = len(function.aws.calls)
    deployed(_LAMBDA_S3_BUCKET=bucket, _LAMBDA_S3_KMS_KEY_ID="alias/deploys")
    (put,) = (call for call in function.aws.calls[made:] if call.operation == "CreateMultipartUpload")
    assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert put.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/deploys"


def test_nothing_to_do_touches_no_bucket(function: Function, deployed: Deploy, bucket: str) -> None:
    """Not even to look whether it is there."""
    deployed(_LAMBDA_S3_BUCKET=bucket)
    made = len(function.aws.calls)
    deployed(_LAMBDA_S3_BUCKET=bucket)
    assert [call.service for call in function.aws.calls[made:]] == ["lambda"]


def test_an_update_that_aws_refuses_leaves_nothing_in_the_bucket(
    function: Function, deployed: Deploy, bucket: str
) -> None:
    """The package holds secrets; however the deploy ends, it goes."""
    function.aws.denied.add("UpdateFunctionCode")
    deployed(status=1, _LAMBDA_S3_BUCKET=bucket)
    assert function.aws.left_in(bucket) == []


@pytest.mark.parametrize(("region", "expected"), [("us-west-2", "us-west-2"), (None, "does not exist")])
def test_a_bucket_that_lambda_cannot_read_from_is_refused_before_the_upload(
    function: Function, deployed: Deploy, bucket: str, region: str | None, expected: str
) -> None:
    """In another region, or missing: exit status 2, and nothing was changed."""
    name = function.aws.create_bucket(region) if region else f"not-{bucket}"
    outcome = deployed(status=2, _LAMBDA_S3_BUCKET=name)
    assert expected in outcome.stderr
    assert "$LATEST was not changed" in outcome.stderr
    assert operations(function) == ["GetFunctionConfiguration", "GetFunction"]
