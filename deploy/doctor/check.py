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
    """How one check ended. `exit_status` is the command's if a deploy can't do without it."""

    name: str
    status: Literal["ok", "failed", "unknown"]
    detail: str = ""
    todo: str = ""
    exit_status: int = 0


def ok(name: str, detail: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, "ok", detail)


def failed(name: str, error: DeployError, *, needed: bool = True) -> Check:
    """Return a check that found an error; a deploy works nevertheless if it is not `needed`."""
    detail = "\n".join(text for text in (error.what, error.why) if text)
    return Check(name, "failed", detail, error.todo, error.exit_code if needed else 0)


def unknown(name: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, "unknown", why)
