"""Names of versions: which alias has to stand for a version, and whether its name is free.

A name stays with its base: it moves from one config of it to another, and to another base only by --force.
Like the plan, this decides from values alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError
from deploy.release.description import pending_shift
from deploy.release.steps.name import NameVersion
from deploy.target.record import Record, parse_record
from deploy.target.version import PACKAGE
from deploy.text import printable

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.release.candidate import Candidate
    from deploy.release.state import State
    from deploy.target.settings import Settings
    from deploy.target.version import VersionName

SET_AGAIN = "set _LAMBDA_SHIFT again: `deploy` then waits for the shift, `deploy rollback` stops it"
SET_ANOTHER = "Give this version a name of its own in _LAMBDA_VERSION."


def name_version(
    candidate: Candidate, settings: Settings, state: State, version: str | None, *, force: bool
) -> tuple[NameVersion, ...]:
    """Decide what gives a version its name, the one to be published if none is given; nothing if it has it.

    Raises InputError if the name is taken, and DeployError if its alias routes by weights, unless `force`.
    """
    name, named = candidate.name, state.named
    if name is None:
        return ()
    if name.alias == settings.alias:
        is_version = name.alias[0].isdigit()
        raise InputError(
            f"The alias {name.alias} would be the name of one version and what each deploy moves.",
            why=f"_LAMBDA_VERSION gives a version the name {name.text}, and _LAMBDA_ALIAS or the qualifier "
            "of _LAMBDA_FUNCTION_ARN is the same alias.",
            todo="Give the alias that is moved a name such as live."
            if is_version
            else "Give the version a name such as 1.1.1, or `package`, in _LAMBDA_VERSION.",
        )
    conflict = find_conflict(candidate, settings, state)
    if conflict and not force:
        raise conflict
    if named is None:
        return (NameVersion(name, None, candidate.record, None, version),)
    if named.version == version and not conflict:
        return ()
    return (NameVersion(name, named.version, candidate.record, named.revision_id, version),)


def find_conflict(candidate: Candidate, settings: Settings, state: State) -> DeployError | None:
    """Return why a version of this base can't get its name; None if it can."""
    name, named = candidate.name, state.named
    if name is None or named is None:
        return None
    recorded = parse_record(named.description)
    if recorded and recorded.name not in {None, name.text}:
        return InputError(
            f"The versions {printable(recorded.name or '')} and {name.text} would have the same alias, "
            f"{name.alias}.",
            why="AWS takes no dots and no `+` in the name of an alias: each of them becomes a dash.",
            todo=f"{SET_ANOTHER} `deploy --force` takes the alias away from the other one.",
        )
    if named.weights:
        return routes_by_weights(named)
    if _is_of_this_base(candidate, state, named, recorded):
        return None
    return InputError(
        f"The version {name.text} is there already, with a different base: the alias {name.alias} is version "
        f"{named.version}.",
        why=f"A name stays with its base, and only the config may change. {_of_other_base(state, named)}",
        todo=f"Raise the version{' in the app, and push it' if settings.version == PACKAGE else ''}. "
        "`deploy --force` moves the name nevertheless.",
    )


def is_called(alias: Alias, name: VersionName) -> bool:
    """Whether an alias stands for this name, and not for another one with the same alias."""
    record = parse_record(alias.description)
    return record is None or record.name in {None, name.text} or name.text == alias.name


def called(alias: Alias) -> str:
    """Return the name that an alias stands for; its own if nothing else is recorded."""
    record = parse_record(alias.description)
    return printable(record.name) if record and record.name else alias.name


def stands_for_a_name(alias: Alias) -> bool:
    """Whether a deploy has made the alias the name of a version."""
    record = parse_record(alias.description)
    return record is not None and record.name is not None


def routes_by_weights(alias: Alias) -> DeployError:
    """Return the error for an alias that is in the middle of a shift."""
    weights = ", ".join(f"{weight:.0%} to version {other}" for other, weight in alias.weights.items())
    if noted := pending_shift(alias):
        return DeployError(
            f"The alias {alias.name} routes by weights.",
            why=f"It sends {weights}: CodeDeploy is shifting it, {noted.way}, as its description records.",
            todo=f"{SET_AGAIN[0].upper()}{SET_AGAIN[1:]}.",
        )
    return DeployError(
        f"The alias {alias.name} routes by weights.",
        why=f"It points at version {alias.version} and sends {weights}. Somebody, CodeDeploy or a "
        "person, may be in the middle of a shift.",
        todo="Wait until it is over, or end it: `deploy --force` points the alias at one version.",
    )


def _is_of_this_base(candidate: Candidate, state: State, named: Alias, recorded: Record | None) -> bool:
    """Whether the version that has the name now is of the candidate's base.

    What is recorded with the version holds; the alias may have been moved by hand.
    """
    version = state.version(named.version)
    if version and version.code_sha256 == candidate.package.code_sha256:
        return True
    record = (parse_record(version.description) if version else None) or recorded
    return record is not None and record.is_of(candidate.base.sha256)


def _of_other_base(state: State, named: Alias) -> str:
    version = state.version(named.version)
    record = parse_record(version.description) if version else None
    record = record or parse_record(named.description)
    if record is None:
        return f"Nothing is recorded about the base of version {named.version}."
    return f"Version {named.version} comes from {printable(record.summary())}."
