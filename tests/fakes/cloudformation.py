"""CloudFormation: stacks, change sets, and operations that go on while they are looked at.

Requests and answers are checked by the SDK's own model of the API, and by what the model says in words alone.
It knows templates, not resources: an operation is a list of events, of which each look shows some more.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from werkzeug.wrappers import Response

from aws_calls import ACCOUNT_ID, Call
from aws_refusals import RefusedError
from iam import Identities
from query_protocol import answer, parameters
from s3 import Buckets

STACK = "AWS::CloudFormation::Stack"
LARGEST_BODY = 51_200  # bytes
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
TAKES_UPDATES = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
NAMED = ("RoleName", "PolicyName", "UserName", "GroupName", "ManagedPolicyName")

# Properties that can't change without a replacement, by type.
FIXED = {
    "AWS::Lambda::Function": {"FunctionName", "PackageType"},
    "AWS::Lambda::Alias": {"FunctionName", "Name"},
    "AWS::Lambda::Permission": {"FunctionName", "SourceArn", "Principal", "Action"},
    "AWS::IAM::Role": {"RoleName", "Path"},
    "AWS::ApiGateway::RestApi": set[str](),
    "AWS::ApiGateway::Deployment": {"RestApiId"},
}


@dataclass
class StackOfTests:
    """A stack; `events` are all that an operation brings, of which `shown` have happened by now."""

    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    template: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    shown: int = 0
    end: Callable[[], None] = lambda: None

    def go_on(self, pace: int) -> None:
        """Have some more events happen."""
        for _ in range(pace):
            if self.shown < len(self.events):
                event = self.events[self.shown]
                self.shown += 1
                if event["PhysicalResourceId"] == self.id:
                    self.status = event["ResourceStatus"]
                    self.reason = event.get("ResourceStatusReason", "")
                    if self.shown == len(self.events):
                        self.end()


@dataclass
class Stacks:
    """All stacks of one account and region.

    `failures` has the reason why a resource can't be made or changed, `refusal` is why no change set can be.
    `executed` names the stacks whose change sets were; `followed` says that somebody looks at events.
    `pace` is how many events happen between two looks; `page_size` how many items an answer has.
    """

    identities: Identities
    buckets: Buckets
    stacks: dict[str, StackOfTests] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    pace: int = 2
    page_size: int = 3
    polls: int = 1
    executed: list[str] = field(default_factory=list)
    followed: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Return to the defaults, without any stack."""
        self.__init__(self.identities, self.buckets)  # type: ignore[misc]

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call."""
        operation = call.operation
        given = parameters("cloudformation", operation, body, _invalid)
        name = self._find(given).name if self._find(given) else given.get("StackName", "")
        resource = f"arn:aws:cloudformation:{call.region}:{ACCOUNT_ID}:stack/{name}/some-id"
        self.identities.check(call, call.action, resource)
        snake = re.sub("(?<!^)([A-Z])", r"_\1", operation).lower()
        handle: Callable[[Call, dict[str, Any]], dict[str, Any]] = getattr(self, f"_{snake}")
        return answer("cloudformation", operation, handle(call, given))

    def _find(self, given: Mapping[str, Any]) -> Any:
        """Return the stack that a request is about, by name, ID or change set; None if there is none."""
        wanted, change_set = given.get("StackName", ""), given.get("ChangeSetName", "")
        by_set = (each for each in self.stacks.values() if change_set in each.sets)
        by_id = (each for each in self.stacks.values() if each.id == wanted)
        by_name = self.stacks.get(wanted)
        if by_name and by_name.status == "DELETE_COMPLETE":
            by_name = None  # which its ID alone leads to
        return by_name or next(by_id, None) or next(by_set, None)

    def _stack(self, given: Mapping[str, Any]) -> StackOfTests:
        stack: StackOfTests | None = self._find(given)
        if stack is None:
            raise _invalid(f"Stack with id {given.get('StackName')} does not exist")
        return stack

    def _set(self, given: Mapping[str, Any]) -> tuple[StackOfTests, dict[str, Any]]:
        for stack in self.stacks.values():
            if found := stack.sets.get(given["ChangeSetName"]):
                return stack, found
        if given.get("StackName"):
            stack = self._stack(given)
            for found in stack.sets.values():
                if found["name"] == given["ChangeSetName"]:
                    return stack, found
        raise RefusedError(HTTPStatus.NOT_FOUND, "ChangeSetNotFound", "ChangeSet does not exist")

    # What is asked

    def _describe_stacks(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._stack(given)
        stack.go_on(self.pace)
        outputs = [
            {"OutputKey": name, "OutputValue": f"value of {name}"}
            for name in stack.template.get("Outputs", {})
        ]
        described = {
            "StackId": stack.id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "CreationTime": _now(),
            "Outputs": outputs if stack.status != "REVIEW_IN_PROGRESS" else [],
            "Parameters": [{"ParameterKey": each, "ParameterValue": "****"} for each in stack.values],
            **({"StackStatusReason": stack.reason} if stack.reason else {}),
        }
        return {"Stacks": [described]}

    def _describe_stack_events(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        self.followed.set()
        stack = self._stack(given)
        events = stack.events[: stack.shown][::-1]
        return self._page(events, given, "StackEvents")

    def _describe_change_set(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        _, found = self._set(given)
        found["polls"] -= 1
        is_ready = found["polls"] < 0
        page = self._page(found["changes"] if is_ready else [], given, "Changes")
        status = found["status"] if is_ready else "CREATE_IN_PROGRESS"
        reason = {"StatusReason": found["reason"]} if found["reason"] and is_ready else {}
        return {"ChangeSetId": given["ChangeSetName"], "Status": status, **reason, **page}

    def _list_change_sets(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        sets = [{"ChangeSetName": each["name"]} for each in self._stack(given).sets.values()]
        return self._page(sets, given, "Summaries")

    def _describe_events(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        self._set(given)
        reason = {
            "LogicalResourceId": "Api",
            "ValidationPath": "/Properties/Body",
            "EventType": "VALIDATION_ERROR",
        }
        return {"OperationEvents": [{**reason, "ValidationStatusReason": f"details of: {self.refusal}"}]}

    def _page(self, items: list[Any], given: Mapping[str, Any], name: str) -> dict[str, Any]:
        start = int(given.get("NextToken", "0"))
        end = start + self.page_size
        more = {"NextToken": str(end)} if end < len(items) else {}
        return {name: items[start:end], **more}

    # What is changed

    def _create_change_set(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        template = self._template(call, given)
        stack: StackOfTests | None = self._find(given)
        is_new = given.get("ChangeSetType") == "CREATE"
        if stack and (known := self._made_before(stack, given)):
            return {"Id": known, "StackId": stack.id}
        if is_new and stack and stack.status not in {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"}:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, "AlreadyExistsException", f"Stack [{stack.name}] already exists"
            )
        if not is_new and given.get("OnStackFailure") == "DELETE":
            raise _invalid("OnStackFailure DELETE is only valid when ChangeSetType is CREATE.")
        if not is_new:
            stack = self._stack(given)
            if stack.status not in TAKES_UPDATES:
                raise _invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        values = _values(template, given.get("Parameters", []), stack.values if stack else {})
        if _names_identities(template) and "CAPABILITY_NAMED_IAM" not in given.get("Capabilities", []):
            message = "Requires capabilities : [CAPABILITY_NAMED_IAM]"
            raise RefusedError(HTTPStatus.BAD_REQUEST, "InsufficientCapabilitiesException", message)
        if stack is None or (is_new and stack.status == "DELETE_COMPLETE"):
            stack_id = (
                f"arn:aws:cloudformation:{call.region}:{ACCOUNT_ID}:stack/{given['StackName']}/{uuid.uuid4()}"
            )
            stack = self.stacks[given["StackName"]] = StackOfTests(given["StackName"], stack_id)
        old = {} if is_new else stack.template.get("Resources", {})
        changes = list(_changes(old, template["Resources"]))
        if values != stack.values and not changes:
            changes = [_change("Modify", name, each, []) for name, each in template["Resources"].items()][:1]
        reason = self.refusal or ("" if changes else NO_CHANGES)
        set_id = stack.id.replace(":stack/", ":changeSet/") + f"/{uuid.uuid4()}"
        stack.sets[set_id] = {
            "name": given["ChangeSetName"],
            "token": given.get("ClientToken"),
            "status": "FAILED" if reason else "CREATE_COMPLETE",
            "reason": reason,
            "changes": [{"Type": "Resource", "ResourceChange": each} for each in changes],
            "template": template,
            "values": values,
            "deletes": given.get("OnStackFailure") == "DELETE",
            "is_new": is_new,
            "polls": self.polls,
        }
        return {"Id": set_id, "StackId": stack.id}

    def _made_before(self, stack: StackOfTests, given: Mapping[str, Any]) -> str:
        """Return the ID of the change set that the same request has made before; empty if there is none."""
        for set_id, each in stack.sets.items():
            if each["name"] == given["ChangeSetName"]:
                if each.get("token") and each["token"] == given.get("ClientToken"):
                    return set_id
                message = f"ChangeSet {each['name']} cannot be created: there is one of this name"
                raise RefusedError(HTTPStatus.BAD_REQUEST, "AlreadyExistsException", message)
        return ""

    def _template(self, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
        if ("TemplateBody" in given) == ("TemplateURL" in given):
            raise _invalid("Either Template URL or Template Body must be specified.")
        body = given.get("TemplateBody", "")
        if len(body.encode()) > LARGEST_BODY:
            raise _invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint"
            )
        if url := given.get("TemplateURL", ""):
            bucket, _, key = unquote(urlsplit(url).path.strip("/")).partition("/")
            body = self.buckets.package(call, bucket, key)
        template: dict[str, Any] = json.loads(body)
        return template

    def _delete_change_set(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        stack, found = self._set(given)
        if found["status"] == "EXECUTED":
            raise _status("is being executed and can't be deleted")
        stack.sets = {set_id: each for set_id, each in stack.sets.items() if each is not found}
        return {}

    def _delete_stack(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._stack(given)
        stack.status = "DELETE_COMPLETE"
        stack.sets.clear()
        return {}

    def _execute_change_set(self, _call: Call, given: dict[str, Any]) -> dict[str, Any]:
        stack, found = self._set(given)
        if found["status"] != "CREATE_COMPLETE":
            raise _status(f"is in {found['status']} status")
        verb = "CREATE" if found["is_new"] else "UPDATE"
        found["status"] = "EXECUTED"
        self.executed.append(stack.name)
        stack.sets = {set_id: each for set_id, each in stack.sets.items() if each is found}
        stack.status = f"{verb}_IN_PROGRESS"
        events = list(self._operation(stack, found, verb))
        stack.events = stack.events[: stack.shown] + [
            {
                "StackId": stack.id,
                "StackName": stack.name,
                "EventId": str(uuid.uuid4()),
                "Timestamp": _now(),
                "ClientRequestToken": given.get("ClientRequestToken", ""),
                **event,
            }
            for event in events
        ]
        if stack.status.startswith(verb) and not self.failures.keys() & found["template"]["Resources"].keys():
            stack.end = lambda: stack.__dict__.update(template=found["template"], values=found["values"])
        return {}

    def _operation(
        self, stack: StackOfTests, found: Mapping[str, Any], verb: str
    ) -> Iterator[dict[str, Any]]:
        """Yield what happens: up to the first failure, which others do not survive, and back again."""
        yield _event(stack.name, STACK, f"{verb}_IN_PROGRESS", stack.id, "User Initiated")
        changes = [each["ResourceChange"] for each in found["changes"]]
        failed = [each for each in changes if each["LogicalResourceId"] in self.failures]
        others = [each for each in changes if each not in failed]
        for each in others[:1] if failed else others:
            for end in ("IN_PROGRESS", "COMPLETE"):
                yield _of(each, f"{_verb(each)}_{end}")
        if not failed:
            if verb == "UPDATE":
                yield _event(stack.name, STACK, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", stack.id)
            yield _event(stack.name, STACK, f"{verb}_COMPLETE", stack.id)
            return
        yield _of(failed[0], f"{_verb(failed[0])}_FAILED", self.failures[failed[0]["LogicalResourceId"]])
        for each in others[1:]:
            word = {"CREATE": "creation", "UPDATE": "update", "DELETE": "deletion"}[_verb(each)]
            yield _of(each, f"{_verb(each)}_FAILED", f"Resource {word} cancelled")
        reason = f"The following resource(s) failed: [{failed[0]['LogicalResourceId']}]. "
        if found["deletes"]:
            yield _event(
                stack.name, STACK, "DELETE_IN_PROGRESS", stack.id, f"{reason}Delete requested by user."
            )
            yield from (_of(each, "DELETE_COMPLETE") for each in others[:1])
            yield _event(stack.name, STACK, "DELETE_COMPLETE", stack.id)
            return
        rollback = "UPDATE_ROLLBACK" if verb == "UPDATE" else "ROLLBACK"
        yield _event(stack.name, STACK, f"{rollback}_IN_PROGRESS", stack.id, reason)
        yield from (_of(each, "UPDATE_COMPLETE") for each in others[:1])
        yield _event(stack.name, STACK, f"{rollback}_COMPLETE", stack.id)


def _event(name: str, kind: str, status: str, identifier: str, reason: str = "") -> dict[str, Any]:
    because = {"ResourceStatusReason": reason} if reason else {}
    known = {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status}
    return {**known, "PhysicalResourceId": identifier, **because}


def _of(change: Mapping[str, Any], status: str, reason: str = "") -> dict[str, Any]:
    return _event(change["LogicalResourceId"], change["ResourceType"], status, "some-id", reason)


def _verb(change: Mapping[str, Any]) -> str:
    return {"Add": "CREATE", "Modify": "UPDATE", "Remove": "DELETE"}[change["Action"]]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the changes from one template's resources to another's, and what refers to what changes."""
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield _change("Add", name, new[name], None)
        elif name not in new:
            yield _change("Remove", name, old[name], None)
        else:
            before, after = (each.get("Properties", {}) for each in (old[name], new[name]))
            fixed = FIXED.get(new[name]["Type"], set())
            details = [
                _detail(key, "Always" if key in fixed else "Never")
                for key in sorted(before.keys() | after.keys())
                if before.get(key) != after.get(key)
            ]
            details += [
                _detail(key, "Always" if key in fixed else "Never", value["Ref"])
                for key, value in after.items()
                if isinstance(value, dict) and _differs(old, new, value.get("Ref"))
            ]
            if details:
                yield _change("Modify", name, new[name], details)


