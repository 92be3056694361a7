"""The end of a shift: its outcome, the record of it, and the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.codes import SHIFT_FAILED, SHIFTING
from deploy.aws.deployment import ALARM
from deploy.errors import DeployError
from deploy.release.description import Note, settled_note

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.aws.function import Function
    from deploy.output import Report
    from deploy.release.running import Running
    from deploy.target.shift_settings import Shift


@dataclass(frozen=True)
class Ending:
    """How a deployment ended: the alias as it is then, and if it is not at the goal, why."""

    succeeded: bool
    alias: Alias | None
    code: str = ""
    why: str = ""


def carries_on(name: str, running: Running) -> str:
    """Return what an end leaves of a shift that is under way."""
    return (
        f"CodeDeploy carries on with the shift of {name} ({running}). `deploy status` shows how far it is, "
        "another `deploy` follows it, and `deploy rollback` stops it."
    )


def settle(
    name: str, ending: Ending, function: Function, report: Report, note: Note | None = None
) -> Alias | None:
    """Record where the alias is now that nothing shifts it; return it as it was found.

    What is there says the same in another way, so it does not matter if this fails.
    """
    alias = ending.alias
    if alias is None or alias.weights:
        return alias
    description = (note or settled_note(alias)).describe()
    if description != alias.description:
        try:
            function.update_alias(name, alias.version, description, alias.revision_id)
        except DeployError as error:
            report.notice(f"The description of {name} could not be brought up to date. {error.what}")
    return alias


def failed(name: str, version: str, running: Running, ending: Ending) -> DeployError:
    """Return the error for a shift that has not brought the alias to its goal."""
    todo = "Fix the function, its config or the hook, and run `deploy` again."
    if ending.code == ALARM:
        todo = "Fix what the alarm is about. If an old alarm blocks the fix: `deploy --ignore-alarms`"
    error = DeployError(
        f"CodeDeploy has not shifted {name} to version {version} ({running.id}).", why=ending.why, todo=todo
    )
    alias = ending.alias
    error.left = f"All traffic of {name} goes to version {alias.version}." if alias else f"{name} is gone."
    if alias and alias.weights:
        weights = ", ".join(f"{weight:.0%} to version {other}" for other, weight in alias.weights.items())
        error.left = f"The alias {name} is at version {alias.version} and sends {weights}."
        error.todo = f"`deploy rollback --force` removes these weights. {todo}"
    error.code = SHIFT_FAILED
    return error


def busy(shift: Shift, cause: DeployError) -> DeployError:
    """Return the error for a group that makes another deployment."""
    error = DeployError(
        f"CodeDeploy makes another deployment of the group {shift.name} now.",
        why=f"A group makes one at a time. {cause.why}",
        todo="Wait until it is over, and run `deploy` again. If the group shifts other aliases as well, give "
        "this one a group of its own in _LAMBDA_CODEDEPLOY.",
    )
    error.code = SHIFTING
    return error
