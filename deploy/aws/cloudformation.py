"""AWS CloudFormation: one stack, its change sets and its events. Nothing here decides.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import UnknownServiceError

from deploy.aws.codes import DENIED
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError, InputError
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation

Value = TypeVar("Value")

SERVICE = "cloudformation"
STACK = "AWS::CloudFormation::Stack"

# Roles with names of their own are among what stacks of functions have.
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

INVALID = "ValidationError"  # the only code that there is for a stack that does not exist
MISSING = "does not exist"
# What an explanation says for deploys, and a stack's does not.
OF_DOCTOR = "\n`deploy doctor"
DEPLOY = "`deploy`"

NO_CHANGE_SET = "ChangeSetNotFound"


@dataclass(frozen=True)
class State:
    """What AWS says of a stack."""

    id: str
    status: str
    reason: str
    outputs: Mapping[str, str]
    parameters: frozenset[str]

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class ChangeSet:
    """What AWS says of a change set. Its changes are those of the API, which are read elsewhere."""

    id: str
    stack_id: str
    status: str
    reason: str
    changes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Event:
    """Something that happened to a resource of a stack, or to the stack itself."""

    id: str
    token: str
    name: str
    kind: str
    status: str
    reason: str


class Stack:
    """Calls about the stack of a name. Raises DeployError, and InputError where the SDK lacks the API."""

    def __init__(self, session: Session, name: str, cancellation: Cancellation) -> None:
        self.name = name
        self._session = session
        self._cancellation = cancellation
        self._client = _client(session)

    def state(self, stack_id: str = "") -> State | None:
        """Return its state; None if there is no such stack. By its ID a deleted one has a state, too."""

        def describe() -> State:
            return _state(self._client.describe_stacks(StackName=stack_id or self.name)["Stacks"][0])

        try:
            return self._read("DescribeStacks", describe)
        except DeployError as error:
            if _is_missing(error):
                return None
            raise

    def create_change_set(
        self, name: str, template: Mapping[str, str], parameters: Sequence[Mapping[str, Any]], *, is_new: bool
    ) -> ChangeSet:
        """Ask for a change set, which takes a moment; that of a new stack makes an empty one meanwhile.

        Of a new stack nothing is left if it can't be created. The name is that of no other change set: by it
        CloudFormation recognises a request that the SDK sends again after an answer was lost.
        """
        kind = (
            {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"} if is_new else {"ChangeSetType": "UPDATE"}
        )
        with self._explaining("CreateChangeSet"):
            answer = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=name,
                ClientToken=name,
                Capabilities=CAPABILITIES,
                Parameters=parameters,
                **template,
                **kind,
            )
            return ChangeSet(str(answer["Id"]), str(answer["StackId"]), "CREATE_PENDING", "", ())

    def change_set(self, change_set: ChangeSet) -> ChangeSet:
        """Return a change set as it is by now, with all its changes."""

        def describe() -> ChangeSet:
            changes: list[Mapping[str, Any]] = []
            more: dict[str, str] = {}
            while True:
                answer = self._client.describe_change_set(ChangeSetName=change_set.id, **more)
                changes += [each["ResourceChange"] for each in answer.get("Changes", [])]
                if not answer.get("NextToken"):
                    break
                more = {"NextToken": answer["NextToken"]}
            reason = str(answer.get("StatusReason", ""))
            return ChangeSet(change_set.id, change_set.stack_id, str(answer["Status"]), reason, changes)

        return self._read("DescribeChangeSet", describe)

    def refusals(self, change_set: ChangeSet) -> list[str]:
        """Return what CloudFormation found wrong with a change set, resource by resource."""

        def describe() -> list[str]:
            filters = {"FailedEvents": True}
            answer = self._client.describe_events(ChangeSetName=change_set.id, Filters=filters)
            return [
                f"{each.get('LogicalResourceId', '')}{each.get('ValidationPath', '')}: {reason}"
                for each in answer.get("OperationEvents", [])
                if (reason := each.get("ValidationStatusReason") or each.get("ResourceStatusReason"))
            ]

        return self._read("DescribeEvents", describe)

    def delete_change_set(self, name: str, stack_id: str = "") -> None:
        """Delete a change set that was not executed, if there is one of this name."""
        try:
            with self._explaining("DeleteChangeSet"):
                self._client.delete_change_set(ChangeSetName=name, StackName=stack_id or self.name)
        except DeployError as error:
            if error.code != NO_CHANGE_SET and not _is_missing(error):
                raise

    def change_set_names(self, stack_id: str) -> list[str]:
        """Return the names of the change sets that there are."""

        def describe() -> list[str]:
            pages = self._client.get_paginator("list_change_sets").paginate(StackName=stack_id)
            return [str(each["ChangeSetName"]) for page in pages for each in page["Summaries"]]

        return self._read("ListChangeSets", describe)

    def delete(self, stack_id: str) -> None:
        """Delete the stack that a change set has made and that holds nothing."""
        with self._explaining("DeleteStack"):
            self._client.delete_stack(StackName=stack_id)

    def execute(self, change_set: ChangeSet, token: str) -> None:
        """Have a change set carried out; the events of that carry the token."""
        with self._explaining("ExecuteChangeSet"):
            self._client.execute_change_set(ChangeSetName=change_set.id, ClientRequestToken=token)

    def events(self, stack_id: str, token: str) -> list[Event]:
        """Return the events of one operation, the oldest first."""

        def describe() -> list[Event]:
            found: list[Event] = []
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                events = list(map(_event, page["StackEvents"]))  # the newest first
                found += [event for event in events if event.token == token]
                if found and events[-1].token != token:
                    break
            return found[::-1]

        return self._read("DescribeStackEvents", describe)

    def _read(self, operation: str, read: Callable[[], Value]) -> Value:
        def try_once() -> Value:
            with self._explaining(operation):
                return read()

        return retry_reading(try_once, self._cancellation)

    @contextlib.contextmanager
    def _explaining(self, operation: str) -> Iterator[None]:
        """Turn what the SDK raises within this block into DeployError."""
        region = self._session.target.region
        arn = f"arn:{partition_of(region)}:{SERVICE}:{region}:*:stack/{self.name}/*"
        try:
            with self._session.explaining(f"{SERVICE}:{operation}", arn):
                yield
        except DeployError as error:
            if error.code in DENIED:
                error.what = error.what.replace("The deployer", "Who applies the stack", 1)
                todo = error.todo.partition(OF_DOCTOR)[0].replace("the deployer", "who applies it")
                error.todo = f"{todo}\n`deploy doctor --policy --stack` prints all calls of `deploy stack`."
            error.todo = error.todo.replace(DEPLOY, "`deploy stack`")
            raise


def _is_missing(error: DeployError) -> bool:
    """Whether a call was refused because there is no such stack."""
    return error.code == INVALID and MISSING in error.why


def _state(stack: Mapping[str, Any]) -> State:
    outputs = {str(each["OutputKey"]): str(each["OutputValue"]) for each in stack.get("Outputs", [])}
    parameters = frozenset(str(each["ParameterKey"]) for each in stack.get("Parameters", []))
    status, reason = str(stack["StackStatus"]), str(stack.get("StackStatusReason", ""))
    return State(str(stack["StackId"]), status, reason, outputs, parameters)


def _event(given: Mapping[str, Any]) -> Event:
    kind = str(given.get("ResourceType", ""))
    is_stack = kind == STACK and given.get("PhysicalResourceId") == given["StackId"]
    return Event(
        str(given["EventId"]),
        str(given.get("ClientRequestToken", "")),
        "" if is_stack else str(given.get("LogicalResourceId", "")),
        kind,
        str(given.get("ResourceStatus", "")),
        str(given.get("ResourceStatusReason", "")),
    )


def _client(session: Session) -> Any:  # noqa: ANN401 - made at run time
    try:
        return session.client(SERVICE)
    except DeployError as error:
        cause = error.__cause__
        if isinstance(cause, UnknownServiceError) and cause.kwargs.get("service_name") == SERVICE:
            raise InputError(
                "A slug can't change stacks: it has no more of the AWS SDK than a deploy needs.",
                todo="Run it on a laptop or in CI, where `lambda-deploy` is installed by pip, pipx or uv: "
                "`lambda-deploy stack plan`",
            ) from error
        raise
