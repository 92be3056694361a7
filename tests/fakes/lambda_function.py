"""One function as AWS keeps it: $LATEST, updates under way, versions and aliases, each with its revisions.

How AWS behaves was taken from its API reference, and from LocalStack's tests, whose answers AWS itself has
given. A clock would make tests slow, so time passes with each question.
"""

import copy
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aws_refusals import conflict, invalid, not_found, stale_revision, validation
from lambda_code import digest

LATEST = "$LATEST"
LONGEST_DESCRIPTION = 256

# What makes no difference between $LATEST and a version that was published from it.
_OF_ITS_OWN = {"FunctionArn", "LastModified", "RevisionId", "Version"}
_UNDER_WAY = "The function is being created."
_PENDING = {"State": "Pending", "StateReason": _UNDER_WAY, "StateReasonCode": "Creating"}
_STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API "
    "to retrieve the latest Revision Id"
)
_STALE_UPDATE = (
    "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to "
    "retrieve the latest RevisionId for your resource."
)


@dataclass
class Version:
    """A published version, its code, and how often it still says "Pending"; listings have no state."""

    listed: dict[str, Any]
    code: bytes = field(repr=False)
    polls_left: int = 0

    def described(self) -> dict[str, Any]:
        """Give its configuration with its state."""
        if self.polls_left > 0:
            return self.pending()
        return {**self.listed, "State": "Active", "LastUpdateStatus": "Successful"}

    def pending(self) -> dict[str, Any]:
        """Give its configuration as it is while AWS puts it in place."""
        return {**self.listed, **_PENDING}


@dataclass
class Alias:
    """An alias; `weights` are those of versions beside the one that it points at."""

    arn: str
    name: str
    version: str
    description: str
    weights: dict[str, float]
    revision: str

    def described(self) -> dict[str, Any]:
        """Give the alias as AWS does."""
        answer: dict[str, Any] = {
            "AliasArn": self.arn,
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision,
        }
        if self.weights:
            answer["RoutingConfig"] = {"AdditionalVersionWeights": self.weights}
        return answer


