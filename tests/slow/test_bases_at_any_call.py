"""Each kind of fault, and an end, at each call of a deploy that S3 composes: nothing wrong, nothing left."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from command import command, make_slug
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from in_process import deploy as run
from paths import REPOSITORY

# S3's own sizes, a five-thousandth of them: the objects are as many, and the base is small.
PART, COPY = 1000, 100
SIZES = (
    ("deploy.artifact.composition.SMALLEST_PART", PART),
    ("deploy.artifact.composition.SMALLEST_COPY", COPY),
    ("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", PART),
    ("s3_parts._LEAST_OF_SOURCE", PART),
)
FAULTS = [
    (Fault(503, "SlowDown"), 1),
    (Fault(403, "AccessDenied"), 1),
    (Fault(404, "NoSuchKey"), 1),
    (Fault(at="within the body"), 1),
    (Fault(at="before the answer"), 1),
    (Fault(at="within the answer"), 1),
    (Fault(at="before the answer"), 3),
]
STUCK = Fault(at="before the answer", stalls=True, seconds=None)
SECONDS = 30


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scale the sizes down, and take out the pauses."""
    for name, size in SIZES:
        monkeypatch.setattr(name, size)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    monkeypatch.setattr("deploy.aws.wait.PAUSES_OF_READING", (0, 0))


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app whose package takes three objects, one after the other."""
    return make_slug(tmp_path_factory.mktemp("slug"), {"data.bin": os.urandom(4 * PART)})


@pytest.fixture
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to this worker's AWS."""
    with FaultProxy(aws.url) as started:
        yield started


class Play:
    """A function, a bucket with a base or without, and what a deploy there has to come to."""

    def __init__(self, slug: Path, aws: EmbeddedAWS, proxy: FaultProxy, *, kept: bool) -> None:
        self.slug, self.aws, self.proxy = slug, aws, proxy
        self.function: Function = aws.create_function()
        self.bucket = aws.create_bucket()
        self.first = self.function.code_sha256()
        if kept:
            assert run(slug, env=self.env(NAME="before")).status == 0
            self.first = self.function.code_sha256()
        proxy.reset()

    def env(self, **others: str) -> dict[str, str]:
        """Return the environment of a deploy through the proxy."""
        env = {**self.aws.settings(self.function), "_AWS_ENDPOINT_URL": self.proxy.url}
        return {**env, "_AWS_MAX_ATTEMPTS": "1", "_LAMBDA_S3_BUCKET": self.bucket, "NAME": "after", **others}

    @property
    def left(self) -> list[str]:
        """Return what is left of packages."""
        return [key for key in self.aws.left_in(self.bucket) if not key.startswith("bases/")]

    def succeeds(self) -> str:
        """Deploy without a fault, and return what the function runs."""
        self.proxy.reset()
        outcome = run(self.slug, env=self.env())
        assert outcome.status == 0, outcome
        assert self.left == []
        return self.function.code_sha256()


def calls(slug: Path, aws: EmbeddedAWS, proxy: FaultProxy, *, kept: bool) -> list[str]:
    """Return the calls of a deploy that nothing happens to."""
    play = Play(slug, aws, proxy, kept=kept)
    assert run(slug, env=play.env()).status == 0
    return list(proxy.seen)


@pytest.mark.parametrize(("fault", "attempts"), FAULTS, ids=str)
@pytest.mark.parametrize("kept", [True, False])
def test_a_fault_at_any_call_leaves_nothing_and_nothing_wrong(
    slug: Path, aws: EmbeddedAWS, proxy: FaultProxy, fault: Fault, attempts: int, *, kept: bool
) -> None:
    """The function is what it was or what it should be, and the next deploy completes it."""
    seen = calls(slug, aws, proxy, kept=kept)
    assert seen.count("CompleteMultipartUpload") == 3
    for number in range(1, len(seen) + 1):
        play = Play(slug, aws, proxy, kept=kept)
        proxy.arm(fault, number=number)
        outcome = run(slug, env=play.env(_AWS_MAX_ATTEMPTS=str(attempts)))
        where = f"{fault} at call {number} of {proxy.seen}: {outcome}"
        assert outcome.status in {0, 1, 2}, where  # 2: there is no such bucket
        assert "Traceback" not in outcome.stderr, where
        assert "internal error (" not in outcome.stderr, where
        found, left = play.function.code_sha256(), play.left
        for key in left:
            assert key in outcome.stderr, where  # it could not be deleted, and that is told
            aws.s3().delete_object(Bucket=play.bucket, Key=key)
        wanted = play.succeeds()
        assert found in {play.first, wanted}, where
        assert outcome.status or found == wanted, where


@pytest.mark.parametrize("kept", [True, False])
def test_an_end_at_any_call_leaves_nothing(
    slug: Path, aws: EmbeddedAWS, proxy: FaultProxy, *, kept: bool
) -> None:
    """SIGTERM while S3 or Lambda does not answer; SIGKILL leaves what only a lifecycle rule can delete."""
    program = "import deploy.cli as cli; cli.UNWINDING = 0.1\n" + "".join(
        f"import {name.rpartition('.')[0]} as module; module.{name.rpartition('.')[2]} = {size}\n"
        for name, size in SIZES
        if name.startswith("deploy.")
    )
    seen = calls(slug, aws, proxy, kept=kept)
    for number in range(1, len(seen) + 1):
        for sent in (signal.SIGTERM, signal.SIGKILL):
            play = Play(slug, aws, proxy, kept=kept)
            proxy.arm(STUCK, number=number)
            start = command(slug)
            start[-2] = f"{program}{start[-2]}"
            with subprocess.Popen(
                start,
                cwd=REPOSITORY,
                env={"PATH": os.environ["PATH"], "DYNO": "run.1", **play.env()},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                assert proxy.struck.wait(SECONDS)
                process.send_signal(sent)
                _, stderr = process.communicate(timeout=60)
            proxy.reset()
            where = f"{sent!r} at call {number} of {seen}: {stderr}"
            assert sent == signal.SIGKILL or play.left == [], where
            assert play.function.code_sha256() in {play.first, wanted_of(play)}, where


def wanted_of(play: Play) -> str:
    """Return what the function should run, by deploying it."""
    for key in play.left:
        play.aws.s3().delete_object(Bucket=play.bucket, Key=key)
    for upload in play.aws.s3().list_multipart_uploads(Bucket=play.bucket).get("Uploads", []):
        play.aws.s3().abort_multipart_upload(
            Bucket=play.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
        )
    return play.succeeds()
