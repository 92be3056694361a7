"""`deploy stack`: a template is planned and applied, and what stands in the way is explained."""

import copy
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from cloudformation import Stacks
from command import command
from embedded_aws import EmbeddedAWS
from fault_proxy import Fault, FaultProxy
from in_process import Outcome
from in_process import deploy as run
from paths import REPOSITORY

FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {"FunctionName": "orders", "MemorySize": 256, "Role": {"Ref": "Role"}},
}
RESOURCES = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "orders"}},
    "Function": FUNCTION,
    "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Function"}}},
    "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": {"paths": {}}}},
    "Deployment1": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}},
}
TEMPLATE = {"Resources": RESOURCES, "Outputs": {"Url": {"Value": "the URL"}}}


@dataclass
class StackCommand:
    """Runs `deploy stack` on a template that a test may change."""

    aws: EmbeddedAWS
    folder: Path
    template: dict[str, Any]
    more: dict[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, Any]:
        """Return the template's resources."""
        resources: dict[str, Any] = self.template["Resources"]
        return resources

    @property
    def settings(self) -> dict[str, str]:
        """Return the deployer's settings."""
        return {
            "_LAMBDA_STACK": "orders",
            "_AWS_DEFAULT_REGION": "eu-west-1",
            "_AWS_ACCESS_KEY_ID": self.aws.deployer.access_key,
            "_AWS_SECRET_ACCESS_KEY": self.aws.deployer.secret_key,
            "_AWS_ENDPOINT_URL": self.aws.url,
            **self.more,
        }

    def arguments(self, *arguments: str) -> tuple[str, ...]:
        """Return a command's arguments, with the template as it is now."""
        path = self.folder / "template.json"
        path.write_text(json.dumps(self.template))
        return "stack", *arguments, "--template", str(path)

    def __call__(self, *arguments: str, status: int = 0, **settings: str) -> Outcome:
        """Run a command and look at how it ends."""
        outcome = run(self.folder, *self.arguments(*arguments), env={**self.settings, **settings})
        assert outcome.status == status, outcome
        assert "Traceback" not in outcome.stderr
        return outcome

    def changes(self, *arguments: str) -> dict[str, str]:
        """Return what a plan would do to each resource."""
        planned = json.loads(self("plan", "--json", *arguments).stdout)
        return {each["logical_id"]: each["action"] for each in planned["changes"]}


@pytest.fixture
def stacks(aws: EmbeddedAWS) -> Iterator[Stacks]:
    """Give the stacks of an account that has none."""
    aws.stacks.reset()
    yield aws.stacks
    aws.stacks.reset()
    aws.reset()


@pytest.fixture
def stack(aws: EmbeddedAWS, stacks: Stacks, tmp_path: Path) -> StackCommand:
    """Give a command for a stack that does not exist yet."""
    assert not stacks.stacks
    return StackCommand(aws, tmp_path, copy.deepcopy(TEMPLATE))


def test_a_stack_is_planned_created_and_then_left_alone(stack: StackCommand, stacks: Stacks) -> None:
    """A plan leaves nothing behind, not even its change set's empty stack; a second apply does nothing."""
    planned = stack("plan", "--exit-code", status=3)
    assert "The stack orders would be created" in planned.stdout
    assert "+ add Function (AWS::Lambda::Function)" in planned.stdout
    assert stacks.stacks["orders"].status == "DELETE_COMPLETE"

    applied = stack("apply")
    assert "created Function (AWS::Lambda::Function)" in applied.stdout
    assert "orders is CREATE_COMPLETE" in applied.stdout
    assert "Url: value of Url" in applied.stdout
    assert applied.stderr == ""

    stack("plan", "--exit-code")
    again = json.loads(stack("apply", "--json").stdout)
    assert (again["changed"], again["status"], again["outputs"]) == (
        False,
        "CREATE_COMPLETE",
        {"Url": "value of Url"},
    )
    assert stacks.executed == ["orders"]
    assert all(each["status"] == "EXECUTED" for each in stacks.stacks["orders"].sets.values())


