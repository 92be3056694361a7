"""The way through S3: what is told on the way, and that nothing stays there."""

import io
import os
from collections.abc import Iterator

import pytest

from deploy.bucket import PART, passing_through
from deploy.function import connect
from deploy.output import Output
from deploy.settings import Bucket, read_settings
from embedded_aws import EmbeddedAWS, Function


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Give the process its environment back, which `connect` empties for the SDK."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_progress_counts_all_that_was_sent(aws: EmbeddedAWS, function: Function) -> None:
    """In several parts: never backwards, and the whole size at the end; then the bucket is empty again."""
    settings = read_settings(aws.settings(function)).function
    connect(settings)
    name = aws.create_bucket()
    content = os.urandom(2 * PART + 100)
    seen: list[int] = []
    output = Output({}, stdout=io.StringIO())
    with passing_through(Bucket(name), io.BytesIO(content), settings, seen.append, output) as key:
        assert aws.left_in(name) == [key]
    assert seen == sorted(seen)
    assert seen[-1] == len(content)
    assert aws.left_in(name) == []
