"""deploy doctor on the function: its state, its runtime, its wrapper, and whose it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aws_answers import Answer, Answers
from bases import make_base
from command import make_slug
from deploy.artifact.kind import find_kind
from embedded_aws import EmbeddedAWS, Function
from examination import LAMBDA_ACTIONS, PLAIN, RELEASE, Examination, examine
from targets import ARN


def test_a_container_image_takes_no_package(slug: Path, aws: EmbeddedAWS) -> None:
    """The package type can't be changed, so it is the setting that is wrong."""
    function = aws.create_function(package_type="Image")
    examination = examine(slug, aws.settings(function))
    assert (examination.exit_status, examination.names("failed")) == (2, {"function"})
    assert "is a container image" in examination.checks["function"]["detail"]


def test_aws_may_refuse_what_it_allows(slug: Path) -> None:
    """A function that takes signed code only: the permission is there, and a deploy would fail."""
    latest = Answer(body={"PackageType": "Zip", "State": "Active", "CodeSha256": "x"})
    unsigned = Answer(400, "CodeVerificationFailedException", "The code signature failed the check")
    with Answers([latest, latest, unsigned, latest]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert (examination.exit_status, examination.names("failed")) == (1, {"function"})
    assert examination.checks["lambda:UpdateFunctionCode"]["status"] == "ok"


def test_a_function_may_have_failed_or_be_busy(slug: Path) -> None:
    """One that failed needs its owner, one that is being updated needs a moment."""
    denied = Answer(403, "AccessDeniedException", "no")
    busy = Answer(409, "ResourceConflictException", "An update is in progress")
    failed = Answer(body={"State": "Failed", "StateReason": "The subnet is gone", "CodeSha256": "x"})
    for answers, status in (
        ((failed, failed), "failed"),
        ((denied, busy), "ok"),
        ((denied, denied), "unknown"),
    ):
        with Answers([denied, *answers, denied]) as server:
            examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
        assert examination.checks["function"]["status"] == status


def test_a_deploy_would_wait_for_the_function(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """What is made ready or updated at this moment is no failure, but it takes a while; the whole line."""
    line = f"{function.name} in eu-west-1, Zip, nodejs20.x, "
    aws.is_pending(function, 2)
    detail = examine(slug, aws.settings(function)).checks["function"]["detail"]
    assert detail == f"{line}Pending, being made ready just now: a deploy waits for that"
    aws.polls_per_update = 1
    aws.client().update_function_code(FunctionName=function.name, ZipFile=function.code())
    examination = examine(slug, aws.settings(function))
    detail = examination.checks["function"]["detail"]
    assert detail == f"{line}Active, being updated just now: a deploy waits for that"
    assert examination.exit_status == 0


def examine_with(slug: Path, env: Mapping[str, str], configuration: Mapping[str, Any]) -> Examination:
    """Examine a function of which GetFunctionConfiguration says this."""
    latest = Answer(body={"PackageType": "Zip", "State": "Active", "CodeSha256": "x", **configuration})
    with Answers([latest]) as server:
        return examine(slug, {**PLAIN, **env, "_AWS_ENDPOINT_URL": server.url})


@pytest.mark.parametrize(
    ("kind", "runtime", "what"),
    [
        ("python", "nodejs22.x", "The function runs nodejs22.x, and this app is a Python app."),
        ("python", "python3.13", ""),
        ("python", "provided.al2023", ""),
        ("other", "nodejs22.x", ""),
        ("nodejs", "java21", "The function runs java21, and this app is a Node.js app."),
        ("java", "nodejs22.x", "The function runs nodejs22.x, and this app is a Java app."),
        ("java", "python3.13", "The function runs python3.13, and this app is a Java app."),
        ("java", "java21", ""),
        ("java", "provided.al2023", ""),
        ("nodejs", "nodejs22.x", ""),
        ("nodejs", "python3.13", "The function runs python3.13, and this app is a Node.js app."),
        ("nodejs", "ruby3.4", "The function runs ruby3.4, and this app is a Node.js app."),
        ("nodejs", "provided.al2023", ""),
        ("java", "", ""),
    ],
)
def test_a_runtime_may_not_be_the_app_s(tmp_path: Path, kind: str, runtime: str, what: str) -> None:
    """No deploy is stopped, but the function could not run it: the summary says both."""
    slug = make_slug(tmp_path)
    build_file = slug / ".lambda-deploy/build.json"
    build_file.write_text(json.dumps({**json.loads(build_file.read_text()), "kind": kind}))
    examination = examine_with(slug, {}, {"Runtime": runtime} if runtime else {})
    assert examination.exit_status == (1 if what else 0)
    summary = "A deploy should work, but the function could not run it; 1 of"
    assert (summary in examination.output) == bool(what)
    assert examination.names("failed") == ({"runtime"} if what else set())
    if what:
        check = examination.checks["runtime"]
        assert (check["detail"], check["stops_a_deploy"]) == (what, False)
        assert check["todo"] == (
            f"Set the function's runtime to a {find_kind(kind).name}, or name another function in "
            "_LAMBDA_FUNCTION_ARN."
        )


@pytest.mark.parametrize(("name", "is_wrong"), [("lib/handler.py", False), ("node_modules/gyp/x.py", True)])
def test_a_node_js_app_may_hold_python(tmp_path: Path, name: str, *, is_wrong: bool) -> None:
    """All its files are packed, in whatever language; those of its dependencies are no handlers."""
    slug = make_slug(tmp_path, {name: b"pass\n"})
    examination = examine_with(slug, {}, {"Runtime": "python3.13"})
    assert examination.names("failed") == ({"runtime"} if is_wrong else set())


PYTHON, ARM64 = {"kind": "python", "runtime": "python3.13"}, {"architecture": "arm64"}


@pytest.mark.parametrize(
    ("built", "configuration", "wrong"),
    [
        (PYTHON, {"Runtime": "python3.12"}, ("runtime", "_LAMBDA_RUNTIME=python3.12")),
        (PYTHON, {"Runtime": "python3.13"}, None),
        (PYTHON, {"Runtime": "provided.al2023"}, None),
        (ARM64, {"Architectures": ["x86_64"]}, ("architecture", "_LAMBDA_ARCHITECTURE=x86_64")),
        (ARM64, {"Architectures": ["arm64"]}, None),
        (ARM64, {}, None),
        ({}, {"Architectures": ["arm64"]}, None),
    ],
)
def test_what_a_base_was_built_for_is_compared_with_the_function(
    tmp_path: Path, built: dict[str, str], configuration: dict[str, Any], wrong: tuple[str, str] | None
) -> None:
    """Compiled code of another version or architecture fails at the first call, so it is found before."""
    slug = make_slug(tmp_path)
    build_file = slug / ".lambda-deploy/build.json"
    build_file.write_text(json.dumps({**json.loads(build_file.read_text()), **built}))
    examination = examine_with(slug, {}, configuration)
    assert examination.exit_status == (1 if wrong else 0)
    assert examination.names("failed") == ({wrong[0]} if wrong else set())
    if wrong:
        assert wrong[1] in examination.checks[wrong[0]]["todo"]


@pytest.mark.parametrize(("runtime", "is_wrong"), [("nodejs22.x", True), ("provided.al2023", False)])
def test_a_bootstrap_needs_an_os_only_runtime(tmp_path: Path, runtime: str, *, is_wrong: bool) -> None:
    """A managed runtime would not start it, but look for a handler."""
    (tmp_path / "bootstrap").write_bytes(b"#!/bin/sh\n")
    make_base(tmp_path, artifact="bootstrap")
    examination = examine_with(tmp_path, {}, {"Runtime": runtime})
    assert examination.names("failed") == ({"runtime"} if is_wrong else set())


SH = {"_LAMBDA_CONFIG_FILES": "env.properties,env.sh"}
NOT_REACHED = "So the config that is baked into this file does not reach its environment."
DOES_NOT_START = (
    "The function's AWS_LAMBDA_EXEC_WRAPPER is /var/task/{}, which the package does not hold.\n"
    "A function whose wrapper is missing does not start."
)
SET_IT = (
    "Set it on the function, after the first deploy with this file: AWS_LAMBDA_EXEC_WRAPPER=/var/task/env.sh"
)


@pytest.mark.parametrize(
    ("settings", "wrapper", "status", "detail", "todo"),
    [
        (SH, "/var/task/env.sh", "ok", "AWS_LAMBDA_EXEC_WRAPPER is /var/task/env.sh", ""),
        (
            SH,
            None,
            "failed",
            f"The function has no environment variable AWS_LAMBDA_EXEC_WRAPPER.\n{NOT_REACHED}",
            SET_IT,
        ),
        (
            SH,
            "/opt/otel-handler",
            "failed",
            "The function's AWS_LAMBDA_EXEC_WRAPPER is /opt/otel-handler, and not /var/task/env.sh.\n"
            + NOT_REACHED,
            SET_IT,
        ),
        (
            SH,
            "/var/task/config.sh",
            "failed",
            DOES_NOT_START.format("config.sh"),
            SET_IT,
        ),
        (
            SH,
            "/var/task/start.sh",
            "unknown",
            "/var/task/start.sh, a script of the app, has to source /var/task/env.sh",
            "",
        ),
        (
            {},
            "/var/task/env.sh",
            "failed",
            DOES_NOT_START.format("env.sh"),
            "Remove AWS_LAMBDA_EXEC_WRAPPER from the function, or name the file in _LAMBDA_CONFIG_FILES.",
        ),
    ],
)
def test_the_wrapper_has_to_be_the_baked_file(
    tmp_path: Path, *, settings: dict[str, str], wrapper: str | None, status: str, detail: str, todo: str
) -> None:
    """Without it the function does not find its config, or does not start at all. The whole text."""
    slug = make_slug(tmp_path, {"start.sh": b"#!/bin/sh\n"})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": wrapper} if wrapper else {}
    configuration = {"Runtime": "nodejs22.x", "Environment": {"Variables": {"A": "canary", **variables}}}
    examination = examine_with(slug, settings, configuration)
    check = examination.checks["wrapper"]
    assert (check["status"], check["detail"], check["todo"]) == (status, detail, todo)
    assert examination.exit_status == int("does not start" in detail)
    assert not check["stops_a_deploy"]
    assert "canary" not in examination.output


@pytest.mark.parametrize(
    ("settings", "configuration"),
    [
        (SH, {"Runtime": "nodejs22.x", "Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}),
        (SH, {"Runtime": "provided.al2023"}),
        ({**SH, "_LAMBDA_TIMEOUT": "soon"}, {"Runtime": "nodejs22.x"}),
        ({}, {"Runtime": "nodejs22.x"}),
        ({}, {"Runtime": "nodejs22.x", "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x"}}}),
    ],
)
def test_of_a_wrapper_that_is_not_known_or_not_needed_nothing_is_said(
    slug: Path, settings: dict[str, str], configuration: dict[str, Any]
) -> None:
    """Variables that can't be read, an OS-only runtime, wrong settings, and no env.sh at all."""
    assert "wrapper" not in examine_with(slug, settings, configuration).checks


def test_a_base_that_cannot_be_read_holds_whatever_the_wrapper_is(
    tmp_path: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """That the base is gone is told once; nothing is made up of what it held."""
    slug = make_slug(tmp_path)
    (slug / ".lambda-deploy/base.zip").unlink()
    aws.client().update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/x"}}
    )
    examination = examine(slug, aws.settings(function))
    assert examination.names("failed") == {"base"}
    assert "wrapper" not in examination.checks


def test_a_function_of_another_account_is_told_with_both_accounts(slug: Path) -> None:
    """A statement in the deployer's own policy would not help, so none is advised alone; the whole text."""
    denied = (
        "User: arn:aws:iam::999999999999:user/x is not authorized to perform: lambda:UpdateFunctionCode on "
        f"resource: {ARN} because no resource-based policy allows the lambda:UpdateFunctionCode action"
    )
    with Answers([Answer(403, "AccessDeniedException", denied)]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert examination.exit_status == 1
    assert examination.checks["lambda:UpdateFunctionCode"]["detail"] == (
        "missing, to upload the package\n"
        "_LAMBDA_FUNCTION_ARN names the account 123456789012, and the access key belongs to 999999999999."
    )
    assert examination.checks["lambda:UpdateFunctionCode"]["todo"] == (
        "Correct the account in _LAMBDA_FUNCTION_ARN, or set an access key of the account 123456789012. If "
        "it is meant to be so, the function's resource-based policy has to allow lambda:UpdateFunctionCode "
        "to 999999999999 (`aws lambda add-permission`), besides the deployer's own policy."
    )


def test_a_function_of_another_account_is_explained_once(
    slug: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """Other permissions refer to that, and none is ok because the deployer's own account would allow it."""
    aws.identity = "arn:aws:iam::999999999999:user/x"
    aws.denied = LAMBDA_ACTIONS
    examination = examine(slug, {**aws.settings(function), **RELEASE})
    assert examination.output.count("belongs to 999999999999") == 2  # JSON, and for people
    assert examination.names("ok") & LAMBDA_ACTIONS == set()
    alias = examination.checks["lambda:GetAlias"]
    assert alias["detail"].endswith("\nFor the same reason as lambda:UpdateFunctionCode.")
    assert "not checked: the policy simulator" in examination.checks["lambda:PublishVersion"]["detail"]


def test_a_policy_may_deny_explicitly(slug: Path) -> None:
    """An Allow does not help then, so none is advised."""
    denied = Answer(403, "AccessDeniedException", "not authorized, with an explicit deny in a policy")
    with Answers([denied]) as server:
        examination = examine(slug, {**PLAIN, "_AWS_ENDPOINT_URL": server.url})
    assert "an Allow does not help" in examination.checks["lambda:UpdateFunctionCode"]["todo"]
    assert examination.exit_status == 1
