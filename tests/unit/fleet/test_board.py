"""The progress of a fleet: a table on a terminal, lines in a log."""

import io
import re
from typing import Any

import pytest

from deploy.cancel import Cancellation
from deploy.errors import DeployError
from deploy.fleet.board import Board, run_phase
from deploy.output import Report
from deploy.terminal import Console
from targets import ARN, target

TARGETS = [target(_LAMBDA_FUNCTION_ARN=f"{ARN}-{number}") for number in range(3)]
NAMES = [each.function.name for each in TARGETS]


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        return True


def shown(text: str) -> list[str]:
    """Return the lines that a terminal shows in the end."""
    lines, row = [""], 0
    for part in re.split(r"(\033\[A|\r\033\[K|\n)", text):
        if part == "\033[A":
            row -= 1
        elif part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\r\033[K":
            lines[row] = ""
        else:
            lines[row] += part
        assert row >= 0
    return lines


def work(which: Any, report: Report, _cancellation: Cancellation) -> str:
    report.step("Fetching")
    report.detail("of no interest")
    report.progress("Fetched", 1, 4)
    if which is TARGETS[1]:
        raise DeployError("It went wrong.")
    report.step("Ready")
    return "done"


def test_a_terminal_shows_one_table_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function with its state, how many are done, and errors above the table."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    stream, errors = Terminal(), io.StringIO()
    board = Board(Console(stream, errors))
    results = run_phase("Preparing", TARGETS, work, board, Cancellation(), threads=1)
    assert [result.value for result in results] == ["done", None, "done"]
    lines = [line.split() for line in shown(stream.getvalue()) if line]
    assert lines == [
        ["Preparing:", "3", "of", "3", "functions,", "1", "failed"],
        [NAMES[0], "Ready"],
        [NAMES[1], "FAILED"],
        [NAMES[2], "Ready"],
    ]
    assert f"{NAMES[1]}: It went wrong." in errors.getvalue()


def test_what_follows_takes_the_place_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is left above the summary."""
    monkeypatch.setenv("LINES", "40")
    stream = Terminal()
    console = Console(stream, io.StringIO())
    run_phase("Preparing", TARGETS, work, Board(console), Cancellation(), threads=1)
    Report(console).step("The summary")
    assert [line for line in shown(stream.getvalue()) if line] == ["-----> The summary"]


def test_a_small_terminal_shows_those_at_work() -> None:
    """A hundred functions have no room."""
    stream = Terminal()
    board = Board(Console(stream, io.StringIO()))
    names = [f"f{number}" for number in range(100)]
    board.begin("Looking", names)
    board.named("f7").step("Fetching")
    lines = [line.split() for line in shown(stream.getvalue()) if line]
    assert lines == [["Looking:", "0", "of", "100", "functions"], ["f7", "Fetching"]]


def test_a_log_has_a_line_for_each_change() -> None:
    """Without details and without the table."""
    stream = io.StringIO()
    run_phase("Preparing", TARGETS, work, Board(Console(stream, io.StringIO())), Cancellation(), threads=1)
    assert stream.getvalue().splitlines() == [
        f"-----> {NAMES[0]}: Fetching",
        f"-----> {NAMES[0]}: Ready",
        f"-----> {NAMES[1]}: Fetching",
        f"-----> {NAMES[2]}: Fetching",
        f"-----> {NAMES[2]}: Ready",
    ]


def test_a_long_phase_says_in_a_log_how_far_it_is() -> None:
    """Not more often than every five seconds."""
    now, stream = [0.0], io.StringIO()
    board = Board(Console(stream, io.StringIO()), clock=lambda: now[0])
    board.begin("Moving", ["a"] * 100)
    for _ in range(100):
        now[0] += 0.5
        board.end("a")
    lines = stream.getvalue().splitlines()
    assert 8 <= len(lines) <= 11
    assert lines[-1].strip().startswith("Moving ")


def test_an_error_that_all_have_is_explained_once() -> None:
    """Such as a role that can't be assumed; a reader of fifty functions need not read it fifty times."""
    pages = io.StringIO()

    def refuse(_target: Any, _report: Report, _cancellation: Cancellation) -> None:
        raise DeployError("The role was refused.", why="Its external ID is another one.")

    board = Board(Console(io.StringIO(), pages))
    run_phase("Looking", TARGETS, refuse, board, Cancellation(), threads=1)
    assert pages.getvalue().count("external ID") == 1
    assert f" !     {NAMES[2]}: The role was refused. As above.\n" in pages.getvalue()
