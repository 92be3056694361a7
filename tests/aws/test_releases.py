"""Releases as users see them: through the command line, against the embedded AWS."""

import base64
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import deploy.artifact.limits
from command import make_slug
from embedded_aws import EmbeddedAWS, Function, Invoked
from in_process import Outcome
from in_process import deploy as run

ALIAS = {"_LAMBDA_ALIAS": "live"}
VERIFY = {**ALIAS, "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}'}
EXPECT = {**VERIFY, "_LAMBDA_VERIFY_EXPECT": '"ok": *true'}

Deploy = Callable[..., Outcome]


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture
def deployed(slug: Path, function: Function) -> Deploy:
    """Give what runs a command on the function with some settings and config, and looks at how it ends."""

    def deployed(*arguments: str, status: int = 0, **environment: str) -> Outcome:
        env = {**function.aws.settings(function), **environment}
        outcome = run(slug, *arguments, env=env)
        assert outcome.status == status, outcome
        assert "Traceback" not in outcome.stderr
        assert "canary" not in outcome.stdout + outcome.stderr
        assert (status == 0) == (outcome.stderr == ""), outcome.stderr
        return outcome

    return deployed


def operations(function: Function) -> list[str]:
    """Return what the deployer asked for, in its order."""
    return [call.operation for call in function.deploy_calls]


def answered(function: Function) -> dict[str, str]:
    """Have the function answer as is expected, and give the settings."""
    function.aws.answers(function, lambda _payload, _version: {"ok": True})
    return EXPECT


# --- nothing to do ---------------------------------------------------------------------------------


def test_nothing_to_do_is_nothing_done(function: Function, deployed: Deploy) -> None:
    """One question, no upload, and the output says so; however often it is run."""
    deployed(NAME="canary")
    before = function.get()["Configuration"]
    made = len(function.deploy_calls)
    for _ in range(2):
        outcome = deployed(NAME="canary")
        assert f"-----> Nothing to do: {function.name} runs this package already" in outcome.stdout
    later = function.deploy_calls[made:]
    assert [call.operation for call in later] == ["GetFunctionConfiguration"] * 2
    assert sum(call.body_length for call in later) == 0
    assert function.get()["Configuration"] == before


def test_nothing_to_do_with_an_alias_is_reading_alone(function: Function, deployed: Deploy) -> None:
    """Four questions, and not even an invocation."""
    deployed(**answered(function))
    made = len(function.deploy_calls)
    outcome = deployed(**EXPECT)
    assert "(live is version 1)" in outcome.stdout
    assert operations(function)[made:] == [
        "GetFunctionConfiguration",
        "GetAlias",
        "ListVersionsByFunction",
        "GetFunctionConfiguration",  # the version that is live
    ]


def test_a_change_of_the_config_is_something_to_do(function: Function, deployed: Deploy) -> None:
    """Of one value."""
    deployed(NAME="canary")
    before = function.code_sha256()
    assert "-----> Deployed" in deployed(NAME="canary!").stdout
    assert function.code_sha256() != before


# --- waiting ---------------------------------------------------------------------------------------


def test_an_update_under_way_is_waited_for(function: Function, deployed: Deploy) -> None:
    """Before the upload and after it."""
    function.aws.polls_per_update = 3
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=7)
    deployed()
    assert operations(function) == [
        *["GetFunctionConfiguration"] * 4,
        "GetFunction",
        "UpdateFunctionCode",
        *["GetFunctionConfiguration"] * 4,
    ]
    assert function.get()["Configuration"]["LastUpdateStatus"] == "Successful"


def test_a_function_whose_network_is_set_up_is_waited_for(function: Function, deployed: Deploy) -> None:
    """State is Pending for a while after a function was made in a VPC."""
    function.aws.is_pending(function, 2)
    deployed()
    assert operations(function).count("GetFunctionConfiguration") > 3


def test_a_deployer_that_may_not_read_tries_until_it_is_let_in(function: Function, deployed: Deploy) -> None:
    """A conflict is met by another try, for it is over soon."""
    function.aws.polls_per_update = 2
    function.aws.allowed = {"lambda:UpdateFunctionCode"}
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=7)
    deployed()
    assert operations(function).count("UpdateFunctionCode") == 3


