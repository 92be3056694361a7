"""The CodeDeploy hook: one status for each event, whatever goes wrong, and no secret in its log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.handler import NotReported
from deploy.hook import Limits
from embedded_aws import EmbeddedAWS, Function
from hooks import HookOfTests, Outcome
from in_process import deploy
from lambda_invocations import Invoked
from lifecycle_events import DeploymentOfTests, Lifecycle
from steps import Clock

ASKS: dict[str, Any] = {"VERIFY_PAYLOAD": '{"ask": "canary"}', "VERIFY_EXPECT": '"ok": *true'}
ANSWER = {"ok": True, "secret": "canary"}


@pytest.fixture
def hook(aws: EmbeddedAWS) -> Iterator[HookOfTests]:
    """Return the hook's function, with a CodeDeploy of this test alone."""
    with Lifecycle() as lifecycle:
        yield HookOfTests(aws, lifecycle)
    aws.reset()


@pytest.fixture
def checked(aws: EmbeddedAWS) -> Function:
    """Return a function with two versions that answers well."""
    function = aws.create_function()
    for number in (1, 2):
        function.client.update_function_configuration(FunctionName=function.name, MemorySize=128 * number)
        function.client.publish_version(FunctionName=function.name)
    assert function.versions() == ["1", "2"]
    aws.answers(function, lambda _payload, _version: ANSWER)
    return function


def run(hook: HookOfTests, deployment: DeploymentOfTests, **others: Any) -> Outcome:
    """Run the hook on a deployment's event; CodeDeploy has the status that it answers."""
    outcome = hook.run(deployment.event, **others)
    assert deployment.statuses == [outcome.answer["status"]]
    return outcome


def test_the_new_version_is_asked_and_reported(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function
) -> None:
    """With the payload, by its number; the alias need not exist."""
    asked: list[Any] = []

    def answer(payload: Any, version: str) -> Invoked:
        asked.append((payload, version))
        return Invoked(ANSWER, log="canary")

    aws.answers(checked, answer)
    outcome = run(hook, hook.lifecycle.start(checked.name), **ASKS)
    assert outcome.answer == {"status": "Succeeded", "message": ""}
    assert asked == [({"ask": "canary"}, "2")]
    assert "Reported Succeeded" in outcome.log
    assert hook.lifecycle.calls == [
        "ListDeploymentTargets",
        "GetDeploymentTarget",
        "PutLifecycleEventHookExecutionStatus",
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Invoked({"ok": False, "secret": "canary"}), "an answer that VERIFY_EXPECT does not match"),
        (Invoked({"errorMessage": "canary"}, log="canary", error="Unhandled"), "failed (Unhandled)"),
        (Invoked("canary", seconds=900), "failed (Unhandled)"),
    ],
)
def test_a_wrong_answer_is_a_failure(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function, answer: Invoked, message: str
) -> None:
    """The log says which, and shows neither answer nor log."""
    aws.answers(checked, lambda _payload, _version: answer)
    outcome = run(hook, hook.lifecycle.start(checked.name), **ASKS)
    assert outcome.answer["status"] == "Failed"
    assert message in outcome.answer["message"]
    assert message in outcome.log
    assert "_LAMBDA_" not in outcome.log


def test_many_functions_have_checks_of_their_own(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function, tmp_path: Path
) -> None:
    """From a variable, or a file in the package; a function that nobody named is no success."""
    asked: list[Any] = []

    def answer(payload: Any, _version: str) -> Any:
        asked.append(payload)
        return ANSWER

    aws.answers(checked, answer)
    given = json.dumps({checked.name: {"payload": [1, "canary"]}})
    (tmp_path / "checks.json").write_text(given)
    for variables in (
        {"VERIFY_FUNCTIONS": given},
        {"VERIFY_FUNCTIONS": "@checks.json", "LAMBDA_TASK_ROOT": str(tmp_path), **ASKS},
    ):
        deployment = hook.lifecycle.start(checked.name)
        assert run(hook, deployment, **variables).answer["status"] == "Succeeded"
    assert asked == [[1, "canary"]] * 2
    unknown = run(hook, hook.lifecycle.start("other"), VERIFY_FUNCTIONS=given)
    assert unknown.answer["status"] == "Failed"
    assert "does not know what to ask other" in unknown.log


def test_the_app_spec_says_what_codedeploy_has_not_noted_yet(hook: HookOfTests, checked: Function) -> None:
    """A target without its function, and no target at all."""
    nothing: tuple[dict[str, Any] | None, ...] = ({}, None)
    for info in nothing:
        deployment = hook.lifecycle.start(checked.name)
        deployment.info = info
        assert run(hook, deployment, **ASKS).answer["status"] == "Succeeded"
    deployment = hook.lifecycle.start(checked.name)
    deployment.info, deployment.app_spec = {}, "version: 0.0"
    outcome = run(hook, deployment, **ASKS)
    assert "does not say which version" in outcome.answer["message"]


