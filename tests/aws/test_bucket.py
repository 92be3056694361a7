"""The way through S3: what is told on the way, and that nothing stays there."""

import io
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.aws.bucket import PART, passing_through
from deploy.aws.session import start
from deploy.errors import InputError, Interrupted
from deploy.output import Output
from deploy.target.settings import Bucket, read_settings
from embedded_aws import EmbeddedAWS, Function
from zips import package_in


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Give the process its environment back, which `start` empties for the SDK."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_progress_counts_all_that_was_sent(aws: EmbeddedAWS, function: Function) -> None:
    """In several parts: never backwards, and the whole size at the end; then the bucket is empty again."""
    sdk = start(read_settings(aws.settings(function)).function)
    name = aws.create_bucket()
    content = os.urandom(2 * PART + 100)
    seen: list[int] = []
    output = Output({}, stdout=io.StringIO())
    with passing_through(Bucket(name), package_in(io.BytesIO(content)), sdk, seen.append, output) as key:
        assert aws.left_in(name) == [key]
    assert seen == sorted(seen)
    assert seen[-1] == len(content)
    assert aws.left_in(name) == []


def written_to(file: io.BytesIO) -> None:
    file.getbuffer()[0] ^= 1


def cut_short(file: io.BytesIO) -> None:
    file.truncate(PART + 100)


@pytest.mark.parametrize("change_it", [written_to, cut_short])
def test_a_package_that_was_changed_meanwhile_is_not_put_together(
    aws: EmbeddedAWS, function: Function, change_it: Callable[[io.BytesIO], None]
) -> None:
    """Its parts are read one by one; where they are of two packages, nothing stays in the bucket."""
    sdk = start(read_settings(aws.settings(function)).function)
    name = aws.create_bucket()
    file = io.BytesIO(os.urandom(2 * PART))

    def change(done: int) -> None:
        if done == PART:
            change_it(file)

    output = Output({}, stdout=io.StringIO())
    before = len(aws.calls)
    with (
        pytest.raises(InputError, match="The base was changed while it was being deployed"),
        passing_through(Bucket(name), package_in(file), sdk, change, output),
    ):
        pass
    assert aws.left_in(name) == []
    assert "CompleteMultipartUpload" not in [call.operation for call in aws.calls[before:]]


def test_parts_that_cannot_be_taken_away_are_pointed_out(aws: EmbeddedAWS, function: Function) -> None:
    """They hold secrets, and nobody would look for them."""
    sdk = start(read_settings(aws.settings(function)).function)
    name = aws.create_bucket()
    aws.denied.add("s3:AbortMultipartUpload")
    shown = io.StringIO()

    def interrupt(_done: int) -> None:
        raise Interrupted("SIGTERM")

    content = package_in(io.BytesIO(os.urandom(2 * PART)))
    with (
        pytest.raises(Interrupted),
        passing_through(Bucket(name), content, sdk, interrupt, Output({}, stderr=shown)),
    ):
        pass
    assert f"Parts of the package could not be deleted from s3://{name}/" in shown.getvalue()
    assert "s3:AbortMultipartUpload" in shown.getvalue()


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_signal_at_the_start_of_the_cleaning_up_does_not_prevent_it(
    aws: EmbeddedAWS, function: Function, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """However late it comes: what holds secrets is deleted first, and then the deploy ends."""
    sdk = start(read_settings(aws.settings(function)).function)
    name = aws.create_bucket()
    real = signal.pthread_sigmask
    calls = iter(range(100))

    def interrupted(how: int, mask: Any) -> set[Any]:
        before = real(how, mask)
        if next(calls) == moment:
            raise Interrupted("SIGTERM")
        return before

    content = package_in(io.BytesIO(os.urandom(PART + 1)))
    mask = real(signal.SIG_BLOCK, ())
    with (
        pytest.raises(Interrupted),
        passing_through(Bucket(name), content, sdk, lambda _done: None, Output({})),
    ):
        monkeypatch.setattr(signal, "pthread_sigmask", interrupted)
    monkeypatch.undo()
    assert aws.left_in(name) == []
    assert real(signal.SIG_BLOCK, ()) == mask