def test_the_wait_has_an_end(function: Function, deployed: Deploy) -> None:
    """_LAMBDA_TIMEOUT, which the message names; nothing was uploaded by then."""
    function.aws.is_pending(function, 1_000_000)
    before = function.code()
    began = time.monotonic()
    outcome = deployed(status=1, _LAMBDA_TIMEOUT="1")
    assert 1 <= time.monotonic() - began < 5
    assert "was not ready within 1 seconds" in outcome.stderr
    assert "_LAMBDA_TIMEOUT" in outcome.stderr
    function.aws.is_pending(function, 0)
    assert function.code() == before


def test_an_update_that_fails_is_told_with_the_reason_of_aws(function: Function, deployed: Deploy) -> None:
    """And the next deploy uploads again, though the code is there by its digest."""
    function.aws.fails_updates(function, "InvalidSubnet", "The subnet subnet-1 was not found.")
    outcome = deployed(status=1)
    assert "The subnet subnet-1 was not found. InvalidSubnet" in outcome.stderr
    function.aws.works_again(function)
    assert "-----> Deployed" in deployed().stdout


def test_nothing_is_published_of_an_update_that_failed(function: Function, deployed: Deploy) -> None:
    """The alias stays away from it."""
    function.aws.fails_updates(function)
    deployed(status=1, **ALIAS)
    assert function.versions() == []
    assert function.alias() is None


# --- large packages --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app whose package is over the direct limit."""
    return make_slug(tmp_path_factory.mktemp("large"), {"data.bin": os.urandom(54_000_000)})


def test_a_large_package_passes_through_a_bucket(
    large_slug: Path, function: Function, aws: EmbeddedAWS
) -> None:
    """In parts, encrypted, with a checksum each, under the prefix; deleted when the deploy is over."""
    bucket = aws.create_bucket()
    made = len(aws.calls)
    env = {
        **aws.settings(function),
        "_LAMBDA_S3_BUCKET": bucket,
        "_LAMBDA_S3_PREFIX": "deploys/",
        "NAME": "canary",
    }
    outcome = run(large_slug, env=env)
    assert (outcome.status, outcome.stderr) == (0, "")
    calls = [call for call in aws.calls[made:] if call.service == "s3"]
    names = [call.operation for call in calls]
    assert names[:2] == ["HeadBucket", "CreateMultipartUpload"]
    assert names[2:-2] == ["UploadPart"] * 7
    assert names[-2:] == ["CompleteMultipartUpload", "DeleteObject"]
    assert {call.access_key for call in calls} == {aws.deployer.access_key}
    assert all(call.path.startswith(f"/{bucket}/deploys/{function.name}-") for call in calls[1:])
    assert calls[1].headers["x-amz-server-side-encryption"] == "AES256"
    assert calls[1].headers["x-amz-checksum-algorithm"] == "SHA256"
    for call in calls[2:-2]:
        checksums = call.headers.get("x-amz-checksum-sha256") or call.headers["x-amz-trailer"]
        assert checksums
    assert function.get()["Configuration"]["CodeSize"] > 54_000_000
    assert aws.left_in(bucket) == []


def test_a_large_package_without_a_bucket_is_refused_with_the_way_out(
    large_slug: Path, function: Function
) -> None:
    """Before AWS is asked anything."""
    outcome = run(large_slug, env=function.aws.settings(function))
    assert outcome.status == 2
    assert "_LAMBDA_S3_BUCKET" in outcome.stderr
    assert function.deploy_calls == []


@pytest.fixture
def bucket(aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch) -> str:
    """Create a bucket, and have even a small package go by way of it."""
    monkeypatch.setattr(deploy.artifact.limits, "DIRECT_LIMIT", 0)
    return aws.create_bucket()


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
    assert "Nothing was changed" in outcome.stderr
    assert operations(function) == ["GetFunctionConfiguration", "GetFunction"]


# --- versions and aliases --------------------------------------------------------------------------


def test_the_first_deploy_publishes_and_makes_the_alias(function: Function, deployed: Deploy) -> None:
    """The version says where it comes from; the whole output, as it stands in a release log."""
    dyno = {
        "HEROKU_APP_NAME": "shop-production",
        "HEROKU_RELEASE_VERSION": "v42",
        "HEROKU_SLUG_COMMIT": "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
    }
    outcome = deployed(NAME="canary", **dyno, **answered(function))
    description = function.get("1")["Configuration"]["Description"]
    size = len(function.code())
    pattern = r"shop-production, v42, commit 2c3a0b24069a, base [0-9a-f]{12}, config [0-9a-f]{12}"
    assert re.fullmatch(pattern, description)
    assert outcome.stdout.partition("-----> Updating")[2] == (
        f" {function.name} in eu-west-1\n"
        f"       Uploading {size} bytes\n"
        "-----> Publishing a version\n"
        f"       Version 1: {description}\n"
        "-----> Verifying version 1\n"
        "       It answered as expected\n"
        "-----> Moving live to version 1\n"
        f"-----> Deployed {function.name}: live is version 1\n"
    )
    assert function.alias() == "1"


