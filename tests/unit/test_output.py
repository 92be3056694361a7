"""Output: Heroku's style, colours only where they are wanted, progress only where it is missed."""

import io
import json
import sys

import pytest

from deploy.errors import DeployError
from deploy.output import Output
from deploy.text import megabytes, printable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that progress goes by."""
    clock = Clock()
    monkeypatch.setattr("deploy.output.time", clock)
    return clock


def test_steps_and_details_look_like_a_build_of_heroku() -> None:
    """An arrow for a step, seven blanks for what belongs to it."""
    shown = io.StringIO()
    output = Output({}, stdout=shown)
    output.step("Step")
    output.detail("detail")
    assert shown.getvalue() == "-----> Step\n       detail\n"


def test_an_error_is_a_page_on_stderr() -> None:
    """What, why and what to do, with an exclamation mark before each line and no blanks at line ends."""
    stdout, stderr = io.StringIO(), io.StringIO()
    Output({}, stdout=stdout, stderr=stderr).error(DeployError("What.", why="Why\nindeed.", todo="Do this."))
    assert stdout.getvalue() == ""
    assert stderr.getvalue() == " !     What.\n !\n !     Why\n !     indeed.\n !\n !     Do this.\n"


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_need_a_terminal_and_no_no_color(
    stream: io.StringIO, environment: dict[str, str], *, coloured: bool
) -> None:
    """NO_COLOR, a dumb terminal and a log switch them off."""
    Output(environment, stdout=stream).step("Step")
    assert ("\033[" in stream.getvalue()) is coloured


def test_json_alone_goes_to_stdout() -> None:
    """A program reads one document; the story is on stderr."""
    stdout, stderr = io.StringIO(), io.StringIO()
    output = Output({}, as_json=True, stdout=stdout, stderr=stderr)
    output.step("Step")
    output.notice("Notice")
    output.document({"name": "ä"})
    assert json.loads(stdout.getvalue()) == {"name": "ä"}
    assert stderr.getvalue() == "-----> Step\n !     Notice\n"


def test_a_document_that_nobody_can_get_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no stdout where it was closed before the start (`deploy plan --json >&-`)."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(DeployError, match="The JSON document could not be written to stdout"):
        Output({}, as_json=True, stderr=io.StringIO()).document({})


def test_a_process_that_stays_writes_a_line_for_each_document() -> None:
    """A program reads line by line; a reader that has gone does not end the process."""
    stdout = io.StringIO()
    output = Output({}, as_json=True, stdout=stdout, stderr=io.StringIO())
    output.stay()
    for number in range(3):
        output.document({"number": number})
    assert [json.loads(line) for line in stdout.getvalue().splitlines()] == [{"number": n} for n in range(3)]
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        gone = Output({}, as_json=True, stdout=full, stderr=io.StringIO())
        gone.stay()
        gone.document({})


def test_without_json_there_is_no_document() -> None:
    """A person does not get one in between."""
    stdout = io.StringIO()
    Output({}, stdout=stdout).document({})
    assert stdout.getvalue() == ""


def test_progress_in_a_log_is_a_line_now_and_then(clock: Clock) -> None:
    """Nothing within the first second, then a line every five."""
    shown = io.StringIO()
    output = Output({}, stdout=shown)
    for second in range(13):
        clock.now = second
        output.progress("Uploaded", second * 1024 * 1024, 12 * 1024 * 1024)
    assert shown.getvalue().splitlines() == [
        "       Uploaded: 1.0 MB of 12.0 MB (8%)",
        "       Uploaded: 6.0 MB of 12.0 MB (50%)",
        "       Uploaded: 11.0 MB of 12.0 MB (91%)",
    ]


def test_progress_on_a_terminal_is_one_line_that_goes_away(clock: Clock) -> None:
    """The next line of output takes its place."""
    shown = Terminal()
    output = Output({}, stdout=shown)
    for second in (0, 2, 3):
        clock.now = second
        output.progress("Compressing", second, 3, "files")
    output.detail("done")
    lines = shown.getvalue().split("\r\033[K")
    assert lines == [
        "",
        "       Compressing: 2 of 3 files (66%)",
        "       Compressing: 3 of 3 files (100%)",
        "       done\n",
    ]


def test_progress_of_nothing_does_not_divide_by_it(clock: Clock) -> None:
    """An empty package has no percentage, and no reason to fail."""
    output = Output({}, stdout=io.StringIO())
    output.progress("Copying", 0, 0)
    clock.now = 5
    output.progress("Copying", 0, 0)


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KB"), (50 * 1024 * 1024, "50.0 MB")]
)
def test_sizes_are_shown_in_the_units_of_the_limits(size: int, shown: str) -> None:
    """AWS's 50 MB are 50 MiB, so ours are too."""
    assert megabytes(size) == shown


def test_names_are_shown_on_one_line_without_control_characters() -> None:
    """A name from the environment can't move the cursor, and invalid bytes stay recognizable."""
    assert printable("A\nB\x1b[31m\udcff ä") == "A\\nB\\x1b[31m\\udcff ä"
