"""A function that can't run what is deployed, or does not find its config: deploy, plan and doctor say so."""

import json
from pathlib import Path
from typing import Any

import pytest

from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from examination import examine
from in_process import deploy

WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
SH = {"_LAMBDA_CONFIG_FILES": "env.sh"}


def set_wrapper(function: Function, wrapper: str) -> None:
    function.aws.client().update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {WRAPPER: wrapper}}
    )


def test_a_runtime_that_can_not_run_it_is_pointed_out_each_time(tmp_path: Path, aws: EmbeddedAWS) -> None:
    """By plan, by the deploy, which goes on, and by one that has nothing to do; with what to do."""
    slug = make_slug(tmp_path)
    build_file = slug / ".lambda-deploy/build.json"
    built: dict[str, Any] = {"kind": "python", "runtime": "python3.13"}
    build_file.write_text(json.dumps({**json.loads(build_file.read_text()), **built}))
    env = aws.settings(aws.create_function(runtime="python3.12"))
    for arguments in (["plan"], [], []):
        outcome = deploy(slug, *arguments, env=env)
        assert outcome.status == 0
        assert (
            "The function runs python3.12, and the dependencies were installed for python3.13"
            in outcome.stderr
        )
        assert "_LAMBDA_RUNTIME=python3.12" in outcome.stderr
    assert "Nothing to do" in outcome.stdout


def test_a_wrapper_that_is_baked_no_more_is_pointed_out(slug: Path, function: Function) -> None:
    """Such a function does not start, so plan and deploy say it before it happens."""
    set_wrapper(function, "/var/task/env.sh")
    env = function.aws.settings(function)
    assert deploy(slug, "plan", env={**env, **SH}).stderr == ""
    for arguments in (["plan"], []):
        outcome = deploy(slug, *arguments, env=env)
        assert outcome.status == 0
        assert f"{WRAPPER} is /var/task/env.sh, which the package does not hold" in outcome.stderr
        assert "A function whose wrapper is missing does not start." in outcome.stderr


def test_a_wrapper_that_is_not_set_is_pointed_out_with_what_changes(slug: Path, function: Function) -> None:
    """The function runs without its config, so that is not repeated by a deploy that has nothing to do."""
    env = {**function.aws.settings(function), **SH}
    for arguments in (["plan"], []):
        assert (
            f"The function has no environment variable {WRAPPER}" in deploy(slug, *arguments, env=env).stderr
        )
    again = deploy(slug, env=env)
    assert "Nothing to do" in again.stdout
    assert again.stderr == ""


def test_a_version_keeps_the_wrapper_that_it_was_published_with(slug: Path, function: Function) -> None:
    """Set on the function after a deploy to an alias, it counts from the next deploy on; doctor knows."""
    env = {**function.aws.settings(function), **SH, "_LAMBDA_ALIAS": "live"}
    assert deploy(slug, env=env).status == 0
    set_wrapper(function, "/var/task/env.sh")
    examination = examine(slug, env)
    assert (examination.exit_status, examination.names("failed")) == (0, {"wrapper"})
    check = examination.checks["wrapper"]
    assert "but not that of the version which live points at" in check["detail"]
    assert check["todo"] == "Run `deploy`: it publishes a version that has it."
    outcome = deploy(slug, env=env)
    assert (outcome.status, outcome.stderr, function.alias()) == (0, "", "2")
    assert examine(slug, env).checks["wrapper"]["status"] == "ok"


@pytest.mark.parametrize("arguments", [["plan"], ["status"], []])
def test_a_container_image_is_refused_by_all_commands_alike(
    slug: Path, aws: EmbeddedAWS, arguments: list[str]
) -> None:
    """A deploy would be, so none of them says that it would change something; AWS is not asked further."""
    function = aws.create_function(package_type="Image")
    before = len(aws.calls)
    outcome = deploy(slug, *arguments, env=aws.settings(function))
    assert outcome.status == 2
    assert f"{function.name} is a container image, and this deploy uploads a ZIP." in outcome.stderr
    assert {call.operation for call in aws.calls[before:]} == {"GetFunctionConfiguration"}