def test_a_qualifier_in_the_arn_names_the_alias(function: Function, deployed: Deploy) -> None:
    """As _LAMBDA_ALIAS does."""
    deployed(_LAMBDA_FUNCTION_ARN=f"{function.arn}:beta")
    assert function.alias("beta") == "1"


def test_a_version_that_is_not_ready_yet_is_waited_for(function: Function, deployed: Deploy) -> None:
    """It is Pending first, and could not be invoked."""
    function.aws.polls_per_version = 3
    deployed(**answered(function))
    assert function.alias() == "1"


def test_descriptions_of_any_length_fit(function: Function, deployed: Deploy) -> None:
    """AWS takes 256 characters, and counts them."""
    deployed(HEROKU_APP_NAME="a" * 300, **ALIAS)
    assert len(function.get("1")["Configuration"]["Description"]) == 256


def test_a_version_that_was_never_ready_is_waited_for_when_it_is_used_again(
    function: Function, deployed: Deploy
) -> None:
    """The run that published it gave up; the next one finds it, and waits for it as well."""
    function.aws.polls_per_version = 1_000_000
    assert "was not ready within 1 seconds" in deployed(status=1, _LAMBDA_TIMEOUT="1", **ALIAS).stderr
    assert "was not ready within 1 seconds" in deployed(status=1, _LAMBDA_TIMEOUT="1", **ALIAS).stderr
    assert function.alias() is None


def test_an_alias_that_is_deleted_meanwhile_is_told_as_gone(function: Function, deployed: Deploy) -> None:
    """Between the look and the step, while the new version is verified."""
    deployed(**answered(function))
    client = function.aws.client()

    def delete_the_alias(_payload: object, _version: str) -> object:
        client.delete_alias(FunctionName=function.name, Name="live")
        return {"ok": True}

    function.aws.answers(function, delete_the_alias)
    outcome = deployed(status=1, NAME="canary", **EXPECT)
    assert "Another deploy or a person moved the alias live" in outcome.stderr
    assert "It is gone now." in outcome.stderr


def test_going_back_to_an_earlier_config_moves_the_alias_and_nothing_else(
    function: Function, deployed: Deploy
) -> None:
    """`heroku rollback` with the release phase: no upload, no new version."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    assert function.alias() == "2"
    made = len(function.deploy_calls)
    outcome = deployed(NAME="canary 1", **ALIAS)
    assert operations(function)[made:] == [
        "GetFunctionConfiguration",
        "GetAlias",
        "ListVersionsByFunction",
        "GetFunctionConfiguration",  # the version is ready
        "UpdateAlias",
    ]
    assert f"-----> Deployed {function.name}: live is version 1" in outcome.stdout
    assert (function.alias(), function.versions()) == ("1", ["1", "2"])


def test_another_configuration_of_the_function_makes_another_version(
    function: Function, deployed: Deploy
) -> None:
    """The same code with more memory is not the same release; it is published without an upload."""
    deployed(**ALIAS)
    function.aws.client().update_function_configuration(FunctionName=function.name, MemorySize=512)
    made = len(function.deploy_calls)
    deployed(**ALIAS)
    assert "UpdateFunctionCode" not in operations(function)[made:]
    assert function.alias() == "2"
    assert function.get("2")["Configuration"]["MemorySize"] == 512


def test_versions_are_found_on_every_page(function: Function, deployed: Deploy) -> None:
    """AWS lists 50 at once; the one that is wanted may be the oldest."""
    function.aws.page_size = 2
    for number in range(5):
        deployed(NAME=f"canary {number}", **ALIAS)
    deployed(NAME="canary 0", **ALIAS)
    assert function.alias() == "1"


def test_weights_stop_a_deploy_until_it_is_forced(function: Function, deployed: Deploy) -> None:
    """Somebody may be in the middle of a shift: nothing is changed without --force."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    routing: Any = {"AdditionalVersionWeights": {"1": 0.1}}
    client = function.aws.client()
    client.update_alias(FunctionName=function.name, Name="live", RoutingConfig=routing)
    before = (function.code_sha256(), function.versions(), function.alias())
    outcome = deployed(NAME="canary 3", status=1, **ALIAS)
    assert "10% to version 1" in outcome.stderr
    assert "deploy --force" in outcome.stderr
    assert (function.code_sha256(), function.versions(), function.alias()) == before
    deployed("--force", NAME="canary 3", **ALIAS)
    alias = client.get_alias(FunctionName=function.name, Name="live")
    assert alias["FunctionVersion"] == "3"
    assert not alias.get("RoutingConfig")


