"""Bases that are kept in the bucket: what has not changed is not sent, and nothing wrong is ever deployed."""

import base64
import hashlib
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from command import make_slug
from deploy.artifact.window import PIECE
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, release
from in_process import Outcome
from in_process import deploy as run

MIB = 1024 * 1024
SENDING = ("UploadPart", "PutObject", "UpdateFunctionCode")
SECONDS = 20  # for what takes a moment
LAMBDA = {"lambda:GetFunctionConfiguration", "lambda:GetFunction", "lambda:UpdateFunctionCode"}
BUCKET = {*LAMBDA, "s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app of 11 MiB in a few files."""
    return make_slug(tmp_path_factory.mktemp("few"), {"data.bin": os.urandom(11 * MIB)})


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a JAR with a central directory of 1.2 MB."""
    return jar_of(tmp_path_factory.mktemp("many"), 20)


@pytest.fixture(scope="module")
def very_many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a JAR with a central directory of 6 MB."""
    return jar_of(tmp_path_factory.mktemp("very-many"), 100)


def jar_of(folder: Path, entries: int) -> Path:
    """Make a slug of a JAR whose entries have long comments, which are in its directory alone."""
    (folder / "target").mkdir(parents=True)
    (folder / "pom.xml").touch()
    with zipfile.ZipFile(folder / "target/function.jar", "w") as jar:
        for number in range(entries):
            info = zipfile.ZipInfo(f"com/example/Class{number:06}.class")
            info.comment = bytes(60_000)
            jar.writestr(info, b"x" * 40)
        jar.writestr("data.bin", os.urandom(11 * MIB))
    assert run(folder, "build", str(folder), env={}).status == 0
    return folder


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the pauses."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    monkeypatch.setattr("deploy.aws.wait.PAUSES_OF_READING", (0, 0))


@pytest.fixture
def bucket(aws: EmbeddedAWS, function: Function) -> str:
    """Create a bucket for a test that also has a function."""
    del function
    return aws.create_bucket()


@pytest.fixture
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to S3 and Lambda."""
    with FaultProxy(aws.url) as started:
        yield started


def settings(function: Function, bucket: str, **others: str) -> dict[str, str]:
    """Return the environment of a deploy via a bucket."""
    env = {**function.aws.settings(function), "_AWS_MAX_ATTEMPTS": "1", "_LAMBDA_S3_BUCKET": bucket}
    return {**env, "_LAMBDA_S3_PREFIX": "deploys/", "NAME": "one", **others}


def deployed(slug: Path, function: Function, bucket: str, **others: str) -> Outcome:
    """Deploy, see that the function is what `deploy package` makes, and that a base alone is left."""
    env = settings(function, bucket, **others)
    outcome = run(slug, env=env)
    assert outcome.status == 0, outcome
    assert function.code_sha256() == wanted(slug, env)
    assert all(key.startswith("deploys/bases/") for key in function.aws.left_in(bucket))
    return outcome


def wanted(slug: Path, env: dict[str, str]) -> str:
    """Return the CodeSha256 of the package that a slug and a config make."""
    document: dict[str, str] = json.loads(run(slug, "plan", "--offline", "--json", env=env).stdout)
    return document["code_sha256"]


def base_of(slug: Path) -> tuple[str, bytes]:
    """Return the key and the content of a slug's base."""
    build = json.loads((slug / ".lambda-deploy/build.json").read_text())
    return f"deploys/bases/{build['sha256']}.zip", (slug / build["base"]).read_bytes()


def sent(aws: EmbeddedAWS, made: int) -> tuple[list[str], int]:
    """Return the operations of S3 and UpdateFunctionCode since then, and the bytes that they sent."""
    calls = [each for each in aws.calls[made:] if each.service == "s3" or each.operation in SENDING]
    calls = [each for each in calls if each.access_key != aws.administrator.access_key]
    return [each.operation for each in calls], sum(
        each.body_length for each in calls if each.operation in SENDING
    )


# --- what is sent ----------------------------------------------------------------------------------


def test_a_config_change_sends_kilobytes(slug: Path, function: Function, bucket: str) -> None:
    """The base is uploaded once; from then on there are two parts, of which one is copied."""
    aws = function.aws
    made = len(aws.calls)
    assert deployed(slug, function, bucket).stderr == ""
    operations, size = sent(aws, made)
    assert operations.count("PutObject") == 1
    assert 11 * MIB < size < 12 * MIB
    key, content = base_of(slug)
    assert aws.left_in(bucket) == [key]
    assert aws.s3().get_object(Bucket=bucket, Key=key)["Body"].read() == content

    made = len(aws.calls)
    assert deployed(slug, function, bucket, NAME="two").stderr == ""
    operations, size = sent(aws, made)
    assert sorted(operations[2:4]) == ["UploadPart", "UploadPartCopy"]
    assert operations[:2] + operations[4:] == [
        "HeadBucket",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "UpdateFunctionCode",
        "DeleteObject",
    ]
    assert size < 2000
    assert aws.left_in(bucket) == [key]


@pytest.mark.parametrize(("name", "objects"), [("many", 3), ("very_many", 2)])
def test_a_large_directory_is_not_sent_either(
    function: Function, bucket: str, name: str, objects: int, request: pytest.FixtureRequest
) -> None:
    """Kilobytes again, in no more than two turns more than an upload of four parts takes."""
    slug: Path = request.getfixturevalue(name)
    function = function.aws.create_function(runtime="java21")
    deployed(slug, function, bucket)
    made = len(function.aws.calls)
    assert deployed(slug, function, bucket, NAME="two").stderr == ""
    operations, size = sent(function.aws, made)
    assert size < 3000
    assert operations.count("CompleteMultipartUpload") == objects
    # What waits for nothing is done at once: all uploads begin together, and so are the parts made that need
    # no other object. One object's end, and the copy of it, wait for the one before.
    turns = ["HeadBucket", "begin", "parts", *["end", "copy"] * (objects - 1), "end", "update", "delete"]
    at_once = objects + len(["beginning", "its end again", "config", "directory", "end of the directory"])
    assert len(operations) == len(turns) - 2 + at_once
    upload_of_four_parts = ["HeadBucket", "begin", *["part"] * 4, "end", "update", "delete"]
    assert len(turns) <= len(upload_of_four_parts) + 2


def test_a_second_function_finds_the_base(
    slug: Path, aws: EmbeddedAWS, function: Function, bucket: str
) -> None:
    """Its name says what it is, and no function has one of its own."""
    deployed(slug, function, bucket)
    made = len(aws.calls)
    deployed(slug, aws.create_function(), bucket)
    assert sent(aws, made)[1] < 2000


def test_a_promotion_finds_the_base(slug: Path, aws: EmbeddedAWS, bucket: str, tmp_path: Path) -> None:
    """It comes from another account, and is the same one."""
    small = make_slug(tmp_path / "small")
    fleet = FleetOfTests(aws, tmp_path)
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    release(small, here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(slug, there, "1.1.0", SOURCE_CONFIG)
    deployed(slug, aws.create_function(), bucket)
    made = len(aws.calls)
    places = {"_LAMBDA_S3_BUCKET": bucket, "_LAMBDA_S3_PREFIX": "deploys/"}
    fleet.run("apply", {"orders": "1.1.0"}, settings=places)
    operations, size = sent(aws, made)
    assert (operations.count("UploadPartCopy"), size < 2000) == (1, True)
    assert CONFIG["SECRET"].encode() in here.code("live")


def test_without_a_bucket_everything_goes_directly(slug: Path, function: Function, bucket: str) -> None:
    """As it always did; a small base does, too, if there is a bucket."""
    small = make_slug(slug.parent / "small")
    for each, name in ((slug, ""), (small, bucket)):
        env = {**settings(function, bucket), "_LAMBDA_S3_BUCKET": name, "_LAMBDA_S3_PREFIX": ""}
        made = len(function.aws.calls)
        assert run(each, env=env).status == 0
        assert sent(function.aws, made)[0] == ["UpdateFunctionCode"]


# --- never a wrong function ------------------------------------------------------------------------


def other_content(_key: str, content: bytes) -> bytes:
    return b"".join((content[: 9 * MIB], b"!", content[9 * MIB + 1 :]))


def half(_key: str, content: bytes) -> bytes:
    return content[: len(content) // 2]


def a_little(_key: str, content: bytes) -> bytes:
    return content[:1000]


def one_more(_key: str, content: bytes) -> bytes:
    return b"-" + content


@pytest.mark.parametrize("damage", [other_content, half, a_little, one_more])
@pytest.mark.parametrize("name", ["slug", "many"])
def test_a_base_that_is_not_what_its_name_says_is_replaced(
    function: Function,
    bucket: str,
    damage: Callable[[str, bytes], bytes],
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    """Whoever put it there: S3's own digest of what it copied gives it away, before Lambda is asked."""
    slug: Path = request.getfixturevalue(name)
    key, content = base_of(slug)
    s3 = function.aws.s3()
    s3.put_object(Bucket=bucket, Key=key, Body=damage(key, content))
    assert "The whole package" not in deployed(slug, function, bucket).stderr
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == content


@pytest.mark.parametrize("lists", [True, False])
def test_a_base_that_may_not_be_read_is_left_alone(
    slug: Path, function: Function, bucket: str, *, lists: bool
) -> None:
    """A key that the deployer may not use encrypts it: the whole package is uploaded, and that is said."""
    aws, (key, content) = function.aws, base_of(slug)
    s3 = aws.s3()
    s3.put_object(
        Bucket=bucket, Key=key, Body=content, ServerSideEncryption="aws:kms", SSEKMSKeyId="of-somebody-else"
    )
    aws.allowed = {*BUCKET, *(["s3:ListBucket"] if lists else [])}
    outcome = deployed(slug, function, bucket)
    assert "The whole package is uploaded" in outcome.stderr
    assert "kms:Decrypt" in outcome.stderr
    assert s3.head_object(Bucket=bucket, Key=key)["SSEKMSKeyId"].endswith("of-somebody-else")


@pytest.mark.parametrize("lists", [True, False])
def test_without_the_permission_for_bases_the_whole_package_is_uploaded(
    slug: Path, function: Function, bucket: str, *, lists: bool
) -> None:
    """A policy of before there were bases still does; what is missing is named."""
    arn = f"arn:aws:s3:::{bucket}"
    objects = {"Effect": "Allow", "Action": ["s3:*"], "Resource": [f"{arn}/deploys/{function.name}-*"]}
    others = {"Effect": "Allow", "Action": ["lambda:*"], "Resource": ["*"]}
    listing = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn]}
    function.aws.policy = {"Statement": [objects, others, *([listing] if lists else [])]}
    outcome = deployed(slug, function, bucket)
    assert "The whole package is uploaded" in outcome.stderr
    assert f"lacks the permission s3:{'GetObject' if lists else 'PutObject'}" in outcome.stderr
    assert "deploys/bases/" in outcome.stderr
    function.aws.policy = None
    assert function.aws.left_in(bucket) == []


def test_without_the_permission_to_list_a_missing_base_is_uploaded(
    slug: Path, function: Function, bucket: str
) -> None:
    """S3 says of it that it may not be read."""
    function.aws.allowed = BUCKET
    assert deployed(slug, function, bucket).stderr == ""
    assert function.aws.left_in(bucket) == [base_of(slug)[0]]


class Thief(FaultProxy):
    """A proxy behind whose back each base is deleted before it is copied."""

    def __init__(self, function: Function, bucket: str, key: str) -> None:
        super().__init__(function.aws.url)
        self._function, self._bucket, self._key = function, bucket, key

    def meet(self, operation: str) -> Fault | None:
        """Delete it."""
        if operation == "UploadPartCopy":
            self._function.aws.s3().delete_object(Bucket=self._bucket, Key=self._key)
        return super().meet(operation)


def test_a_base_that_vanishes_meanwhile_is_done_without(slug: Path, function: Function, bucket: str) -> None:
    """A lifecycle rule may delete it at any time."""
    with Thief(function, bucket, base_of(slug)[0]) as thief:
        outcome = deployed(slug, function, bucket, _AWS_ENDPOINT_URL=thief.url)
    assert "The whole package is uploaded" in outcome.stderr


def test_a_storage_that_tells_no_digests_gets_the_whole_package(
    slug: Path, function: Function, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied is not taken on trust."""
    deployed(slug, function, bucket)
    monkeypatch.setattr("s3_parts.tell_digest", lambda *_: None)
    made = len(function.aws.calls)
    assert "The whole package is uploaded" in deployed(slug, function, bucket, NAME="two").stderr
    assert "PutObject" not in sent(function.aws, made)[0]


def test_two_deploys_that_upload_the_same_base_get_along(
    slug: Path, aws: EmbeddedAWS, function: Function, bucket: str
) -> None:
    """Both find that it is missing, and send it at the same time; one is enough."""
    functions = [function, aws.create_function()]
    together = threading.Barrier(2)

    class Gate(FaultProxy):
        def meet(self, operation: str) -> Fault | None:
            if operation == "PutObject":
                together.wait(SECONDS)
            return super().meet(operation)

    made = len(aws.calls)
    with Gate(aws.url) as gate:
        arn = ",".join(each.arn for each in functions)
        env = settings(function, bucket, _LAMBDA_FUNCTION_ARN=arn, _AWS_ENDPOINT_URL=gate.url)
        outcome = run(slug, env=env)
    assert outcome.status == 0, outcome
    assert sent(aws, made)[0].count("PutObject") == 2
    assert "The whole package" not in outcome.stderr
    code_sha256 = wanted(slug, settings(function, bucket))
    assert [each.code_sha256() for each in functions] == [code_sha256] * 2
    assert aws.left_in(bucket) == [base_of(slug)[0]]


def test_a_base_that_was_put_there_meanwhile_is_used(slug: Path, function: Function, bucket: str) -> None:
    """The other deploy was faster: S3 takes no second one."""
    key, content = base_of(slug)

    class Rival(FaultProxy):
        def meet(self, operation: str) -> Fault | None:
            if operation == "PutObject":
                function.aws.s3().put_object(Bucket=bucket, Key=key, Body=content)
            return super().meet(operation)

    with Rival(function.aws.url) as rival:
        made = len(function.aws.calls)
        assert deployed(slug, function, bucket, _AWS_ENDPOINT_URL=rival.url).stderr == ""
    assert sent(function.aws, made)[0].count("UploadPartCopy") == 2


# --- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(503, "SlowDown"), Fault(at="before the answer")], ids=str)
@pytest.mark.parametrize("operation", ["UploadPartCopy", "PutObject", "CompleteMultipartUpload"])
def test_a_fault_leaves_no_part_of_a_package(  # noqa: PLR0917 - fixtures
    many: Path, function: Function, bucket: str, proxy: FaultProxy, operation: str, fault: Fault
) -> None:
    """At the first call and at a later one; the deploy says that it failed, or it did not."""
    before = function.code_sha256()
    for number in (1, 2):
        proxy.arm(fault, number=number, operation=operation)
        outcome = run(many, env=settings(function, bucket, _AWS_ENDPOINT_URL=proxy.url))
        assert outcome.status == 0 or "$LATEST was not changed." in outcome.stderr, outcome
        assert function.code_sha256() in {before, wanted(many, settings(function, bucket))}
        assert set(function.aws.left_in(bucket)) <= {base_of(many)[0]}
        function.client.update_function_code(FunctionName=function.name, ZipFile=_zip(number))
        before = function.code_sha256()


def _zip(number: int) -> bytes:
    import io

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.js", str(number))
    return content.getvalue()


def test_a_base_that_is_changed_while_it_is_uploaded_is_refused(
    tmp_path: Path, function: Function, bucket: str
) -> None:
    """By S3, for its digest; nothing is left, and the reader is told the reason."""
    slug = make_slug(tmp_path, {"data.bin": os.urandom(11 * MIB)})
    before = function.code_sha256()
    base = slug / ".lambda-deploy/base.zip"

    class Writer(FaultProxy):
        def meet(self, operation: str) -> Fault | None:
            if operation == "UploadPartCopy":
                with base.open("r+b") as file:
                    file.seek(6 * PIECE)
                    file.write(b"changed")
            return super().meet(operation)

    with Writer(function.aws.url) as writer:
        outcome = run(slug, env=settings(function, bucket, _AWS_ENDPOINT_URL=writer.url))
    assert outcome.status == 2
    assert "The base was changed while it was being deployed" in outcome.stderr
    assert function.code_sha256() == before
    assert function.aws.left_in(bucket) == []


def test_the_digest_in_the_name_is_s3_s_own(slug: Path, function: Function, bucket: str) -> None:
    """Whoever looks at the object sees that it is what its name says, without reading it."""
    deployed(slug, function, bucket)
    key, content = base_of(slug)
    (put,) = (call for call in function.aws.calls if call.operation == "PutObject" and bucket in call.path)
    assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert put.headers["x-amz-server-side-encryption"] == "AES256"
    assert key.endswith(f"{hashlib.sha256(content).hexdigest()}.zip")
