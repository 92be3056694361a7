"""The state: what runs now, as far as a deploy needs to know it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.aws.codes import DENIED, LATEST, NOT_FOUND
from deploy.aws.permissions import Grant, Permission, function_arn
from deploy.aws.refusals import container_image
from deploy.aws.wait import wait_until_ready
from deploy.errors import DeployError
from deploy.release.description import recorded_release
from deploy.release.running import Running, find_running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Alias, Configuration
    from deploy.aws.function import Function
    from deploy.aws.wait import Deadline
    from deploy.target.environment import Target
    from deploy.target.provenance import Provenance
    from deploy.target.version import VersionName


@dataclass(frozen=True)
class State:
    """What runs now; `latest` is None if the deployer may not read it.

    `source_key_arn` is the customer's KMS key that encrypts the code of $LATEST, if it matters and is known.
    `named` is the alias that stands for the version's name, `shift` what CodeDeploy does with the live one,
    `shift_refused` why that is not known.
    """

    latest: Configuration | None
    alias: Alias | None = None
    versions: tuple[Configuration, ...] = ()
    aliases: tuple[Alias, ...] = ()
    source_key_arn: str | None = None
    named: Alias | None = None
    shift: Running | None = None
    shift_refused: str = ""

    @property
    def recorded(self) -> Provenance | None:
        """The release that was deployed last, as the alias's description records it."""
        alias = self.alias
        return recorded_release(alias, is_shifting=bool(self.shift or alias.weights)) if alias else None

    @property
    def serving(self) -> Configuration | None:
        """The version that the alias points at."""
        return self.version(self.alias.version) if self.alias else None

    def version(self, number: str) -> Configuration | None:
        """Return a version by its number."""
        return next((each for each in self.versions if each.version == number), None)

    @property
    def ready(self) -> set[str]:
        """The versions that are known to be ready."""
        ready = (each for each in self.versions if each.state and each.is_ready and not each.has_failed)
        return {each.version for each in ready}

    def reusable(self, code_sha256: str) -> Iterator[Configuration]:
        """Yield the versions with this code and the configuration that $LATEST has now, newest first."""
        running = self.latest.running if self.latest else None
        for version in reversed(self.versions):
            if version.code_sha256 == code_sha256 and version.running == running:
                yield version


def read_state(
    function: Function,
    deadline: Deadline | None,
    code_sha256: str,
    name: VersionName | None = None,
    *,
    shows_only: bool = False,
) -> State:
    """Read what runs now, waiting for an update that is under way unless there is no deadline.

    Without an alias, a deploy can do without the permission to read it; who does not wait can't. With one,
    versions with the code `code_sha256` are looked at one by one: AWS lists them without their states. What
    `shows_only` can do without what CodeDeploy may refuse.
    """
    settings = function.session.target.settings
    try:
        latest = wait_until_ready(function, deadline) if deadline else function.configuration()
    except DeployError as error:
        if error.code in DENIED and deadline and not settings.publishes:
            return State(None)
        raise
    if latest.is_image:
        raise container_image(function.name)
    key_arn = read_source_key(function) if settings.source_key_arn else None
    if not settings.publishes:
        return State(latest, source_key_arn=key_arn)
    aliases = tuple(function.aliases()) if settings.keep_versions else ()
    alias = function.alias(settings.alias) if settings.alias else None
    named = _find_alias(function, name, aliases) if name else None
    shift, refused = None, ""
    try:
        shift = find_running(function, alias)
    except DeployError as error:
        if not shows_only or not error.is_refusal:
            raise
        refused = error.what
    versions = tuple(function.versions())
    state = State(latest, alias, versions, aliases, key_arn, named, shift, refused)
    return _examined(state, function, code_sha256)


def _find_alias(function: Function, name: VersionName, aliases: tuple[Alias, ...]) -> Alias | None:
    """Return the alias of a name, from those that were listed already, if they were."""
    if aliases:
        return next((alias for alias in aliases if alias.name == name.alias), None)
    return function.alias(name.alias)


def read_source_key(function: Function) -> str | None:
    """Return the key that encrypts the code; the one that is wanted, if the deployer may not know."""
    try:
        return function.source_key()
    except DeployError as error:
        if error.code in DENIED:
            return function.session.target.settings.source_key_arn
        raise


def _examined(state: State, function: Function, code_sha256: str) -> State:
    """Return the state with the states of versions that could be used again, up to the first usable one."""
    examined: dict[str, Configuration] = {}
    gone: set[str] = set()
    for version in state.reusable(code_sha256):
        try:
            now = function.configuration(version.version)
        except DeployError as error:
            if error.code != NOT_FOUND:
                raise
            gone.add(version.version)  # by a cleanup since they were listed
            continue
        examined[version.version] = replace(
            version, state=now.state, state_reason=now.state_reason, update_status=now.update_status
        )
        if not now.has_failed:
            break
    versions = (examined.get(each.version, each) for each in state.versions if each.version not in gone)
    return replace(state, versions=tuple(versions))


def read_alias(function: Function, name: VersionName | None = None) -> State:
    """Read what a rollback needs, which does not wait for $LATEST: the alias and the versions.

    If it goes to a name that is not there, it needs the names that are.
    """
    settings = function.session.target.settings
    alias = function.alias(settings.alias) if settings.alias else None
    named = function.alias(name.alias) if name else None
    aliases = () if name is None or named else read_aliases(function) or ()
    shift = find_running(function, alias)
    return State(None, alias, tuple(function.versions()), aliases, named=named, shift=shift)


def read_aliases(function: Function) -> tuple[Alias, ...] | None:
    """Return all aliases; None if the deployer may not list them."""
    try:
        return tuple(function.aliases())
    except DeployError as error:
        if error.code in DENIED:
            return None
        raise


def grants(target: Target) -> Iterator[Grant]:
    """Yield what reading the state, and the difference to it, needs."""
    settings, function = target.settings, function_arn(target)
    read = function_arn(target, "*" if settings.publishes else LATEST)
    compare = Permission(
        "lambda:GetFunctionConfiguration",
        "do nothing if nothing changed, and wait until an update is in place",
        needed=settings.publishes,
    )
    yield Grant("Compare", (compare,), (function, read))
    purpose = "show in `deploy plan` what differs, and keep the key that encrypts the package"
    plan = Permission("lambda:GetFunction", purpose, needed=False)
    yield Grant("Plan", (plan,), (function, read))
    if settings.publishes:
        versions = (
            Permission("lambda:GetAlias", "see where the alias points"),
            Permission("lambda:ListVersionsByFunction", "use a version again that is wanted already"),
        )
        yield Grant("FindVersions", versions, (function,))
    if settings.keep_versions:
        listing = Permission("lambda:ListAliases", "find the versions that no alias points at")
        yield Grant("FindOldVersions", (listing,), (function,))
    elif settings.version:
        listing = Permission("lambda:ListAliases", "show the names of versions", needed=False)
        yield Grant("ListNames", (listing,), (function,))