def test_old_versions_go_but_none_that_an_alias_needs(function: Function, deployed: Deploy) -> None:
    """_LAMBDA_KEEP_VERSIONS counts the new one; the previous one stays for a rollback."""
    for name in ("canary 1", "canary 2", "canary 3"):
        deployed(NAME=name, **ALIAS)
    function.aws.client().create_alias(FunctionName=function.name, Name="audit", FunctionVersion="1")
    outcome = deployed(NAME="canary 4", _LAMBDA_KEEP_VERSIONS="1", **ALIAS)
    assert "-----> Deleting 1 old version\n       2\n" in outcome.stdout
    assert function.versions() == ["1", "3", "4"]
    deployed("rollback", **ALIAS)
    assert function.alias() == "3"


# --- verification ----------------------------------------------------------------------------------


def test_a_version_is_asked_before_traffic_reaches_it(function: Function, deployed: Deploy) -> None:
    """With the payload, by its number, while the alias still points at the one before."""
    deployed(NAME="canary 1", **ALIAS)
    asked = []

    def handler(payload: Any, version: str) -> str:
        asked.append((payload, version, function.alias()))
        return "anything"

    function.aws.answers(function, handler)
    outcome = deployed(NAME="canary 2", **VERIFY)
    assert asked == [({"ping": True}, "2", "1")]
    assert "       It answered\n" in outcome.stdout
    assert function.alias() == "2"


def failing(_payload: Any, _version: str) -> Any:
    """Fail as a function does whose config is wrong, and log it."""
    log = "connecting to postgres://canary-of-the-config\nno such host"
    return Invoked({"errorMessage": "no such host postgres://canary-of-the-config"}, log, "Unhandled")


def crashing(_payload: Any, _version: str) -> Any:
    """Raise, as a function does."""
    raise RuntimeError("cannot read postgres://canary-of-the-config")


def hanging(_payload: Any, _version: str) -> Any:
    """Take longer than Lambda lets it."""
    return Invoked(seconds=60, log="waiting for postgres://canary-of-the-config")


def wrong(_payload: Any, _version: str) -> Any:
    """Answer something else than is expected."""
    return Invoked({"ok": False, "saw": "postgres://canary-of-the-config"}, log="all is well")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (failing, ["failed (Unhandled)", "no such host [DATABASE_URL]", "connecting to [DATABASE_URL]"]),
        (crashing, ["failed (Unhandled)", "cannot read [DATABASE_URL]", "RuntimeError"]),
        (hanging, ["failed (Unhandled)", "Task timed out after 1.00 seconds"]),
        (wrong, ["_LAMBDA_VERIFY_EXPECT does not match", "all is well", '"saw": "[DATABASE_URL]"']),
    ],
)
def test_a_version_that_fails_its_verification_gets_no_traffic(
    function: Function,
    deployed: Deploy,
    handler: Callable[[Any, str], Any],
    expected: list[str],
) -> None:
    """The alias stays, the end of the log is shown, and no value of the config is in it."""
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=1)
    config = {"DATABASE_URL": "postgres://canary-of-the-config"}
    deployed(**ALIAS)
    function.aws.answers(function, handler)
    for _ in range(2):  # the version is there the second time, and no better
        outcome = deployed(status=1, **EXPECT, **config)
        for part in expected:
            assert part in outcome.stderr
        assert "Version 2 was not verified; the alias was not moved." in outcome.stderr
        assert (function.alias(), function.versions()) == ("1", ["1", "2"])
    deployed(**answered(function), **config)
    assert (function.alias(), function.versions()) == ("2", ["1", "2"])