def _differs(old: Mapping[str, Any], new: Mapping[str, Any], name: object) -> bool:
    return isinstance(name, str) and name in old and name in new and old[name] != new[name]


def _detail(key: str, recreation: str, cause: str = "") -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": key, "RequiresRecreation": recreation}
    if cause:
        return {
            "Target": target,
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceReference",
            "CausingEntity": cause,
        }
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _change(action: str, name: str, resource: Mapping[str, Any], details: list[Any] | None) -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": name, "ResourceType": resource["Type"]}
    if action != "Add":
        change["PhysicalResourceId"] = f"{name}-id"
    if action == "Remove" and resource.get("DeletionPolicy"):
        change["PolicyAction"] = resource["DeletionPolicy"]
    if details is None:
        return change
    always = [each for each in details if each["Target"]["RequiresRecreation"] == "Always"]
    is_static = any(each["Evaluation"] == "Static" for each in always)
    replacement = "False" if not always else "True" if is_static else "Conditional"
    return {**change, "Replacement": replacement, "Scope": ["Properties"], "Details": details}


def _values(
    template: Mapping[str, Any], given: list[dict[str, Any]], known: Mapping[str, str]
) -> dict[str, str]:
    declared = template.get("Parameters", {})
    found = {name: each["Default"] for name, each in declared.items() if "Default" in each}
    for each in given:
        name = each["ParameterKey"]
        if name not in declared:
            raise _invalid(f"Parameters: [{name}] do not exist in the template")
        found[name] = known[name] if each.get("UsePreviousValue") else each["ParameterValue"]
    if missing := declared.keys() - found.keys():
        raise _invalid(f"Parameters: {sorted(missing)} must have values")
    return found


def _names_identities(template: Mapping[str, Any]) -> bool:
    return any(
        each["Type"].startswith("AWS::IAM::") and any(name in each.get("Properties", {}) for name in NAMED)
        for each in template["Resources"].values()
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _invalid(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, "ValidationError", message)


def _status(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, "InvalidChangeSetStatus", f"ChangeSet {message}")
