"""Output: Heroku's style, colours only where they are wanted, progress only where it is missed."""

import fcntl
import io
import itertools
import json
import os
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from deploy.errors import DeployError
from deploy.output import Report
from deploy.progress import describe_bytes
from deploy.terminal import Console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Reader:
    """What reads two streams, and a clock that is set by hand."""

    stdout: io.StringIO = field(default_factory=io.StringIO)
    stderr: io.StringIO = field(default_factory=io.StringIO)
    now: float = 0.0

    def report(self, *, as_json: bool = False, colours: bool | None = False) -> Report:
        console = Console(self.stdout, self.stderr, as_json=as_json, colours=colours)
        return Report(console, clock=lambda: self.now)


# --- a story ---------------------------------------------------------------------------------------


def test_steps_and_details_look_like_a_build_of_heroku() -> None:
    """An arrow for a step, seven blanks for what belongs to it."""
    reader = Reader()
    report = reader.report()
    report.step("Step")
    report.detail("detail")
    assert reader.stdout.getvalue() == "-----> Step\n       detail\n"


def test_an_error_is_a_page_on_stderr() -> None:
    """What, why, what it left and what to do, each line marked, and no blanks at line ends."""
    reader = Reader()
    error = DeployError("What.", why="Why\nindeed.", todo="Do this.")
    error.left = "Left."
    reader.report().error(error)
    assert reader.stdout.getvalue() == ""
    assert reader.stderr.getvalue() == (
        " !     What.\n !\n !     Why\n !     indeed.\n !\n !     Left.\n !\n !     Do this.\n"
    )