def test_a_verification_without_an_end_is_ended(function: Function, deployed: Deploy) -> None:
    """Where the function may run for longer than the deploy waits: _LAMBDA_TIMEOUT."""
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=5)
    function.aws.answers(function, lambda _payload, _version: Invoked(seconds=3))
    outcome = deployed(status=1, _LAMBDA_TIMEOUT="1", **VERIFY)
    assert "Version 1 could not be verified" in outcome.stderr
    assert "_LAMBDA_TIMEOUT" in outcome.stderr
    assert operations(function).count("Invoke") == 1
    assert function.alias() is None


def test_an_expectation_that_takes_for_ever_is_ended(function: Function, deployed: Deploy) -> None:
    """A regular expression may have more ways to match than can be tried; no dyno hangs in it."""
    function.aws.answers(function, lambda _payload, _version: "a" * 60)
    expect = {"_LAMBDA_VERIFY_EXPECT": "(a+)+b", "_LAMBDA_TIMEOUT": "1"}
    outcome = deployed(status=1, **VERIFY, **expect)
    assert "the search for _LAMBDA_VERIFY_EXPECT in its answer did not end" in outcome.stderr
    assert "the alias was not moved" in outcome.stderr
    assert "Give _LAMBDA_VERIFY_EXPECT a simpler regular expression." in outcome.stderr
    assert function.alias() is None


# --- rollback --------------------------------------------------------------------------------------


def test_a_rollback_goes_back_and_forth(function: Function, deployed: Deploy) -> None:
    """To the version before, and to where it came from again; it says what it left and what it set."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    outcome = deployed("rollback", **ALIAS)
    assert "live is version 1, it was version 2" in outcome.stdout
    assert function.alias() == "1"
    deployed("rollback", **ALIAS)
    assert function.alias() == "2"


def test_a_rollback_to_a_version_by_its_number(function: Function, deployed: Deploy) -> None:
    """With the same verification as a deploy; the same one is nothing to do."""
    for name in ("canary 1", "canary 2", "canary 3"):
        deployed(NAME=name, **ALIAS)
    settings = answered(function)
    assert "-----> Verifying version 1" in deployed("rollback", "1", **settings).stdout
    assert function.alias() == "1"
    assert "Nothing to do" in deployed("rollback", "1", **settings).stdout


def test_a_rollback_to_a_version_that_fails_stays_where_it_is(function: Function, deployed: Deploy) -> None:
    """The old version may not get along with today's database."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    function.aws.answers(function, crashing)
    config = {"DATABASE_URL": "postgres://canary-of-the-config"}
    outcome = deployed("rollback", status=1, **VERIFY, **config)
    assert "Version 1 of" in outcome.stderr
    assert function.alias() == "2"


@pytest.mark.parametrize(
    ("arguments", "settings", "expected"),
    [
        (["9"], ALIAS, "There is no version 9"),
        (["$LATEST"], ALIAS, "published version, which is a number"),
        ([], {}, "_LAMBDA_ALIAS"),
        ([], {"_LAMBDA_ALIAS": "other"}, "There is no alias other yet"),
        ([], ALIAS, "does not remember a version before 1"),
    ],
)
def test_a_rollback_to_nowhere_is_refused(
    function: Function, deployed: Deploy, arguments: list[str], settings: dict[str, str], expected: str
) -> None:
    """Exit status 2, and nothing was changed."""
    deployed(**ALIAS)
    outcome = deployed("rollback", *arguments, status=2, **settings)
    assert expected in outcome.stderr
    assert function.alias() == "1"


# --- JSON ------------------------------------------------------------------------------------------


def test_a_program_gets_one_document(slug: Path, function: Function) -> None:
    """Of a deploy, of nothing to do, of a rollback: what it did and where it is now."""

    def document(*arguments: str, **environment: str) -> dict[str, Any]:
        env = {**function.aws.settings(function), **ALIAS, **environment}
        outcome = run(slug, *arguments, "--json", env=env)
        assert outcome.status == 0
        result: dict[str, Any] = json.loads(outcome.stdout)
        return result

    first = document(NAME="canary 1")
    digest = base64.b64encode(hashlib.sha256(function.code()).digest()).decode()
    assert (first["changed"], first["alias"], first["version"]) == (True, "live", "1")
    assert first["code_sha256"] == digest
    assert document(NAME="canary 1")["changed"] is False
    document(NAME="canary 2")
    back = document("rollback")
    assert (back["changed"], back["left"], back["version"]) == (True, "2", "1")
