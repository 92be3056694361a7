"""What a change set changes, as a person reads it. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Action = Literal["add", "change", "replace", "remove"]

# In the order in which they are shown: what may hurt comes last, next to the end of the output.
SIGNS: Mapping[Action, str] = {"add": "+", "change": "~", "replace": "!", "remove": "-"}

# What nobody calls by its name and what holds nothing: CloudFormation makes the new one first.
HARMLESS = frozenset(
    {"AWS::ApiGateway::Deployment", "AWS::ApiGatewayV2::Deployment", "AWS::Lambda::Permission"}
)

# What it means if a new one takes its place.
OF_A_FUNCTION = (
    "A new function starts with placeholder code: all versions and aliases of the old one are deleted with "
    "it, and requests fail until the next deploy."
)
OF_AN_API = "A new API has a new URL: clients of the old one fail."
OF_A_ROLE = "A new role has a new identity: policies elsewhere that name the old one do not hold for it."
OF_LOGS = "The logs in the log group are deleted with it."
MEANINGS = {
    "AWS::Lambda::Function": OF_A_FUNCTION,
    "AWS::Serverless::Function": OF_A_FUNCTION,
    "AWS::ApiGateway::RestApi": OF_AN_API,
    "AWS::ApiGatewayV2::Api": OF_AN_API,
    "AWS::IAM::Role": OF_A_ROLE,
    "AWS::Logs::LogGroup": OF_LOGS,
}

# What it means if it goes, and no other one comes.
REMOVALS = {
    **dict.fromkeys(
        ("AWS::Lambda::Function", "AWS::Serverless::Function"),
        "A function is removed with all its versions and aliases: routes and clients that call it fail.",
    ),
    **dict.fromkeys(
        ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"), "The API's URL goes with it: clients fail."
    ),
    "AWS::IAM::Role": "Policies elsewhere that name the removed role hold for nobody any more.",
    "AWS::Logs::LogGroup": OF_LOGS,
}
VERSION = "AWS::Lambda::Version"  # which no DeletionPolicy keeps when its function is deleted

RESOURCE, ATTRIBUTE = "ResourceReference", "ResourceAttribute"
KEPT = frozenset({"Retain", "ReplaceAndRetain"})
IDENTITIES = frozenset({"Arn", "Id"})  # attributes that stay the same as long as the resource does


@dataclass(frozen=True)
class Change:
    """What happens to one resource. `is_certain` is false for one that CloudFormation may replace."""

    action: Action
    name: str
    kind: str
    identifier: str = ""
    properties: tuple[str, ...] = ()
    is_certain: bool = True
    is_kept: bool = False

    @property
    def is_destructive(self) -> bool:
        """Whether something is lost that a caller or the owner may miss."""
        return self.action in {"replace", "remove"} and self.kind not in HARMLESS

    @property
    def meaning(self) -> str:
        """What the loss of the resource means; empty if it is just any resource."""
        if not self.is_destructive or self.is_kept:
            return ""
        return (REMOVALS if self.action == "remove" else MEANINGS).get(self.kind, "")

    def __str__(self) -> str:
        word = self.action.upper() if self.is_destructive else self.action
        may = "" if self.is_certain else "may "
        identifier = f", {self.identifier}" if self.identifier else ""
        because = f": {', '.join(self.properties)}" if self.properties else ""
        where = "as long as its function is there" if self.kind == VERSION else "outside of the stack"
        kept = f", which AWS keeps {where}" if self.is_kept else ""
        return f"{SIGNS[self.action]} {may}{word} {self.name} ({self.kind}{identifier}){because}{kept}"

    def to_dict(self) -> dict[str, object]:
        """Describe it for a program."""
        return {
            "action": self.action,
            "logical_id": self.name,
            "type": self.kind,
            "physical_id": self.identifier or None,
            "properties": list(self.properties),
            "certain": self.is_certain,
            "kept": self.is_kept,
            "destructive": self.is_destructive,
        }


def read_changes(given: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Return the changes of a change set, destructive ones last."""
    replaced = _replaced(given)
    changes = [_change(each, replaced) for each in given]
    order = list(SIGNS)
    return tuple(sorted(changes, key=lambda each: (each.is_destructive, order.index(each.action), each.name)))


def destructive(changes: Iterable[Change]) -> list[Change]:
    """Return those that nobody should make without having said so."""
    return [change for change in changes if change.is_destructive]


def _change(given: Mapping[str, Any], replaced: frozenset[str]) -> Change:
    name, kind = str(given["LogicalResourceId"]), str(given["ResourceType"])
    identifier = str(given.get("PhysicalResourceId", ""))
    is_kept = given.get("PolicyAction") in KEPT
    action = given["Action"]
    if action in {"Add", "Import"}:
        return Change("add", name, kind, identifier)
    if action == "Remove":
        return Change("remove", name, kind, identifier, is_kept=is_kept)
    details = given.get("Details", ())
    if name in replaced:
        causes = [each for each in details if _recreation(each) != "Never"]
        is_certain = given.get("Replacement") == "True"
        return Change("replace", name, kind, identifier, _names(causes), is_certain, is_kept)
    return Change("change", name, kind, identifier, _names(details))


def _names(details: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    targets = (each.get("Target", {}) for each in details)
    return tuple(dict.fromkeys(str(each.get("Name") or each.get("Attribute", "")) for each in targets))


def _recreation(detail: Mapping[str, Any]) -> str:
    return str(detail.get("Target", {}).get("RequiresRecreation", "Never"))


def _replaced(given: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the names of resources that are replaced, or may be.

    "Conditional" says that a property that can't change without a replacement refers to another resource of
    this change set. It keeps its value, and the resource with it, if that one is only modified: its name and
    its ARN stay.
    """
    modified = {str(each["LogicalResourceId"]): each for each in given if each["Action"] == "Modify"}
    found = {name for name, each in modified.items() if each.get("Replacement") == "True"}
    waiting = {name for name, each in modified.items() if each.get("Replacement") == "Conditional"}
    waiting |= {str(each["LogicalResourceId"]) for each in given if each["Action"] == "Dynamic"}
    while True:
        stays = modified.keys() - found
        new = {name for name in waiting - found if not _stays(modified.get(name), stays)}
        if not new:
            return frozenset(found)
        found |= new


def _stays(given: Mapping[str, Any] | None, stays: Iterable[str]) -> bool:
    """Whether all that would require a replacement refers to what stays as it is."""
    if given is None:
        return False
    causes = [each for each in given.get("Details", ()) if _recreation(each) != "Never"]
    return bool(causes) and all(_is_reference_to(stays, each) for each in causes)


def _is_reference_to(stays: Iterable[str], detail: Mapping[str, Any]) -> bool:
    name, _, attribute = str(detail.get("CausingEntity", "")).partition(".")
    source = detail.get("ChangeSource")
    is_identity = source == RESOURCE or (source == ATTRIBUTE and attribute in IDENTITIES)
    return is_identity and name in stays
