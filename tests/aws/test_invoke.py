"""`deploy invoke` on the deployed function, and what `--local` reads of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from command import make_slug
from embedded_aws import Function
from in_process import Outcome
from in_process import deploy as run
from lambda_invocations import Invoked
from tools import require

CONFIG = {"DATABASE_URL": "postgres://canary-of-the-config"}
ALIAS = {"_LAMBDA_ALIAS": "live"}
INVOKE = {"lambda:InvokeFunction"}
HANDLER = b"exports.handler = async (event, context) => [event, process.env.OWN, context.memoryLimitInMB]\n"


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"), {"index.js": HANDLER})


def invoke(slug: Path, function: Function, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
    """Run `deploy invoke` as the deployer."""
    outcome = run(
        slug, "invoke", *arguments, env={**CONFIG, **function.aws.settings(function), **(env or {})}
    )
    assert "canary" not in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome


def publish(function: Function) -> None:
    """Publish two versions, and have the alias point at the second."""
    client = function.aws.client()
    for timeout in (1, 2):
        client.update_function_configuration(FunctionName=function.name, Timeout=timeout)
        client.publish_version(FunctionName=function.name)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="2")
    client.create_alias(FunctionName=function.name, Name="1-1-0", FunctionVersion="1")  # the name 1.1.0


@pytest.mark.parametrize(
    ("env", "arguments", "version"),
    [
        ({}, (), "$LATEST"),
        (ALIAS, (), "2"),
        (ALIAS, ("--version", "1"), "1"),
        ({}, ("--version", "live"), "2"),
        (ALIAS, ("--version", "$LATEST"), "$LATEST"),
        (ALIAS, ("--version", "1.1.0"), "1"),
    ],
)
def test_the_alias_or_a_version_is_invoked(
    slug: Path, function: Function, env: dict[str, str], arguments: tuple[str, ...], version: str
) -> None:
    """With one permission, and its answer and its log are printed."""
    publish(function)
    function.aws.allowed = INVOKE
    function.aws.answers(function, lambda payload, version: Invoked({"got": [payload, version]}, "a line"))
    outcome = invoke(slug, function, '{"a": 1}', *arguments, env=env)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert f'       {{"got": [{{"a": 1}}, "{version}"]}}\n' in outcome.stdout
    assert "       a line\n" in outcome.stdout


def test_a_program_gets_a_document(slug: Path, function: Function) -> None:
    """With the version that ran, and no secret in it."""
    function.aws.answers(function, lambda _payload, _version: Invoked({"url": CONFIG["DATABASE_URL"]}, "x"))
    outcome = invoke(slug, function, "--json")
    document = json.loads(outcome.stdout)
    assert document["answer"] == {"url": "[DATABASE_URL]"}
    assert (document["error"], document["version"]) == (None, "$LATEST")


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_function_that_fails_is_exit_status_1(
    slug: Path, function: Function, json_option: tuple[str, ...]
) -> None:
    """With its answer and its log, without the config."""

    def failing(_payload: Any, _version: str) -> Any:
        raise RuntimeError(f"cannot read {CONFIG['DATABASE_URL']}")

    function.aws.answers(function, failing)
    outcome = invoke(slug, function, *json_option)
    assert outcome.status == 1
    assert "The function failed (Unhandled)." in outcome.stderr
    assert "cannot read [DATABASE_URL]" in outcome.stdout + outcome.stderr
    if json_option:
        assert json.loads(outcome.stdout)["error"] == "Unhandled"


def test_a_function_that_takes_too_long(slug: Path, function: Function) -> None:
    """The wait ends, and what may have happened is said."""
    client = function.aws.client()
    client.update_function_configuration(FunctionName=function.name, Timeout=60)
    function.aws.answers(function, lambda _payload, _version: Invoked(seconds=3))
    outcome = invoke(slug, function, env={"_LAMBDA_TIMEOUT": "1"})
    assert outcome.status == 1
    assert f"{function.name} did not answer in 1 seconds." in outcome.stderr
    assert "The function may have been invoked." in outcome.stderr


def test_a_missing_permission_is_named(slug: Path, function: Function) -> None:
    """It is in no policy: who deploys need not be able to invoke."""
    function.aws.allowed = set()
    outcome = invoke(slug, function)
    assert outcome.status == 1
    assert "lambda:InvokeFunction" in outcome.stderr


def test_one_of_several_functions_has_to_be_named(slug: Path, function: Function) -> None:
    """An answer of each would be another command."""
    outcome = invoke(slug, function, env={"_LAMBDA_FUNCTION_ARN": f"{function.arn},{function.arn}-too"})
    assert outcome.status == 2
    assert "Name one of them in _LAMBDA_FUNCTION_ARN" in outcome.stderr


# --- the payload ----------------------------------------------------------------------------------


def test_a_payload_comes_from_a_file(slug: Path, function: Function, tmp_path: Path) -> None:
    """So that it is on no command line."""
    (tmp_path / "event.json").write_text('{"from": "ü"}')
    function.aws.answers(function, lambda payload, _version: payload)
    outcome = invoke(slug, function, f"@{tmp_path}/event.json", "--json")
    assert json.loads(outcome.stdout)["answer"] == {"from": "ü"}


@pytest.mark.parametrize("payload", ["{", "", "@/gone.json"])
def test_a_payload_that_is_none_is_refused(slug: Path, function: Function, payload: str) -> None:
    """Before anything is asked."""
    outcome = invoke(slug, function, payload)
    assert outcome.status == 2
    assert "payload" in outcome.stderr
    assert function.deploy_calls == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--handler", "a.b"),
        ("--timeout", "5"),
        ("--runtime", "x"),
        ("--local", "--version", "1"),
        ("--version", "a b"),
    ],
)
def test_options_of_the_other_way_are_refused(
    slug: Path, function: Function, arguments: tuple[str, ...]
) -> None:
    """They would be silently ignored."""
    assert invoke(slug, function, *arguments).status == 2
    assert function.deploy_calls == []


# --- the package on this machine -------------------------------------------------------------------


def test_the_package_runs_as_the_function_is_configured(slug: Path, function: Function) -> None:
    """Its handler, memory and variables are read, and nothing is deployed."""
    require("node")
    function.aws.client().update_function_configuration(
        FunctionName=function.name, MemorySize=256, Environment={"Variables": {"OWN": "canary of its own"}}
    )
    function.aws.allowed = {"lambda:GetFunctionConfiguration"}
    outcome = invoke(slug, function, "--local", "--json", '{"a": 1}')
    assert outcome.status == 0, outcome.stderr
    assert json.loads(outcome.stdout)["answer"] == [{"a": 1}, "[OWN]", "256"]
    assert [call.operation for call in function.deploy_calls] == ["GetFunctionConfiguration"]


def test_a_function_that_may_not_be_read(slug: Path, function: Function) -> None:
    """The permission is named; with --handler it is not needed."""
    require("node")
    function.aws.allowed = set()
    outcome = invoke(slug, function, "--local")
    assert outcome.status == 1
    assert "lambda:GetFunctionConfiguration" in outcome.stderr
    outcome = invoke(slug, function, "--local", "--handler", "index.handler", "--json")
    assert json.loads(outcome.stdout)["answer"] == [{}, None, "128"]


def test_a_function_of_another_language(slug: Path, function: Function) -> None:
    """Whatever the app is, the function's runtime would run it."""
    function.aws.client().update_function_configuration(FunctionName=function.name, Runtime="ruby3.3")
    outcome = invoke(slug, function, "--local")
    assert outcome.status == 2
    assert "A function of the runtime ruby3.3 can't be run here." in outcome.stderr
