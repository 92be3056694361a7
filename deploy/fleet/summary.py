"""What became of a fleet, for a person at a glance and for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.fleet.apply import Outcome
    from deploy.fleet.parallel import Result
    from deploy.fleet.status import Status
    from deploy.output import Report

HEADER = ("function", "version", "before", "after", "outcome", "time")
STATUS_HEADER = ("function", "wanted", "live", "called", "status")

# In the order in which a reader looks for them.
STATES = (
    "failed",
    "not moved",
    "prepared",
    "would be promoted",
    "would move",
    "promoted",
    "moved",
    "shifting",
    "routes by weights",
    "not in this account",
    "in this account, not live",
    "live",
)


def outcome_of(outcome: Outcome, *, is_plan: bool) -> str:
    """Return what became of a function, in a word or two."""
    if outcome.error:
        return "failed"
    action = outcome.plan.action if outcome.plan else "nothing"
    if action == "nothing":
        return "live"
    if is_plan:
        return "would move" if action == "move" else "would be promoted"
    if outcome.is_moved:
        return "moved" if action == "move" else "promoted"
    return "prepared" if outcome.is_prepared and action == "promote" else "not moved"


def sum_up(states: Sequence[str]) -> str:
    """Return how many functions are in each state, the most interesting first."""
    known = sorted(dict.fromkeys(states), key=STATES.index)
    counts = ", ".join(f"{states.count(state)} {state}" for state in known)
    return f"{_counted(len(states))}: {counts}"


def report_outcomes(outcomes: Sequence[Outcome], report: Report, *, is_plan: bool) -> None:
    """Show each function and the sum. Raises DeployError if one of them failed."""
    states = [outcome_of(outcome, is_plan=is_plan) for outcome in outcomes]
    rows = [HEADER]
    for outcome, state in zip(outcomes, states, strict=True):
        plan = outcome.plan
        after = ((plan.version or "new") if is_plan else outcome.version) if plan else ""
        version, before = outcome.wanted.version.text, plan.before if plan else ""
        after = after or ("-" if plan else "")
        rows.append((outcome.name, version, before, after, state, f"{outcome.seconds:.1f} s"))
    report.step(sum_up(states))
    report.table(rows)
    report.document(
        {
            "changed": any(outcome.is_moved for outcome in outcomes),
            "functions": [to_dict(outcome, is_plan=is_plan) for outcome in outcomes],
        }
    )
    failed = [outcome.name for outcome in outcomes if outcome.error]
    if failed:
        error = _failed(failed, len(outcomes))
        error.left = "" if is_plan else _left(outcomes)
        raise error


def _left(outcomes: Sequence[Outcome]) -> str:
    if any(outcome.is_moved for outcome in outcomes):
        return "What became of each stands in the table above, and why in its own error."
    published = sum(o.is_prepared and o.plan is not None and o.plan.action == "promote" for o in outcomes)
    kept = f" {published} promoted versions are published here; the next run uses them." if published else ""
    return f"No live alias was moved.{kept} With --keep-going those move that can be prepared."


def to_dict(outcome: Outcome, *, is_plan: bool) -> dict[str, object]:
    """Describe what became of a function for a program."""
    plan = outcome.plan
    return {
        "function": outcome.name,
        "name": outcome.wanted.version.text,
        "action": plan.action if plan else None,
        "before": plan.live.version if plan and plan.live else None,
        "after": (plan.version if plan else None) if is_plan else outcome.version,
        "outcome": outcome_of(outcome, is_plan=is_plan),
        "seconds": round(outcome.seconds, 3),
        **(outcome.error.to_dict() if outcome.error else {}),
    }


def report_status(results: Sequence[Result[Status]], report: Report) -> None:
    """Show what is live on each function. Raises DeployError if one could not be read."""
    rows, states, documents = [STATUS_HEADER], [], []
    for result in results:
        status = result.value
        states.append(status.verdict if status else "failed")
        live = status.live.version if status and status.live else None
        names = ", ".join(status.names) if status else ""
        rows.append((result.name, status.wanted if status else "", live or "-", names, states[-1]))
        documents.append(
            {
                "function": result.name,
                "name": status.wanted if status else None,
                "version": live,
                "names": list(status.names) if status else [],
                "weights": dict(status.live.weights) if status and status.live else {},
                "status": states[-1],
                **(result.error.to_dict() if result.error else {}),
            }
        )
    report.step(sum_up(states))
    report.table(rows)
    report.document({"functions": documents})
    if failed := [result.name for result in results if result.error]:
        raise _failed(failed, len(results))


def _failed(names: Sequence[str], count: int) -> DeployError:
    return DeployError(f"{len(names)} of {_counted(count)} failed: {', '.join(names)}.")


def _counted(count: int) -> str:
    return f"{count} function{'s' * (count != 1)}"
