"""What is shown of a shift: one that is under way, and what one that is over has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.release.description import pending_shift
from deploy.release.naming import SET_AGAIN

if TYPE_CHECKING:
    from deploy.aws.answers import Alias
    from deploy.release.running import Running
    from deploy.release.state import State
    from deploy.target.settings import Settings


def shift_line(settings: Settings, state: State) -> str:
    """Return what is to be said of a shift; empty if there is nothing."""
    alias, running = state.alias, state.shift
    if alias is None:
        return ""
    if settings.shifting is None:
        noted = pending_shift(alias) if alias.weights else None
        return f"{noted.way}, as the alias records; {SET_AGAIN}" if noted else ""
    if state.shift_refused:
        return f"unknown. {state.shift_refused}"
    if running is not None:
        return _progress(alias, running)
    if alias.weights:
        return "none is under way, and the weights stay: `deploy rollback --force` removes them"
    noted = pending_shift(alias)
    return f"the last one, {noted.way}, did not get there" if noted else ""


def _progress(alias: Alias, running: Running) -> str:
    phase = f" ({running.phase})" if running.phase else ""
    so_far = f"{running}{phase}: {_share(alias, running):.0%} of the traffic so far"
    if running.is_rollback:
        return f"{so_far}; CodeDeploy undoes a shift by it"
    if running.goes_back:
        return f"{so_far}; `deploy rollback` has begun it, and nothing needs to be run"
    return f"{so_far}; `deploy` follows it, `deploy rollback` stops it"


def _share(alias: Alias, running: Running) -> float:
    """Return the share of the traffic that the goal has: all of it once the alias is there."""
    is_there = alias.version == running.goal and not alias.weights
    return 1.0 if is_there else alias.weights.get(running.goal, 0.0)


def shift_document(state: State) -> dict[str, object] | None:
    """Describe the shift that is under way for a program; None if the alias is not shifted."""
    alias, running = state.alias, state.shift
    if alias is None or running is None:
        return None
    return {
        "deployment": running.id,
        "from": running.origin,
        "to": running.goal or None,
        "phase": running.phase or None,
        "weight": _share(alias, running),
    }
