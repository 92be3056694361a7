"""The end of a shift: its outcome, the record of it, and the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.codes import SHIFT_FAILED, SHIFTING
from deploy.aws.deployment import ALARM
from deploy.cancel import NOTHING_TO_RUN
from deploy.errors import DeployError
from deploy.release.description import Note, parse_note, settled_note

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
    what = f"CodeDeploy carries on with the shift of {name} ({running}). `deploy status` shows how far it is"
    if running.goes_back:
        # `deploy rollback` would stop this one and go to the version that it leaves.
        return f"{what}. {NOTHING_TO_RUN}"
    return f"{what}, another `deploy` follows it, and `deploy rollback` stops it."


def takes_back(name: str, running: Running) -> str:
    """Return what an end leaves of a shift that is being stopped."""
    return (
        f"CodeDeploy stops the shift of {name} ({running}), and takes all traffic back to version "
        f"{running.origin}. `deploy status` shows how far it is."
    )


def settle(
    name: str, ending: Ending, function: Function, report: Report, note: Note | None = None
) -> Alias | None:
    """Record where the alias is now that nothing shifts it; return it as it was found.

    What is there says the same in another way, so it does not matter if this fails. A shift that has not got
    to its goal stays on the record: it is shown, and a rollback does not go to the version before.
    """
    alias = ending.alias
    if alias is None or alias.weights:
        return alias
    note = note or (settled_note(alias) if ending.succeeded else parse_note(alias.description))
    description = note.describe()
    if description != alias.description:
        try:
            function.update_alias(name, alias.version, description, alias.revision_id)
        except DeployError as error:
            report.notice(f"The description of {name} could not be brought up to date. {error.what}")
    return alias


def failed(name: str, version: str, running: Running, ending: Ending, command: str) -> DeployError:
    """Return the error for a shift that has not brought the alias to its goal, followed by a command."""
    todo = f"Fix the function, its config or the hook, and run `{command}` again."
    if ending.code == ALARM:
        todo = f"Fix what the alarm is about. If an old alarm blocks the fix: `{command} --ignore-alarms`"
    if running.goes_back:
        what = "the alarm" if ending.code == ALARM else "the hooks"
        todo = f"`{command} --now` goes back at once, without CodeDeploy and {what}."
        if ending.code == ALARM:
            todo = f"{todo} `{command} --ignore-alarms` shifts back in spite of the alarm."
    error = DeployError(
        f"The shift of {name} to version {version} failed ({running.id}).", why=ending.why, todo=todo
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
