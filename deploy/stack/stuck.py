"""Whether a stack takes a change set, and if not, what it waits for and the way out. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (stack status codes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.aws.cloudformation import State

READY = frozenset(
    """
    CREATE_COMPLETE UPDATE_COMPLETE UPDATE_ROLLBACK_COMPLETE IMPORT_COMPLETE IMPORT_ROLLBACK_COMPLETE
    """.split()
)
REVIEW = "REVIEW_IN_PROGRESS"  # a change set was made for a stack that does not exist yet

CALL = "aws cloudformation {} {{place}}"
DELETE = f"`{CALL.format('delete-stack')}`"
FOLLOW = f"`{CALL.format('describe-stack-events')}`"
ROLL_BACK = f"`{CALL.format('rollback-stack')}`"
AFTER_CREATION = (
    f"Fix the cause, which is the first failure among its events: {FOLLOW}\n"
    f"Then delete it, and run this again: {DELETE}"
)
WAIT = "Wait until that is over: `aws cloudformation wait {} {{place}}`"
WAIT_OR_CANCEL = (
    f"{WAIT.format('stack-update-complete')}\nOr have it rolled back: `{CALL.format('cancel-update-stack')}`"
)
CONTINUE = (
    f"Fix the cause, and have it continued: `{CALL.format('continue-update-rollback')}`\n"
    "A resource that can't be brought back is left out by --resources-to-skip NAME."
)

# What a status means, and the way out.
STUCK: Mapping[str, tuple[str, str]] = {
    "ROLLBACK_COMPLETE": (
        "Its creation failed and was rolled back: it holds nothing any more.",
        AFTER_CREATION,
    ),
    "ROLLBACK_FAILED": (
        "Its creation failed, and what it had created could not be deleted.",
        AFTER_CREATION,
    ),
    "CREATE_FAILED": (
        "Its creation failed, and what it had created was left.",
        AFTER_CREATION,
    ),
    "DELETE_FAILED": (
        "Somebody has deleted it, and something stood in the way.",
        f"Clear that away, such as the objects in a bucket, and delete the rest: {DELETE}",
    ),
    "UPDATE_FAILED": (
        "An update failed, and was not rolled back.",
        f"Fix the cause, have it rolled back, and run this again: {ROLL_BACK}",
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "An update failed, and could not be rolled back.",
        CONTINUE,
    ),
    REVIEW: (
        "It does not exist yet: somebody else has made a change set for it that was not executed.",
        f"Execute that one, or give it up: {DELETE}",
    ),
    "CREATE_IN_PROGRESS": ("It is being created.", WAIT.format("stack-create-complete")),
    "DELETE_IN_PROGRESS": ("It is being deleted.", WAIT.format("stack-delete-complete")),
    "UPDATE_IN_PROGRESS": (
        "An update of it is under way.",
        WAIT_OR_CANCEL,
    ),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": (
        "An update is done, and what it has replaced is being deleted.",
        WAIT.format("stack-update-complete"),
    ),
}
BUSY = ("CloudFormation is at work on it.", f"Wait until that is over: {FOLLOW}")
UNKNOWN = ("It takes no change set in this state.", f"See what happened to it: {FOLLOW}")


def explain_stuck(name: str, region: str, state: State) -> DeployError | None:
    """Return the error for a stack that takes no change set; None if it takes one."""
    if state.status in READY:
        return None
    meaning, way_out = STUCK.get(state.status, BUSY if state.is_busy else UNKNOWN)
    says = f" CloudFormation says: {state.reason}" if state.reason else ""
    return DeployError(
        f"The stack {name} is {state.status}.",
        why=f"{meaning}{says}",
        todo=way_out.format(place=f"--stack-name {name} --region {region}"),
    )
