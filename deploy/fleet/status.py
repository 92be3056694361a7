"""The status of a fleet: which version of each function is live, and whether it is the wanted one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.aws.codes import DENIED
from deploy.errors import DeployError
from deploy.fleet.board import run_phase
from deploy.fleet.survey import check_exists, read_aliases
from deploy.release.naming import called, stands_for_a_name
from deploy.release.running import find_running

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.fleet.parallel import Result
    from deploy.fleet.survey import Fleet
    from deploy.output import Report
    from deploy.target.environment import Target


@dataclass(frozen=True)
class Status:
    """What is live, by its number and by the names that it has, and where the wanted version is."""

    live: Alias | None
    names: tuple[str, ...]
    wanted: str
    here: str | None
    is_shifting: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the wanted version is live, and nothing else beside it."""
        return self.live is not None and self.live.version == self.here and not self.live.weights

    @property
    def verdict(self) -> str:
        """How that compares with what is wanted."""
        if self.is_shifting:
            return "shifting"
        if self.live and self.live.weights:
            return "routes by weights"
        if self.is_live:
            return "live"
        return "in this account, not live" if self.here else "not in this account"


def read_status(fleet: Fleet, report: Report, cancellation: Cancellation) -> list[Result[Status]]:
    """Read the status of each function: by two calls if the wanted version is live, and one more if not."""

    def look(target: Target, _report: Report, cancellation: Cancellation) -> Status:
        wanted, function = fleet.wanted(target), fleet.function(target, cancellation)
        live, named = read_aliases(function, wanted)
        status = Status(live, (wanted.version.text,), wanted.version.text, named.version if named else None)
        if live is None:
            check_exists(function)
        if status.is_live:
            return status
        is_shifting = find_running(function, live) is not None
        names = _names(function, live) if live else ()
        return Status(live, names, status.wanted, status.here, is_shifting)

    return run_phase("Looking", fleet.targets, look, report, cancellation)


def _names(function: Function, live: Alias) -> tuple[str, ...]:
    """Return the names of a version; none if the deployer may not list the aliases."""
    try:
        aliases = function.aliases()
    except DeployError as error:
        if error.code in DENIED:
            return ()
        raise
    return tuple(
        called(alias)
        for alias in aliases
        if alias.version == live.version and alias.name != live.name and stands_for_a_name(alias)
    )
