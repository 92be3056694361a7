"""Texts as a person reads them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.text import megabytes, printable, printable_lines, wrap


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (50 * 1024 * 1024, "50.0 MiB")],
)
def test_sizes_are_shown_in_the_units_of_the_limits(size: int, shown: str) -> None:
    """AWS's 50 MiB are 50 MiB, so ours are too."""
    assert megabytes(size) == shown


def test_names_are_shown_on_one_line_without_control_characters() -> None:
    """A name from the environment can't move the cursor, and invalid bytes stay recognizable."""
    assert printable("A\nB\x1b[31m\udcff ä") == "A\\nB\\x1b[31m\\udcff ä"


@given(st.text(st.characters()))
def test_any_text_becomes_a_line_that_every_terminal_takes(text: str) -> None:
    """Whatever it holds, and what is harmless already stays as it is."""
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    assert printable(shown) == shown


@given(st.text() | st.text("\t\n\r\x1b\x7f\x9b\u202e\u2028\u2066\ufeff\ud800 a"))
def test_no_control_character_is_left_in_a_log_but_line_breaks_and_tabs(text: str) -> None:
    """Neither one that moves the cursor, nor one that changes the direction, nor half a character."""
    shown = printable_lines(text)
    categories = {unicodedata.category(character) for character in shown if character not in "\n\t"}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


@given(st.text(st.characters(whitelist_categories=["L", "M", "N", "P", "S"]) | st.sampled_from(" \t\n")))
def test_a_log_in_any_language_stays_as_it_is(text: str) -> None:
    """With its lines and its columns."""
    assert printable_lines(text) == text


def test_line_breaks_of_windows_are_line_breaks() -> None:
    """A carriage return alone is not: it would overwrite the line."""
    assert printable_lines("a\tb\r\nc\rd\n\n") == "a\tb\nc\\rd\n\n"


@given(st.text(" abc-", max_size=200), st.integers(1, 50))
def test_a_wrapped_line_has_all_its_words(text: str, width: int) -> None:
    """In rows of the width, except a word that is wider, which may be a command to copy."""
    rows = wrap(text, width)
    assert " ".join(rows).split() == text.split()
    assert all(len(row) <= width or len(row.split()) <= 2 for row in rows)
