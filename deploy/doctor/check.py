"""The outcome of one check of `deploy doctor`.

A check never raises and never stops another one. What it can't find out is `unknown`, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from deploy.errors import DeployError


@dataclass(frozen=True)
class Check:
    """How one check ended. `exit_status` is the command's if the function would not run what is deployed.

    `stops` says that a deploy would not even get that far.
    """

    name: str
    status: Literal["ok", "failed", "unknown"]
    detail: str = ""
    todo: str = ""
    exit_status: int = 0
    stops: bool = True

    @property
    def stops_a_deploy(self) -> bool:
        """Whether a deploy can't do without it."""
        return self.exit_status > 0 and self.stops


def ok(name: str, detail: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, "ok", detail)


def failed(name: str, error: DeployError, *, needed: bool = True, stops: bool = True) -> Check:
    """Return a check that found an error.

    A deploy works nevertheless, and the function too, if it is not `needed`; only the deploy if it does not
    `stops`.
    """
    detail = "\n".join(text for text in (error.what, error.why) if text)
    return Check(name, "failed", detail, error.todo, error.exit_code if needed else 0, stops)


def unknown(name: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, "unknown", why)
