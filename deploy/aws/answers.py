"""What AWS answers about functions, as values; what is not of AWS's form is refused by a ValueError."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_LENGTH = 44  # characters of a SHA-256 in base64
VERSION = re.compile(r"\$LATEST|[1-9][0-9]*")
FAILED = "Failed"

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
    running: Mapping[str, Any] = field(repr=False)
    package_type: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether nothing is under way; what is, ends by itself."""
        return self.state != "Pending" and self.update_status != "InProgress"

    @property
    def is_image(self) -> bool:
        """Whether it is a container image, which takes no ZIP."""
        return self.package_type == "Image"

    @property
    def has_failed(self) -> bool:
        """Whether AWS could not put it in place."""
        return FAILED in {self.state, self.update_status}

    @property
    def failure(self) -> str:
        """What AWS says of why it failed."""
        of_update = self.update_reason if self.update_status == FAILED else ""
        return of_update or self.state_reason or "no reason is given"


@dataclass(frozen=True)
class Described:
    """What AWS says of $LATEST or of a version, and of its package.

    `location` is the address of the package, empty if AWS keeps it back, with the reason in `withheld`;
    `source_key_arn` is the customer's key that encrypts it.
    """

    configuration: Configuration
    package_type: str
    size: int
    location: str = field(repr=False)
    withheld: str
    source_key_arn: str | None

    @property
    def runtime(self) -> str:
        """The runtime that runs it."""
        return str(self.configuration.running.get("Runtime", ""))

    @property
    def architecture(self) -> str:
        """The architecture that it runs on; AWS's own default is x86_64."""
        return ", ".join(self.configuration.running.get("Architectures", ["x86_64"]))


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
    """What an invocation answered; `error` is set where the function failed, `log` is its tail.

    `version` is the one that ran: an alias may route to several.
    """

    payload: str = field(repr=False)
    error: str
    log: str = field(repr=False)
    version: str = ""


def configuration(answer: Mapping[str, Any]) -> Configuration:
    """Return what AWS says of $LATEST or of a version."""
    version = _text(answer, "Version")
    if version and not VERSION.fullmatch(version):
        raise ValueError("no version")
    reasons = (_text(answer, "LastUpdateStatusReason"), _text(answer, "LastUpdateStatusReasonCode"))
    return Configuration(
        version=version,
        code_sha256=_text(answer, "CodeSha256", needed=True)[:DIGEST_LENGTH],
        revision_id=_text(answer, "RevisionId"),
        state=_text(answer, "State"),
        state_reason=_text(answer, "StateReason"),
        update_status=_text(answer, "LastUpdateStatus"),
        update_reason=" ".join(reason for reason in reasons if reason),
        last_modified=_text(answer, "LastModified"),
        description=_text(answer, "Description"),
        running={
            **{name: answer[name] for name in RUNNING_CONFIGURATION if name in answer},
            "SnapStart": answer.get("SnapStart", {}).get("ApplyOn", "None"),
        },
        package_type=_text(answer, "PackageType"),
    )


def current(answer: Mapping[str, Any]) -> Configuration:
    """Return what AWS says of it now, with the revision that a change has to name."""
    _text(answer, "RevisionId", needed=True)
    return configuration(answer)


def described(answer: Mapping[str, Any]) -> Described:
    """Return what AWS says of it and of its package."""
    content, code = answer.get("Configuration"), answer.get("Code")
    if not (content and code):
        raise ValueError("no code")
    location = _text(code, "Location")
    return Described(
        configuration(content),
        _text(content, "PackageType"),
        int(content.get("CodeSize", 0)),
        location,
        "" if location else str(code.get("Error", {}).get("Message", "")),
        code.get("SourceKMSKeyArn") or None,
    )


def published(answer: Mapping[str, Any]) -> Configuration:
    """Return what AWS says of a new version, with its number."""
    _text(answer, "Version", needed=True)
    return configuration(answer)


def alias(answer: Mapping[str, Any]) -> Alias:
    """Return what AWS says of an alias."""
    weights = answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(
        name=_text(answer, "Name"),
        version=_text(answer, "FunctionVersion", needed=True),
        weights={version: float(weight) for version, weight in weights.items()},
        description=_text(answer, "Description"),
        revision_id=_text(answer, "RevisionId", needed=True),
    )


def items(page: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the items of a page."""
    items = page.get(name)
    if not isinstance(items, list):
        raise ValueError(f"no {name}")  # noqa: TRY004 - one kind for all that is no answer
    return items


def _text(answer: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    text = answer.get(name, "")
    if not isinstance(text, str) or (needed and not text):
        raise ValueError(f"no {name}")
    return text
