"""What can go wrong, told to a person: what happened, why, and what to do next."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeployError(Exception):
    """Something refused or failed on the way; exit status 1.

    `what` is one sentence that names the thing, `why` the reason as far as it is known, `todo` what
    the reader can do now. None of them ever holds the value of a config var or a credential. `code` is
    AWS's own, such as ResourceConflictException, where AWS refused.
    """

    exit_code = 1
    code = ""

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo

    def document(self) -> dict[str, object]:
        """Describe it for a program."""
        return {"error": {"what": self.what, "why": self.why, "todo": self.todo}}


class InputError(DeployError):
    """The settings, the arguments or the artifact are wrong; exit status 2."""

    exit_code = 2


class Interrupted(BaseException):
    """A signal asked the process to end; no `except Exception` on the way may swallow it.

    `consequence` tells what the interruption left behind.
    """

    NOTHING_CHANGED = "Nothing was changed."

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name
        self.consequence = self.NOTHING_CHANGED


@contextlib.contextmanager
def leaving(consequence: str) -> Iterator[None]:
    """Say what an interruption within this block leaves behind, where no inner block knows better."""
    try:
        yield
    except Interrupted as interrupted:
        if interrupted.consequence == Interrupted.NOTHING_CHANGED:
            interrupted.consequence = f"{consequence} Run deploy again."
        raise


def unexpected(error: Exception) -> DeployError:
    """Tell of an exception that nobody foresaw, without its text, which may hold anything."""
    return DeployError(
        f"The deploy stopped at a fault of its own ({type(error).__name__}).",
        why="This is a bug in the buildpack, or something that it does not foresee.",
        todo="Run it again with --debug and report what it prints; it holds no value of your config.",
    )
