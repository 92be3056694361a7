"""Threads that share work: as many as were asked for, or as many as the system has room for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Job = TypeVar("Job")
Value = TypeVar("Value")


def work_on(jobs: Sequence[Job], work: Callable[[Job], Value], threads: int) -> Iterator[Value]:
    """Do all jobs, several at a time, and yield what each gives, in their order.

    If no other thread can be started, those that run do all of the work; at worst, this one does.
    """
    from concurrent.futures import Future  # it takes its time, and most apps have one function

    futures: list[Future[Value]] = [Future() for _ in jobs]
    left, lock = iter(zip(jobs, futures, strict=True)), threading.Lock()

    def run() -> None:
        while True:
            with lock:
                job, future = next(left, (None, None))
            if job is None or future is None:
                return
            try:
                future.set_result(work(job))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)

    started = []
    for _ in range(min(threads, len(jobs))):
        # As a daemon: a process that has to end does not wait for one that is stuck.
        thread = threading.Thread(target=run, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no room for it
            break
        started.append(thread)
    if not started:
        run()
    try:
        for future in futures:
            yield future.result()
    finally:
        for thread in started:
            thread.join()
