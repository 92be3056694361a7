"""The streamed request body: the same bytes as json.dumps would give, from any position."""

import base64
import hashlib
import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.aws.upload import PIECE, ZipFileBody


def whole(content: bytes, **members: object) -> bytes:
    return json.dumps({**members, "ZipFile": base64.b64encode(content).decode()}).encode()


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=30))
def test_pieces_of_any_size_add_up_to_the_json_document(content: bytes, sizes: list[int]) -> None:
    """http.client reads in pieces of its own choice; AWS gets what json.dumps would have made."""
    body = ZipFileBody(io.BytesIO(content), {"Architectures": ["arm64"]})
    pieces = [body.read(size) for size in sizes]
    assert all(len(piece) <= size for piece, size in zip(pieces, sizes, strict=True))
    assert b"".join(pieces) + body.read() == whole(content, Architectures=["arm64"])
    assert body.read() == b""


@given(st.binary(max_size=100), st.data())
def test_reading_can_start_anywhere(content: bytes, data: st.DataObject) -> None:
    """A retry goes back to the start, and the length is known without reading."""
    body = ZipFileBody(io.BytesIO(content), {})
    expected = whole(content)
    assert len(body) == len(expected)
    start = data.draw(st.integers(0, len(expected)))
    assert body.seek(start) == start == body.tell()
    assert body.read() == expected[start:]
    assert body.seek(0, os.SEEK_END) == len(expected)
    assert body.seek(-2, os.SEEK_CUR) == len(expected) - 2
    assert body.read() == b'"}'


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * PIECE + 1])
def test_the_digests_are_those_of_the_body_and_of_the_file(size: int) -> None:
    """The signature covers the one, the other tells whether the file is what it was; the body can be sent."""
    content = os.urandom(size)
    body = ZipFileBody(io.BytesIO(content), {"Architectures": ["arm64"]})
    expected = whole(content, Architectures=["arm64"])
    assert body.digests() == (hashlib.sha256(expected).hexdigest(), hashlib.sha256(content).digest())
    assert body.tell() == 0
    assert body.read() == expected


def test_progress_counts_what_was_read_for_sending_alone() -> None:
    """In bytes of the file; reading it for its digest is no progress."""
    seen: list[tuple[int, int]] = []
    body = ZipFileBody(io.BytesIO(b"content"), {}, lambda done, total: seen.append((done, total)))
    body.digests()
    assert seen == []
    body.read(5)
    assert seen == [(1, 7)]
    body.read()
    assert seen == sorted(seen)
    assert seen[-1] == (7, 7)


def test_a_negative_position_is_refused_as_files_do() -> None:
    """A mistake of a caller does not read from the wrong end."""
    with pytest.raises(io.UnsupportedOperation):
        ZipFileBody(io.BytesIO(b""), {}).seek(-1)
