"""A change set, carried out by CloudFormation and followed until it is over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.config.redaction import redactor_for
from deploy.errors import DeployError
from deploy.stack.change import destructive
from deploy.stack.outcome import describe, first_cause, has_failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy.aws.cloudformation import Event, State
    from deploy.cancel import Cancellation
    from deploy.config.redaction import Redactor
    from deploy.output import Report
    from deploy.stack.plan import StackPlan
    from deploy.target.environment import Target

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0  # seconds between two looks


@dataclass(frozen=True)
class Applied:
    """The state that a stack ended in, and its outputs."""

    status: str
    outputs: Mapping[str, str]


def check_changes(plan: StackPlan) -> None:
    """Raise DeployError if something would be replaced or removed."""
    losses = destructive(plan.changes)
    if not losses:
        return
    meanings = dict.fromkeys(change.meaning for change in losses if change.meaning)
    raise DeployError(
        f"{len(losses)} resource{'s' * (len(losses) > 1)} of {plan.stack.name} would be replaced or removed.",
        why="\n".join((*map(str, losses), *meanings)),
        todo="If that is meant: `deploy stack apply --allow-replacement`",
    )


def execute(plan: StackPlan, target: Target, report: Report, cancellation: Cancellation) -> Applied:
    """Have CloudFormation carry out a plan, and follow it. Raise DeployError with the cause if it fails.

    An end meanwhile leaves CloudFormation at work.
    """
    stack, token = plan.stack, f"lambda-deploy-{uuid.uuid4()}"
    region = target.region
    working = (
        f"CloudFormation goes on with {stack.name} by itself. It is done when `aws cloudformation "
        f"describe-stacks --stack-name {stack.name} --region {region}` says COMPLETE."
    )
    cancellation.check_between_steps()
    with cancellation.leaving(working, if_refused="Nothing was changed."):
        try:
            plan.deletion.is_needed = False
            stack.execute(plan.change_set, token)
        except DeployError as error:
            plan.deletion.is_needed = error.is_refusal
            raise
    with cancellation.leaving(working):
        state, events = _follow(plan, token, redactor_for(target), report, cancellation)
    if has_failed(state.status):
        raise _failure(plan, state, events, target)
    return Applied(state.status, state.outputs)


def _follow(
    plan: StackPlan, token: str, redactor: Redactor, report: Report, cancellation: Cancellation
) -> tuple[State, list[Event]]:
    """Report what happens until nothing is under way any more; return the state and all events."""
    stack, stack_id = plan.stack, plan.change_set.stack_id
    seen: set[str] = set()
    done: set[str] = set()
    pause = FIRST_PAUSE
    while True:
        # The state first: what has happened by then is among the events.
        state = stack.state(stack_id)
        events = stack.events(stack_id, token)
        is_rolled_back = False
        for event in events:
            is_rolled_back |= not event.name and "ROLLBACK" in event.status
            if event.id not in seen and (line := describe(event, is_rolled_back=is_rolled_back)):
                report.detail(redactor.redact_start(line))
            if event.name and event.status.endswith("_COMPLETE"):
                done.add(event.name)
        seen |= {event.id for event in events}
        # Just after the start it may look as if nothing had begun.
        if state and events and not state.is_busy:
            return state, events
        total = max(len(plan.changes), len(done))
        report.progress("CloudFormation", len(done), total, "resources")
        cancellation.wait(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _failure(plan: StackPlan, state: State, events: Sequence[Event], target: Target) -> DeployError:
    name, cause = plan.stack.name, first_cause(events)
    says = f"{cause.name or name} ({cause.kind}): {cause.reason}" if cause else state.reason
    what = "created" if plan.is_new else "updated"
    error = DeployError(
        f"The stack {name} could not be {what}.",
        why=redactor_for(target).redact_start(f"It failed first at {says}" if cause else says),
        todo="Fix the cause, and run `deploy stack apply` again.",
    )
    left = {
        "DELETE_COMPLETE": "What it had created was deleted again, except what a DeletionPolicy keeps.",
        "UPDATE_ROLLBACK_COMPLETE": "It was rolled back: everything is as it was before.",
        "ROLLBACK_COMPLETE": "What had been created was deleted again; the empty stack was left.",
    }
    error.left = left.get(
        state.status, f"It was left as {state.status}: `deploy stack plan` says the way out."
    )
    return error
