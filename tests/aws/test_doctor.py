"""deploy doctor: what it finds, that it changes nothing, and that its policy is enough and no more."""

import functools
import http.server
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import pytest
from botocore.config import Config
from botocore.loaders import JSONFileLoader

from aws_answers import Answer, Answers
from aws_calls import Call
from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from in_process import deploy
from paths import REPOSITORY

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
PLAIN = {
    "_LAMBDA_FUNCTION_ARN": ARN,
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key",
}
RELEASE = {"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_KEEP_VERSIONS": "1"}
LAMBDA_ACTIONS = (
    "lambda:UpdateFunctionCode",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunction",
    "lambda:GetAlias",
    "lambda:ListVersionsByFunction",
    "lambda:PublishVersion",
    "lambda:CreateAlias",
    "lambda:UpdateAlias",
    "lambda:InvokeFunction",
    "lambda:ListAliases",
    "lambda:DeleteFunction",
)
S3_ACTIONS = (
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListBucket",
)


@dataclass(frozen=True)
class Examination:
    """What doctor said, by check."""

    exit_status: int
    checks: Mapping[str, Mapping[str, Any]]
    output: str

    def names(self, status: str) -> set[str]:
        return {name for name, check in self.checks.items() if check["status"] == status}


def examine(slug: Path, env: Mapping[str, str]) -> Examination:
    outcome = deploy(slug, "doctor", "--json", env=env)
    checks = {check["name"]: check for check in json.loads(outcome.stdout)["checks"]}
    return Examination(outcome.status, checks, outcome.stdout + outcome.stderr)


def printed_policy(slug: Path, env: Mapping[str, str]) -> dict[str, Any]:
    outcome = deploy(slug, "doctor", "--policy", env=env)
    assert outcome.status == 0, outcome.stderr
    policy: dict[str, Any] = json.loads(outcome.stdout)
    return policy


def statements(policy: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def state_of(function: Function) -> dict[str, Any]:
    """Everything about a function that a probe could have changed."""
    client = function.aws.client(function.region)
    configuration = client.get_function_configuration(FunctionName=function.name)
    versions = client.list_versions_by_function(FunctionName=function.name)["Versions"]
    aliases = client.list_aliases(FunctionName=function.name)["Aliases"]
    return {
        "code": configuration["CodeSha256"],
        "revision": configuration["RevisionId"],
        "modified": configuration["LastModified"],
        "versions": [(each["Version"], each["CodeSha256"], each["RevisionId"]) for each in versions[1:]],
        "aliases": [(each["Name"], each["FunctionVersion"], each["RevisionId"]) for each in aliases],
    }


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the SDK's models once."""
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _self, path: read_model(path))


read_model = functools.cache(JSONFileLoader().load_file)


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Node.js app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


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
        "       ok       package: 353 bytes of 50 MB, 35 bytes of 250 MB unzipped\n"
        f"-----> Checking {function.name} and what this deployer may do\n"
        "       ok       credentials: arn:aws:sts::123456789012:user/moto, with the access key that ends in "
        "0000\n"
        "       ok       clock: the same as AWS's\n"
        f"       ok       function: {function.name} in eu-west-1, Zip, nodejs20.x, Active\n"
        "       ok       lambda:UpdateFunctionCode: upload the package\n"
        "       ok       lambda:GetFunctionConfiguration: do nothing where nothing changed, and wait until "
        "an update is in place\n"
        "       ok       lambda:GetFunction: show in `deploy plan` what differs\n"
        "-----> A deploy should work: 10 of 10 checks are ok\n"
    )


@pytest.mark.parametrize("deployed", [False, True])
def test_changes_nothing(
    slug: Path, aws: EmbeddedAWS, function: Function, everything: dict[str, str], *, deployed: bool
) -> None:
    """With all permissions, before the first deploy and after some: every probe ends without a trace."""
    if deployed:
        for value in ("1", "2"):
            assert deploy(slug, env={**everything, "VALUE": value}).status == 0
    invoked: list[object] = []
    aws.answers(function, lambda payload, _version: invoked.append(payload))
    before = state_of(function)
    examination = examine(slug, everything)
    assert examination.exit_status == 0
    assert examination.names("ok") == set(examination.checks) > {*LAMBDA_ACTIONS, *S3_ACTIONS}
    assert state_of(function) == before
    assert len(before["aliases"]) == deployed
    assert invoked == []
    assert aws.left_in(everything["_LAMBDA_S3_BUCKET"]) == []


