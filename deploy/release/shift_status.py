"""What is shown of a shift: one that is under way, and what one that is over has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.release.description import pending_shift

if TYPE_CHECKING:
    from deploy.release.state import State
    from deploy.target.settings import Settings


def shift_line(settings: Settings, state: State) -> str:
    """Return what is to be said of a shift; empty if there is nothing."""
    alias, running = state.alias, state.shift
    if alias is None or settings.shifting is None:
        return ""
    if running is not None:
        phase = f" ({running.phase})" if running.phase else ""
        return (
            f"{running}{phase}: {alias.weights.get(running.goal, 0.0):.0%} of the traffic so far; `deploy` "
            "follows it, `deploy rollback` stops it"
        )
    if alias.weights:
        return "none is under way, and the weights stay: `deploy rollback --force` removes them"
    noted = pending_shift(alias)
    return f"the last one, version {noted.origin} to {noted.goal}, did not get there" if noted else ""


def shift_document(state: State) -> dict[str, object] | None:
    """Describe the shift that is under way for a program; None if there is none."""
    alias, running = state.alias, state.shift
    if alias is None or running is None:
        return None
    return {
        "deployment": running.id,
        "from": running.origin,
        "to": running.goal or None,
        "phase": running.phase or None,
        "weight": alias.weights.get(running.goal, 0.0),
    }
