"""The plan: which steps are missing. It decides from values alone, and touches nothing.

Without an alias a deploy is one step, the upload to $LATEST. With one, or with a name for versions, it is

    upload → publish a version → verify it → give it its name → move the alias → delete old versions

and each step that is done already is left out. A version that has the wanted code and configuration is
used again, so that going back to an earlier release moves the alias and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.artifact.composition import goes_via_bucket
from deploy.errors import InputError
from deploy.release.description import failed_shift, pending_shift, previous_version
from deploy.release.move import ALWAYS, clear_alias, describe, move_alias
from deploy.release.naming import called, is_called, name_version, routes_by_weights
from deploy.release.steps.alias import MoveAlias, RecordRelease
from deploy.release.steps.cleanup import DeleteVersions
from deploy.release.steps.code import UpdateCode
from deploy.release.steps.name import NameVersion
from deploy.release.steps.shift import FollowShift, ShiftAlias, ShiftOptions
from deploy.release.steps.verification import VerifyVersion
from deploy.release.steps.version import PublishVersion
from deploy.target.record import UNKNOWN
from deploy.target.version import is_number, parse_name

if TYPE_CHECKING:
    from deploy.artifact.package import Package
    from deploy.release.candidate import Candidate
    from deploy.release.state import State
    from deploy.release.steps.step import Step
    from deploy.target.provenance import Provenance
    from deploy.target.settings import Settings
    from deploy.target.version import VersionName


@dataclass(frozen=True)
class Plan:
    """The steps that are missing; none if a later release of the same app is deployed already.

    With `again` they only clear the way, and what is missing then is decided again.
    """

    steps: tuple[Step, ...]
    is_older: bool = False
    again: bool = False

    @property
    def changes(self) -> bool:
        """Whether that changes what the function runs; recording a release does not."""
        return any(not isinstance(step, RecordRelease) for step in self.steps)

    @property
    def version(self) -> str | None:
        """The version that an alias is moved to, None if it is published first, or no alias is moved."""
        moves = (s.version for s in self.steps if isinstance(s, NameVersion | MoveAlias | ShiftAlias))
        return next(moves, None)

    @property
    def shifts(self) -> bool:
        """Whether CodeDeploy is asked to begin a shift."""
        return any(isinstance(step, ShiftAlias) for step in self.steps)

    @property
    def follows(self) -> bool:
        """Whether a shift that is under way brings all that is missing."""
        return any(isinstance(step, FollowShift) and step.is_wanted for step in self.steps)

    @property
    def publishes(self) -> bool:
        """Whether a version is published."""
        return any(isinstance(step, PublishVersion) for step in self.steps)

    @property
    def uploads(self) -> bool:
        """Whether a package is sent."""
        return any(isinstance(step, UpdateCode) for step in self.steps)


def decide(
    candidate: Candidate,
    settings: Settings,
    state: State,
    options: ShiftOptions = ALWAYS,
    *,
    force: bool = False,
) -> Plan:
    """Decide what brings the function to this package; nothing if it is there.

    Raises DeployError if the alias routes by weights, or the name is taken, and `force` is not set.
    """
    package, provenance = candidate.package, candidate.provenance
    if provenance.is_older_than(state.recorded) and not force:
        return Plan((), is_older=True)
    latest = state.latest
    upload = UpdateCode(
        package.code_sha256,
        package.size,
        latest.revision_id if latest else None,
        settings.bucket if goes_via_bucket(package) else None,
        settings.source_key_arn or state.source_key_arn,
    )
    is_latest = (
        latest is not None
        and latest.code_sha256 == package.code_sha256
        and not latest.has_failed
        and settings.source_key_arn in {None, state.source_key_arn}
    )
    if not settings.publishes:
        return Plan(() if is_latest else (upload,))
    version = _reusable(package, state)
    if way := clear_alias(settings, state.alias, state.shift, version, options, force=force):
        return Plan((way,), again=True)
    naming = name_version(candidate, settings, state, version, force=force)
    move = move_alias(settings, state.alias, version, provenance, options, force=force)
    steps: list[Step] = []
    if version is None:
        steps += [] if is_latest else [upload]
        steps.append(PublishVersion(package.code_sha256, candidate.record))
    if settings.verification and (naming or move):
        steps.append(VerifyVersion(settings.verification, version))
    record = () if move else _record(state, provenance)
    # While CodeDeploy shifts, a rollback may still need the version before the one that the alias leaves.
    goes_on = not options.waits and any(isinstance(step, ShiftAlias) for step in move)
    cleanup = () if goes_on else _cleanup(settings, state, version)
    return Plan((*steps, *naming, *move, *record, *cleanup))


def _record(state: State, provenance: Provenance) -> tuple[RecordRelease, ...]:
    """Keep the number also if nothing else changes, so that no older release overtakes it."""
    if state.alias is None or not provenance.note or provenance.note in state.alias.description:
        return ()
    return (RecordRelease(describe(state.alias, provenance), state.alias),)


def _reusable(package: Package, state: State) -> str | None:
    """Return the newest version that has this code, $LATEST's configuration, and not failed."""
    usable = (each for each in state.reusable(package.code_sha256) if not each.has_failed)
    return next((each.version for each in usable), None)


