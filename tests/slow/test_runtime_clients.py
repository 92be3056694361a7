"""Handlers answer, fail and log under our runtime clients as they do under AWS's own.

AWS's come from PyPI, npm and Maven Central, in fixed versions.
"""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paths import APPS
from runtime_clients import Client, Outcome, nodejs_client, our_client, run

HANDLERS = APPS / "handlers"
EVENT = {"a": [1, "ü", None, 2.5], "b": {"c": True}}
JAVA_CLIENT = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

Compare = Callable[..., list[tuple[Outcome, Outcome]]]
"""Runs a handler under both clients, and returns how both went with each payload."""


def assert_same(pairs: list[tuple[Outcome, Outcome]]) -> None:
    for theirs, ours in pairs:
        assert ours == theirs


# --- Node.js --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_nodejs(nodejs_runtime_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Compare:
    ours = our_client("nodejs", HANDLERS / "nodejs", tmp_path_factory.mktemp("scratch"))
    return comparison(nodejs_client(nodejs_runtime_client), ours, HANDLERS / "nodejs")


def handlers_of(file: str, pattern: str) -> list[str]:
    return re.findall(pattern, (HANDLERS / file).read_text(encoding="utf-8"), re.MULTILINE)


NODEJS = [
    *(f"common.{name}" for name in handlers_of("nodejs/common.js", r"^exports\.(\w+) =")),
    *(f"modules.{name}" for name in handlers_of("nodejs/modules.mjs", r"^export const (\w+) =")),
    *"common.nested.inner modules.nested.inner typed/index.handler folder/index.handler".split(),
    *"common.gone common gone.handler ../x.handler imports-nothing.handler broken.handler".split(),
    *"module-imports-nothing.handler throws-at-start.handler exits-at-start.handler".split(),
]


@pytest.mark.parametrize("handler", NODEJS)
def test_nodejs_handlers_do_the_same(of_nodejs: Compare, handler: str) -> None:
    """CommonJS and ES modules; async, by a promise, a callback, the context; errors, exits and the log."""
    if "callback" in handler.lower() and node_version() >= 24:
        pytest.skip("Lambda has no callbacks since Node.js 24, and this version of AWS's client has")
    assert_same(of_nodejs(handler, EVENT, {"second": 2}))


def node_version() -> int:
    return int(subprocess.check_output(["node", "-p", "process.versions.node"], text=True).partition(".")[0])


# --- Python ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_python(python_runtime_client: Path) -> Compare:
    client = APPS.parent.parent / "deploy/local/clients/python_client.py"
    variables = {"PYTHONPATH": str(python_runtime_client), "PYTHONDONTWRITEBYTECODE": "1"}
    return comparison(
        lambda handler: (sys.executable, "-m", "awslambdaric", handler),
        lambda _handler: (sys.executable, "-s", "-u", str(client)),
        HANDLERS / "python",
        variables=variables,
    )


PYTHON = [
    *(f"common.{name}" for name in handlers_of("python/common.py", r"^def ([a-z]\w+)\(")),
    *"package/inner.handler package.inner.handler common.gone common gone.handler sys.exit".split(),
    *"imports_nothing.handler broken.handler raises_at_start.handler exits_at_start.handler".split(),
]


@pytest.mark.parametrize("handler", PYTHON)
def test_python_handlers_do_the_same(of_python: Compare, handler: str) -> None:
    """Answers of every kind, errors with their frames, exits, and what is printed and logged."""
    assert_same(of_python(handler, EVENT, {"second": 2}))


CLIENT_CONTEXT = json.dumps({"custom": {"a": "b"}, "env": {}, "client": {"app_title": "an app"}})


def test_python_handlers_are_told_of_the_client(of_python: Compare) -> None:
    """The client context of an invocation reaches them."""
    pairs = of_python("common.context", EVENT, client_context=CLIENT_CONTEXT)
    assert_same(pairs)
    assert "an app" in pairs[0][1].answer


def test_nodejs_handlers_are_told_of_the_client(of_nodejs: Compare) -> None:
    """The client context of an invocation reaches them."""
    pairs = of_nodejs("common.context", EVENT, client_context=CLIENT_CONTEXT)
    assert_same(pairs)
    assert {"a": "b"} in [part["custom"] for part in pairs[0][1].answer if isinstance(part, dict)]


# --- Java -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_java(java_handlers: Path, tmp_path_factory: pytest.TempPathFactory) -> Compare:
    if platform.system() != "Linux":
        pytest.skip("AWS's client for Java has a native library for Linux alone")
    task_root = java_handlers / "target/classes"
    client = ("java", "-cp", str(java_handlers / "target/client/*"), JAVA_CLIENT)
    ours = our_client("java", task_root, tmp_path_factory.mktemp("scratch"))
    return comparison(
        lambda handler: (*client, handler),
        ours,
        task_root,
        logs_of_errors=False,
    )


