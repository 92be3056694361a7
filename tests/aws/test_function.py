"""The function: the package is streamed, and is the one that was planned."""

import io
import os
from pathlib import Path

import pytest

from aws_answers import Answer, Answers
from deploy.errors import InputError
from deploy.release.deploy import connect
from deploy.target.environment import read_target
from embedded_aws import EmbeddedAWS
from in_process import Impatient
from unreliable import function_at, upload
from zips import package_in, zip_of


def test_aws_answers_the_digest_of_what_was_sent(aws: EmbeddedAWS) -> None:
    """The body is streamed; its signature and its digest are right, and the package comes out as it was."""
    deployed = aws.create_function()
    package = zip_of({"index.js": os.urandom(100_000)})
    function = connect(read_target(aws.settings(deployed), Path()), Impatient())
    answer = function.update_code(package_in(io.BytesIO(package)), lambda _done, _total: None)
    assert deployed.code() == package
    assert deployed.get()["Configuration"]["CodeSha256"] == answer.code_sha256


def test_a_package_that_was_changed_meanwhile_is_not_sent(aws: EmbeddedAWS) -> None:
    """It is read anew to be sent: what is not what was planned never reaches AWS, and is explained."""
    deployed = aws.create_function()
    file = io.BytesIO(zip_of({"index.js": os.urandom(100_000)}))
    package = package_in(file)
    file.getbuffer()[40] ^= 1
    with pytest.raises(InputError, match="The base was changed while it was being deployed"):
        connect(read_target(aws.settings(deployed), Path()), Impatient()).update_code(
            package, lambda _done, _total: None
        )
    assert deployed.deploy_calls == []


def test_a_retry_sends_the_whole_body_again() -> None:
    """After a fault of AWS's the SDK tries again by itself, from the body's first byte."""
    with Answers([Answer(503, "ServiceException", "later"), Answer(body={"CodeSha256": "x"})]) as server:
        assert upload(function_at(server.url, _AWS_MAX_ATTEMPTS="2")) == "x"
        first, second = server.requests
        assert first.body == second.body == b'{"ZipFile": "cGFja2FnZQ=="}'


def test_a_function_is_known_by_name_and_region() -> None:
    """For the lines that tell what is being updated."""
    function = function_at("http://127.0.0.1:9")
    assert (function.name, function.region) == ("my-function", "eu-west-1")
