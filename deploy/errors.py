"""What can go wrong, told to a person: what happened, why, and what to do next."""

from __future__ import annotations

import errno
import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LITTLE_MEMORY = 8 * 1024 * 1024  # bytes; with less, nothing works


class DeployError(Exception):
    """Something refused or failed on the way; exit status 1.

    `what` is one sentence that names the thing, `why` the reason as far as it is known, `todo` what the
    reader can do now, and `left` what a step that may have changed something left behind. None of them ever
    holds the value of a config var or a credential. `code` is AWS's own, such as ResourceConflictException,
    if AWS refused; `is_refusal` says that a call was refused and so changed nothing. Without it, what was
    asked may have been done all the same. `causes` are those of the functions that it sums up.
    """

    exit_code = 1
    code = ""
    left = ""
    is_refusal = False
    causes: Sequence[DeployError] = ()

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo

    def to_dict(self) -> dict[str, object]:
        """Describe it for a program."""
        left = {"left": self.left} if self.left else {}
        return {"error": {"what": self.what, "why": self.why, "todo": self.todo, **left}}


class InputError(DeployError):
    """The settings, the arguments or the artifact are wrong; exit status 2."""

    exit_code = 2
    is_refusal = True


def unexpected(error: BaseException) -> DeployError:
    """Describe an exception that nobody foresaw, without its text, which may hold anything."""
    if is_from_lack_of_memory(error):
        return DeployError(
            "There is too little memory here.",
            why="The system refused to give the deploy more of it.",
            todo="Run it where about 100 MiB are free; the size of the package does not matter.",
        )
    explained = DeployError(
        f"The deploy stopped at an internal error ({type(error).__name__}).",
        why="This is a bug in the buildpack, or something that it does not foresee.",
        todo="Run it again with --debug and report what it prints; it holds no value of your config.",
    )
    explained.__cause__ = error
    return explained


def is_from_lack_of_memory(error: BaseException) -> bool:
    """Whether an exception comes from a lack of memory; many libraries raise another one than MemoryError."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return not has_room(LITTLE_MEMORY)


def has_room(size: int) -> bool:
    """Whether the system would give this process so many bytes more."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True
