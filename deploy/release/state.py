"""The state: what runs now, as far as a deploy needs to know it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.codes import DENIED, LATEST
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.aws.wait import wait_until_ready
from deploy.errors import DeployError
from deploy.target.provenance import Provenance, release_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Alias, Configuration
    from deploy.aws.function import Function
    from deploy.aws.wait import Deadline
    from deploy.target.environment import Target

PREVIOUS = re.compile(r" ?\[previous version: ([0-9]+)\]")


@dataclass(frozen=True)
class State:
    """What runs now; `latest` is None if the deployer may not read it."""

    latest: Configuration | None
    alias: Alias | None = None
    versions: tuple[Configuration, ...] = ()
    aliases: tuple[Alias, ...] = ()

    @property
    def recorded(self) -> Provenance | None:
        """The release that was deployed last, as the alias's description records it."""
        return release_in(self.alias.description)[1] if self.alias else None

    @property
    def serving(self) -> Configuration | None:
        """The version that the alias points at."""
        if self.alias is None:
            return None
        return next((each for each in self.versions if each.version == self.alias.version), None)


def read_state(function: Function, deadline: Deadline | None) -> State:
    """Read what runs now, waiting for an update that is under way unless there is no deadline.

    Without an alias, a deploy can do without the permission to read it; who does not wait can't.
    """
    settings = function.session.target.settings
    try:
        latest = wait_until_ready(function, deadline) if deadline else function.configuration()
    except DeployError as error:
        if error.code in DENIED and deadline and settings.alias is None:
            return State(None)
        raise
    if settings.alias is None:
        return State(latest)
    aliases = tuple(function.aliases()) if settings.keep_versions else ()
    return State(latest, function.alias(settings.alias), tuple(function.versions()), aliases)


def read_alias(function: Function) -> State:
    """Read what a rollback needs, which does not wait for $LATEST: the alias and the versions."""
    alias = function.session.target.settings.alias
    return State(None, function.alias(alias) if alias else None, tuple(function.versions()))


def previous_version(alias: Alias) -> str | None:
    """Return the version that an alias served before, as its description remembers it."""
    found = PREVIOUS.search(alias.description)
    return found[1] if found else None


def grants(target: Target) -> Iterator[Grant]:
    """Yield what reading the state, and the difference to it, needs."""
    settings, function = target.settings, function_arn(target)
    read = function_arn(target, "*" if settings.alias else LATEST)
    compare = Permission(
        "lambda:GetFunctionConfiguration",
        "do nothing if nothing changed, and wait until an update is in place",
        needed=settings.alias is not None,
    )
    yield Grant("Compare", (compare,), (function, read))
    plan = Permission("lambda:GetFunction", "show in `deploy plan` what differs", needed=False)
    yield Grant("Plan", (plan,), (function, read))
    if settings.alias:
        versions = (
            Permission("lambda:GetAlias", "see where the alias points"),
            Permission("lambda:ListVersionsByFunction", "use a version again that is wanted already"),
        )
        yield Grant("FindVersions", versions, (function,))
    if settings.keep_versions:
        listing = Permission("lambda:ListAliases", "find the versions that no alias points at")
        yield Grant("FindOldVersions", (listing,), (function,))
