"""Config vars from SSM, for single deploys: they are baked and hidden like any other."""

import json
from pathlib import Path

import pytest

from embedded_aws import Function
from in_process import Outcome, deploy
from zips import raw_data


@pytest.fixture
def env(function: Function) -> dict[str, str]:
    """Return the settings of a deploy whose config is in SSM, in part."""
    for name, value in (("PASSWORD", "ssm-canary"), ("GREETING", "hello from ssm"), ("_LAMBDA_ALIAS", "no")):
        function.aws.put_parameter(f"/shop/{function.name}/{name}", value)
    return {
        **function.aws.settings(function),
        "_LAMBDA_CONFIG_FROM": "ssm:/shop/{name}/",
        "_LAMBDA_CONFIG_FILES": "env.json",
        "GREETING": "hello from the app",
        "OTHER": "of the app",
    }


def ran(slug: Path, env: dict[str, str], *arguments: str, status: int = 0) -> Outcome:
    outcome = deploy(slug, *arguments, env=env)
    assert outcome.status == status, outcome
    assert "canary" not in outcome.stdout + outcome.stderr
    return outcome


def baked(package: bytes) -> dict[str, str]:
    found: dict[str, str] = json.loads(raw_data(package)["env.json"])
    return found


def test_parameters_are_baked_and_win(slug: Path, function: Function, env: dict[str, str]) -> None:
    """Over config vars of the same name; what is called like a setting is neither baked nor one."""
    expected = {"GREETING": "hello from ssm", "OTHER": "of the app", "PASSWORD": "ssm-canary"}
    ran(slug, env)
    assert baked(function.code()) == expected
    assert function.alias("no") is None
    assert "-----> Nothing to do" in ran(slug, env).stdout
    ran(slug, env, "plan", "--exit-code")
    function.aws.put_parameter(f"/shop/{function.name}/PASSWORD", "rotated-canary")
    ran(slug, env, "plan", "--exit-code", status=3)


def test_other_commands_know_them_too(slug: Path, env: dict[str, str], tmp_path: Path) -> None:
    """`package` writes what `deploy` sends, and `config` lists the names."""
    ran(slug, env, "package", "-o", str(tmp_path / "package.zip"))
    assert baked((tmp_path / "package.zip").read_bytes())["PASSWORD"] == "ssm-canary"
    assert "PASSWORD" in ran(slug, env, "config").stdout
    assert "--offline can't read" in ran(slug, env, "plan", "--offline", status=2).stderr
    ran(slug, env, "status")
    ran(slug, env, "doctor")


def test_a_log_that_holds_them_is_redacted(slug: Path, function: Function, env: dict[str, str]) -> None:
    """When a verification fails."""

    def crash(_payload: object, _version: str) -> None:
        raise RuntimeError("no way to ssm-canary")

    function.aws.answers(function, crash)
    settings = {**env, "_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}"}
    assert "no way to" in ran(slug, settings, status=1).stderr


def test_what_is_missing_is_named(slug: Path, function: Function, env: dict[str, str]) -> None:
    """No parameter, or no permission; nothing is deployed then."""
    before = function.code()
    empty = ran(slug, {**env, "_LAMBDA_CONFIG_FROM": "ssm:/empty/"}, status=2)
    assert "There are no SSM parameters below /empty/." in empty.stderr
    function.aws.denied = {"ssm:GetParametersByPath"}
    denied = ran(slug, env, status=1)
    assert "lacks the permission ssm:GetParametersByPath" in denied.stderr
    assert f":parameter/shop/{function.name}" in denied.stderr
    assert function.code() == before


def test_the_policy_has_it(slug: Path, function: Function, env: dict[str, str]) -> None:
    """With it a deploy works, and without that statement it does not."""
    policy = json.loads(ran(slug, env, "doctor", "--policy").stdout)
    function.aws.policy = policy
    ran(slug, env)
    statements = [each for each in policy["Statement"] if each["Sid"] != "ReadConfig"]
    assert len(statements) == len(policy["Statement"]) - 1
    function.aws.policy = {**policy, "Statement": statements}
    ran(slug, env, status=1)


def test_several_functions_share_one_package(slug: Path, function: Function, env: dict[str, str]) -> None:
    """So the path can't hold the function's name."""
    other = function.aws.create_function()
    both = {**env, "_LAMBDA_FUNCTION_ARN": f"{function.arn},{other.arn}"}
    assert "holds {name}" in ran(slug, both, status=2).stderr
    ran(slug, {**both, "_LAMBDA_CONFIG_FROM": f"ssm:/shop/{function.name}"})
    assert function.code() == other.code()
