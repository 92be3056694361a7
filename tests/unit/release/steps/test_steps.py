"""The steps as a whole: their order, and that a new one touches its own file and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.infrastructure.policy import services
from deploy.release.steps import all_steps
from paths import REPOSITORY

NEW_STEP = '''
"""A step that nobody has written yet."""

from dataclasses import dataclass
from typing import ClassVar

from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.release.steps.step import Step


@dataclass(frozen=True)
class WarmUp(Step):
    order: ClassVar[int] = 35
    services: ClassVar[frozenset[str]] = frozenset({"lambda", "sns"})

    def __str__(self):
        return "warm it up"

    def execute(self, execution):
        execution.report.step("Warming up")

    @classmethod
    def grants(cls, target):
        if target.settings.alias:
            yield Grant("WarmUp", (Permission("sns:WarmUp", "warm up"),), (function_arn(target),))
'''
POLICY = """
import json
from deploy.infrastructure.policy import policy, services
from deploy.release.steps import all_steps
from targets import target
print(json.dumps({
    "steps": [step.__name__ for step in all_steps()],
    "services": sorted(services()),
    "alias": policy(target(_LAMBDA_ALIAS="live")),
    "plain": policy(target()),
}))
"""


def test_all_steps_are_found_in_the_order_in_which_a_deploy_takes_them() -> None:
    """The policy and the documents list them so."""
    assert [step.__name__ for step in all_steps()] == [
        "UpdateCode",
        "PublishVersion",
        "VerifyVersion",
        "NameVersion",
        "MoveAlias",
        "ShiftAlias",
        "FollowShift",
        "StopShift",
        "RecordRelease",
        "DeleteVersions",
    ]
    orders = [step.order for step in all_steps()]
    assert len(set(orders)) == len(orders)


def test_the_slug_needs_the_models_of_the_steps_and_of_doctor() -> None:
    """And those of `deploy tools`; nothing else of the SDK's data is installed."""
    assert services() == {"codedeploy", "codepipeline", "iam", "lambda", "logs", "s3", "ssm", "sts"}


def test_a_new_step_touches_its_own_file_and_nothing_else(tmp_path: Path) -> None:
    """One more module in the folder, and its permissions and services are where they belong."""
    shutil.copytree(REPOSITORY / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "deploy/release/steps/warm_up.py").write_text(NEW_STEP, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", POLICY],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{REPOSITORY / 'tests/support'}"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(result.stdout)
    names = [step.__name__ for step in all_steps()]
    assert found["steps"] == [*names[:3], "WarmUp", *names[3:]]
    assert found["services"] == sorted({*services(), "sns"})
    assert [each["Action"] for each in found["alias"]["Statement"] if each["Sid"] == "WarmUp"] == [
        ["sns:WarmUp"]
    ]
    assert "WarmUp" not in {each["Sid"] for each in found["plain"]["Statement"]}