POINT = {"x": 3, "y": None, "z": 1.5, "unknown": 1}
ORDER = {
    "name": "n",
    "points": [POINT, {"x": "7"}],
    "byName": {"a": POINT},
    "colour": "GREEN",
    "urgent": True,
    "data": "AQI=",
    "URLPath": "/p",
    "ids": [3, 1],
}
PROXIED = {
    "httpMethod": "GET",
    "path": "/p",
    "queryStringParameters": {"q": "1"},
    "isBase64Encoded": True,
    "requestContext": {"identity": {"sourceIp": "1.2.3.4"}},
}
MESSAGE = {
    "messageId": "m",
    "body": "b",
    "eventSourceARN": "arn:x",
    "awsRegion": "r",
    "attributes": {"a": "b"},
    "messageAttributes": {},
}

METHODS: dict[str, list[object]] = {
    "any": [EVENT, 5, None, "x", 12345678901234567890, 1e300, [], "\u0001\ud83d\ude00"],
    "text": ['hi"ü', 5, True, None, {"a": 1}],
    "whole": [5, "6", None, 2.7, "x", [1], [1, 2], 3_000_000_000],
    "boxed": [5, None, ""],
    "fraction": [1, "2.5"],
    "flag": [True, "true", None, "x"],
    "map": [{"a": 1, "b": "2"}, [1], {"a": "x"}],
    "list": [[1, 2], [None, 1], {"a": 1}, 5],
    "array": [[1, 2], 7],
    "point": [POINT, {}, None, "", {"x": 1.9}, [1]],
    "order": [ORDER, {}, {"colour": "BLUE", "points": POINT}, {"points": "no"}, {"uRLPath": "/q"}],
    "dynamic": [POINT],
    "declared": [POINT],
    "points": [[POINT]],
    "orderOfMore": [{"points": [POINT]}],
    "mapOfMore": [{"a": POINT}],
    "arrayOfMore": [[POINT]],
    "objects": [[POINT]],
    "nothing": [EVENT],
    "noInput": [1],
    "contextOnly": [1],
    "statically": ["a"],
    "overloaded": ["a"],
    "stream": [[1, 2]],
    "streamWithoutOutput": [1],
    "nulls": [{}],
    "special": [{}],
    "raises": ["a"],
    "raisesWithoutText": ["a"],
    "raisesWithCause": ["a"],
    "exits": ["a"],
    "overflows": ["a", "b"],
    "logs": ["a"],
    "tooMany": ["a"],
    "gone": ["a"],
}
JAVA = {f"handlers.Methods::{name}": payloads for name, payloads in METHODS.items()} | {
    "handlers.Values": [{"a": 1, "b": 2}, {"fail": 1}, [], {"a": "x"}],
    "handlers.Values::handleRequest": [{"a": 1}],
    "handlers.Streams": [{"a": 1}, {"a": "0123456789012345678901234567890"}],
    "handlers.Events": [PROXIED],
    "handlers.Events::sqs": [{"Records": [MESSAGE]}],
    "handlers.Failing::handle": ["a", "b"],
    "handlers.Unloadable::handle": ["a"],
    "handlers.Open": [{}],
    "handlers.Gone::handle": ["a"],
    "handlers.Methods": ["a"],
    "handlers.Methods$Point::getX": ["a"],
    "::x": ["a"],
}


@pytest.mark.parametrize("handler", JAVA)
def test_java_handlers_do_the_same(of_java: Compare, handler: str) -> None:
    """Plain methods, RequestHandler and RequestStreamHandler; values, beans, AWS's events; errors."""
    assert_same(of_java(handler, *JAVA[handler]))


# --- both -----------------------------------------------------------------------------------------


def comparison(
    theirs: Client,
    ours: Client,
    task_root: Path,
    *,
    variables: dict[str, str] | None = None,
    logs_of_errors: bool = True,
) -> Compare:
    def compare(handler: str, *payloads: object, client_context: str = "") -> list[tuple[Outcome, Outcome]]:
        both = [
            run(client, task_root, handler, *payloads, variables=variables, client_context=client_context)
            for client in (theirs, ours)
        ]
        # AWS's client for Java writes what it says of an error after it has reported it: into the next log.
        if not logs_of_errors and any(outcome.error for outcome in both[0]):
            both = [[Outcome(each.answer, each.error, []) for each in outcomes] for outcomes in both]
        return list(zip(*both, strict=True))

    return compare
