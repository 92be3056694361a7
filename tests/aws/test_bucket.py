"""The way through S3: what is reported on the way, and that nothing is left there, whatever ends it."""

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from botocore.config import Config

from deploy.aws.session import Session
from deploy.aws.staging import PART, stage
from deploy.cancel import Cancellation, Cancelled
from deploy.errors import DeployError, InputError
from deploy.output import Report
from deploy.target.environment import read_target
from deploy.target.settings import Bucket
from deploy.terminal import Console
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from zips import package_in

CALLS = ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]
SIZE = PART + 1000
SECONDS = 20  # for what takes a moment


@dataclass
class Staging:
    """A package of two parts to be staged in a bucket, and what is seen of it."""

    session: Session
    bucket: str
    file: io.BytesIO = field(default_factory=lambda: io.BytesIO(os.urandom(SIZE)))
    cancellation: Cancellation = field(default_factory=Cancellation)
    progress: list[int] = field(default_factory=list)
    notices: io.StringIO = field(default_factory=io.StringIO)

    @contextlib.contextmanager
    def staged(self, on_progress: Callable[[int], None] = lambda _done: None) -> Iterator[str]:
        """Stage it within the block."""

        def progress(done: int) -> None:
            self.progress.append(done)
            on_progress(done)
            self.cancellation.check()

        report = Report(Console(io.StringIO(), self.notices))
        with stage(
            Bucket(self.bucket),
            package_in(self.file),
            self.session,
            progress=progress,
            report=report,
            cancellation=self.cancellation,
        ) as key:
            yield key


