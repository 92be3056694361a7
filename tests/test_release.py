"""A release: what the plan decides without AWS, and what apply reports."""

import io

import pytest

from deploy.errors import DeployError, InputError, Interrupted
from deploy.output import Output
from deploy.package import Package
from deploy.release import DIRECT_LIMIT, UNZIPPED_LIMIT, UpdateCode, apply, plan


def package(size: int = 1000, unzipped_size: int = 3000) -> Package:
    return Package(io.BytesIO(b"package"), b"\0" * 32, size, unzipped_size, 1)


class FunctionDouble:
    """Answers what it is told to, and remembers what it was given."""

    name, region = "my-function", "eu-west-1"

    def __init__(self, answer: str | BaseException) -> None:
        self.answer = answer
        self.uploaded: list[bytes] = []

    def update_code(self, file: io.BytesIO, progress: object) -> str:
        assert callable(progress)
        self.uploaded.append(file.read())
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def applied(answer: str | BaseException) -> str:
    shown = io.StringIO()
    double = FunctionDouble(answer)
    apply(plan(package()), double, package(), Output({}, stdout=shown))  # type: ignore[arg-type]
    assert double.uploaded == [b"package"]
    return shown.getvalue()


def test_the_plan_is_one_upload() -> None:
    """A plain deploy is UpdateFunctionCode and nothing else."""
    assert plan(package()) == (UpdateCode(package().code_sha256, 1000),)


def test_the_limits_hold_to_the_byte() -> None:
    """What is just allowed passes, one byte more does not."""
    assert plan(package(DIRECT_LIMIT, UNZIPPED_LIMIT - 1))
    for size, unzipped_size in ((DIRECT_LIMIT + 1, 1), (1, UNZIPPED_LIMIT)):
        with pytest.raises(InputError):
            plan(package(size, unzipped_size))


def test_the_direct_limit_leaves_room_for_base64_and_json() -> None:
    """Lambda refuses a request of 69,905,067 bytes; the largest package that passes stays below it."""
    from deploy.request_body import ZipFileBody

    class Large(io.BytesIO):
        def seek(self, *_: int) -> int:
            return DIRECT_LIMIT

    assert len(ZipFileBody(Large(), {"FunctionName": "f" * 140})) < 69_905_067


def test_a_package_over_a_limit_is_told_by_how_much() -> None:
    """The message names size, excess and limit, and what makes it smaller."""
    with pytest.raises(InputError) as caught:
        plan(package(DIRECT_LIMIT + 5 * 1024 * 1024))
    assert caught.value.what.startswith("The package is 55.0 MB, 5.0 MB over the 50 MB that Lambda takes.")
    assert ".lambdaignore" in caught.value.todo
    with pytest.raises(InputError) as caught:
        plan(package(1, UNZIPPED_LIMIT + 1024 * 1024))
    assert caught.value.what.startswith("The package is 251.0 MB unzipped, 1.0 MB over the 250 MB")


def test_apply_uploads_and_says_what_it_does() -> None:
    """Function, region and size are told before the upload starts."""
    shown = applied(package().code_sha256)
    assert shown == "-----> Updating my-function in eu-west-1\n       Uploading 1000 bytes\n"


def test_another_digest_in_the_answer_is_an_error() -> None:
    """What Lambda holds is not what was sent: someone else deployed, or the answer was cut."""
    with pytest.raises(DeployError, match="holds another package") as caught:
        applied("other")
    assert "Its CodeSha256 is other" in caught.value.why


def test_an_interruption_tells_that_the_function_is_whole() -> None:
    """Nobody knows whether AWS took the upload, but it took all of it or nothing."""
    with pytest.raises(Interrupted) as caught:
        applied(Interrupted("SIGTERM"))
    assert "the old or the new package, whole" in caught.value.consequence