def test_what_the_hook_can_not_do_is_a_failure_that_says_why(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function
) -> None:
    """Permissions, a version that is gone, another platform, and variables that are wrong."""
    start, refused = hook.lifecycle.start, "lacks the permission"
    hook.lifecycle.refuses = {"GetDeploymentTarget"}
    outcome = run(hook, start(checked.name), **ASKS)
    assert f"The hook's role {refused} codedeploy:GetDeploymentTarget" in outcome.log
    hook.lifecycle.refuses = set()
    aws.denied = {"lambda:InvokeFunction"}
    assert "lambda:InvokeFunction" in run(hook, start(checked.name), **ASKS).log
    aws.denied = set()
    assert "version 9" in run(hook, start(checked.name, target="9"), **ASKS).log
    assert "names a function or a version" in run(hook, start(checked.name, target="live"), **ASKS).log
    assert "VERIFY_PAYLOAD is not set" in run(hook, start(checked.name), VERIFY_EXPECT="x").log
    assert "does not know what to ask" in run(hook, start(checked.name)).log
    deployment = start(checked.name)
    deployment.kind = "CloudFormationTarget"
    assert "not one of a Lambda function" in run(hook, deployment, **ASKS).log


def test_a_function_without_time_for_a_check_says_so_at_once(hook: HookOfTests, checked: Function) -> None:
    """Lambda's default timeout is three seconds."""
    outcome = run(hook, hook.lifecycle.start(checked.name), clock=Clock(3), **ASKS)
    assert outcome.answer["status"] == "Failed"
    assert "--timeout 60" in outcome.log
    assert not checked.deploy_calls


def test_the_status_is_reported_within_the_functions_own_time(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function
) -> None:
    """Although the check has not ended by then."""
    aws.answers(checked, lambda _payload, _version: Invoked(ANSWER, seconds=2))
    clock = Clock(1.3)
    outcome = run(hook, hook.lifecycle.start(checked.name), clock=clock, limits=Limits(1.0, 0.0), **ASKS)
    assert outcome.answer["status"] == "Failed"
    assert clock.get_remaining_time_in_millis() > 0


def test_an_event_that_comes_twice_has_one_status(hook: HookOfTests, checked: Function) -> None:
    """Lambda may run an event again; a second status is not needed, and no error."""
    deployment = hook.lifecycle.start(checked.name)
    run(hook, deployment, **ASKS)
    again = run(hook, deployment, **ASKS)
    assert "has a status already" in again.log
    hook.lifecycle.fails = {"PutLifecycleEventHookExecutionStatus": ["InternalFailure"] * 4}
    run(hook, hook.lifecycle.start(checked.name), **ASKS)


def test_a_status_that_can_not_be_reported_is_raised(hook: HookOfTests, checked: Function) -> None:
    """So that Lambda runs the event again, an hour before CodeDeploy gives up."""
    deployment = hook.lifecycle.start(checked.name)
    hook.lifecycle.refuses = {"PutLifecycleEventHookExecutionStatus"}
    with pytest.raises(NotReported, match="could not be reported") as raised:
        hook.run(deployment.event, **ASKS)
    assert raised.value.__cause__ is None
    hook.lifecycle.refuses = set()
    assert run(hook, deployment, **ASKS).answer["status"] == "Succeeded"


@pytest.mark.parametrize(
    "event", [None, [], {}, {"DeploymentId": "d-1"}, {"DeploymentId": 1, "LifecycleEventHookExecutionId": ""}]
)
def test_an_event_of_somebody_else_is_explained(hook: HookOfTests, event: object) -> None:
    """Such as that of the console's test button; running it again would not help."""
    outcome = hook.run(event, **ASKS)
    assert outcome.answer["status"] == "none"
    assert "not one of a CodeDeploy hook" in outcome.log
    assert hook.lifecycle.calls == []


def test_the_printed_policy_is_enough_and_each_line_is_needed(
    hook: HookOfTests, aws: EmbeddedAWS, checked: Function, tmp_path: Path
) -> None:
    """Without credentials to print it; the name that AWS's managed role takes is pointed out."""
    env = {"_LAMBDA_FUNCTION_ARN": checked.arn}
    printed = deploy(tmp_path, "doctor", "--policy", "--hook", env=env)
    assert printed.status == 0
    assert "CodeDeployHook_" in printed.stderr
    role = json.loads(printed.stdout)["hook"]
    assert role["trust"]["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    statements = [each for each in role["policy"]["Statement"] if not each["Sid"].startswith("Optional")]
    actions = {action for each in statements for action in each["Action"]}
    aws.policy = role["policy"]
    run(hook, hook.lifecycle.start(checked.name), **ASKS)
    used = {f"codedeploy:{name}" for name in hook.lifecycle.calls}
    assert actions == used | {"lambda:InvokeFunction"}
    aws.policy = {"Statement": [each for each in statements if each["Sid"] != "Verify"]}
    assert run(hook, hook.lifecycle.start(checked.name), **ASKS).answer["status"] == "Failed"


def test_the_policy_of_a_fleets_hook_is_for_all_of_its_functions(tmp_path: Path) -> None:
    """By their prefix; alone the option has nothing to print."""
    fleet = {"_LAMBDA_FLEET_PREFIX": "team-", "_LAMBDA_ALIAS": "live", "_AWS_DEFAULT_REGION": "eu-west-1"}
    printed = deploy(tmp_path, "doctor", "--policy", "--hook", env=fleet)
    (verify,) = [
        each for each in json.loads(printed.stdout)["hook"]["policy"]["Statement"] if each["Sid"] == "Verify"
    ]
    assert verify["Resource"] == ["arn:aws:lambda:eu-west-1:*:function:team-*:*"]
    alone = deploy(tmp_path, "doctor", "--hook", env=fleet)
    assert (alone.status, "--hook needs --policy" in alone.stderr) == (2, True)
