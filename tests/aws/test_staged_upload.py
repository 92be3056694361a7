"""The way through S3 with answers that say nothing, or the wrong thing: what counts is what lies there."""

import contextlib
import io
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from aws_answers import Answer, Answers
from command import command, make_slug
from deploy.aws.multipart import PERSISTENT
from deploy.aws.session import Session
from deploy.aws.staging import PART, stage
from deploy.cancel import Cancellation
from deploy.cli import UNWINDING
from deploy.errors import DeployError
from deploy.output import Report
from deploy.release.watch import GRACE
from deploy.target.environment import read_target
from deploy.target.settings import Bucket
from deploy.terminal import Console
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from in_process import deploy as run
from paths import REPOSITORY
from targets import target
from zips import package_in

ERROR = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
ANSWERS = {
    "nothing": b"",
    "HTML": b"<!doctype html><html><body>Log in to the hotel<br></body></html>",
    "foreign XML": b"<?xml version='1.0'?><Portal><ETag>1</ETag><Key>2</Key></Portal>",
    "an error": ERROR,
    "half": b"<?xml version='1.0'?><CompleteMultipartUploadResult><ETag>&quot;1",
}
LOST = [
    Fault(at="before the answer"),
    Fault(at="within the answer"),
    Fault(at="before the answer", stalls=True),
]
STOPS_AFTER = 30  # seconds, Heroku's


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the pauses."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    monkeypatch.setattr("deploy.aws.wait.PAUSES_OF_READING", (0, 0))


@pytest.fixture
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to S3."""
    with FaultProxy(aws.url) as started:
        yield started


@pytest.fixture
def bucket(aws: EmbeddedAWS, function: Function) -> str:
    """Create a bucket for a test that also has a function."""
    del function
    return aws.create_bucket()


@contextlib.contextmanager
def staged(function: Function, proxy: FaultProxy, bucket: str, attempts: int) -> Iterator[str]:
    """Stage a package of two parts; the SDK tries so many times."""
    env = {**function.aws.settings(function), "_AWS_ENDPOINT_URL": proxy.url}
    session = Session(read_target({**env, "_AWS_MAX_ATTEMPTS": str(attempts)}, Path()))
    package = package_in(io.BytesIO(os.urandom(PART + 1000)))
    report = Report(Console(io.StringIO(), io.StringIO()))
    with stage(
        Bucket(bucket),
        package,
        session,
        progress=lambda _done: None,
        report=report,
        cancellation=Cancellation(),
    ) as key:
        yield key


# --- CompleteMultipartUpload -----------------------------------------------------------------------


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS.keys())
def test_an_object_that_is_whole_is_no_failure(
    function: Function, proxy: FaultProxy, bucket: str, content: bytes, attempts: int
) -> None:
    """S3 has put it together, whatever came instead of its answer; then the bucket is empty again."""
    proxy.arm(Fault(content=content), number=1, operation="CompleteMultipartUpload")
    with staged(function, proxy, bucket, attempts) as key:
        assert proxy.struck.is_set()
        assert function.aws.left_in(bucket) == [key]
    assert function.aws.left_in(bucket) == []


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_lost_answer_is_no_failure(
    function: Function, proxy: FaultProxy, bucket: str, fault: Fault, attempts: int
) -> None:
    """The second try of the SDK's finds no upload, for the first has completed it."""
    proxy.arm(fault, number=1, operation="CompleteMultipartUpload")
    with staged(function, proxy, bucket, attempts) as key:
        assert function.aws.left_in(bucket) == [key]
    assert function.aws.left_in(bucket) == []


@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS.keys())
def test_what_was_not_put_together_is_aborted(
    function: Function, proxy: FaultProxy, bucket: str, content: bytes
) -> None:
    """An answer with status 200 that is none of S3's: no part is left, and Lambda is not asked."""
    proxy.arm(Fault(content=content, is_lost=True), number=1, operation="CompleteMultipartUpload")
    with pytest.raises(DeployError), staged(function, proxy, bucket, 1):
        pytest.fail("it went on")
    assert proxy.struck.is_set()
    assert function.aws.left_in(bucket) == []
    assert "AbortMultipartUpload" in proxy.seen


