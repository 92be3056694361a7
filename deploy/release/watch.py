"""The formation dyno: deploys once, and then keeps running and corrects drift until a signal stops it.

The loop knows nothing of AWS: it is given an attempt to deploy and a look for drift.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

from deploy.aws.codes import DENIED, NOT_FOUND
from deploy.errors import DeployError, InputError, unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.release.deployed import Deployed

Result = TypeVar("Result")

FIRST_BACKOFF = 30.0  # seconds after a failed attempt, doubled each time, up to the interval
BEFORE_THE_END = 60.0  # seconds after wrong settings, so that restarts make no crash loop
JITTER = 0.1  # of a pause, so that many apps do not call at once
# Seconds for the step in hand; Heroku kills a dyno 30 seconds after SIGTERM, and an upload that is cut off
# then takes some of them to be deleted.
GRACE = 20.0


@dataclass(frozen=True)
class Schedule:
    """How often to look, in seconds, and whether drift is corrected or only reported."""

    interval: float
    repair: bool = True


def keep_deployed(
    attempt: Callable[[], Result | None],
    find_drift: Callable[[Result], str | None],
    schedule: Schedule,
    *,
    report: Report,
    cancellation: Cancellation,
) -> NoReturn:
    """Deploy, then look for drift every interval, for ever; ends by Cancelled or InputError.

    `attempt` deploys and returns what was deployed, None if the function is left to another deploy;
    `find_drift` returns what differs from that, None if nothing does. Whatever else they raise is reported
    and tried again.
    """
    deployed: Result | None = None
    is_deployed = False
    reported: str | None = None
    failures = 0
    while True:
        try:
            found = find_drift(deployed) if deployed is not None else None
            if found and found != reported:
                report.notice(found)
            reported = found
            if not is_deployed or (found and schedule.repair):
                deployed, is_deployed, reported = attempt(), True, None
        except InputError:
            raise  # wrong settings stay wrong until the owner changes them
        except Exception as error:  # noqa: BLE001 - a dyno that ends is started again, over and over
            failure = error if isinstance(error, DeployError) else unexpected(error)
            report.error(failure)
            report.document(failure.to_dict())
            pause = min(FIRST_BACKOFF * 2**failures, schedule.interval)
            failures = min(failures + 1, 16)
            report.detail(f"Trying again in {pause:.0f} seconds")
        else:
            if failures:
                report.detail("It works again")
            failures = 0
            pause = schedule.interval
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        cancellation.wait_between_steps(pause * spread)


class DriftFinder:
    """Looks for drift, adds a note to what it finds, and says once if the deployer may not see any."""

    def __init__(self, function: Function, report: Report, note: str = "") -> None:
        self._function = function
        self._report = report
        self._note = note
        self._is_blind = False

    def find(self, deployed: Deployed) -> str | None:
        """Return what differs from what was deployed, None if nothing does."""
        try:
            found = find_drift(self._function, deployed)
            return f"{found}\n{self._note}".rstrip() if found else None
        except DeployError as error:
            if error.code not in DENIED:
                raise
            if not self._is_blind:
                self._report.notice(f"Drift can't be seen. {error.what}\n{error.todo}")
            self._is_blind = True
            return None


def find_drift(function: Function, deployed: Deployed) -> str | None:
    """Compare by one read call what runs with what was deployed; return what differs, None if nothing does.

    Needs lambda:GetFunctionConfiguration, with an alias on its versions, and lambda:GetAlias if it has moved.
    """
    if deployed.is_older:
        return None
    if deployed.alias is not None:
        return _alias_drift(function, deployed.alias, deployed.version)
    latest = function.configuration()
    if not latest.is_ready:
        return None
    if latest.has_failed:
        return f"The last update of {function.name} failed: {latest.failure}"
    if latest.code_sha256 == deployed.code_sha256:
        return None
    return (
        f"{function.name} runs a different package from the one that was deployed here. It was changed at "
        f"{latest.last_modified or 'an unknown time'}; CloudTrail shows by whom (UpdateFunctionCode)."
    )


def _alias_drift(function: Function, name: str, version: str | None) -> str | None:
    try:
        serving = function.configuration(name)
    except DeployError as error:
        if error.code != NOT_FOUND:
            raise
    else:
        if serving.version == version:
            if not serving.has_failed:
                return None
            return f"Version {version} of {function.name}, which {name} serves, has failed: {serving.failure}"
    alias = function.alias(name)
    if alias is None:
        return (
            f"The alias {name} of {function.name} is gone, or the function is; CloudTrail shows by whom "
            "(DeleteAlias, DeleteFunction)."
        )
    # Weights are a shift that someone else makes; a deploy would stop at it too.
    if alias.weights or alias.version == version:
        return None
    return (
        f"The alias {name} of {function.name} points at version {alias.version}, not at version {version}, "
        "which was deployed here; CloudTrail shows by whom and when (UpdateAlias)."
    )
