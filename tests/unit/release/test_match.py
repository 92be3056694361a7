"""The search by a user's regular expression: bounded in time, in any thread."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.release.match import matches
from paths import REPOSITORY

ENDLESS = "(a+)+$"
TEXT = "a" * 50_000 + "b"
ENOUGH = 60.0  # seconds, for a search that ends


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ('"ok": *true', '{"ok":  true}', True),
        ('"ok": *true', '{"ok": false}', False),
        ("^b", "a\nb", False),
        ("(?m)^b", "a\nb", True),
        ("ä+\udcff", "xää\udcff", True),
        ("\0", "\0", True),
        ("", "", True),
        ("a*?(?=b)", TEXT, True),
    ],
)
def test_it_finds_what_pythons_own_search_finds(pattern: str, text: str, *, expected: bool) -> None:
    """Anywhere in the text, whatever characters the two have."""
    assert matches(pattern, text, ENOUGH) is expected


@settings(max_examples=5)
@given(st.text(st.characters()), st.text(st.characters()))
def test_no_text_is_lost_on_its_way(text: str, other: str) -> None:
    """A literal pattern is found if it is there, as in this process."""
    assert matches(re.escape(text), f"{other}{text}", ENOUGH)
    assert matches(re.escape(text), other, ENOUGH) is (text in other)


def test_the_largest_answer_of_a_function_is_searched_to_its_end() -> None:
    """6 MB, which is more than a pipe holds, and takes longer than one look at the deploy."""
    text = "a" * 6 * 1024 * 1024
    assert matches("b$", f"{text}b", ENOUGH)
    assert not matches("b$", text, ENOUGH)


def test_several_threads_search_at_once_and_none_goes_on_for_ever() -> None:
    """A search that would take years ends after its time, and keeps nobody else from searching."""

    def search(number: int) -> str:
        if number % 2:
            return str(matches("b$", TEXT, ENOUGH))
        try:
            return str(matches(ENDLESS, TEXT, 0.3))
        except TimeoutError:
            return "too slow"

    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(search, range(6))) == ["too slow", "True"] * 3
    assert time.monotonic() - started < ENOUGH / 2


def test_a_search_that_can_not_be_made_is_not_taken_for_no_match() -> None:
    """The settings refuse such a pattern before; should one pass, an alias must not move."""
    with pytest.raises(RuntimeError):
        matches("(", "", ENOUGH)


KILLED = f"""
import os, threading, time
from deploy.release.match import matches
threading.Thread(target=matches, args=({ENDLESS!r}, {TEXT!r}, 0.5), daemon=True).start()
time.sleep(0.3)
os._exit(0)
"""


def test_a_search_outlives_its_deploy_by_a_moment_only() -> None:
    """A deploy that is interrupted exits at once; nothing goes on in the background for years."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], env={"PYTHONPATH": str(REPOSITORY)}, start_new_session=True
    ) as deploy:
        deploy.wait()
    try:
        end = time.monotonic() + ENOUGH / 2
        while running := _running(session=deploy.pid):
            assert time.monotonic() < end, running
            time.sleep(0.05)
    finally:
        for process in _running(session=deploy.pid):
            os.kill(process, signal.SIGKILL)


def _running(session: int) -> list[int]:
    """Return the processes of a session; one that has ended, and that nobody waited for, does not run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        state, _parent, _group, its_session = stat.rpartition(")")[2].split()[:4]
        if int(its_session) == session and state != "Z":
            found.append(int(folder.name))
    return found


def test_a_search_that_nobody_looks_after_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is too busy to give this process its turn; that is a time-out as well."""
    monkeypatch.setattr("deploy.release.match.PAUSE", 10.0)
    with pytest.raises(TimeoutError):
        matches("(a+)+b", "a" * 40, 0.5)