def test_what_changes_is_shown_as_a_person_reads_it(stack: StackCommand, stacks: Stacks) -> None:
    """Added, changed, replaced and removed; functions, APIs and roles stand out with what that means."""
    stack("apply")
    stack.resources["Queue"] = {"Type": "AWS::SQS::Queue"}
    stack.resources["Role"]["Properties"]["RoleName"] = "others"
    del stack.resources["Api"], stack.resources["Deployment1"]
    planned = stack("plan")
    assert [line.strip() for line in planned.stdout.splitlines()[1:]] == [
        "+ add Queue (AWS::SQS::Queue)",
        "~ change Function (AWS::Lambda::Function, Function-id): Role",
        "- remove Deployment1 (AWS::ApiGateway::Deployment, Deployment1-id)",
        "! REPLACE Role (AWS::IAM::Role, Role-id): RoleName",
        "- REMOVE Api (AWS::ApiGateway::RestApi, Api-id)",
    ]
    assert "A new role has a new identity" in planned.stderr
    assert "The API's URL goes with it" in planned.stderr
    assert "A new function" not in planned.stderr
    assert stacks.executed == ["orders"]


def test_losses_have_to_be_allowed(stack: StackCommand, stacks: Stacks) -> None:
    """Nothing is changed before that; with a function its alias may be replaced, too."""
    stack("apply")
    stack.resources["Function"]["Properties"]["FunctionName"] = "renamed"
    del stack.resources["Api"], stack.resources["Deployment1"]
    refused = stack("apply", status=1)
    assert "3 resources of orders would be replaced or removed" in refused.stderr
    assert "may REPLACE Alias" in refused.stderr
    assert "versions and aliases of the old one are deleted" in refused.stderr
    assert "--allow-replacement" in refused.stderr
    assert stacks.executed == ["orders"]
    stack("apply", "--allow-replacement")
    assert stacks.stacks["orders"].status == "UPDATE_COMPLETE"
    assert "Api" not in stacks.stacks["orders"].template["Resources"]


def test_everyday_changes_need_no_permission(stack: StackCommand, stacks: Stacks) -> None:
    """More memory, after which AWS calls the alias's replacement conditional; and another deployment."""
    stack("apply")
    stack.resources["Function"]["Properties"]["MemorySize"] = 512
    stack.resources["Api"]["Properties"]["Body"] = {"paths": {"/": {}}}
    stack.resources["Deployment2"] = stack.resources.pop("Deployment1")
    assert stack.changes() == {
        "Function": "change",
        "Alias": "change",
        "Api": "change",
        "Deployment1": "remove",
        "Deployment2": "add",
    }
    stack("apply")
    assert stacks.stacks["orders"].template["Resources"]["Function"]["Properties"]["MemorySize"] == 512


def test_a_failure_is_explained_by_its_first_cause(stack: StackCommand, stacks: Stacks) -> None:
    """Of a new stack nothing is left; an update is rolled back. What was cancelled for it is not to blame."""
    stacks.failures = {"Function": "The role defined for the function cannot be assumed by Lambda."}
    failed = stack("apply", status=1)
    assert "The stack orders could not be created." in failed.stderr
    assert "It failed first at Function (AWS::Lambda::Function): The role defined" in failed.stderr
    assert "was deleted again" in failed.stderr
    assert "cancelled" not in failed.stderr + failed.stdout
    assert stacks.stacks["orders"].status == "DELETE_COMPLETE"

    stacks.failures = {}
    stack("apply")
    stacks.failures = {"Api": "Invalid OpenAPI input."}
    stack.resources["Api"]["Properties"]["Body"] = {"paths": {"/": {}}}
    stack.resources["Function"]["Properties"]["MemorySize"] = 512
    failed = stack("apply", status=1)
    assert "It failed first at Api (AWS::ApiGateway::RestApi): Invalid OpenAPI input." in failed.stderr
    assert "rolled back: everything is as it was" in failed.stderr
    assert "restored Function" in failed.stdout
    stacks.failures = {}
    stack("apply")