def _cleanup(settings: Settings, state: State, version: str | None) -> tuple[DeleteVersions, ...]:
    """Choose the oldest versions beyond those to keep; never one that an alias needs."""
    if settings.keep_versions is None:
        return ()
    needed = {version} if version else set()
    for alias in state.aliases:
        needed |= {alias.version, *alias.weights}
        # An alias that moves now goes back to the version that it leaves, and to no earlier one.
        if alias.name != settings.alias or alias.version == version:
            needed |= {previous} if (previous := previous_version(alias)) else set()
    newly_published = version is None
    keep = settings.keep_versions - newly_published
    old = state.versions[: len(state.versions) - keep] if keep > 0 else state.versions
    doomed = tuple(each.version for each in old if each.version not in needed)
    return (DeleteVersions(doomed),) if doomed else ()


# --- going back -----------------------------------------------------------------------------------

ANOTHER_VERSION = "Name another version: `deploy rollback VERSION`; `deploy status --versions` lists them."
SEE_VERSIONS = "Name one: `deploy rollback VERSION`; `deploy status --versions` lists them."


def check_rollback(settings: Settings, version: str | None) -> VersionName | None:
    """Return the name that a rollback goes to, None if it goes to a number or to the version before.

    Raise InputError if the settings or the arguments rule it out, whatever AWS says.
    """
    if settings.alias is None:
        raise InputError(
            "There is nothing to roll back: no deploy moves an alias.",
            todo="Set _LAMBDA_ALIAS, and each deploy after the first one to it can be undone. Without one, a "
            "deploy of an earlier release of the app brings that back.",
        )
    if version is None or is_number(version):
        return None
    try:
        name = parse_name(version)
    except ValueError:
        raise InputError(
            "A rollback goes to a published version, by its number or by a name such as 1.1.0.",
            todo=SEE_VERSIONS,
        ) from None
    if name.alias == settings.alias:
        raise InputError(f"{version} is the alias that a rollback moves.", todo=SEE_VERSIONS)
    return name


def plan_rollback(
    settings: Settings,
    state: State,
    version: str | None,
    options: ShiftOptions = ALWAYS,
    *,
    force: bool = False,
) -> Plan:
    """Decide what takes the alias back to a version, to the one before if none is named.

    While CodeDeploy shifts the alias, that is the one which it leaves. Raises InputError if there is no such
    version.
    """
    if settings.alias is None or state.alias is None:
        raise InputError(f"There is no alias {settings.alias} yet.", todo="The first deploy creates it.")
    if version and not is_number(version):
        version = _named_version(settings, state, parse_name(version), force=force)
    if version:
        _check_known(state, version)
    if settings.shifting is None and state.alias.weights and pending_shift(state.alias) and not force:
        raise routes_by_weights(state.alias)
    is_forced = force or state.shift is not None
    way = clear_alias(settings, state.alias, state.shift, version, options, force=is_forced)
    if way is not None:
        return Plan((way,), again=True)
    if version is None and failed_shift(state.alias):
        return Plan(())  # it is back where it was; the version before would be one too far
    version = version or previous_version(state.alias)
    if version is None:
        is_alone = len(state.versions) == 1
        raise InputError(
            f"The alias {settings.alias} does not remember a version before {state.alias.version}.",
            why="That is the only version: there is none to roll back to." if is_alone else "",
            todo="Each deploy of something else publishes one." if is_alone else SEE_VERSIONS,
        )
    _check_known(state, version)
    move = move_alias(settings, state.alias, version, UNKNOWN, options, force=force)
    if move and settings.verification:
        return Plan((VerifyVersion(settings.verification, version, ANOTHER_VERSION), *move))
    return Plan(move)


def _check_known(state: State, version: str) -> None:
    if state.version(version) is None:
        raise InputError(
            f"There is no version {version}.",
            why=f"There are: {', '.join(known.version for known in state.versions) or 'none'}.",
            todo="Name one of them: `deploy rollback VERSION`",
        )


def _named_version(settings: Settings, state: State, name: VersionName, *, force: bool) -> str:
    """Return the version that has a name; raise InputError with the known names if none has it."""
    named = state.named
    if named is None:
        known = (called(alias) for alias in state.aliases if alias.name != settings.alias)
        names = ", ".join(sorted(known))
        raise InputError(
            f"No version is called {name.text}.",
            why=f"There are: {names}." if names else "",
            todo=SEE_VERSIONS,
        )
    if not is_called(named, name):
        raise InputError(
            f"No version is called {name.text}: the alias {named.name} stands for {called(named)}.",
            todo=f"`deploy rollback {called(named)}` goes there.",
        )
    if named.weights and not force:
        raise routes_by_weights(named)
    return named.version
