"""The pipeline's template: its order, what the step is asked, and who may read its artifacts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.infrastructure.pipeline import user_parameters
from deploy.target.job import read_parameters
from deploy.target.stage import read_stage
from in_process import Outcome, deploy

SETTINGS = {
    "_AWS_DEFAULT_REGION": "eu-west-1",
    "_LAMBDA_FLEET_PREFIX": "team-",
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_SOURCE_ROLE_ARN": "arn:aws:iam::111111111111:role/fleet-source",
}
EXTERNAL_ID = "canary-3e8f1b64"
ASKS_FOR_ID = {**SETTINGS, "_LAMBDA_SOURCE_EXTERNAL_ID": EXTERNAL_ID}


def written(folder: Path, test: dict[str, str], production: dict[str, str], *more: str) -> Outcome:
    """Return how `deploy infrastructure pipeline` ends with the settings of two accounts."""
    arguments = ["infrastructure", "pipeline", *more]
    for name, settings in (("test", test), ("production", production)):
        path = folder / f"{name}.env"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        arguments += [f"--{name}", str(path)]
    return deploy(folder, *arguments, env={})


def substituted(value: Any, values: dict[str, str]) -> str:
    """Return what CloudFormation makes of a text or of Fn::Sub."""
    if isinstance(value, str):
        return value

    def replacement(found: re.Match[str]) -> str:
        return values[found[1]]

    return re.sub(r"\$\{([^}]*)\}", replacement, value["Fn::Sub"])


def test_the_stages_are_in_order(tmp_path: Path) -> None:
    """Source, tests beside a scan, the test account, a person, production; the same bytes each time."""
    outcome = written(tmp_path, SETTINGS, SETTINGS)
    assert outcome.status == 0, outcome
    stages = json.loads(outcome.stdout)["Resources"]["Pipeline"]["Properties"]["Stages"]
    assert [stage["Name"] for stage in stages] == [
        "Source",
        "Check",
        "Test",
        "ApproveProduction",
        "Production",
    ]
    actions = {action["Name"]: action for stage in stages for action in stage["Actions"]}
    assert [actions[name]["RunOrder"] for name in ("Tests", "SecurityScan")] == [1, 1]
    assert actions["Approve"]["ActionTypeId"]["Provider"] == "Manual"
    assert [actions[name]["ActionTypeId"]["Provider"] for name in ("Test", "Production")] == ["Lambda"] * 2
    assert written(tmp_path, SETTINGS, SETTINGS).stdout == outcome.stdout


def test_the_step_is_asked_what_the_settings_say(tmp_path: Path) -> None:
    """Each account's own; the external ID is a parameter that nobody sees, and in no output."""
    production = {**SETTINGS, "_LAMBDA_ALIAS": "current", "_LAMBDA_TIMEOUT": "60"}
    outcome = written(tmp_path, ASKS_FOR_ID, production, "--file", "a/b.json", "--payload-dir", "p")
    assert EXTERNAL_ID not in outcome.stdout + outcome.stderr
    template = json.loads(outcome.stdout)
    assert template["Parameters"]["TestExternalId"]["NoEcho"] is True
    assert "ProductionExternalId" not in template["Parameters"]
    stages = template["Resources"]["Pipeline"]["Properties"]["Stages"]
    asked = {
        stage["Name"]: read_parameters(
            substituted(
                stage["Actions"][0]["Configuration"]["UserParameters"], {"TestExternalId": EXTERNAL_ID}
            )
        )
        for stage in (stages[2], stages[4])
    }
    assert {parameters.file for parameters in asked.values()} == {"a/b.json"}
    assert {parameters.payload_folder for parameters in asked.values()} == {"p"}
    of_the_step = "_AWS_DEFAULT_REGION"
    for name, settings in (("Test", ASKS_FOR_ID), ("Production", production)):
        wanted = {key: value for key, value in settings.items() if key != of_the_step}
        assert asked[name].variables == wanted


@given(pattern=st.text("Aé${}!#\"'\\ *", min_size=1).filter(lambda text: text.strip(" ,")))
def test_no_value_is_taken_for_a_reference(pattern: str) -> None:
    """Whatever it holds, CloudFormation and CodePipeline hand it on as it is."""
    stage = read_stage("Test", {**ASKS_FOR_ID, "_LAMBDA_CONFIG_INCLUDE": pattern}, "fleet.json", "")
    asked = json.loads(substituted(user_parameters(stage), {"TestExternalId": EXTERNAL_ID}))
    assert "#{" not in str(user_parameters(stage))
    assert (asked["config_include"], asked["source_external_id"]) == (pattern.strip(), EXTERNAL_ID)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"_LAMBDA_FLEET_PREFIX": ""}, "_LAMBDA_FLEET_PREFIX is not set"),
        ({"_LAMBDA_VERIFY_PAYLOAD": '{"canary": 1}'}, "--payload-dir FOLDER"),
        ({"_AWS_DEFAULT_REGION": "eu-central-1"}, "Test in eu-central-1 and Production in eu-west-1"),
        ({"_LAMBDA_CONFIG_INCLUDE": "A" * 1000}, "longer than 1000 characters"),
    ],
)
def test_what_no_pipeline_can_have_is_refused(tmp_path: Path, changed: dict[str, str], wrong: str) -> None:
    """Before there is a template, and without a value in the message."""
    outcome = written(tmp_path, {**SETTINGS, **changed}, SETTINGS)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert wrong in outcome.stderr
    assert "canary" not in outcome.stderr


def test_both_accounts_are_needed(tmp_path: Path) -> None:
    """The message says which file is missing and what it holds."""
    outcome = deploy(tmp_path, "infrastructure", "pipeline", env={})
    assert outcome.status == 2
    assert "pipeline needs --test and --production" in outcome.stderr


def test_artifacts_are_encrypted_and_for_the_steps_alone(tmp_path: Path) -> None:
    """Other accounts use key and bucket by the role that starts the step there, and by no other."""
    resources = json.loads(written(tmp_path, SETTINGS, SETTINGS).stdout)["Resources"]
    store = resources["Pipeline"]["Properties"]["ArtifactStore"]
    assert store["EncryptionKey"]["Id"] == {"Fn::GetAtt": ["Key", "Arn"]}
    policies = (
        resources["Key"]["Properties"]["KeyPolicy"],
        resources["ArtifactsPolicy"]["Properties"]["PolicyDocument"],
    )
    role = json.loads(deploy(tmp_path, "infrastructure", "pipeline-role", env={}).stdout)
    name = role["Resources"]["Role"]["Properties"]["RoleName"]["Fn::Sub"]
    for policy in policies:
        (statement,) = [each for each in policy["Statement"] if "ArnEquals" in each.get("Condition", {})]
        roles = [each["Fn::Sub"] for each in statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]]
        assert [each.rpartition("/")[2] for each in roles] == [
            name.replace("Function", f"{stage}Function") for stage in ("Test", "Production")
        ]
