"""What became of a fleet, for a person at a glance and for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import DeployError
from deploy.fleet.conclusion import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.fleet.apply import Outcome
    from deploy.fleet.parallel import Result
    from deploy.fleet.status import Status
    from deploy.output import Report

HEADER = ("function", "version", "before", "after", "outcome", "time")
STATUS_HEADER = ("function", "wanted", "live", "called", "status")

NAMED = "named, live already"  # another version had the same package

# In the order in which a reader looks for them.
STATES = (
    "interrupted",
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
    NAMED,
    "live",
)


def outcome_of(outcome: Outcome, *, is_plan: bool) -> str:
    """Return what became of a function, in a word or two."""
    if outcome.error:
        return "interrupted" if outcome.error.code == INTERRUPTED else "failed"
    action = outcome.plan.action if outcome.plan else "nothing"
    if action == "nothing":
        return "live"
    if is_plan:
        return "would move" if action == "move" else "would be promoted"
    if outcome.is_moved:
        return "moved" if action == "move" else "promoted"
    if outcome.is_named:
        return NAMED
    return "prepared" if outcome.is_prepared and action == "promote" else "not moved"


def sum_up(states: Sequence[str]) -> str:
    """Return how many functions are in each state, the most interesting first."""
    known = sorted(dict.fromkeys(states), key=STATES.index)
    counts = ", ".join(f"{states.count(state)} {state}" for state in known)
    return f"{_counted(len(states))}: {counts}"


def report_outcomes(
    outcomes: Sequence[Outcome], report: Report, *, is_plan: bool, keep_going: bool = False
) -> None:
    """Show each function and the sum. Raises DeployError if one of them failed."""
    show_outcomes(outcomes, report, is_plan=is_plan)
    failed = [outcome.name for outcome in outcomes if outcome.error]
    if failed:
        error = _failed(failed, len(outcomes))
        error.causes = [outcome.error for outcome in outcomes if outcome.error]
        if not is_plan:
            error.left = _left(outcomes)
            error.todo = _todo(outcomes, keep_going=keep_going)
        raise error


def show_outcomes(outcomes: Sequence[Outcome], report: Report, *, is_plan: bool) -> None:
    """Show each function and the sum."""
    states = [outcome_of(outcome, is_plan=is_plan) for outcome in outcomes]
    rows = [HEADER]
    for outcome, state in zip(outcomes, states, strict=True):
        plan = outcome.plan
        after = ((plan.version or "new") if is_plan else outcome.version) if plan else ""
        version, before = outcome.wanted.version.text, plan.before if plan else ""
        after = after or ("-" if plan else "")
        rows.append((outcome.name, version, before, after, state, f"{outcome.seconds:.1f} s"))
    _show_plans(outcomes, report)
    report.step(sum_up(states))
    report.table(rows)
    _point_out_kept_config(outcomes, report)
    report.document(
        {
            "changed": any(outcome.is_moved or outcome.is_named for outcome in outcomes),
            "functions": [to_dict(outcome, is_plan=is_plan) for outcome in outcomes],
        }
    )


def _show_plans(outcomes: Sequence[Outcome], report: Report) -> None:
    """Show on a terminal what was planned: the board has gone. A log has the lines already."""
    plans = [(outcome.name, outcome.plan) for outcome in outcomes if outcome.plan]
    todo = [(name, plan) for name, plan in plans if plan.action != "nothing" or plan.keeps_config]
    if report.console.is_terminal and todo:
        report.step("Planned")
        for name, plan in todo:
            report.detail(f"{name}: {plan}")


def _point_out_kept_config(outcomes: Sequence[Outcome], report: Report) -> None:
    kept = [outcome.wanted for outcome in outcomes if outcome.plan and outcome.plan.keeps_config]
    if kept:
        names, first = ", ".join(f"{wanted.name}.env" for wanted in kept), kept[0]
        report.notice(
            "A version keeps the config that it was published with. These files say something else and were "
            f"not used: {names}.\nTo change the config, promote a version with another name. Or take the "
            "name away from the version here, and apply again: `aws lambda delete-alias --function-name "
            f"{first.name} --name {first.version.alias}`"
        )


def _left(outcomes: Sequence[Outcome]) -> str:
    if moved := [outcome.name for outcome in outcomes if outcome.is_moved]:
        return f"Live aliases were moved on {len(moved)} of {_counted(len(outcomes))}: {', '.join(moved)}."
    published = sum(o.is_prepared and o.plan is not None and o.plan.action == "promote" for o in outcomes)
    if not published:
        return "No live alias was moved."
    those = "1 promoted version is" if published == 1 else f"{published} promoted versions are"
    return f"No live alias was moved. {those} published and verified here; the next run uses what is there."


def _todo(outcomes: Sequence[Outcome], *, keep_going: bool) -> str:
    todo = "Fix what the errors above say, and run `deploy fleet apply` again: what is done is left out."
    is_any_left = any(outcome.plan and not outcome.error and not outcome.is_moved for outcome in outcomes)
    if keep_going or not is_any_left:
        return todo
    return f"{todo} With --keep-going those move that can be prepared."


def to_dict(outcome: Outcome, *, is_plan: bool) -> dict[str, object]:
    """Describe what became of a function for a program."""
    plan = outcome.plan
    return {
        "function": outcome.name,
        "name": outcome.wanted.version.text,
        "action": plan.action if plan else None,
        "config": (plan.config_from or None) if plan else None,
        "as_is": plan.is_as_is if plan else False,
        "keeps_config": plan.keeps_config if plan else False,
        "verified": plan.is_verified if plan and plan.action != "nothing" else False,
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
