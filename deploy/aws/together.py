"""Calls at the same time, so that they take no longer than the slowest of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def together(calls: Iterable[Callable[[], None]]) -> None:
    """Make calls at the same time, and return when all are over; raise what one of them raised."""
    errors: list[BaseException] = []

    def make(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            errors.append(error)

    *others, last = calls
    threads = []
    for call in others:
        thread = threading.Thread(target=make, args=(call,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no further thread can be started
            make(call)
        else:
            threads.append(thread)
    make(last)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