def test_a_template_that_is_refused_changes_nothing(stack: StackCommand, stacks: Stacks) -> None:
    """What CloudFormation finds before it begins is shown in detail, and no change set is left."""
    stacks.refusal = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]."
    refused = stack("apply", status=1)
    assert "CloudFormation refuses the template for orders." in refused.stderr
    assert "Api/Properties/Body: details of" in refused.stderr
    assert (stacks.executed, stacks.stacks["orders"].sets) == ([], {})


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_lost_answer_leaves_no_change_set(stack: StackCommand, stacks: Stacks, attempts: int) -> None:
    """The SDK's next attempt is recognised as the same; without one, what was made is deleted by its name."""
    with FaultProxy(stack.aws.url) as proxy:
        stack.more = {"_AWS_ENDPOINT_URL": proxy.url, "_AWS_MAX_ATTEMPTS": str(attempts)}
        before = len(stack.aws.calls)
        proxy.arm(Fault(), number=2)  # after DescribeStacks
        planned = stack("plan", status=1 if attempts == 1 else 0)
    asked = [call.operation for call in stack.aws.calls[before:]]
    assert asked.count("CreateChangeSet") == min(attempts, 2)
    assert (stacks.stacks["orders"].status, stacks.stacks["orders"].sets) == ("DELETE_COMPLETE", {})
    assert "could not be deleted" not in planned.stderr


def test_a_request_that_never_arrived_leaves_nothing_to_delete(stack: StackCommand, stacks: Stacks) -> None:
    """There is no stack of that name then, which is not worth a notice."""
    with FaultProxy(stack.aws.url) as proxy:
        stack.more = {"_AWS_ENDPOINT_URL": proxy.url, "_AWS_MAX_ATTEMPTS": "1"}
        proxy.arm(Fault(at="before the body"), number=2)  # after DescribeStacks
        planned = stack("plan", status=1)
    assert not stacks.stacks
    assert "could not be deleted" not in planned.stderr


WAYS_OUT = {
    "ROLLBACK_COMPLETE": "delete-stack --stack-name orders --region eu-west-1",
    "ROLLBACK_FAILED": "delete-stack",
    "CREATE_FAILED": "delete-stack",
    "DELETE_FAILED": "delete-stack",
    "UPDATE_FAILED": "rollback-stack",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
    "CREATE_IN_PROGRESS": "wait stack-create-complete",
    "UPDATE_IN_PROGRESS": "cancel-update-stack",
    "UPDATE_ROLLBACK_IN_PROGRESS": "describe-stack-events",
    "IMPORT_ROLLBACK_FAILED": "describe-stack-events",
}


def test_a_stuck_stack_is_explained_with_the_way_out(stack: StackCommand, stacks: Stacks) -> None:
    """Whatever it is, nothing is asked of it, and the command that helps is there to be copied."""
    stack("apply")
    stacks.stacks["orders"].reason = "Something went wrong."
    for status, way_out in WAYS_OUT.items():
        stacks.stacks["orders"].status = status
        stuck = stack("apply", status=1)
        assert f"The stack orders is {status}." in stuck.stderr
        assert "CloudFormation says: Something went wrong." in stuck.stderr
        assert f"`aws cloudformation {way_out}" in stuck.stderr
    assert len(stacks.stacks["orders"].sets) == 1


def test_a_stack_under_review_is_somebody_elses_unless_we_left_it(
    stack: StackCommand, stacks: Stacks
) -> None:
    """A change set of another tool waits for its owner; what a killed plan has left is in nobody's way."""
    stack("plan")
    of_stack = stacks.stacks["orders"]
    of_stack.status, of_stack.sets = "REVIEW_IN_PROGRESS", {"arn:set": {"name": "awscli-1"}}
    stuck = stack("apply", status=1)
    assert "somebody else has made a change set" in stuck.stderr
    of_stack.sets = {"arn:set": {"name": "lambda-deploy-of-a-killed-plan", "status": "CREATE_COMPLETE"}}
    stack("plan")
    assert list(of_stack.sets) == ["arn:set"]
    stack("apply")
    assert of_stack.status == "CREATE_COMPLETE"