@pytest.mark.parametrize("action", [*LAMBDA_ACTIONS, *S3_ACTIONS])
def test_finds_each_missing_permission(
    slug: Path, aws: EmbeddedAWS, function: Function, everything: dict[str, str], action: str
) -> None:
    """Just the one that is missing fails, says on what to allow it, and stops only what needs it."""
    aws.allowed = {"sts:GetCallerIdentity", *LAMBDA_ACTIONS, *S3_ACTIONS} - {action}
    before = state_of(function)
    examination = examine(slug, everything)
    comfort = {"lambda:GetFunction", "s3:ListBucket"}
    depending = {
        "lambda:GetFunctionConfiguration": {"lambda:CreateAlias", "lambda:DeleteFunction"},
        "s3:DeleteObject": {"s3:PutObject", "s3:GetObject"},
        "s3:PutObject": {"s3:GetObject"},
    }
    assert examination.names("failed") == {action}
    assert examination.names("unknown") == depending.get(action, set())
    assert examination.exit_status == (0 if action in comfort else 1)
    check = examination.checks[action]
    assert check["todo"].startswith("Allow it on arn:aws:")
    assert check["todo"].endswith(" A deploy does without.") == (action in comfort)
    assert state_of(function) == before
    assert aws.left_in(everything["_LAMBDA_S3_BUCKET"]) == []


