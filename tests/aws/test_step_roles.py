"""The roles of the CodePipeline step: the printed policies are enough, and each line of them is needed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_calls import ACCOUNT_ID
from deploy.handler import NotReported
from embedded_aws import EmbeddedAWS
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from in_process import deploy
from steps import StepOfTests, zipped

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/fleet-step"
VERIFY = {"_LAMBDA_VERIFY_PAYLOAD": "{}"}


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[FleetOfTests]:
    """Return a fleet with a prefix of its own."""
    yield FleetOfTests(aws, tmp_path)
    aws.reset()


def roles(fleet: FleetOfTests, *arguments: str, **settings: str) -> Any:
    """Return what is printed about the roles, without credentials."""
    env = {**fleet.env, **settings, "_AWS_ACCESS_KEY_ID": "", "_AWS_SECRET_ACCESS_KEY": ""}
    outcome = deploy(fleet.folder, "doctor", "--policy", "--step", *arguments, env=env)
    assert outcome.status == 0
    assert "of-the-fleet" not in outcome.stdout + outcome.stderr
    return json.loads(outcome.stdout)


def needed(policy: Any) -> list[tuple[str, str]]:
    """Return the statements and actions that can't be left out."""
    return [
        (statement["Sid"], action)
        for statement in policy["Statement"]
        for action in statement["Action"]
        if not statement["Sid"].startswith("Optional")
    ]


def without(policy: Any, missing: tuple[str, str] | None) -> Any:
    """Return a policy without what is optional, and without one of its actions."""
    kept = [pair for pair in needed(policy) if pair != missing]
    return {
        **policy,
        "Statement": [
            {**each, "Action": [action for action in each["Action"] if (each["Sid"], action) in kept]}
            for each in policy["Statement"]
        ],
    }


def test_the_policies_are_enough_and_each_line_is_needed(fleet: FleetOfTests, tmp_path: Path) -> None:
    """One job that promotes and moves, and one that fails: each has its result with them, and not without."""
    old, new = fleet.slug("old"), fleet.slug("new")
    printed = roles(fleet, ROLE, **VERIFY)["step"]["policy"]
    lines = needed(printed)
    assert ("Report", "codepipeline:PutJobSuccessResult") in lines
    models = fleet.function("a"), fleet.function("b"), fleet.function("b", LOWER)
    for function in models[:2]:
        release(old, function, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(new, models[0], "1.1.0", CONFIG)
    release(new, models[2], "1.1.0", SOURCE_CONFIG)
    without_it = {}
    for number, missing in enumerate([None, *lines]):
        each = FleetOfTests(fleet.aws, tmp_path / str(number))
        each.folder.mkdir()
        moved, promoted, _ = (each.copy(model, name) for model, name in zip(models, "abb", strict=True))
        for function in (moved, promoted):
            fleet.aws.answers(function, lambda _payload, _version: "pong")
        fleet.aws.requires_signature(promoted, "warn")
        both = roles(each, ROLE, **VERIFY)
        fleet.aws.create_role(
            each.role.rpartition("/")[2],
            external_id="of-the-fleet",
            account=LOWER,
            policy=both["source"]["policy"],
        )
        step = StepOfTests(each, without(both["step"]["policy"], missing))
        good = step.job(zipped(fleet_json=step.wants(a="1.1.0", b="1.1.0")), verify_payload={})
        bad = step.aws.jobs.start(step.data("{}"))
        unreported = 0
        for job in (good, bad):
            try:
                step.run(job.event)
            except NotReported:
                unreported += 1
        works = (good.state, bad.state, unreported) == ("succeeded", "failed", 0)
        if missing is None:
            assert works, (good, bad)
            assert [names_of(function)["live"] for function in (moved, promoted)] == ["2", "2"]
        elif works:
            without_it[missing] = "works without it"
        elif good.state == "failed":
            assert missing[1] in good.failure[1]
    assert without_it == {}


def test_the_roles_are_tighter_if_the_steps_is_named(fleet: FleetOfTests) -> None:
    """Without it nobody knows the account; the trust policies say what they can."""
    named, unnamed = roles(fleet, ROLE), roles(fleet)
    functions = f":123456789012:function:{fleet.prefix}*"
    assert functions in json.dumps(named)
    assert functions.replace("123456789012", "*") in json.dumps(unnamed)
    (trust,) = named["source"]["trust"]["Statement"]
    assert trust["Principal"] == {"AWS": ROLE}
    assert set(trust["Condition"]["StringEquals"]) == {"sts:ExternalId"}
    (trust,) = unnamed["source"]["trust"]["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::ACCOUNT:role/ROLE_OF_THE_STEP"}
    (trust,) = named["step"]["trust"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "s3:" not in json.dumps(named)


def test_a_fleet_without_a_lower_account_has_one_role(fleet: FleetOfTests) -> None:
    """And that one may assume none."""
    alone = roles(fleet, _LAMBDA_SOURCE_ROLE_ARN="", _LAMBDA_SOURCE_EXTERNAL_ID="")
    assert set(alone) == {"step"}
    assert "sts:AssumeRole" not in json.dumps(alone["step"]["policy"])


def test_wrong_arguments_are_explained(fleet: FleetOfTests) -> None:
    """A name is not the ARN of a role, and there is nothing to print without --policy."""
    env = {**fleet.env}
    wrong = deploy(fleet.folder, "doctor", "--policy", "--step", "fleet-step", env=env)
    assert (wrong.status, "is not the ARN of a role" in wrong.stderr) == (2, True)
    alone = deploy(fleet.folder, "doctor", "--step", env=env)
    assert (alone.status, "--step needs --policy" in alone.stderr) == (2, True)


def test_what_the_settings_leave_out_of_a_policy_is_said(fleet: FleetOfTests) -> None:
    """Beside the document, for a policy that lacks the verification fails after the upload."""
    env = {**fleet.env, "_LAMBDA_SOURCE_ROLE_ARN": "", "_LAMBDA_SOURCE_EXTERNAL_ID": ""}
    for arguments in (["--fleet", "deployer"], ["--step"]):
        outcome = deploy(fleet.folder, "doctor", "--policy", *arguments, env=env)
        json.loads(outcome.stdout)
        assert "promotion (_LAMBDA_SOURCE_ROLE_ARN)" in outcome.stderr
        assert "_LAMBDA_VERIFY_PAYLOAD={}" in outcome.stderr
    for wrong in (["--fleet", "deployer"], ["--step"], ["--policy", "--step", "--fleet", "source"]):
        refused = deploy(fleet.folder, "doctor", *wrong, env={**fleet.env, "DYNO": ""})
        assert (refused.status, "not a dyno" in refused.stderr) == (2, False)
