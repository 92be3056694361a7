"""Cancellation: one token that a signal sets, and that steps, waits and progress callbacks look at."""

from __future__ import annotations

import contextlib
import copy
import threading
from typing import TYPE_CHECKING

from deploy.errors import DeployError, unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

NOTHING_CHANGED = "Nothing was changed."
NOTHING_TO_RUN = "Nothing needs to be run again."


class Cancelled(BaseException):
    """Somebody asked the deploy to end; no `except Exception` on the way may swallow it."""


class Cancellation:
    """What a deploy looks at to see whether it should end, and what it would leave behind then.

    With a `grace` in seconds the step in hand may take that long after the request; without one it ends at
    the next look. Every method can be called from any thread.
    """

    def __init__(self) -> None:
        self.grace = 0.0
        self.reason = ""
        self._consequence = NOTHING_CHANGED
        self._requested = threading.Event()
        self._cancelled = threading.Event()
        self._cleanups: list[_Once] = []
        self._children: dict[str, Self] = {}

    def child(self, name: str) -> Self:
        """Return the token of one of several deploys at once; it shares all but the consequence.

        That begins with what an earlier child of this name has left.
        """
        child = copy.copy(self)
        child._children = {}  # noqa: SLF001 - of its own kind
        earlier = self._children.get(name)
        child.consequence = earlier.consequence if earlier else NOTHING_CHANGED
        self._children[name] = child
        return child

    @property
    def has_children(self) -> bool:
        """Whether this is the token of several deploys at once."""
        return bool(self._children)

    @property
    def consequence(self) -> str:
        """What an end now leaves behind; of several deploys, what each does."""
        each = {name: child.consequence for name, child in self._children.copy().items()}
        if all(consequence == NOTHING_CHANGED for consequence in each.values()):
            return self._consequence
        return "\n".join(f"{name}: {consequence}" for name, consequence in each.items())

    @consequence.setter
    def consequence(self, consequence: str) -> None:
        self._consequence = consequence

    def request(self, reason: str) -> None:
        """Ask for the end before the next step; `reason` is shown to the reader, such as SIGTERM."""
        self.reason = reason
        self._requested.set()

    def cancel(self) -> None:
        """Ask for the end now, within a step."""
        self._requested.set()
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled if the step in hand has to end."""
        if self._cancelled.is_set():
            raise Cancelled

    def check_between_steps(self) -> None:
        """Raise Cancelled if no other step may begin."""
        if self._requested.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Wait within a step; raises Cancelled as soon as the step has to end."""
        self._cancelled.wait(seconds)
        self.check()

    def wait_between_steps(self, seconds: float) -> None:
        """Wait with nothing in hand; raises Cancelled as soon as somebody asks for the end."""
        self._requested.wait(seconds)
        self.check_between_steps()

    @contextlib.contextmanager
    def leaving(self, consequence: str, *, if_refused: str = "") -> Iterator[None]:
        """Say what an end within this block leaves behind, by a signal or by an error.

        An inner block knows better, and so do children. A call that was refused leaves `if_refused`, if that
        is given. An exception that nobody foresaw becomes an error that says what was left, too.
        """
        before = self._consequence
        self.consequence = consequence
        try:
            yield
        except Cancelled:
            raise  # with what was left where it was raised
        except Exception as raised:
            left = self.consequence
            self.consequence = before
            error = raised if isinstance(raised, DeployError) else unexpected(raised)
            error.left = error.left or (if_refused if error.is_refusal and if_refused else left)
            if error is raised:
                raise
            raise error from raised
        except BaseException:
            self.consequence = before
            raise
        self.consequence = before

    @contextlib.contextmanager
    def cleanup(self, action: Callable[[], None]) -> Iterator[None]:
        """Call `action` once when this block ends, or from `clean_up` if the block never does."""
        once = _Once(action)
        self._cleanups.append(once)
        try:
            yield
        finally:
            once()
            self._cleanups.remove(once)

    def clean_up(self) -> None:
        """Do what blocks that are stuck would do at their end, and wait for those that are doing it."""
        for once in reversed(self._cleanups[:]):
            with contextlib.suppress(Exception):  # the others have to be done too
                once()


class _Once:
    """A call that is made once, whichever thread comes first; the others wait until it is over."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._lock = threading.Lock()
        self._done = False

    def __call__(self) -> None:
        with self._lock:
            if not self._done:
                self._done = True
                self._action()
