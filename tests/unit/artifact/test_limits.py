"""The limits of Lambda: to the byte, and explained with what makes a package large."""

import io
import zipfile

import pytest

from deploy.artifact.limits import DIRECT_LIMIT, UNZIPPED_LIMIT, check_size
from deploy.artifact.package import Package
from deploy.aws.upload import ZipFileBody
from deploy.errors import InputError
from deploy.target.settings import Bucket

MEGABYTE = 1024 * 1024


def package(size: int, unzipped_size: int) -> Package:
    """Return a package that says that it has these sizes; in it are six files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number in (3, 1, 4, 6, 2, 5):
            file.writestr(f"zeros-{number}", bytes(number * 10_000))
    return Package(lambda: content, b"", size, unzipped_size)


def test_they_hold_to_the_byte() -> None:
    """What is just allowed passes, one byte more does not."""
    check_size(package(DIRECT_LIMIT, UNZIPPED_LIMIT - 1), None)
    check_size(package(DIRECT_LIMIT + 1, UNZIPPED_LIMIT - 1), Bucket("deploys"))
    for size, unzipped_size, bucket in (
        (DIRECT_LIMIT + 1, 1, None),
        (1, UNZIPPED_LIMIT, None),
        (1, UNZIPPED_LIMIT, Bucket("deploys")),
    ):
        with pytest.raises(InputError):
            check_size(package(size, unzipped_size), bucket)


def test_the_direct_limit_leaves_room_for_base64_and_json() -> None:
    """Lambda refuses a request of 69,905,067 bytes; the largest package that passes stays below it."""

    class Large(io.BytesIO):
        def seek(self, *_: int) -> int:
            return DIRECT_LIMIT

    assert len(ZipFileBody(Large(), {"FunctionName": "f" * 140, "RevisionId": "r" * 36})) < 69_905_067


@pytest.mark.parametrize(
    ("large", "told", "way_out"),
    [
        (package(DIRECT_LIMIT + 5 * MEGABYTE, 1), "55.0 MiB, 5.0 MiB over the 50 MiB", True),
        (package(1, UNZIPPED_LIMIT + MEGABYTE), "251.0 MiB unzipped, 1.0 MiB over the 250 MiB", False),
    ],
    ids=["direct", "unzipped"],
)
def test_what_is_too_large_is_told_by_how_much_and_what_it_is_made_of(
    large: Package, told: str, *, way_out: bool
) -> None:
    """The five largest entries are named, and what makes it smaller; a bucket helps against one limit."""
    with pytest.raises(InputError) as caught:
        check_size(large, None)
    assert told in caught.value.what
    names = [line.split()[-1] for line in caught.value.why.splitlines()[1:]]
    assert names == [f"zeros-{number}" for number in (6, 5, 4, 3, 2)]
    assert ".lambdaignore" in caught.value.todo
    assert ("_LAMBDA_S3_BUCKET" in caught.value.todo) is way_out
