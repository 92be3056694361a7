"""The same work for several targets at once: results, errors and the end of it."""

import io
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from deploy.cancel import NOTHING_CHANGED, Cancellation, Cancelled
from deploy.errors import DeployError
from deploy.fleet.parallel import Result, names, run_each
from deploy.output import Report
from deploy.target.environment import Target
from deploy.terminal import Console
from targets import ARN, target

ORDERS, BILLING, MAIL = (target(_LAMBDA_FUNCTION_ARN=ARN.replace("my-function", name)) for name in "abc")
PATIENCE = 20.0  # seconds


def run(
    work: Callable[[Target, Report, Cancellation], Any], cancellation: Cancellation | None = None
) -> tuple[list[Result[Any]], str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    report = Report(Console(stdout, stderr))
    results = run_each((ORDERS, BILLING, MAIL), work, report, cancellation or Cancellation())
    return results, stdout.getvalue(), stderr.getvalue()


def test_the_results_come_in_the_order_of_the_targets() -> None:
    """Whichever ends first; all of them run at the same time."""
    together = threading.Barrier(3)

    def work(target: Target, report: Report, _cancellation: Cancellation) -> str:
        together.wait(PATIENCE)
        report.detail("done")
        return target.function.name.upper()

    results, stdout, _ = run(work)
    assert [result.value for result in results] == ["A", "B", "C"]
    assert sorted(stdout.splitlines()) == [f"       {name}: done" for name in "abc"]


def test_an_error_of_one_is_told_with_its_name() -> None:
    """Also one that nobody foresaw; the others have their results."""

    def work(target: Target, _report: Report, _cancellation: Cancellation) -> str:
        if target is BILLING:
            raise DeployError("Refused.", todo="Ask again.")
        if target is MAIL:
            raise KeyError("a secret")
        return "done"

    results, _, stderr = run(work)
    assert [result.value for result in results] == ["done", None, None]
    assert " !     b: Refused.\n" in stderr
    assert "c: The deploy stopped at an internal error (KeyError)." in stderr
    assert "secret" not in stderr
    assert results[1].document == {"function": "b", **DeployError("Refused.", todo="Ask again.").to_dict()}


def test_documents_are_kept_for_whoever_reports_on_all() -> None:
    """A program reads one list, not three documents."""
    stdout = io.StringIO()
    report = Report(Console(stdout, io.StringIO(), as_json=True))

    def work(target: Target, named: Report, _cancellation: Cancellation) -> None:
        named.document({"region": target.region})

    results = run_each((ORDERS, BILLING), work, report, Cancellation())
    assert stdout.getvalue() == ""
    report.document([result.document for result in results])
    assert json.loads(stdout.getvalue()) == [
        {"function": "a", "region": "eu-west-1"},
        {"function": "b", "region": "eu-west-1"},
    ]


def test_an_end_tells_what_each_leaves() -> None:
    """One is done, one is in the middle, and one has not begun: no sentence fits all three."""
    cancellation, is_done = Cancellation(), threading.Event()

    def work(target: Target, _report: Report, token: Cancellation) -> None:
        if target is ORDERS:
            token.consequence = "Done."
            is_done.set()
            return
        is_done.wait(PATIENCE)
        if target is BILLING:
            with token.leaving("Half of it is there."):
                cancellation.cancel()
                token.wait(PATIENCE)
        token.wait(PATIENCE)

    with pytest.raises(Cancelled):
        run(work, cancellation)
    assert cancellation.consequence == f"a: Done.\nb: Half of it is there.\nc: {NOTHING_CHANGED}"


def test_an_error_about_all_tells_what_each_has_left() -> None:
    """Such as a document that can't be written: no sentence from before the work is true any more."""
    cancellation, turns = Cancellation(), list[str]()

    def work(target: Target, _report: Report, token: Cancellation) -> None:
        turns.append(token.consequence)
        if target is ORDERS:
            token.consequence = "Version 2 is live."

    def run_twice() -> None:
        with cancellation.leaving(NOTHING_CHANGED):
            run(work, cancellation)
            run(work, cancellation)
            raise DeployError("The document could not be written.")

    with pytest.raises(DeployError) as lost:
        run_twice()
    assert lost.value.left == f"a: Version 2 is live.\nb: {NOTHING_CHANGED}\nc: {NOTHING_CHANGED}"
    assert "Version 2 is live." in turns  # the second round goes on from there
    assert cancellation.consequence == lost.value.left


@pytest.mark.parametrize("room", [0, 1, 2])
def test_all_work_is_done_by_the_threads_that_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """If the system refuses one, the work of the others counts, and what is left is done, too."""
    start, started = threading.Thread.start, list[threading.Thread]()

    def refuse(thread: threading.Thread) -> None:
        if len(started) == room:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    results, _, _ = run(lambda target, _report, _cancellation: target.function.name)
    assert [result.value for result in results] == ["a", "b", "c"]


def test_where_nothing_was_changed_one_sentence_says_so() -> None:
    """A reader of forty functions need not read it forty times."""
    cancellation = Cancellation()

    def work(_target: Target, _report: Report, token: Cancellation) -> None:
        cancellation.cancel()
        token.wait(PATIENCE)

    with pytest.raises(Cancelled):
        run(work, cancellation)
    assert cancellation.consequence == NOTHING_CHANGED


def test_functions_of_the_same_name_are_told_apart() -> None:
    """By region and account; a name that is there once stands alone."""
    elsewhere = target(_LAMBDA_FUNCTION_ARN=ARN.replace("my-function", "a").replace("eu-west-1", "us-east-1"))
    account = ORDERS.function.account
    assert names([ORDERS, elsewhere, BILLING]) == [
        f"a (eu-west-1, {account})",
        f"a (us-east-1, {account})",
        "b",
    ]
