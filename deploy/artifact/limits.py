"""How large a package may be for AWS Lambda, and the errors for one that is larger."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from deploy.artifact import archive
from deploy.errors import InputError
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.artifact.package import Package
    from deploy.target.settings import Bucket

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: "Unzipped size must be smaller
# than 262144000 bytes", however it is uploaded.
UNZIPPED_LIMIT = 250 * 1024 * 1024

# 50 MiB zipped for a direct upload, of the same page. Lambda refuses a request of 69,905,067 bytes, which is
# 50 MiB in base64; the last KiB is left for the JSON around it.
DIRECT_LIMIT = 50 * 1024 * 1024 - 1024

LARGEST = 5  # entries that are named
BY_BUCKET = "Set _LAMBDA_S3_BUCKET, and it is uploaded via that bucket."
SMALLER = (
    "To make it smaller, leave out what the function does not need. Node.js: name it in .lambdaignore, drop "
    "development dependencies (`npm prune --omit=dev`), or bundle the code. Python: drop boto3, which Lambda "
    "has. Java: give what Lambda has the scope `provided`, or minimize the JAR."
)


def check_unzipped(name: str, size: int, sizes: Iterable[tuple[str, int]]) -> None:
    """Raise InputError if `size`, the unzipped size of what is called `name`, is over the limit.

    `sizes` are those of its entries, by name; they are read only then.
    """
    if size >= UNZIPPED_LIMIT:
        raise _too_large(
            f"{name} is {megabytes(size)} unzipped, {megabytes(size - UNZIPPED_LIMIT + 1)} over the 250 MiB",
            "250 MiB is AWS Lambda's limit for the function's code and its layers together.",
            sizes,
        )


def check_size(package: Package, bucket: Bucket | None) -> None:
    """Raise InputError if the package is too large for Lambda, or for the way that is open to it."""
    sizes = ((entry.name, entry.size) for entry in _entries(package))
    check_unzipped("The package", package.unzipped_size, sizes)
    if package.size > DIRECT_LIMIT and bucket is None:
        over = megabytes(package.size - DIRECT_LIMIT)
        raise _too_large(
            f"The package is {megabytes(package.size)}, {over} over the 50 MiB",
            "50 MiB is AWS Lambda's limit for a direct upload.",
            ((entry.name, entry.compressed_size) for entry in _entries(package)),
            other_way=BY_BUCKET,
        )


def _entries(package: Package) -> Iterator[archive.Entry]:
    """Read the package's entries, if somebody asks for one."""
    yield from archive.read_directory(package.open())


def _too_large(what: str, why: str, sizes: Iterable[tuple[str, int]], *, other_way: str = "") -> InputError:
    """Return the error that names the largest entries; `other_way` is a way to deploy it at this size."""
    largest = heapq.nlargest(LARGEST, sizes, key=lambda each: each[1])
    shown = "\n".join(f"  {megabytes(size):>10}  {printable(name)}" for name, size in largest)
    return InputError(
        f"{what} that Lambda takes.",
        why=f"{why} The largest entries are:\n{shown}",
        todo=f"{other_way} {SMALLER}".lstrip(),
    )