def test_without_the_permission_to_look_it_is_not_relied_on(
    function: Function, proxy: FaultProxy, bucket: str
) -> None:
    """Then the upload failed, and nothing is left of it."""
    function.aws.denied.add("s3:GetObject")
    proxy.arm(Fault(content=b""), number=1, operation="CompleteMultipartUpload")
    with pytest.raises(DeployError, match="AWS's answer was cut off"), staged(function, proxy, bucket, 1):
        pytest.fail("it went on")
    assert function.aws.left_in(bucket) == []


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS.keys())
def test_senseless_answers_before_that_leave_nothing(
    function: Function, proxy: FaultProxy, bucket: str, operation: str, content: bytes
) -> None:
    """A part that is not known to be there; an upload of which nothing is known may be begun once more."""
    proxy.arm(Fault(content=content), number=1, operation=operation)
    with contextlib.suppress(DeployError), staged(function, proxy, bucket, 1):
        assert operation == "CreateMultipartUpload"
    assert proxy.struck.is_set()
    assert function.aws.left_in(bucket) == []


# --- the whole way ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app whose package takes two parts."""
    return make_slug(tmp_path_factory.mktemp("large"), {"data.bin": os.urandom(9_000_000)})


def packages_in(function: Function, bucket: str) -> list[str]:
    """Return what is left in the bucket beside the base, which holds no config."""
    return [key for key in function.aws.left_in(bucket) if not key.startswith("bases/")]


def test_a_failed_upload_says_that_the_function_is_as_it_was(
    slug: Path, function: Function, proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package never came to Lambda."""
    monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 0)
    before = function.code_sha256()
    proxy.arm(Fault(content=ERROR, is_lost=True), number=1, operation="CompleteMultipartUpload")
    env = {**function.aws.settings(function), "_AWS_ENDPOINT_URL": proxy.url, "_AWS_MAX_ATTEMPTS": "1"}
    outcome = run(slug, env={**env, "_LAMBDA_S3_BUCKET": bucket})
    assert outcome.status == 1
    assert "$LATEST was not changed." in outcome.stderr
    assert function.code_sha256() == before
    assert packages_in(function, bucket) == []


CALLS = [
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "PutObject",
    "CompleteMultipartUpload",
    "UpdateFunctionCode",
]


@pytest.mark.parametrize("operation", CALLS)
def test_the_end_of_the_grace_period_of_a_formation_dyno_leaves_nothing(
    slug: Path, function: Function, proxy: FaultProxy, bucket: str, operation: str
) -> None:
    """A step that takes longer than the grace is given up, and what it has put into the bucket is deleted."""
    proxy.arm(Fault(at="before the answer", stalls=True, seconds=None), number=1, operation=operation)
    start = command(slug)
    start[-2] = (
        "import deploy.artifact.limits as limits, deploy.release.watch as watch; "
        f"limits.DIRECT_LIMIT = 0; watch.GRACE = 0.5; {start[-2]}"
    )
    env = {**function.aws.settings(function), "_AWS_ENDPOINT_URL": proxy.url, "_LAMBDA_S3_BUCKET": bucket}
    with subprocess.Popen(
        start,
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "DYNO": "deploy.1", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert proxy.struck.wait(30)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
        took = time.monotonic() - began
    assert packages_in(function, bucket) == [], stderr
    assert GRACE + took < STOPS_AFTER, stderr


def test_the_grace_leaves_the_time_to_clean_up() -> None:
    """Heroku kills a dyno 30 seconds after SIGTERM: S3 may be slow once by then."""
    assert GRACE + UNWINDING + 2 * (PERSISTENT.connect_timeout or 0) < STOPS_AFTER  # type: ignore[attr-defined]


# --- the clock -------------------------------------------------------------------------------------


def test_a_wrong_clock_is_explained_as_lambda_s_is() -> None:
    """S3 has a code of its own for it; its answer to HeadBucket has none at all."""
    skewed = (
        b"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the "
        b"current time is too large.</Message></Error>"
    )
    with Answers([Answer(403, body=b""), Answer(403, body=skewed)]) as server:
        session = Session(target(_AWS_ENDPOINT_URL=server.url, _AWS_MAX_ATTEMPTS="1"))
        report = Report(Console(io.StringIO(), io.StringIO()))
        package = package_in(io.BytesIO(b"package"))
        with (
            pytest.raises(DeployError) as caught,
            stage(
                Bucket("deploys"),
                package,
                session,
                progress=lambda _done: None,
                report=report,
                cancellation=Cancellation(),
            ),
        ):
            pytest.fail("it went on")
    assert caught.value.what == "AWS refused the request because of its time."
    assert "The difference between the request time" in caught.value.why
    assert caught.value.todo.startswith("Set the clock")