class LambdaFunction:
    """One function. `configuration` is that of $LATEST without what changes by itself."""

    def __init__(self, arn: str, configuration: Mapping[str, Any], code: bytes) -> None:
        self.arn = arn
        self.configuration = dict(configuration)
        self.put_code(code)
        self.versions: dict[str, Version] = {}
        self.aliases: dict[str, Alias] = {}
        self.pending_polls = 0
        self.failure: tuple[str, str] | None = None
        self.source_key: str | None = None
        self.signing = ""  # the ARN of a code signing configuration
        self._revision = str(uuid.uuid4())
        self._modified = _now()
        self._update = "Successful"
        self._polls_left = 0
        self._next_version = 1
        self._published: dict[str, Any] = {}

    def copy(self, old: str, new: str) -> "LambdaFunction":
        """Return a function that has all that this one has, and another name."""
        twin = copy.copy(self)
        twin.arn = self.arn.replace(old, new)
        twin.configuration = _renamed(self.configuration, old, new)
        twin.versions = {
            number: replace(version, listed=_renamed(version.listed, old, new))
            for number, version in self.versions.items()
        }
        twin.aliases = {
            name: replace(alias, arn=alias.arn.replace(old, new), weights=dict(alias.weights))
            for name, alias in self.aliases.items()
        }
        twin._published = _renamed(self._published, old, new)
        return twin

    # $LATEST

    def put_code(self, code: bytes) -> None:
        """Take over some code."""
        self.code = code
        self.configuration |= {"CodeSha256": digest(code), "CodeSize": len(code)}

    @property
    def listed(self) -> dict[str, Any]:
        """Return the configuration of $LATEST without any state, as listings have it."""
        revision = {"RevisionId": self._revision, "LastModified": self._modified}
        return {**self.configuration, "FunctionArn": self.arn, "Version": LATEST, **revision}

    def described(self) -> dict[str, Any]:
        """Give the configuration of $LATEST with its state."""
        answer = {**self.listed, "State": "Active", "LastUpdateStatus": self._update}
        if self.pending_polls > 0:
            answer |= _PENDING
        if self._update == "InProgress":
            answer |= {"LastUpdateStatusReason": _UNDER_WAY, "LastUpdateStatusReasonCode": "Creating"}
        if self._update == "Failed" and self.failure:
            code, reason = self.failure
            answer |= {"LastUpdateStatusReason": reason, "LastUpdateStatusReasonCode": code}
        return answer

    def read(self) -> dict[str, Any]:
        """Describe $LATEST to someone who asks for it, which takes time."""
        self._poll()
        answer = self.described()
        self.pending_polls -= 1
        return answer

    def check_update(self, revision: str | None) -> None:
        """Refuse an update while another one is under way, or over another revision than the latest."""
        self.check_idle()
        if revision is not None and revision != self._revision:
            raise stale_revision(_STALE_UPDATE)

    def check_idle(self) -> None:
        """Refuse a change while another one is under way."""
        if self.pending_polls > 0:
            self.pending_polls -= 1
            raise conflict(
                "The operation cannot be performed at this time. The function is currently in the "
                "following state: Pending"
            )
        if self._update == "InProgress" and self._polls_left > 0:
            self._poll()
            raise conflict(
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{self.arn}"
            )
        self._poll()

    def begin_update(self, polls: int) -> None:
        """Note an update of $LATEST: a new revision, and under way for so many polls."""
        self._revision = str(uuid.uuid4())
        self._modified = _now()
        self._update = "InProgress"
        self._polls_left = polls

    def _poll(self) -> None:
        """Let some time pass. A finished update has yet another revision, in AWS as well."""
        if self._update == "InProgress" and self._polls_left > 0:
            self._polls_left -= 1
        elif self._update == "InProgress":
            self._update = "Failed" if self.failure else "Successful"
            self._revision = str(uuid.uuid4())

    # Versions

    def publish(self, content: Mapping[str, Any], polls: int) -> Version:
        """Publish $LATEST, or give the last version again where nothing has changed since."""
        latest = self.listed
        if content.get("RevisionId") not in {None, "", self._revision}:
            raise stale_revision(_STALE)
        expected = content.get("CodeSha256") or latest["CodeSha256"]
        if expected != latest["CodeSha256"]:
            raise invalid(
                f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST "
                f"({latest['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST."
            )
        description = _description(content)
        last = self.versions.get(str(self._next_version - 1))
        compared = {name: value for name, value in latest.items() if name not in _OF_ITS_OWN}
        if last and compared == self._published:
            return last
        number = str(self._next_version)
        self._next_version += 1
        self._revision = str(uuid.uuid4())
        self._published = copy.deepcopy(compared)
        own = {"Version": number, "FunctionArn": f"{self.arn}:{number}", "RevisionId": str(uuid.uuid4())}
        listed = copy.deepcopy({**latest, **own, "LastModified": _now()})
        listed["Description"] = description or latest["Description"]
        version = self.versions[number] = Version(listed, self.code, polls)
        return version

    def version(self, qualifier: str) -> Version:
        """Give the version of this number, or the one that the alias of this name points at."""
        alias = self.aliases.get(qualifier)
        version = self.versions.get(alias.version if alias else qualifier)
        if version is None:
            raise not_found(f"Function not found: {self.arn}:{qualifier}")
        return version

    def delete_version(self, number: str) -> None:
        """Delete a version, unless an alias needs it."""
        if number == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        if not number.isdecimal():
            raise invalid("Deletion of aliases is not currently supported.")
        self.version(number)
        names = [alias.name for alias in self.aliases.values() if number in {alias.version, *alias.weights}]
        if names:
            raise conflict(
                "Unable to delete version because the following aliases reference it: "
                f"[{', '.join(sorted(names))}]"
            )
        del self.versions[number]

    # Aliases

    def alias(self, name: str) -> Alias:
        """Give the alias of this name."""
        if name not in self.aliases:
            raise not_found(f"Cannot find alias arn: {self.arn}:{name}")
        return self.aliases[name]

    def create_alias(self, content: Mapping[str, Any]) -> Alias:
        """Make an alias."""
        name: str = content["Name"]
        arn = f"{self.arn}:{name}"
        version = self._target(content["FunctionVersion"])
        weights = self._weights(content, version)
        if name in self.aliases:
            raise conflict(f"Alias already exists: {arn}")
        alias = Alias(arn, name, version, _description(content), weights, str(uuid.uuid4()))
        self.aliases[name] = alias
        return alias

    def update_alias(self, name: str, content: Mapping[str, Any]) -> Alias:
        """Change of an alias what is named, over the revision that is named."""
        if name not in self.aliases:
            raise not_found(f"Alias not found: {self.arn}:{name}")
        alias = self.aliases[name]
        if content.get("RevisionId") not in {None, "", alias.revision}:
            raise stale_revision(_STALE)
        version = self._target(content.get("FunctionVersion", alias.version))
        routing = content.get("RoutingConfig", {"AdditionalVersionWeights": alias.weights})
        alias.weights = self._weights({"RoutingConfig": routing}, version)
        alias.version = version
        alias.description = _description({"Description": alias.description, **content})
        alias.revision = str(uuid.uuid4())
        return alias

    def _target(self, version: str) -> str:
        if version != LATEST and version not in self.versions:
            raise not_found(f"Function not found: {self.arn}:{version}")
        return version

    def _weights(self, content: Mapping[str, Any], version: str) -> dict[str, float]:
        """Return the weights beside a version, which AWS takes of one other version alone."""
        weights: dict[str, float] = content.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        if len(weights) > 1:
            raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
        for other, weight in weights.items():
            if not 0 <= weight <= 1:
                raise validation(
                    f"{{{other}={weight}}}",
                    "routingConfig.additionalVersionWeights",
                    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
                    "Member must have value greater than or equal to 0.0, Member must not be null]",
                )
            if LATEST in {version, other}:
                raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
            if other == version:
                raise invalid(
                    f"Invalid function version {version}. Function version {version} is already "
                    "included in routing configuration."
                )
            self._target(other)
        return dict(weights)


def _renamed(value: Any, old: str, new: str) -> Any:
    """Copy JSON with another name in it, as it is and within ARNs and log groups."""
    if isinstance(value, dict):
        return {key: _renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, old, new) for each in value]
    return value.replace(old, new) if isinstance(value, str) else value


def _description(content: Mapping[str, Any]) -> str:
    description: str = content.get("Description", "")
    if len(description) > LONGEST_DESCRIPTION:
        raise validation(description, "description", "Member must have length less than or equal to 256")
    return description


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
