"""A deployment of CodeDeploy's, followed to its end: a line for each phase, progress on a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from deploy.aws.codes import DENIED
from deploy.aws.deployment import ALARM, STOPPED
from deploy.config.redaction import redactor_for
from deploy.errors import DeployError
from deploy.release.ending import Ending

if TYPE_CHECKING:
    from deploy.aws.codedeploy import CodeDeploy
    from deploy.aws.deployment import Deployment, Event, Pace, Shifted
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.release.running import Running

PAUSE = 10.0  # seconds between two looks
LOOKS_FOR_ROLLBACK = 6  # that the alias gets to be whole again after a deployment that has failed
TRAFFIC = "AllowTraffic"
BEFORE, AFTER = "BeforeAllowTraffic", "AfterAllowTraffic"


class Follower:
    """Follows the deployments of one alias, and reports what happens once."""

    def __init__(
        self,
        codedeploy: CodeDeploy,
        function: Function,
        alias: str,
        report: Report,
        cancellation: Cancellation,
    ) -> None:
        self._codedeploy = codedeploy
        self._function = function
        self._alias = alias
        self._report = report
        self._cancellation = cancellation
        self._told: set[str] = set()
        self._pace: Pace | None = None

    def follow(self, running: Running, *, waits: bool = True) -> Ending | None:
        """Wait until a deployment is over, and its rollback, if there is one; return its end.

        Return None as soon as traffic shifts if it `waits` no longer than that.
        """
        while True:
            self._cancellation.check_between_steps()
            deployment = self._codedeploy.deployment(running.id)
            shifted = self._codedeploy.shifted(running.id)
            has_begun = self._tell(deployment, shifted, running)
            if deployment.is_over:
                return self._end(deployment, shifted)
            if has_begun and not waits:
                return None
            self._cancellation.wait(PAUSE)

    def _end(self, deployment: Deployment, shifted: Shifted | None) -> Ending:
        if deployment.status == "Succeeded":
            return Ending(True, self._function.alias(self._alias))
        if deployment.rollback_id:
            self._report.detail(f"CodeDeploy rolls it back ({deployment.rollback_id})")
            while not self._codedeploy.deployment(deployment.rollback_id).is_over:
                self._cancellation.check_between_steps()
                self._cancellation.wait(PAUSE)
        alias = self._function.alias(self._alias)
        for _ in range(LOOKS_FOR_ROLLBACK):
            if alias is None or not alias.weights:
                break
            self._cancellation.check_between_steps()
            self._cancellation.wait(PAUSE)
            alias = self._function.alias(self._alias)
        return Ending(False, alias, deployment.error_code, self._reason(deployment, shifted))

    def _reason(self, deployment: Deployment, shifted: Shifted | None) -> str:
        """Return why a deployment has failed, as far as CodeDeploy says."""
        redact = redactor_for(self._function.session.target).redact_start
        said = f"AWS says: {redact(deployment.error or 'nothing')}"
        for event in shifted.events if shifted else ():
            if event.status == "Failed" and event.name in {BEFORE, AFTER}:
                message = f": {redact(event.message)}" if event.message else ""
                hook = f"The hook {self._hook(event)}".rstrip()  # another deploy's may not be in the settings
                return f"{hook} ({event.name}) failed{message}\n{said}"
        if deployment.error_code == ALARM:
            return f"An alarm was on. {said}"
        if deployment.error_code == STOPPED:
            return f"Somebody stopped it; CloudTrail shows by whom (StopDeployment). {said}"
        code = f" ({deployment.error_code})" if deployment.error_code else ""
        return f"{said}{code}"

    # --- what is reported -------------------------------------------------------------------------

    def _tell(self, deployment: Deployment, shifted: Shifted | None, running: Running) -> bool:
        """Report what is new; return whether traffic has begun to shift."""
        if shifted is None:
            return False
        for event in shifted.events:
            if event.name in {BEFORE, AFTER} and self._hook(event):
                self._tell_hook(event)
        traffic = shifted.event(TRAFFIC)
        if traffic is None or traffic.status == "Pending":
            return False
        if traffic.status == "InProgress" and not deployment.is_over:
            self._tell_traffic(deployment, traffic, shifted.goal or running.goal)
        return True

    def _tell_hook(self, event: Event) -> None:
        what = {"InProgress": "runs", "Succeeded": "has passed", "Failed": "has failed"}.get(event.status)
        if what:
            self._once(f"{event.name}: {self._hook(event)} {what}")

    def _tell_traffic(self, deployment: Deployment, traffic: Event, goal: str) -> None:
        alias = self._function.alias(self._alias)
        weight = alias.weights.get(goal, 0.0) if alias else 0.0
        if not weight:
            return
        pace = self._read_pace(deployment.config)
        passed = max(0, int(time.time() - traffic.started))
        left = f"; all of it in about {_minutes(pace.seconds - passed)}" if pace else ""
        gets = f"Version {goal} gets {weight:.0%} of the traffic"
        if gets not in self._told:
            self._told.add(gets)
            self._report.detail(f"{gets}{left}")
        if pace and self._report.console.is_terminal:
            label = f"{gets}{left}"
            self._report.progress(label, min(passed, pace.seconds), pace.seconds, "seconds")

    def _read_pace(self, config: str) -> Pace | None:
        """Return how the deployment shifts, which only a reader needs."""
        if self._pace is None and config and "pace" not in self._told:
            self._told.add("pace")
            try:
                self._pace = self._codedeploy.pace(config)
            except DeployError as error:
                if error.code not in DENIED:
                    raise
        return self._pace

    def _hook(self, event: Event) -> str:
        shift = self._codedeploy.shift
        return (shift.hook_before if event.name == BEFORE else shift.hook_after) or ""

    def _once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._report.detail(text)


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    if minutes >= 120:  # noqa: PLR2004
        return f"{minutes // 60} hours"
    return f"{minutes} minute{'s' * (minutes != 1)}"
