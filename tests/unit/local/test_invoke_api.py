"""The Invoke API on loopback, as an SDK of AWS's sees it."""

import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from deploy.aws.answers import Invocation
from deploy.cancel import Cancelled
from deploy.errors import DeployError
from deploy.local.function import LocalFunction
from deploy.local.invoke_api import InvokeApi

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"


@dataclass
class Served:
    """An API whose function answers with `answer`, and what it was asked."""

    client: Any = None
    api: InvokeApi | None = None
    answer: Callable[[], Invocation] = lambda: Invocation("1", "", "log", "$LATEST")
    asked: list[tuple[bytes, str]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def invoke(self, payload: bytes, context: str) -> Invocation:
        self.asked.append((payload, context))
        try:
            return self.answer()
        finally:
            self.done.set()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    with InvokeApi(LocalFunction("f", "eu-west-1"), served.invoke, 0) as served.api:
        served.client = boto3.client(
            "lambda",
            endpoint_url=f"http://{served.api.host}",
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield served


def refused(served: Served, **parameters: Any) -> tuple[int, str, str]:
    """Return how an invocation is refused: the status, AWS's name for it, and the message."""
    with pytest.raises(ClientError) as raised:
        served.client.invoke(**{"FunctionName": "f", **parameters})
    response: Any = raised.value.response
    assert served.asked == []
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


@pytest.mark.parametrize("name", ["f", "f:live", "f:$LATEST", "123456789012:function:f", ARN, f"{ARN}:live"])
def test_an_sdk_gets_the_answer(served: Served, name: str) -> None:
    """By each form of the function's name."""
    answer = served.client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"].read()) == (
        200,
        "$LATEST",
        b"1",
    )
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert served.asked == [(b'{"a": 1}', "")]


def test_an_invocation_without_a_payload_is_one_of_an_empty_object(served: Served) -> None:
    """As in Lambda."""
    served.client.invoke(FunctionName="f", Qualifier="live")
    assert served.asked == [(b"{}", "")]


def test_a_function_error_and_the_tail_of_the_log(served: Served) -> None:
    """The last 4 KB, in base64, and only if they are asked for."""
    served.answer = lambda: Invocation('{"errorMessage": "ü"}', "Unhandled", f"{'x' * 5000}end", "$LATEST")
    answer = served.client.invoke(FunctionName="f", LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read()) == {"errorMessage": "ü"}
    assert base64.b64decode(answer["LogResult"]) == b"x" * 4093 + b"end"


def test_a_client_context_reaches_the_function(served: Served) -> None:
    """As JSON in a header's single line."""
    context = base64.b64encode(json.dumps({"custom": {"a": "ü\n"}}, indent=1).encode()).decode()
    served.client.invoke(FunctionName="f", ClientContext=context)
    assert served.asked == [(b"{}", '{"custom": {"a": "\\u00fc\\n"}}')]


def test_an_event_is_taken_at_once_and_run_later(served: Served) -> None:
    """Who sends it does not wait, and is not told how it went."""
    may_end = threading.Event()

    def answer() -> Invocation:
        may_end.wait(10)
        raise DeployError("can't be started")

    served.answer = answer
    assert served.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")["StatusCode"] == 202
    may_end.set()
    assert served.done.wait(10)
    assert served.asked == [(b"1", "")]


def test_a_dry_run_runs_nothing(served: Served) -> None:
    """It says that it could."""
    assert served.client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    assert served.asked == []


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"FunctionName": "other"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": f"{ARN}-too"}, 404, "ResourceNotFoundException"),
        ({"Qualifier": "7"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "f:7"}, 404, "ResourceNotFoundException"),
        ({"Payload": b"{"}, 400, "InvalidRequestContentException"),
        ({"Payload": b"\xff"}, 400, "InvalidRequestContentException"),
        ({"ClientContext": "e30x"}, 400, "InvalidRequestContentException"),
        ({"Payload": b'"' + b"x" * 6 * 1024 * 1024 + b'"'}, 413, "RequestTooLargeException"),
        (
            {"Payload": b'"' + b"x" * 1024 * 1024 + b'"', "InvocationType": "Event"},
            413,
            "RequestTooLargeException",
        ),
    ],
    ids=str,
)
def test_what_lambda_refuses_is_refused(
    served: Served, parameters: dict[str, Any], status: int, code: str
) -> None:
    """With its names for it, so that an SDK raises what it would raise."""
    assert refused(served, **parameters)[:2] == (status, code)


def test_a_handler_that_can_not_be_started_is_an_error_of_the_service(served: Served) -> None:
    """With what is wrong."""

    def answer() -> Invocation:
        raise DeployError("env.sh can't be started")

    served.answer = answer
    with pytest.raises(ClientError, match=r"InvalidRuntimeException.*env\.sh can't be started"):
        served.client.invoke(FunctionName="f")


def test_an_end_meanwhile_cuts_the_connection(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """Without an answer that would be a lie, and without a traceback."""

    def answer() -> Invocation:
        raise Cancelled

    served.answer = answer
    with pytest.raises(Exception, match=r"(?i)connection"):
        served.client.invoke(FunctionName="f")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/2015-03-31/functions"), ("POST", "/2014-11-13/functions/f/invoke-async"), ("GET", "/")],
)
def test_other_operations_are_not_there(served: Served, method: str, path: str) -> None:
    """And say so."""
    assert served.api is not None
    connection = http.client.HTTPConnection(served.api.host, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
