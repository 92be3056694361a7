"""The pipeline's templates under AWS's own checker, cfn-lint."""

import json
from pathlib import Path

import pytest

from in_process import deploy

SETTINGS = """
_AWS_DEFAULT_REGION=eu-west-1
_LAMBDA_FLEET_PREFIX=team-
_LAMBDA_ALIAS=live
_LAMBDA_SOURCE_ROLE_ARN=arn:aws:iam::111111111111:role/fleet-source
"""


def problems(template: str) -> list[str]:
    """Return what cfn-lint finds in a template."""
    api = pytest.importorskip("cfnlint.api")
    found = api.lint(template, regions=["eu-west-1"])
    return [str(each) for each in found]


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    """Neither in the pipeline's template nor in its role's; it does find a property that does not exist."""
    test, production = tmp_path / "test.env", tmp_path / "production.env"
    test.write_text(f"{SETTINGS}_LAMBDA_SOURCE_EXTERNAL_ID=3e8f1b64\n")
    production.write_text(SETTINGS)
    arguments = ("--test", str(test), "--production", str(production))
    pipeline = deploy(tmp_path, "infrastructure", "pipeline", *arguments, env={}).stdout
    role = deploy(tmp_path, "infrastructure", "pipeline-role", env={}).stdout
    assert problems(pipeline) == []
    assert problems(role) == []
    wrong = json.loads(pipeline)
    wrong["Resources"]["Pipeline"]["Properties"]["Stage"] = []
    assert problems(json.dumps(wrong))
