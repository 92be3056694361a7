"""Why a job failed, as CodePipeline takes it: a type, and a message that names the functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy.aws.codes import (
    CONFLICT,
    CUT,
    DENIED,
    LOST,
    NO_ANSWER,
    NO_CREDENTIALS,
    REPLACED,
    THROTTLED,
    UNKNOWN_VERSION,
    UNREACHABLE,
)
from deploy.errors import InputError
from deploy.fleet.artifact import UNREADABLE
from deploy.target.job import as_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.aws.pipeline import FailureType
    from deploy.errors import DeployError
    from deploy.fleet.apply import Outcome

LONGEST_LIST = 1500  # characters of names in a message
OVERTAKEN = frozenset({REPLACED, LOST, CONFLICT})
TYPES: dict[FailureType, frozenset[str]] = {
    "PermissionError": DENIED
    | {NO_CREDENTIALS, "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId"},
    "RevisionOutOfSync": OVERTAKEN,
    "RevisionUnavailable": frozenset({UNKNOWN_VERSION, UNREADABLE}),
    "SystemUnavailable": THROTTLED | {NO_ANSWER, CUT, UNREACHABLE},
}

# What people type elsewhere, and what they write into UserParameters in its place.
PHRASES = (
    (re.compile(r"`deploy fleet apply --as-is FILE`"), '`"as_is": true`'),
    (re.compile(r"With --keep-going those"), 'With `"keep_going": true` those'),
    (re.compile(r"--policy --fleet (deployer|source)"), "--policy --step"),
    (re.compile(r"`--config-dir DIR` with a file \S+, or "), ""),
    (re.compile(r"[Rr]un `deploy fleet apply` again"), "retry the stage"),
    (re.compile(r"(?:Run `deploy`|run `deploy`|Run it|run it|[Rr]un) again\b"), "retry the stage"),
)


def type_of(error: DeployError) -> FailureType:
    """Return the type that an error is for CodePipeline."""
    if isinstance(error, InputError):
        return "ConfigurationError"
    for name, codes in TYPES.items():
        if error.code in codes:
            return name
    return "SystemUnavailable" if error.code and not error.is_refusal else "JobFailed"


def message_of(error: DeployError) -> str:
    """Return what is said of an error to who wrote the pipeline."""
    parts = (error.what, error.why, error.left, error.todo)
    return as_keys(reworded("\n".join(part for part in parts if part)))


def fail(outcomes: Sequence[Outcome]) -> tuple[FailureType, str]:
    """Return the type and the message for functions of which at least one failed."""
    errors = {outcome.name: outcome.error for outcome in outcomes if outcome.error}
    types = {type_of(error) for error in errors.values()}
    moved = [outcome.name for outcome in outcomes if outcome.is_moved]
    functions = f"{len(outcomes)} function{'s' * (len(outcomes) != 1)}"
    parts = [f"{len(errors)} of {functions} failed: {_listed(list(errors))}."]
    parts.append(f"Moved: {_listed(moved)}." if moved else "No live alias was moved.")
    alike: dict[str, list[str]] = {}
    for name, error in errors.items():
        alike.setdefault(f"{error.what} {error.why}".strip(), []).append(name)
    parts += [f"{_listed(names)}: {text}" for text, names in alike.items()]
    if len(alike) == 1:
        parts += {error.todo for error in errors.values()}
    message = as_keys(reworded("\n".join(part for part in parts if part)))
    return types.pop() if len(types) == 1 else "JobFailed", message


def is_overtaken(outcomes: Sequence[Outcome]) -> bool:
    """Whether all that failed did so because somebody else was at work at the same time."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    return bool(errors) and all(error.code in OVERTAKEN for error in errors)


def _listed(names: Sequence[str]) -> str:
    """Return names as far as there is room for them."""
    shown: list[str] = []
    for name in names:
        if sum(map(len, shown)) + 2 * len(shown) > LONGEST_LIST:
            return f"{', '.join(shown)} and {len(names) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)


def reworded(text: str) -> str:
    """Return a message with what people do in a pipeline in place of what they type elsewhere."""
    for phrase, other in PHRASES:
        text = phrase.sub(other, text)
    return text
