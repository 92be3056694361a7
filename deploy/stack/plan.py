"""A change set for a template: made, read, and deleted again unless it is executed."""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.aws.cloudformation import ChangeSet, Stack
from deploy.aws.codes import DENIED
from deploy.aws.session import Session
from deploy.aws.template import stage_template
from deploy.aws.wait import Deadline
from deploy.config.redaction import redactor_for
from deploy.errors import DeployError, InputError
from deploy.stack.change import Change, read_changes
from deploy.stack.stuck import REVIEW, explain_stuck

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.aws.cloudformation import State
    from deploy.cancel import Cancellation
    from deploy.output import Report
    from deploy.stack.document import Document
    from deploy.target.environment import Target

OURS = "lambda-deploy-"  # what the names of change sets begin with

# What CloudFormation says of a change set without changes, which it takes for one that failed.
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class StackPlan:
    """A change set that can be executed, or none if there is nothing to change."""

    stack: Stack
    state: State | None
    change_set: ChangeSet
    changes: tuple[Change, ...]
    deletion: Deletion

    @property
    def is_new(self) -> bool:
        """Whether there is no such stack yet."""
        return self.state is None


@contextlib.contextmanager
def planned(
    target: Target, document: Document, report: Report, cancellation: Cancellation
) -> Iterator[StackPlan]:
    """Give the change set that brings a target's stack to a template; delete it unless it was executed.

    Raise DeployError for a stack that is stuck, and for a template that CloudFormation refuses.
    """
    session = Session(target)
    stack = Stack(session, target.settings.stack or "", cancellation)
    state = _state(stack, target)
    given = _parameters(document, state)
    text = json.dumps(document.template, separators=(",", ":"))
    with contextlib.ExitStack() as until_the_end:
        with stage_template(text, session, report, cancellation) as place:
            name = f"{OURS}{uuid.uuid4()}"
            # Before it is asked for: it may be made, and the answer lost.
            deletion = Deletion(stack, name, report, is_new=state is None)
            until_the_end.enter_context(cancellation.cleanup(deletion))
            try:
                change_set = stack.create_change_set(name, place, given, is_new=state is None)
            except DeployError as error:
                deletion.is_needed = error.code not in DENIED
                raise
            deletion.stack_id = change_set.stack_id
            change_set = _wait(stack, change_set, Deadline(target.settings.timeout, report, cancellation))
        changes = () if change_set.status == "FAILED" else read_changes(change_set.changes)
        if change_set.status == "FAILED" and not any(each in change_set.reason for each in NO_CHANGES):
            raise _refused(stack, change_set, target)
        yield StackPlan(stack, state, change_set, changes, deletion)


def _state(stack: Stack, target: Target) -> State | None:
    """Return the state of a stack; None if it is new. Raise DeployError if it takes no change set."""
    state = stack.state()
    if state is None:
        return None
    # One that an interrupted plan of ours has left is as good as none.
    if state.status == REVIEW and all(each.startswith(OURS) for each in stack.change_set_names(state.id)):
        return None
    if stuck := explain_stuck(stack.name, target.region, state):
        stuck.why = redactor_for(target).redact_start(stuck.why)
        raise stuck
    return state


def _parameters(document: Document, state: State | None) -> list[dict[str, Any]]:
    """Return the values of the template's parameters: those that are given, and otherwise the stack's own.

    Raise InputError for one that the template does not have.
    """
    declared: Mapping[str, Any] = document.template.get("Parameters", {})
    given = document.parameters
    if unknown := sorted(given.keys() - declared.keys()):
        raise InputError(
            f"The template has no parameter {', '.join(unknown)}.",
            why=f"It has {', '.join(declared) or 'none'}.",
        )
    known = state.parameters if state else frozenset()
    missing = sorted(
        name
        for name, each in declared.items()
        if name not in given and name not in known and "Default" not in each
    )
    if missing:
        raise InputError(
            f"The template's parameter{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"{'have' if len(missing) > 1 else 'has'} no value.",
            todo="Write a JSON object with their values into a file, and name it: --parameters FILE",
        )
    values = [{"ParameterKey": name, "ParameterValue": given[name]} for name in declared if name in given]
    kept = [name for name in declared if name not in given and name in known]
    return values + [{"ParameterKey": name, "UsePreviousValue": True} for name in kept]


def _wait(stack: Stack, change_set: ChangeSet, deadline: Deadline) -> ChangeSet:
    for _ in deadline.pauses(f"the change set of {stack.name}"):
        change_set = stack.change_set(change_set)
        if not change_set.status.endswith(("_PENDING", "_IN_PROGRESS")):
            return change_set
    raise DeployError(
        f"CloudFormation has not made a change set of {stack.name} within {deadline.seconds} seconds.",
        todo="Run it again; with a larger _LAMBDA_TIMEOUT it waits longer.",
    )


def _refused(stack: Stack, change_set: ChangeSet, target: Target) -> DeployError:
    """Return the error for a change set that CloudFormation could not make, with what it found."""
    try:
        found = stack.refusals(change_set)
    except DeployError:  # whatever it is, the change set's own reason is there
        found = []
    return DeployError(
        f"CloudFormation refuses the template for {stack.name}.",
        why=redactor_for(target).redact_start("\n".join((f"It says: {change_set.reason}", *found))),
        todo="Fix the problem that CloudFormation reports, and run this again.",
    )


class Deletion:
    """Deletes a change set that was not executed, and the empty stack that it was made for.

    The stack's ID is known once CloudFormation has answered; until then its name is all there is.
    """

    def __init__(self, stack: Stack, name: str, report: Report, *, is_new: bool) -> None:
        self.stack_id = ""
        self._stack = stack
        self._name = name
        self._report = report
        self._is_new = is_new
        self.is_needed = True

    def __call__(self) -> None:
        """Delete what is still needed to be deleted; what can't be is pointed out."""
        stack = self._stack
        if not self.is_needed:
            return
        try:
            stack.delete_change_set(self._name, self.stack_id)
            if self._is_new:
                state = stack.state(self.stack_id)
                if state and state.status == REVIEW and not stack.change_set_names(state.id):
                    stack.delete(state.id)
        except DeployError as error:
            self._report.notice(
                f"A change set of {stack.name} could not be deleted; it has no effect.\n{error.what}"
            )