def test_a_plain_deploy_does_without_reading(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """One permission is enough: the rest is comfort, and the function is seen through the dry run."""
    aws.allowed = {"lambda:UpdateFunctionCode", "sts:GetCallerIdentity"}
    examination = examine(slug, aws.settings(function))
    assert examination.exit_status == 0
    assert examination.names("failed") == {"lambda:GetFunctionConfiguration", "lambda:GetFunction"}
    assert "Active" in examination.checks["function"]["detail"]


def test_asks_s3_where_lambda_has_no_such_function(slug: Path, everything: dict[str, str]) -> None:
    """One mistake does not hide another."""
    examination = examine(slug, {**everything, "_LAMBDA_FUNCTION_ARN": f"{ARN}-of-nobody"})
    assert examination.exit_status == 1
    assert examination.names("failed") == {"function"}
    assert examination.names("unknown") == set(LAMBDA_ACTIONS)
    assert {"bucket", *S3_ACTIONS} <= examination.names("ok")


@pytest.mark.parametrize("name", ["_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_fail_once(slug: Path, everything: dict[str, str], name: str) -> None:
    """The reason stands where it belongs; what could not be asked is unknown, and the clock is read."""
    examination = examine(slug, {**everything, name: "canary-of-a-key"})
    assert examination.exit_status == 1
    assert examination.names("failed") == {"credentials"}
    assert name in examination.checks["credentials"]["todo"]
    assert examination.names("unknown") == {"function", *LAMBDA_ACTIONS, *S3_ACTIONS}
    assert examination.checks["clock"]["status"] == "ok"
    assert "canary" not in examination.output


def test_a_container_image_takes_no_package(slug: Path, aws: EmbeddedAWS) -> None:
    """The package type can't be changed, so it is the setting that is wrong."""
    function = aws.create_function(package_type="Image")
    examination = examine(slug, aws.settings(function))
    assert (examination.exit_status, examination.names("failed")) == (2, {"function"})
    assert "is a container image" in examination.checks["function"]["detail"]


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
    monkeypatch.setattr("deploy.doctor.probes.CONFIG", quick)
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
    way = f"by way of s3://{everything['_LAMBDA_S3_BUCKET']} for it is over 50 MB"
    assert re.fullmatch(rf"\d+ bytes, {way}, \d+ bytes of 250 MB unzipped", package["detail"])
    assert package["status"] == "ok"
    monkeypatch.setattr("deploy.artifact.limits.UNZIPPED_LIMIT", 10)
    assert examine(slug, everything).checks["package"]["status"] == "failed"


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
    assert set(examination.checks) == {"settings", "base", "config", "package"}


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


def refusal(code: str, message: str = "", status: int = 403) -> Answer:
    """An error as S3 gives it."""
    xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body=xml.encode())


def through_s3(*answers: Answer) -> list[Answer]:
    """The answers to all that is asked before an object is put, and then these."""
    identity = b"""<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/me</Arn>
        </GetCallerIdentityResult></GetCallerIdentityResponse>"""
    latest = Answer(body={"PackageType": "Zip", "State": "Active", "CodeSha256": "x"})
    deleted, no_upload = Answer(204, body=b""), refusal("NoSuchUpload", status=404)
    # GetCallerIdentity, three of Lambda, HeadBucket, and then the objects.
    return [Answer(body=identity), latest, latest, latest, Answer(body=b""), deleted, no_upload, *answers]


DENIED_KEY = "User: me is not authorized to perform: {} on resource: arn:aws:kms:eu-west-1:1:key/2"


@pytest.mark.parametrize(
    ("answers", "failed", "unknown"),
    [
        (
            [refusal("AccessDenied", DENIED_KEY.format("kms:GenerateDataKey"))],
            {"kms:GenerateDataKey"},
            {"s3:GetObject", "kms:Decrypt"},
        ),
        (
            [refusal("KMS.NotFoundException", "Invalid keyId", 400)],
            {"kms:GenerateDataKey"},
            {"s3:GetObject", "kms:Decrypt"},
        ),
        (
            [refusal("AccessDenied", "Access Denied")],
            {"s3:PutObject"},
            {"s3:GetObject", "kms:GenerateDataKey", "kms:Decrypt"},
        ),
        (
            [Answer(body=b""), refusal("AccessDenied", DENIED_KEY.format("kms:Decrypt"))],
            {"kms:Decrypt"},
            set(),
        ),
        ([Answer(body=b""), Answer(body=b"")], set(), set()),
    ],
)
def test_tells_the_key_from_the_bucket(
    slug: Path, answers: list[Answer], failed: set[str], unknown: set[str]
) -> None:
    """S3 asks for two permissions where a key encrypts; its refusal says which one it was."""
    key = {"_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"}
    with Answers(through_s3(*answers, Answer(204, body=b""))) as server:
        examination = examine(slug, {**PLAIN, **key, "_AWS_ENDPOINT_URL": server.url})
    assert examination.names("failed") == failed
    assert examination.names("unknown") == unknown
    assert examination.exit_status == bool(failed)
    put, *_, last = [request for request in server.requests if "doctor-" in request.path][2:]
    assert (put.method, last.method, last.path) == ("PUT", "DELETE", put.path.partition("?")[0])
    assert put.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/deploys"


def test_says_what_it_could_not_take_away(slug: Path) -> None:
    """What it was allowed to delete a moment before: it names the object."""
    denied = refusal("AccessDenied", "Access Denied")
    with Answers(through_s3(Answer(body=b""), Answer(body=b""), denied)) as server:
        env = {**PLAIN, "_LAMBDA_S3_BUCKET": "my-deploys", "_AWS_ENDPOINT_URL": server.url}
        examination = examine(slug, env)
    assert "s3://my-deploys/my-function-doctor-" in examination.checks["bucket leftovers"]["detail"]


# --- harmless --------------------------------------------------------------------------------------


def test_each_change_that_it_asks_for_is_one_that_cannot_be(slug: Path) -> None:
    """What goes over the wire to a server that would do anything: each change is ruled out twice."""
    latest = Answer(body={"Version": "$LATEST", "CodeSha256": "x", "RevisionId": "y"})
    with Answers([latest]) as server:
        env = {**PLAIN, **RELEASE, "_AWS_ENDPOINT_URL": server.url}
        examination = examine(slug, env)
    asked = {
        (request.method, request.path.rpartition("my-function")[2]): request
        for request in server.requests
        if "/functions/" in request.path and request.method != "GET"
    }
    assert set(asked) == {
        ("PUT", "/code"),
        ("POST", "/versions"),
        ("PUT", "/aliases/live"),
        ("POST", "/invocations?Qualifier=999999999"),
    }
    assert json.loads(asked["PUT", "/code"].body)["DryRun"] is True
    assert set(json.loads(asked["POST", "/versions"].body)) == {"CodeSha256", "RevisionId"}
    assert set(json.loads(asked["PUT", "/aliases/live"].body)) == {"RevisionId"}
    assert asked["POST", "/invocations?Qualifier=999999999"].headers["X-Amz-Invocation-Type"] == "DryRun"
    # This server gives $LATEST for a version that does not exist: it would delete the function.
    assert examination.names("unknown") >= {"lambda:CreateAlias", "lambda:DeleteFunction"}


def test_a_deletion_names_its_version_twice(
    slug: Path, function: Function, everything: dict[str, str]
) -> None:
    """In the path and in the query: a server that minds either one deletes no function."""
    examine(slug, everything)
    deletion = next(call for call in function.deploy_calls if call.operation == "DeleteFunction")
    assert deletion.function["qualifier"] == deletion.parameter("Qualifier") == "999999999"


def test_shows_no_value_of_a_config_var_or_a_credential(slug: Path, everything: dict[str, str]) -> None:
    """Of the access key its end, as AWS's console shows it in lists; of the rest nothing."""
    env = {**everything, "NAME": "canary-of-config", "_LAMBDA_VERIFY_PAYLOAD": '"canary-of-a-payload"'}
    output = examine(slug, env).output
    assert "canary" not in output
    for name in ("_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"):
        assert everything[name] not in output
    assert "ends in 0000" in output


def test_aws_may_refuse_what_it_allows(slug: Path) -> None:
    """A function that takes signed code only: the permission is there, and a deploy would fail."""
    latest = Answer(body={"PackageType": "Zip", "State": "Active", "CodeSha256": "x"})
    unsigned = Answer(400, "CodeVerificationFailedException", "The code signature failed the check")
    with Answers([latest, latest, unsigned, latest]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert (examination.exit_status, examination.names("failed")) == (1, {"function"})
    assert examination.checks["lambda:UpdateFunctionCode"]["status"] == "ok"


def test_a_function_may_have_failed_or_be_busy(slug: Path) -> None:
    """One that failed needs its owner, one that is being updated needs a moment."""
    denied = Answer(403, "AccessDeniedException", "no")
    busy = Answer(409, "ResourceConflictException", "An update is in progress")
    failed = Answer(body={"State": "Failed", "StateReason": "The subnet is gone", "CodeSha256": "x"})
    for answers, status in (
        ((failed, failed), "failed"),
        ((denied, busy), "ok"),
        ((denied, denied), "unknown"),
    ):
        with Answers([denied, *answers, denied]) as server:
            examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
        assert examination.checks["function"]["status"] == status


def test_a_deploy_would_wait_for_the_function(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """What is made ready or updated at this moment is no failure, but it takes a while; the whole line."""
    line = f"{function.name} in eu-west-1, Zip, nodejs20.x, "
    aws.is_pending(function, 2)
    detail = examine(slug, aws.settings(function)).checks["function"]["detail"]
    assert detail == f"{line}Pending, being made ready just now: a deploy waits for that"
    aws.polls_per_update = 1
    aws.client().update_function_code(FunctionName=function.name, ZipFile=function.code())
    examination = examine(slug, aws.settings(function))
    detail = examination.checks["function"]["detail"]
    assert detail == f"{line}Active, being updated just now: a deploy waits for that"
    assert examination.exit_status == 0


def examine_with(slug: Path, env: Mapping[str, str], configuration: Mapping[str, Any]) -> Examination:
    """Examine a function of which GetFunctionConfiguration says this."""
    latest = Answer(body={"PackageType": "Zip", "State": "Active", "CodeSha256": "x", **configuration})
    with Answers([latest]) as server:
        return examine(slug, {**PLAIN, **env, "_AWS_ENDPOINT_URL": server.url})


@pytest.mark.parametrize(
    ("kind", "runtime", "what"),
    [
        ("nodejs", "java21", "The function runs java21, and this app is a Node.js app."),
        ("java", "nodejs22.x", "The function runs nodejs22.x, and this app is a Java app."),
        ("java", "python3.13", "The function runs python3.13, and this app is a Java app."),
        ("java", "java21", ""),
        ("java", "provided.al2023", ""),
        ("nodejs", "nodejs22.x", ""),
        ("nodejs", "python3.13", ""),
        ("nodejs", "provided.al2023", ""),
        ("java", "", ""),
    ],
)
def test_a_runtime_may_not_be_the_app_s(tmp_path: Path, kind: str, runtime: str, what: str) -> None:
    """Java needs a Java, a Node.js app may hold Python too. No deploy is stopped; what fits is not told."""
    slug = make_slug(tmp_path)
    build_file = slug / ".lambda-deploy/build.json"
    build_file.write_text(json.dumps({**json.loads(build_file.read_text()), "kind": kind}))
    examination = examine_with(slug, {}, {"Runtime": runtime} if runtime else {})
    assert examination.exit_status == 0
    assert examination.names("failed") == ({"runtime"} if what else set())
    if what:
        check = examination.checks["runtime"]
        assert (check["detail"], check["stops_a_deploy"]) == (what, False)
        assert check["todo"] == (
            f"Set the function's runtime to a {'Java' if kind == 'java' else 'Node.js'}, or name another "
            "function in _LAMBDA_FUNCTION_ARN."
        )


SH = {"_LAMBDA_CONFIG_FILES": "env.properties,env.sh"}
NOT_REACHED = "So the config that is baked into this file does not reach its environment."
DOES_NOT_START = (
    "The function's AWS_LAMBDA_EXEC_WRAPPER is /var/task/{}, which the package does not hold.\n"
    "A function whose wrapper is missing does not start."
)
SET_IT = (
    "Set it on the function, after the first deploy with this file: AWS_LAMBDA_EXEC_WRAPPER=/var/task/env.sh"
)


@pytest.mark.parametrize(
    ("settings", "wrapper", "status", "detail", "todo"),
    [
        (SH, "/var/task/env.sh", "ok", "AWS_LAMBDA_EXEC_WRAPPER is /var/task/env.sh", ""),
        (
            SH,
            None,
            "failed",
            f"The function has no environment variable AWS_LAMBDA_EXEC_WRAPPER.\n{NOT_REACHED}",
            SET_IT,
        ),
        (
            SH,
            "/opt/otel-handler",
            "failed",
            "The function's AWS_LAMBDA_EXEC_WRAPPER is /opt/otel-handler, and not /var/task/env.sh.\n"
            + NOT_REACHED,
            SET_IT,
        ),
        (
            SH,
            "/var/task/config.sh",
            "failed",
            DOES_NOT_START.format("config.sh"),
            SET_IT,
        ),
        (
            SH,
            "/var/task/start.sh",
            "unknown",
            "/var/task/start.sh, a script of the app, has to source /var/task/env.sh",
            "",
        ),
        (
            {},
            "/var/task/env.sh",
            "failed",
            DOES_NOT_START.format("env.sh"),
            "Remove AWS_LAMBDA_EXEC_WRAPPER from the function, or name the file in _LAMBDA_CONFIG_FILES.",
        ),
    ],
)
def test_the_wrapper_has_to_be_the_baked_file(
    tmp_path: Path, *, settings: dict[str, str], wrapper: str | None, status: str, detail: str, todo: str
) -> None:
    """Without it the function does not find its config; that stops no deploy. The whole text."""
    slug = make_slug(tmp_path, {"start.sh": b"#!/bin/sh\n"})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": wrapper} if wrapper else {}
    configuration = {"Runtime": "nodejs22.x", "Environment": {"Variables": {"A": "canary", **variables}}}
    examination = examine_with(slug, settings, configuration)
    check = examination.checks["wrapper"]
    assert (check["status"], check["detail"], check["todo"]) == (status, detail, todo)
    assert examination.exit_status == 0
    assert "canary" not in examination.output


@pytest.mark.parametrize(
    ("settings", "configuration"),
    [
        (SH, {"Runtime": "nodejs22.x", "Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}),
        (SH, {"Runtime": "provided.al2023"}),
        ({**SH, "_LAMBDA_TIMEOUT": "soon"}, {"Runtime": "nodejs22.x"}),
        ({}, {"Runtime": "nodejs22.x"}),
        ({}, {"Runtime": "nodejs22.x", "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x"}}}),
    ],
)
def test_of_a_wrapper_that_is_not_known_or_not_needed_nothing_is_said(
    slug: Path, settings: dict[str, str], configuration: dict[str, Any]
) -> None:
    """Variables that can't be read, an OS-only runtime, wrong settings, and no env.sh at all."""
    assert "wrapper" not in examine_with(slug, settings, configuration).checks


def test_a_base_that_cannot_be_read_holds_whatever_the_wrapper_is(
    tmp_path: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """That the base is gone is told once; nothing is made up of what it held."""
    slug = make_slug(tmp_path)
    (slug / ".lambda-deploy/base.zip").unlink()
    aws.client().update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/x"}}
    )
    examination = examine(slug, aws.settings(function))
    assert examination.names("failed") == {"base", "package"}
    assert "wrapper" not in examination.checks


def test_a_function_of_another_account_is_told_with_both_accounts(slug: Path) -> None:
    """A statement in the deployer's own policy would not help, so none is advised alone; the whole text."""
    denied = (
        "User: arn:aws:iam::999999999999:user/x is not authorized to perform: lambda:UpdateFunctionCode on "
        f"resource: {ARN} because no resource-based policy allows the lambda:UpdateFunctionCode action"
    )
    with Answers([Answer(403, "AccessDeniedException", denied)]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert examination.exit_status == 1
    assert examination.checks["lambda:UpdateFunctionCode"]["todo"] == (
        "_LAMBDA_FUNCTION_ARN names the account 123456789012, and the access key belongs to 999999999999. "
        "Correct the account in _LAMBDA_FUNCTION_ARN, or set an access key of the account 123456789012. If "
        "it is meant to be so, the function's resource-based policy has to allow lambda:UpdateFunctionCode "
        "to 999999999999 (`aws lambda add-permission`), besides the deployer's own policy."
    )


def test_a_policy_may_deny_explicitly(slug: Path) -> None:
    """An Allow does not help then, so none is advised."""
    denied = Answer(403, "AccessDeniedException", "not authorized, with an explicit deny in a policy")
    with Answers([denied]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert "an Allow does not help" in examination.checks["lambda:UpdateFunctionCode"]["todo"]
    assert examination.exit_status == 1


# --- the policy ------------------------------------------------------------------------------------


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
    alias = plain - {"OptionalCompare"} | {"Compare", "Release"}
    cases: list[tuple[dict[str, str], set[str]]] = [
        ({}, plain),
        ({"_LAMBDA_ALIAS": "live"}, alias),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live"}, alias),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}"}, alias | {"Verify"}),
        (
            {"_LAMBDA_ALIAS": "live", "_LAMBDA_KEEP_VERSIONS": "9"},
            alias | {"FindOldVersions", "DeleteOldVersions"},
        ),
        ({"_LAMBDA_S3_BUCKET": "my-deploys"}, plain | {"Upload", "OptionalBucket"}),
        (
            {"_LAMBDA_S3_BUCKET": "my-deploys", "_LAMBDA_S3_KMS_KEY_ID": "alias/deploys"},
            plain | {"Upload", "OptionalBucket", "Encrypt"},
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


def allows(policy: Mapping[str, Any], call: Call, function: Function) -> bool:
    """Decide as IAM does, with Lambda's rule: a qualifier in the call makes the ARN a qualified one."""
    if call.service == "lambda":
        resource = f"{function.arn}:{call.qualifier}" if call.qualifier else function.arn
    else:
        resource = f"arn:aws:s3:::{call.path.strip('/')}"
    return any(
        call.action in statement["Action"]
        and any(fnmatchcase(resource, name) for name in statement["Resource"])
        for statement in policy["Statement"]
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"_LAMBDA_ALIAS": "live"},
        RELEASE,
        {"_LAMBDA_S3_BUCKET": ""},
        {**RELEASE, "_LAMBDA_S3_BUCKET": "", "_LAMBDA_S3_PREFIX": "a/b-"},
    ],
)
def test_its_policy_is_enough_and_no_more(
    slug: Path,
    aws: EmbeddedAWS,
    function: Function,
    *,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
) -> None:
    """With just this policy everything works; each of its actions is one that was taken, or comfort.

    The calls of deploys, of a rollback, of a plan and of doctor are held against it one by one.
    """
    monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 100 if "_LAMBDA_S3_BUCKET" in settings else 10**6)
    env = {**aws.settings(function), **settings}
    if "_LAMBDA_S3_BUCKET" in settings:
        env["_LAMBDA_S3_BUCKET"] = bucket
    policy = printed_policy(slug, env)
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    aws.allowed = granted | {"sts:GetCallerIdentity"}
    start = len(aws.calls)
    for value in "1234":
        assert deploy(slug, env={**env, "VALUE": value}).status == 0
    assert deploy(slug, "plan", env=env).status == 0
    if "_LAMBDA_ALIAS" in settings:
        assert deploy(slug, "rollback", env=env).status == 0
    deployed = [call for call in aws.calls[start:] if call.access_key == aws.deployer.access_key]
    assert examine(slug, env).exit_status == 0
    calls = [call for call in aws.calls[start:] if call.access_key == aws.deployer.access_key]
    assert [call for call in calls if call.service != "sts" and not allows(policy, call, function)] == []
    # Lambda reads the object itself, and nothing was aborted.
    elsewhere = {"s3:GetObject", "s3:AbortMultipartUpload"}
    assert granted - {call.action for call in deployed} <= elsewhere
