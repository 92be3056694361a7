"""What a test may set of the embedded AWS: who may do what, and how long things take."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(eq=False)
class Behaviour:
    """The defaults are those of a patient AWS that lets everybody do anything.

    `denied` is what nobody may do: actions such as "s3:PutObject", and Lambda's operations. `allowed` are the
    only actions that the deployer may take, `policy` is an IAM policy that the deployer has instead; without
    either there is no limit. `identity` is the deployer's ARN.

    `keeps_back` are the ARNs of functions whose packages GetFunction does not give away, for want of a key.
    The next `throttled` calls of Lambda's API are refused for their number.

    A function says "InProgress" `polls_per_update` times after an update, a new version "Pending"
    `polls_per_version` times. One answer lists `page_size` versions or aliases at most.
    """

    denied: set[str] = field(default_factory=set)
    allowed: set[str] | None = None
    policy: Mapping[str, Any] | None = None
    identity: str = "arn:aws:iam::123456789012:user/deployer"
    keeps_back: set[str] = field(default_factory=set)
    throttled: int = 0
    polls_per_update: int = 0
    polls_per_version: int = 0
    page_size: int = 50

    def reset(self) -> None:
        """Return to the defaults."""
        defaults = Behaviour()
        for each in fields(Behaviour):
            setattr(self, each.name, getattr(defaults, each.name))