def test_parameters_come_from_a_file_and_stay(stack: StackCommand, stacks: Stacks) -> None:
    """One without a value is an error before anything is asked, and so is one that the template lacks."""
    stack.template["Parameters"] = {
        "Branch": {"Type": "String", "Default": "main"},
        "Secret": {"Type": "String", "NoEcho": True},
    }
    values = stack.folder / "values.json"
    assert "The template's parameter Secret has no value." in stack("apply", status=2).stderr
    values.write_text('{"Secret": "canary-5b1f", "Brunch": "main"}')
    assert "no parameter Brunch" in stack("apply", "--parameters", str(values), status=2).stderr
    values.write_text('{"Secret": "canary-1", "Secret": "canary-2"}')
    twice = stack("apply", "--parameters", str(values), status=2).stderr
    assert ("the key `Secret` is there already" in twice, "canary" in twice) == (True, False)
    values.write_text('{"Secret": 5}')
    assert "not texts: Secret" in stack("apply", "--parameters", str(values), status=2).stderr
    assert not stacks.stacks
    values.write_text('{"Secret": "canary-5b1f"}')
    stacks.failures = {"Function": "Invalid value canary-5b1f of Secret."}
    failed = stack("apply", "--parameters", str(values), status=1)
    assert "Invalid value" in failed.stderr
    stacks.failures = {}
    done = stack("apply", "--parameters", str(values))
    assert "canary" not in f"{failed.stdout}{failed.stderr}{done.stdout}{done.stderr}"
    stack.resources["Function"]["Properties"]["MemorySize"] = 512
    stack("apply")
    assert stacks.stacks["orders"].values == {"Branch": "main", "Secret": "canary-5b1f"}


def test_a_large_template_passes_through_the_bucket(
    stack: StackCommand, aws: EmbeddedAWS, stacks: Stacks
) -> None:
    """Without one it is an error that says so; any prefix will do, and nothing of it stays in the bucket."""
    stack.resources["Api"]["Properties"]["Body"] = {"description": "x" * 60_000}
    assert "_LAMBDA_S3_BUCKET" in stack("apply", status=2).stderr
    assert not stacks.stacks
    bucket = aws.create_bucket()
    stack("apply", _LAMBDA_S3_BUCKET=bucket, _LAMBDA_S3_PREFIX="a #1? 100%2F/")
    assert stacks.stacks["orders"].status == "CREATE_COMPLETE"
    assert aws.left_in(bucket) == []


def test_a_missing_permission_is_named(stack: StackCommand, aws: EmbeddedAWS) -> None:
    """With the statement that grants it, on this stack alone, and without a policy that does not have it."""
    aws.denied.add("cloudformation:CreateChangeSet")
    refused = stack("plan", status=1)
    assert "lacks the permission cloudformation:CreateChangeSet" in refused.stderr
    assert '"Resource": "arn:aws:cloudformation:eu-west-1:*:stack/orders/*"' in refused.stderr


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        ({"_LAMBDA_STACK": ""}, "_LAMBDA_STACK is not set"),
        ({"_LAMBDA_STACK": "1st"}, "_LAMBDA_STACK is not the name of a stack"),
        ({"_AWS_DEFAULT_REGION": ""}, "_AWS_DEFAULT_REGION is not set"),
        ({"_AWS_SECRET_ACCESS_KEY": ""}, "_AWS_SECRET_ACCESS_KEY is not set"),
    ],
)
def test_settings_are_checked_first(
    stack: StackCommand, stacks: Stacks, variables: dict[str, str], wrong: str
) -> None:
    """All that is wrong is said before AWS is asked."""
    assert wrong in stack("plan", status=2, **variables).stderr
    assert not stacks.stacks


