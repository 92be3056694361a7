"""The events of an operation: what was done, and what it failed by. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.aws.cloudformation import Event

# A resource whose turn was over because another one failed.
CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
WORDS = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "IMPORT": "imported"}


def describe(event: Event, *, is_rolled_back: bool) -> str:
    """Return what an event says happened to a resource; empty if it is under way, or about the stack."""
    verb, _, end = event.status.partition("_")
    if not event.name or verb not in WORDS:
        return ""
    if end == "FAILED":
        return "" if is_cancelled(event) else f"{event.name} ({event.kind}) FAILED: {event.reason}"
    if end != "COMPLETE":
        return ""
    word = "restored" if is_rolled_back and verb == "UPDATE" else WORDS[verb]
    return f"{word} {event.name} ({event.kind})"


def is_cancelled(event: Event) -> bool:
    """Whether a resource failed only because another one did."""
    return event.reason.startswith(CANCELLED)


def first_cause(events: Sequence[Event]) -> Event | None:
    """Return the first failure that is not the consequence of another one."""
    failed = [event for event in events if event.status.endswith("_FAILED") and event.reason]
    of_resources = [event for event in failed if event.name]
    causes = [event for event in of_resources if not is_cancelled(event)]
    return next(iter((*causes, *of_resources, *failed)), None)


def has_failed(status: str) -> bool:
    """Whether a stack in this state is not what was asked for."""
    return not status.startswith(("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"))
