"""What an alias's description records, whatever becomes of a shift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.aws.answers import Alias
from deploy.release.description import (
    Note,
    ShiftNote,
    parse_note,
    pending_shift,
    previous_version,
    recorded_release,
)
from deploy.target.provenance import Provenance
from deploy.target.record import LONGEST_DESCRIPTION

V7, V8 = Provenance("my-app", 7), Provenance("my-app", 8)
NOTE = Note("mine", "1", V7, ShiftNote("2", "3", V8))

numbers = st.integers(1, 10**6).map(str)
apps = st.none() | st.text(st.sampled_from("abc-/."), min_size=1, max_size=30)
releases = st.none() | st.builds(Provenance, apps, st.integers(0, 10**6))
shifts = st.none() | st.builds(ShiftNote, numbers, numbers, releases)


@given(st.text(st.characters(exclude_characters="[]"), max_size=300), st.none() | numbers, releases, shifts)
def test_what_is_recorded_is_read_back(
    words: str, previous: str | None, release: Provenance | None, shift: ShiftNote | None
) -> None:
    """Beside any words of the owner's, which alone are cut if there is too much."""
    description = Note(words.strip(), previous, release, shift).describe()
    assert len(description) <= LONGEST_DESCRIPTION
    found = parse_note(description)
    assert (found.previous, found.release, found.shift) == (previous, release, shift)
    assert words.strip().startswith(found.words)


@pytest.mark.parametrize(
    ("version", "weights", "is_shifting", "release", "previous", "is_pending"),
    [
        ("2", {}, False, V7, "1", True),  # it has not begun, or was undone
        ("2", {}, True, V8, "1", True),  # before the first of the traffic
        ("2", {"3": 0.1}, True, V8, "1", True),
        ("3", {}, False, V8, "2", False),  # it is over, and nobody has followed it to its end
        ("3", {}, True, V8, "2", False),  # after the last of the traffic
        ("9", {}, False, V7, "1", True),  # somebody has moved the alias
    ],
)
def test_where_the_alias_is_tells_which_release_is_live(
    version: str,
    weights: dict[str, float],
    *,
    is_shifting: bool,
    release: Provenance,
    previous: str,
    is_pending: bool,
) -> None:
    """CodeDeploy moves it without a word on the release."""
    alias = Alias("live", version, weights, NOTE.describe(), "revision")
    assert recorded_release(alias, is_shifting=is_shifting) == release
    assert previous_version(alias) == previous
    assert (pending_shift(alias) is not None) == is_pending