def read_all(terminal: int) -> str:
    content = b""
    while select.select([terminal], [], [], 0)[0]:
        content += os.read(terminal, 4096)
    return content.decode()


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_messages_are_as_wide_as_the_terminal(columns: int) -> None:
    """Their lines go on below their beginnings; a command stays in one piece, and a log is not wrapped."""
    command = "`heroku config:set _LAMBDA_VERIFY_PAYLOAD=x`"
    words = " ".join(["word"] * 60)
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(writer, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor
        log = io.StringIO()
        for stream in (terminal, log):
            report = Report(Console(stream, stream))
            report.step(words)
            report.detail("  " + words)
            report.error(DeployError(words, todo=f"- {words} {command}"))
        shown = read_all(reader).replace("\r\n", "\n").splitlines()
    os.close(reader)
    assert len(log.getvalue().splitlines()) == 5
    story, page = [line for line in shown if "!" not in line], [line for line in shown if "!" in line]
    assert max(map(len, story)) <= columns
    assert all(line.startswith(" ") for line in story[1:])
    assert all(line == " !" or line.startswith(" !     ") for line in page)
    assert max(len(line) for line in page if "_LAMBDA" not in line) <= columns
    joined = " ".join(line.removeprefix(" !").strip() for line in page).split()
    assert " ".join(joined) == f"{words} - {words} {command}"


@pytest.mark.parametrize(
    ("stream", "colours", "coloured"),
    [
        (Terminal(), None, True),
        (Terminal(), False, False),
        (io.StringIO(), None, False),
        (io.StringIO(), True, True),
    ],
)
def test_a_terminal_has_colours_unless_they_are_unwanted(
    stream: io.StringIO, *, colours: bool | None, coloured: bool
) -> None:
    """A log has none, unless they are forced."""
    Reader(stdout=stream).report(colours=colours).step("Step")
    assert ("\033[" in stream.getvalue()) is coloured


def test_what_is_kept_back_is_written_or_forgotten() -> None:
    """A deploy that finds nothing to do is one line; one that fails tells how it came to that."""
    reader = Reader()
    report = reader.report()
    report.buffer()
    report.step("Forgotten")
    report.discard()
    report.buffer()
    report.step("First")
    assert reader.stdout.getvalue() == ""
    report.flush()
    report.step("Second")
    report.buffer()
    report.step("Third")
    report.error(DeployError("Failed."))
    assert reader.stdout.getvalue() == "-----> First\n-----> Second\n-----> Third\n"


# --- documents -------------------------------------------------------------------------------------


def test_json_alone_goes_to_stdout() -> None:
    """A program reads one document; the story is on stderr."""
    reader = Reader()
    report = reader.report(as_json=True)
    report.step("Step")
    report.notice("Notice")
    report.document({"name": "ä"})
    report.document({"error": "that came later"})
    assert json.loads(reader.stdout.getvalue()) == {"name": "ä"}
    assert reader.stderr.getvalue() == "-----> Step\n !     Notice\n"


def test_a_document_that_nobody_can_get_is_an_error() -> None:
    """Python has no stdout if it was closed before the start (`deploy plan --json >&-`)."""
    report = Report(Console(None, io.StringIO(), as_json=True))
    with pytest.raises(DeployError, match="could not be written"):
        report.document({})


def test_a_process_that_stays_writes_a_line_for_each_document() -> None:
    """A program reads line by line; a reader that has gone does not end the process."""
    reader = Reader()
    report = reader.report(as_json=True)
    report.stay()
    for number in range(3):
        report.document({"number": number})
    lines = reader.stdout.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [{"number": number} for number in range(3)]
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        gone = Report(Console(full, io.StringIO(), as_json=True))
        gone.stay()
        gone.document({})


def test_a_terminal_that_is_gone_takes_no_document_with_it() -> None:
    """Progress was shown there, and has to be cleared before anything else is written."""
    reader, writer = os.openpty()
    with open(writer, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor
        stdout = io.StringIO()
        console = Console(stdout, terminal, as_json=True)
        console.overwrite("progress")
        os.close(reader)
        Report(console).document({"name": "a"})
        assert json.loads(stdout.getvalue()) == {"name": "a"}
        assert console.lost == ""


def test_without_json_there_is_no_document() -> None:
    """A person does not get one in between."""
    reader = Reader()
    reader.report().document({})
    assert reader.stdout.getvalue() == ""


def test_a_reader_that_goes_away_does_not_stop_a_deploy() -> None:
    """`deploy | head -1` deploys nevertheless."""
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        report = Report(Console(full, None))
        for _ in range(2):
            report.step("Step")
            report.notice("Notice")


# --- progress --------------------------------------------------------------------------------------


def test_progress_in_a_log_is_a_line_now_and_then() -> None:
    """Nothing within the first second, then a line every five."""
    reader = Reader()
    report = reader.report()
    for second in range(13):
        reader.now = second
        report.progress("Uploading", second * 1024 * 1024, 120 * 1024 * 1024)
    assert reader.stdout.getvalue().splitlines() == [
        "       Uploading 1.0 of 120.0 MiB (0%), 1.0 MiB/s, 1 min 59 s left",
        "       Uploading 6.0 of 120.0 MiB (5%), 1.0 MiB/s, 1 min 54 s left",
        "       Uploading 11.0 of 120.0 MiB (9%), 1.0 MiB/s, 1 min 49 s left",
    ]


def test_the_end_of_progress_has_nothing_left() -> None:
    """Neither has the beginning, whose speed nobody knows."""
    assert describe_bytes("Uploading", 2048, 2048, 2.0) == "Uploading 2.0 KiB of 2.0 KiB (100%), 1.0 KiB/s"
    assert describe_bytes("Uploading", 0, 2048, 2.0) == "Uploading 0 bytes of 2.0 KiB (0%)"


def test_a_wait_shows_what_for_and_since_when() -> None:
    """How long it takes is up to AWS."""
    reader = Reader()
    report = reader.report()
    for second in range(8):
        reader.now = second
        report.wait("Waiting for version 5 to become ready")
    assert reader.stdout.getvalue().splitlines() == [
        "       Waiting for version 5 to become ready… 1 s",
        "       Waiting for version 5 to become ready… 6 s",
    ]


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    """The next line of output takes its place."""
    reader = Reader(stdout=Terminal())
    report = reader.report()
    for second in (0, 2, 3):
        reader.now = second
        report.progress("Compressing", second, 3, "files")
    report.detail("done")
    assert reader.stdout.getvalue().split("\r\033[K") == [
        "",
        "       Compressing 2 of 3 files (66%)",
        "       Compressing 3 of 3 files (100%)",
        "       done\n",
    ]


def test_progress_shows_what_was_kept_back() -> None:
    """What takes more than a second is worth reading, and comes in its order."""
    reader = Reader()
    report = reader.report()
    report.buffer()
    report.step("Step")
    for second in (0, 2):
        reader.now = second
        report.progress("Hashing", second, 2)
    assert reader.stdout.getvalue().startswith("-----> Step\n       Hashing ")


def test_progress_of_nothing_does_not_divide_by_it() -> None:
    """An empty package has no percentage, and no reason to fail."""
    reader = Reader()
    report = reader.report()
    for second in (0, 5):
        reader.now = second
        report.progress("Copying", 0, 0)


# --- several targets at the same time --------------------------------------------------------------


class Piecemeal(io.StringIO):
    """A stream that takes each text in two pieces, and lets other threads run in between."""

    def write(self, text: str) -> int:
        middle = len(text) // 2
        super().write(text[:middle])
        time.sleep(0)
        super().write(text[middle:])
        return len(text)


class PiecemealTerminal(Piecemeal, Terminal):
    """A terminal that does so."""


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_threads")
@pytest.mark.parametrize("as_json", [False, True], ids=["for a person", "for a program"])
def test_targets_that_report_at_the_same_time_do_not_mix(*, as_json: bool) -> None:
    """Each line is whole, with its target's name, and in its target's order; a page is not torn apart."""
    reader = Reader(Piecemeal(), Piecemeal())
    whole = reader.report(as_json=as_json)
    names, rounds = [f"function-{number}" for number in range(8)], 20

    def run(name: str) -> None:
        report = whole.named(name)
        report.stay()
        for number in range(rounds):
            report.step(f"Step {number}")
            report.detail(f"detail {number}")
            report.notice(f"Notice {number}\n\nwith its reason")
            report.document({name: number})

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(run, names))
    stdout, stderr = reader.stdout.getvalue(), reader.stderr.getvalue()
    story = (stderr if as_json else stdout).splitlines()
    for name in names:
        expected = [
            line
            for number in range(rounds)
            for line in (f"-----> {name}: Step {number}", f"       {name}: detail {number}")
        ]
        assert [line for line in story if name in line and line[:2] != " !"] == expected
        for number in range(rounds):
            page = f" !     {name}: Notice {number}\n !\n !     {name}: with its reason\n"
            assert stderr.count(page) == 1
    assert len(story) == len(names) * rounds * (5 if as_json else 2)
    documents = [json.loads(line) for line in stdout.splitlines()] if as_json else []
    assert len(documents) == len(names) * rounds * as_json


@pytest.mark.usefixtures("_eager_threads")
def test_one_targets_progress_does_not_overwrite_anothers_line() -> None:
    """On a terminal a line of progress is cleared before another line takes its place."""
    terminal = PiecemealTerminal()
    console = Console(terminal, io.StringIO())

    def run(name: str) -> None:
        clock = itertools.count()
        report = Report(console, name, clock=lambda: next(clock))
        for number in range(50):
            for done in range(3):
                report.progress("Uploading", done, 3)
            report.step(f"Step {number}")

    names = ["orders", "invoices", "letters"]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(run, names))
    assert all(f"\r\033[K       {name}: Uploading " in terminal.getvalue() for name in names)
    shown = [line.rpartition("\r\033[K")[2] for line in terminal.getvalue().split("\n")[:-1]]
    assert sorted(shown) == sorted(f"-----> {name}: Step {number}" for name in names for number in range(50))
