"""What can go wrong, told to a person: what happened, why, and what to do next."""

from __future__ import annotations


class DeployError(Exception):
    """Something refused or failed on the way; exit status 1.

    `what` is one sentence that names the thing, `why` the reason as far as it is known, `todo` what the
    reader can do now, and `left` what a step that may have changed something left behind. None of them ever
    holds the value of a config var or a credential. `code` is AWS's own, such as ResourceConflictException,
    if AWS refused.
    """

    exit_code = 1
    code = ""
    left = ""

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


def unexpected(error: BaseException) -> DeployError:
    """Describe an exception that nobody foresaw, without its text, which may hold anything."""
    return DeployError(
        f"The deploy stopped at an internal error ({type(error).__name__}).",
        why="This is a bug in the buildpack, or something that it does not foresee.",
        todo="Run it again with --debug and report what it prints; it holds no value of your config.",
    )