@pytest.fixture
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to S3."""
    with FaultProxy(aws.url) as started:
        yield started


@pytest.fixture
def staging(aws: EmbeddedAWS, function: Function, proxy: FaultProxy) -> Staging:
    """Prepare to stage a package in a bucket of its own."""
    env = {**aws.settings(function), "_AWS_ENDPOINT_URL": proxy.url, "_AWS_MAX_ATTEMPTS": "1"}
    return Staging(Session(read_target(env, Path())), aws.create_bucket())


def test_progress_counts_all_that_was_sent(aws: EmbeddedAWS, staging: Staging) -> None:
    """In several parts: never backwards, and the whole size at the end; then the bucket is empty again."""
    with staging.staged() as key:
        assert aws.left_in(staging.bucket) == [key]
    assert staging.progress == sorted(staging.progress)
    assert staging.progress[-1] == SIZE
    assert aws.left_in(staging.bucket) == []
    assert staging.notices.getvalue() == ""


def written_to(file: io.BytesIO) -> None:
    file.getbuffer()[0] ^= 1


def cut_short(file: io.BytesIO) -> None:
    file.truncate(PART + 100)


@pytest.mark.parametrize("change_it", [written_to, cut_short])
def test_a_package_that_was_changed_meanwhile_is_not_put_together(
    aws: EmbeddedAWS, proxy: FaultProxy, staging: Staging, change_it: Callable[[io.BytesIO], None]
) -> None:
    """Its parts are read one by one; if they are of two packages, nothing stays in the bucket."""

    def change(done: int) -> None:
        if done == PART:
            change_it(staging.file)

    with (
        pytest.raises(InputError, match="The base was changed while it was being deployed"),
        staging.staged(change),
    ):
        pass
    assert aws.left_in(staging.bucket) == []
    assert "CompleteMultipartUpload" not in proxy.seen


# --- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [PART, SIZE])
def test_a_cancelled_upload_leaves_nothing(aws: EmbeddedAWS, staging: Staging, after: int) -> None:
    """After any of its parts."""

    def cancel(done: int) -> None:
        if done == after:
            staging.cancellation.cancel()

    with pytest.raises(Cancelled), staging.staged(cancel):
        pytest.fail("it went on")
    assert staging.progress[-1] == after
    assert aws.left_in(staging.bucket) == []


def test_a_block_that_is_cancelled_leaves_nothing(aws: EmbeddedAWS, staging: Staging) -> None:
    """While Lambda takes the package out of the bucket."""
    with pytest.raises(Cancelled), staging.staged():
        raise Cancelled
    assert aws.left_in(staging.bucket) == []


def test_parts_that_cannot_be_deleted_are_pointed_out(aws: EmbeddedAWS, staging: Staging) -> None:
    """They hold secrets, and nobody would look for them."""
    aws.denied.add("s3:AbortMultipartUpload")
    with pytest.raises(Cancelled), staging.staged(lambda _done: staging.cancellation.cancel()):
        pass
    shown = staging.notices.getvalue()
    assert f"Parts of the package could not be deleted from s3://{staging.bucket}/" in shown
    assert "s3:AbortMultipartUpload" in shown


# --- stuck -----------------------------------------------------------------------------------------


class Worker(threading.Thread):
    """Stages the package as the command does, in a thread of its own, and keeps how that ended."""

    def __init__(self, staging: Staging) -> None:
        super().__init__(daemon=True)
        self._staging = staging
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with self._staging.staged():
                pass
        except (DeployError, Cancelled) as error:
            self.error = error


class Gate(FaultProxy):
    """A proxy that holds the first call of an operation back until it is opened, and then lets it through."""

    def __init__(self, upstream: str, operation: str) -> None:
        super().__init__(upstream)
        self._closed_for = operation
        self.reached = threading.Event()
        self.opened = threading.Event()

    def meet(self, operation: str) -> Fault | None:
        """Wait at the gate."""
        if operation == self._closed_for and not self.reached.is_set():
            self.reached.set()
            self.opened.wait(SECONDS)
        return super().meet(operation)


@pytest.mark.parametrize("operation", CALLS)
def test_what_a_stuck_worker_would_leave_is_cleaned_up_from_outside(
    aws: EmbeddedAWS,
    proxy: FaultProxy,
    staging: Staging,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
) -> None:
    """S3 has carried out the call, and its answer does not come: the main thread deletes what is there."""
    monkeypatch.setattr(
        "deploy.aws.multipart.PERSISTENT", Config(read_timeout=0.2, retries={"total_max_attempts": 2})
    )
    proxy.arm(Fault(at="before the answer", stalls=True, seconds=None), number=1, operation=operation)
    worker = Worker(staging)
    worker.start()
    assert proxy.struck.wait(SECONDS)
    staging.cancellation.cancel()
    staging.cancellation.clean_up()
    assert aws.left_in(staging.bucket) == []
    proxy.reset()
    worker.join(SECONDS)
    assert not worker.is_alive()
    assert worker.error is not None
    assert aws.left_in(staging.bucket) == []
    assert staging.notices.getvalue() == ""


@pytest.mark.parametrize("operation", [*CALLS, "DeleteObject"])
def test_a_call_that_races_with_the_clean_up_leaves_nothing(
    aws: EmbeddedAWS, function: Function, staging: Staging, operation: str
) -> None:
    """The call is on its way while the main thread cleans up, and comes to S3 after that, or just before."""
    with Gate(aws.url, operation) as gate:
        env = {**aws.settings(function), "_AWS_ENDPOINT_URL": gate.url, "_AWS_MAX_ATTEMPTS": "1"}
        staging.session = Session(read_target(env, Path()))
        worker = Worker(staging)
        worker.start()
        assert gate.reached.wait(SECONDS)
        cleaning = threading.Thread(target=staging.cancellation.clean_up)
        cleaning.start()
        # It waits for an upload that begins, and for a worker that deletes.
        waits = operation in {"CreateMultipartUpload", "DeleteObject"}
        cleaning.join(0.1 if waits else SECONDS)
        assert cleaning.is_alive() == waits
        gate.opened.set()
        for thread in (cleaning, worker):
            thread.join(SECONDS)
            assert not thread.is_alive()
    assert (worker.error is None) == (operation == "DeleteObject")
    assert aws.left_in(staging.bucket) == []
    assert staging.notices.getvalue() == ""