def test_a_stack_is_called_like_the_function(stack: StackCommand, stacks: Stacks) -> None:
    """An underscore, which the name of a stack can't have, becomes a dash."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:my_orders"
    stack("apply", _LAMBDA_STACK="", _LAMBDA_FUNCTION_ARN=arn)
    assert list(stacks.stacks) == ["my-orders"]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("{", "line 1, column 2: this is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "has no Resources"),
        ('{"Resources": {"A": {}}, "Parameters": ["Branch"]}', "column 40: `Parameters` has to be an object"),
        ('{"Resources": {"A": {}}, "Parameters": {"A": 1}}', "column 46: a parameter has to be an object"),
        ('{"Resources": {"A": {}},\n"Resources": {"B": {}}}', "`Resources` is there already, in line 1"),
        (None, "can't be read"),
    ],
)
def test_a_file_that_is_no_template_is_refused(stack: StackCommand, content: str | None, wrong: str) -> None:
    """By its name, and by line and column where it is not even JSON."""
    path = stack.folder / "wrong.json"
    if content is not None:
        path.write_text(content)
    outcome = run(stack.folder, "stack", "plan", "--template", str(path), env=stack.settings)
    assert (outcome.status, wrong in outcome.stderr, "wrong.json" in outcome.stderr) == (2, True, True), (
        outcome
    )


def test_a_slug_says_where_stacks_can_be_changed(
    stack: StackCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not got the model of that API, which nothing else needs."""

    def without(_loader: Loader, service: str, *_: str, **__: str) -> None:
        raise UnknownServiceError(service_name=service, known_service_names="lambda")

    monkeypatch.setattr(Loader, "load_service_model", without)
    refused = stack("plan", status=2)
    assert "A slug can't change stacks" in refused.stderr
    assert "SSO" not in refused.stderr


def test_an_interruption_leaves_cloudformation_at_work(stack: StackCommand, stacks: Stacks) -> None:
    """It says so, and how to see the end; the next plan says that an update is under way."""
    stacks.pace = 0  # nothing happens any more once it has begun
    process = subprocess.Popen(
        command(stack.folder, *stack.arguments("apply"), hurried=True),
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **stack.settings},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stacks.followed.wait(20)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Interrupted by SIGINT. CloudFormation goes on with orders by itself." in stderr
    assert "describe-stacks --stack-name orders --region eu-west-1" in stderr
    assert stacks.stacks["orders"].status == "CREATE_IN_PROGRESS"
    assert "It is being created." in stack("plan", status=1).stderr


def test_the_printed_policy_is_enough_and_no_more(stack: StackCommand, aws: EmbeddedAWS) -> None:
    """For a plan, a large template, a failure and a refusal; each action of it is asked for, and no other."""
    bucket = aws.create_bucket()
    stack.more = {"_LAMBDA_S3_BUCKET": bucket, "_LAMBDA_S3_PREFIX": "x/"}
    assert run(stack.folder, "doctor", "--stack", env=stack.settings).status == 2
    printed = run(stack.folder, "doctor", "--policy", "--stack", env=stack.settings)
    assert "in the caller's name" in printed.stderr
    aws.policy = json.loads(printed.stdout)
    before = len(aws.calls)
    stack.resources["Api"]["Properties"]["Body"] = {"description": "x" * 60_000}
    stack("plan")
    aws.stacks.stacks["orders"].status = "REVIEW_IN_PROGRESS"
    stack("apply")
    aws.stacks.refusal = "The following hook(s)/validation failed."
    stack.resources["Function"]["Properties"]["MemorySize"] = 512
    refused = stack("apply", status=1)
    assert "details of" in refused.stderr
    asked = {call.action for call in aws.calls[before:]} - {"s3:ListBucket"} | {"s3:GetObject"}
    statements = aws.policy["Statement"]
    assert asked == {action for statement in statements for action in statement["Action"]}
