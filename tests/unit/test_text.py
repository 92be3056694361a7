"""Texts as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.text import megabytes, printable


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KB"), (50 * 1024 * 1024, "50.0 MB")]
)
def test_sizes_are_shown_in_the_units_of_the_limits(size: int, shown: str) -> None:
    """AWS's 50 MB are 50 MiB, so ours are too."""
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
