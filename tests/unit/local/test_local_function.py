"""The function as the package runs in it on this machine."""

from pathlib import Path
from typing import Any

import pytest

from deploy.aws.answers import configuration
from deploy.errors import InputError
from deploy.local.function import LocalFunction, describe
from deploy.target.environment import read_app
from targets import ARN, target

TASK = Path("/private/task")


def describing(answer: dict[str, Any] | None = None, **options: Any) -> LocalFunction:
    """Describe the function of a target, with AWS's answer if there is one."""
    read = configuration({"CodeSha256": "x", **answer}) if answer is not None else None
    return describe(target(), read, **{"handler": "", "runtime": "", "timeout": None, **options})


def test_aws_says_how_it_runs() -> None:
    """Handler, timeout, memory, runtime and its own variables are the function's."""
    answer = {
        "Handler": "index.handler",
        "Runtime": "nodejs22.x",
        "Timeout": 30,
        "MemorySize": 512,
        "Environment": {"Variables": {"A": "1"}},
    }
    function = describing(answer)
    assert function == LocalFunction(
        "my-function", "eu-west-1", "123456789012", "nodejs22.x", "index.handler", 30, 512, {"A": "1"}
    )
    assert function.arn == ARN


def test_options_win() -> None:
    """Over what AWS says."""
    answer = {"Handler": "index.handler", "Runtime": "nodejs22.x", "Timeout": 30}
    function = describing(answer, handler="other.handler", runtime="nodejs24.x", timeout=5)
    assert (function.handler, function.runtime, function.timeout) == ("other.handler", "nodejs24.x", 5)


def test_without_aws_it_has_lambdas_defaults() -> None:
    """And a name, with or without a setting."""
    function = describing(handler="a.b")
    assert (function.timeout, function.memory, function.variables) == (3, 128, {})
    app = read_app({}, Path("/no/slug"), ["config"])
    assert describe(app, None, handler="a.b", runtime="", timeout=None).arn == (
        "arn:aws:lambda:us-east-1:123456789012:function:function"
    )


def test_without_aws_a_baked_shell_file_starts_it() -> None:
    """As the documents tell everybody to set it."""
    app = read_app({"_LAMBDA_CONFIG_FILES": "env.json,conf/env.sh"}, Path("/no/slug"), ["config"])
    function = describe(app, None, handler="a.b", runtime="", timeout=None)
    assert function.wrapper(TASK) == "/private/task/conf/env.sh"


@pytest.mark.parametrize("timeout", [-1, 901])
def test_a_timeout_that_lambda_does_not_have_is_refused(timeout: int) -> None:
    """It could not be the function's."""
    with pytest.raises(InputError, match="1 to 900"):
        describing(handler="a.b", timeout=timeout)


def test_what_starts_it_is_where_the_package_is() -> None:
    """A wrapper of a layer is not there."""
    named = "AWS_LAMBDA_EXEC_WRAPPER"
    assert LocalFunction("f", variables={named: "/var/task/env.sh"}).wrapper(TASK) == "/private/task/env.sh"
    assert LocalFunction("f", variables={named: "/opt/otel-handler"}).wrapper(TASK) == ""
    assert LocalFunction("f").wrapper(TASK) == ""


def test_a_process_gets_what_lambda_gives_it() -> None:
    """The names of AWS's documentation, the function's own variables, and no way to credentials here."""
    function = LocalFunction(
        "f",
        "eu-west-1",
        runtime="python3.13",
        handler="main.handler",
        variables={
            "OWN": "1",
            "TZ": "mine",
            "PYTHONPATH": "/var/task/lib",
            "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/env.sh",
        },
    )
    variables = function.process_variables(TASK, "/bin")
    stream = variables.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    assert "[$LATEST]" in stream
    assert variables == {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_REGION": "eu-west-1",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/private/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/private/task:/private/task/lib",
        "NODE_PATH": "/opt/nodejs/node_modules:/private/task",
        "OWN": "1",
        "PATH": "/bin",
        "PYTHONPATH": "/var/task/lib",
        "TZ": ":UTC",
        "_HANDLER": "main.handler",
    }


def test_an_os_only_runtime_is_not_named() -> None:
    """As in Lambda."""
    assert "AWS_EXECUTION_ENV" not in LocalFunction("f", runtime="provided.al2023").process_variables(
        TASK, ""
    )
