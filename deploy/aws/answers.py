"""What AWS answers about functions, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_LENGTH = 44  # characters of a SHA-256 in base64

# What a version takes over from $LATEST when it is published, besides the code.
RUNNING_CONFIGURATION = tuple(
    """
    Runtime Handler Role Timeout MemorySize Architectures Environment EphemeralStorage Layers VpcConfig
    FileSystemConfigs DeadLetterConfig KMSKeyArn TracingConfig LoggingConfig
""".split()
)


@dataclass(frozen=True)
class Configuration:
    """What AWS says of $LATEST or of a version. `running` is all that it runs with but the code."""

    version: str
    code_sha256: str
    revision_id: str
    state: str
    state_reason: str
    update_status: str
    update_reason: str
    last_modified: str
    description: str
    arn: str
    running: Mapping[str, Any] = field(repr=False)

    @property
    def is_ready(self) -> bool:
        """Whether nothing is under way; what is, ends by itself."""
        return self.state != "Pending" and self.update_status != "InProgress"


@dataclass(frozen=True)
class Alias:
    """An alias, the version that it points at, and the weights of others beside that one."""

    name: str
    version: str
    weights: Mapping[str, float]
    description: str
    revision_id: str


@dataclass(frozen=True)
class Invocation:
    """What an invocation answered; `error` is set where the function failed, `log` is its tail."""

    payload: str = field(repr=False)
    error: str
    log: str = field(repr=False)


def configuration(answer: Mapping[str, Any]) -> Configuration:
    """Return what AWS says of $LATEST or of a version; raises DeployError if the answer was cut off."""
    if not answer.get("CodeSha256"):
        raise _cut_answer()
    reasons = (answer.get("LastUpdateStatusReason", ""), answer.get("LastUpdateStatusReasonCode", ""))
    return Configuration(
        version=answer.get("Version", ""),
        code_sha256=answer["CodeSha256"][:DIGEST_LENGTH],
        revision_id=answer.get("RevisionId", ""),
        state=answer.get("State", ""),
        state_reason=answer.get("StateReason", ""),
        update_status=answer.get("LastUpdateStatus", ""),
        update_reason=" ".join(reason for reason in reasons if reason),
        last_modified=answer.get("LastModified", ""),
        description=answer.get("Description", ""),
        arn=answer.get("FunctionArn", ""),
        running={
            **{name: answer[name] for name in RUNNING_CONFIGURATION if name in answer},
            "SnapStart": answer.get("SnapStart", {}).get("ApplyOn", "None"),
        },
    )


def alias(answer: Mapping[str, Any]) -> Alias:
    """Return what AWS says of an alias; raises DeployError if the answer was cut off."""
    if not answer.get("FunctionVersion"):
        raise _cut_answer()
    return Alias(
        name=answer.get("Name", ""),
        version=answer["FunctionVersion"],
        weights=answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        description=answer.get("Description", ""),
        revision_id=answer.get("RevisionId", ""),
    )


def items(page: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the items of a page; raises DeployError if the answer was cut off."""
    if name not in page:
        raise _cut_answer()
    items: list[Mapping[str, Any]] = page[name]
    return items


def _cut_answer() -> DeployError:
    return DeployError(
        "AWS's answer was cut off.",
        why="The connection ended within it, so whether the call was carried out is not known.",
        todo="The function runs the old or the new package, whole. Run deploy again.",
    )
