"""How an alias comes to a version: moved at once, or shifted by CodeDeploy. It decides from values alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError
from deploy.release.description import ShiftNote, is_placeholder, parse_note, settled_note
from deploy.release.naming import called, routes_by_weights, stands_for_a_name
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.shift import FollowShift, ShiftAlias, ShiftOptions, StopShift
from deploy.target.version import is_number

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.release.running import Running
    from deploy.target.provenance import Provenance
    from deploy.target.settings import Settings

Move = MoveAlias | ShiftAlias
ALWAYS = ShiftOptions()


def move_alias(
    settings: Settings,
    alias: Alias | None,
    version: str | None,
    provenance: Provenance,
    options: ShiftOptions = ALWAYS,
    *,
    force: bool = False,
) -> tuple[Move, ...]:
    """Decide what moves the live alias to a version, to the one to be published if none is named.

    Raises InputError or DeployError if the alias is not one to be moved, unless `force`.
    """
    name = settings.alias
    if name is None:
        return ()
    if alias is None:
        return (MoveAlias(name, None, provenance.note, None, version),)
    if stands_for_a_name(alias) and not force:
        raise InputError(
            f"The alias {name} is the name of version {called(alias)}, and stays with it.",
            why="_LAMBDA_ALIAS, or the qualifier of _LAMBDA_FUNCTION_ARN, names what each deploy moves.",
            todo="Set _LAMBDA_ALIAS to another name, such as live.",
        )
    if alias.version == version and not alias.weights:
        return ()
    if alias.weights and not force:
        raise routes_by_weights(alias)
    shift = None if options.now else settings.shifting
    release = provenance if provenance.note else None
    # CodeDeploy wants a number; an alias at $LATEST or at a placeholder has nothing to shift from.
    has_served = is_number(alias.version) and not is_placeholder(alias)
    if shift and has_served and not alias.weights:
        note, revision = settled_note(alias), alias.revision_id
        return (ShiftAlias(name, alias.version, note, release, revision, shift, options, version),)
    # The end of a shift leaves the alias at its version, and what was before that one.
    previous = alias.version if alias.version != version and has_served else None
    description = describe(alias, release, previous)
    return (MoveAlias(name, alias.version, description, alias.revision_id, version),)


def describe(alias: Alias, release: Provenance | None, previous: str | None = None) -> str:
    """Return the owner's own words, the version before, and the release, within the length that AWS takes."""
    note = settled_note(alias)
    return replace(note, previous=previous or note.previous, release=release or note.release).describe()


def clear_alias(
    settings: Settings,
    alias: Alias | None,
    running: Running | None,
    version: str | None,
    options: ShiftOptions = ALWAYS,
    *,
    force: bool = False,
) -> FollowShift | StopShift | MoveAlias | None:
    """Decide what has to be over before the live alias can be moved to a version; None if nothing has.

    A shift that is under way is followed or, with `force`, stopped, unless it is a rollback. Weights that no
    shift moves any more are removed with `force`; raises DeployError without.
    """
    shift = settings.shifting
    if shift is None or alias is None:
        return None
    if running is not None:
        is_wanted = version is not None and running.goal == version
        if force and not is_wanted and not running.is_rollback:
            return StopShift(alias.name, running, shift, options)
        return FollowShift(alias.name, running, shift, is_wanted, options)
    if not alias.weights:
        return None
    if not force:
        raise left_weights(alias, shift.name)
    return MoveAlias(alias.name, alias.version, _without_weights(alias), alias.revision_id, alias.version)


def _without_weights(alias: Alias) -> str:
    """Return the description with the shift that is taken back, so that no rollback goes back further."""
    note = parse_note(alias.description)
    others = [other for other in alias.weights if other != alias.version]
    if note.shift is None and others:
        note = replace(note, shift=ShiftNote(alias.version, others[0]))
    return note.describe()


def left_weights(alias: Alias, group: str) -> DeployError:
    """Return the error for weights that no shift moves any more."""
    error = routes_by_weights(alias)
    sends = ", ".join(f"{weight:.0%} to version {other}" for other, weight in alias.weights.items())
    error.why = (
        f"It points at version {alias.version} and sends {sends}, and CodeDeploy makes no deployment of the "
        f"group {group} now. One that was stopped without a rollback leaves such weights, and so does a "
        "person. No other shift can begin before they are gone."
    )
    error.todo = (
        "`deploy --force` removes them first; `deploy rollback --force` removes them and stays at version "
        f"{alias.version}."
    )
    return error
