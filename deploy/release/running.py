"""The deployment of CodeDeploy's that shifts an alias now, found by what the alias says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.release.description import ShiftNote, parse_note

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.aws.function import Function


@dataclass(frozen=True)
class Running:
    """A deployment under way: the version that the alias leaves, and its goal, empty if not known yet.

    `is_rollback` if CodeDeploy undoes another deployment by it, `goes_back` if `deploy rollback` began it.
    """

    id: str
    origin: str
    goal: str
    phase: str = ""
    is_rollback: bool = False
    goes_back: bool = False

    @property
    def before(self) -> str:
        """The version that was live before somebody began to shift."""
        return self.goal if self.is_rollback else self.origin

    def __str__(self) -> str:
        return f"{self.id}, version {self.origin} to {self.goal or 'another one'}"


def find_running(function: Function, alias: Alias | None) -> Running | None:
    """Return the deployment that shifts an alias; CodeDeploy is asked only if the alias hints at one.

    An alias hints at it by weights, or by a shift that is recorded and was not followed to its end. Needs
    codedeploy:ListDeployments, GetDeployment, ListDeploymentTargets and GetDeploymentTarget then.
    """
    if function.session.target.settings.shifting is None or alias is None:
        return None
    noted = parse_note(alias.description).shift
    if noted is None and not alias.weights:
        return None
    return find_deployment(function, alias.name, alias.version, noted)


def find_deployment(
    function: Function, alias: str, version: str = "", noted: ShiftNote | None = None
) -> Running | None:
    """Return the deployment of an alias that is under way, whatever hints at it.

    One that has not begun does not say what it shifts: it counts only if the caller knows that one was begun
    for the alias, at that `version`.
    """
    from deploy.aws.codedeploy import CodeDeploy

    target = function.session.target
    shift = target.settings.shifting
    if shift is None:
        return None
    codedeploy = CodeDeploy(function.session, shift, function.cancellation)
    for deployment_id in codedeploy.running():
        shifted = codedeploy.shifted(deployment_id)
        if shifted is None and version:  # what is recorded was written for it
            goal, back = (noted.goal, noted.goes_back) if noted else ("", False)
            return Running(deployment_id, version, goal, goes_back=back)
        if shifted and (shifted.function, shifted.alias) == (target.function.name, alias):
            phases = (event.name for event in shifted.events if event.status == "InProgress")
            is_rollback = codedeploy.deployment(deployment_id).is_rollback
            back = noted is not None and noted.goes_back and noted.goal == shifted.goal
            return Running(deployment_id, shifted.origin, shifted.goal, next(phases, ""), is_rollback, back)
    return None
