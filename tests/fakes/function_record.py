"""What AWS knows of a function and moto does not: revisions, updates under way, versions and aliases.

moto publishes what has not changed, gives the number of a deleted version again, deletes versions that
an alias points at, and knows no RevisionId. So it keeps $LATEST alone, and this keeps the rest. How AWS
behaves was taken from its API reference, and from LocalStack's tests, whose answers AWS itself has given.
"""

import copy
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_refusals import conflict, invalid, not_found, stale_revision

__all__ = ["Alias", "FunctionRecord", "Version", "as_listed"]

LATEST = "$LATEST"
LONGEST_DESCRIPTION = 256

# What makes no difference between $LATEST and a version that was published from it.
_OF_ITS_OWN = {"Description", "FunctionArn", "LastModified", "RevisionId", "Version"}
# What ListVersionsByFunction leaves out.
_STATES = {
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
}
_STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API "
    "to retrieve the latest Revision Id"
)


@dataclass
class Version:
    """A published version, its code, and how often it still says "Pending"."""

    configuration: dict[str, Any]
    code: bytes = field(repr=False)
    polls_left: int = 0

    def described(self) -> dict[str, Any]:
        """Give its configuration with its state."""
        if self.polls_left > 0:
            return {**self.configuration, **_PENDING}
        return {**self.configuration, "State": "Active", "LastUpdateStatus": "Successful"}


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


_PENDING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}


class FunctionRecord:
    """The record of one function."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.versions: dict[str, Version] = {}
        self.aliases: dict[str, Alias] = {}
        self.tags: dict[str, str] = {}
        self.pending_polls = 0
        self.failure: tuple[str, str] | None = None
        self._revision = str(uuid.uuid4())
        self._modified = _now()
        self._update = "Successful"
        self._polls_left = 0
        self._next_version = 1

    # $LATEST

    def described(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Give moto's configuration of $LATEST as AWS does, with what AWS adds and without nothings."""
        answer = {name: value for name, value in configuration.items() if value is not None}
        answer |= {"RevisionId": self._revision, "LastModified": self._modified}
        answer |= {"State": "Active", "LastUpdateStatus": self._update}
        if self.pending_polls > 0:
            answer |= _PENDING
        if self._update == "InProgress":
            answer["LastUpdateStatusReason"] = "The function is being created."
            answer["LastUpdateStatusReasonCode"] = "Creating"
        if self._update == "Failed" and self.failure:
            code, reason = self.failure
            answer |= {"LastUpdateStatusReason": reason, "LastUpdateStatusReasonCode": code}
        return answer

    def begin_update(self, polls: int) -> None:
        """Note an update of $LATEST: a new revision, and under way for so many polls."""
        self._revision = str(uuid.uuid4())
        self._modified = _now()
        self._update = "InProgress"
        self._polls_left = polls

    def read(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Describe $LATEST to someone who asks for it, which takes time."""
        self._poll()
        answer = self.described(configuration)
        self.pending_polls -= 1
        return answer

    def _poll(self) -> None:
        """Let some time pass. A finished update has yet another revision, in AWS as well."""
        if self._update == "InProgress" and self._polls_left > 0:
            self._polls_left -= 1
        elif self._update == "InProgress":
            self._update = "Failed" if self.failure else "Successful"
            self._revision = str(uuid.uuid4())

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

    def check_revision(self, revision: str | None) -> None:
        """Refuse an update over another revision of $LATEST than the one that is named."""
        if revision is not None and revision != self._revision:
            raise stale_revision(
                "The RevisionId provided does not match the latest RevisionId. Call the "
                "GetFunction/GetAlias API to retrieve the latest RevisionId for your resource."
            )

    # Versions

    def publish(
        self, latest: Mapping[str, Any], code: bytes, content: Mapping[str, Any], polls: int
    ) -> Version:
        """Publish $LATEST, or give the last version again where nothing has changed since."""
        revision, digest = content.get("RevisionId"), content.get("CodeSha256")
        if revision and revision != self._revision:
            raise stale_revision(_STALE)
        if digest and digest != latest["CodeSha256"]:
            raise invalid(
                f"CodeSHA256 ({digest}) is different from current CodeSHA256 in $LATEST "
                f"({latest['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST."
            )
        description = _description(content)
        last = self.versions.get(str(self._next_version - 1))
        if last and _compared(last.configuration) == _compared(latest):
            return last
        number = str(self._next_version)
        self._next_version += 1
        self._revision = str(uuid.uuid4())
        configuration = copy.deepcopy({**as_listed(latest), "LastModified": _now()})
        configuration |= {"Version": number, "FunctionArn": f"{self.arn}:{number}"}
        configuration |= {"RevisionId": str(uuid.uuid4())}
        if description:
            configuration["Description"] = description
        version = self.versions[number] = Version(configuration, code, polls)
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
        if name in self.aliases:
            raise conflict(f"Alias already exists: {arn}")
        weights = self._weights(content, version)
        alias = Alias(arn, name, version, _description(content), weights, str(uuid.uuid4()))
        self.aliases[name] = alias
        return alias

    def update_alias(self, name: str, content: Mapping[str, Any]) -> Alias:
        """Change of an alias what is named, over the revision that is named."""
        alias = self.alias(name)
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
        weights: dict[str, float] = content.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        for other in weights:
            if LATEST in {version, other}:
                raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
            if other == version:
                raise invalid(
                    f"Invalid function version {version}. Function version {version} is already "
                    "included in routing configuration."
                )
            self._target(other)
        return dict(weights)


def as_listed(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give a configuration as ListVersionsByFunction has it: without any state."""
    return {name: value for name, value in configuration.items() if name not in _STATES}


def _compared(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in as_listed(configuration).items() if name not in _OF_ITS_OWN}


def _description(content: Mapping[str, Any]) -> str:
    description: str = content.get("Description", "")
    if len(description) > LONGEST_DESCRIPTION:
        raise invalid(
            f"1 validation error detected: Value '{description}' at 'description' failed to satisfy "
            "constraint: Member must have length less than or equal to 256"
        )
    return description


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime())
