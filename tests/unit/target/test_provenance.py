"""Where a deploy comes from: app, release and commit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target.provenance import Provenance, read_provenance, release_in

OF_42 = Provenance("my-app", 42)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "HEROKU_APP_NAME": "my-app",
                "HEROKU_RELEASE_VERSION": "v42",
                "HEROKU_BUILD_COMMIT": "new",
                "HEROKU_SLUG_COMMIT": "old",
            },
            Provenance("my-app", 42, "new"),
        ),
        ({"HEROKU_SLUG_COMMIT": "old"}, Provenance(commit="old")),
        ({"DOKKU_APP_NAME": "my-app", "GIT_REV": "new"}, Provenance("my-app", None, "new")),
        ({"HEROKU_RELEASE_VERSION": "42"}, Provenance()),
        ({"HEROKU_RELEASE_VERSION": "v٣"}, Provenance()),
        ({"HEROKU_RELEASE_VERSION": ""}, Provenance()),
    ],
)
def test_it_is_read_from_what_the_platforms_say(variables: dict[str, str], expected: Provenance) -> None:
    """Heroku's dyno metadata, or what Dokku sets; a release that is none is not known."""
    assert read_provenance(variables) == expected


@pytest.mark.parametrize(
    ("ours", "recorded", "older"),
    [
        (Provenance("a", 41), Provenance("a", 42), True),
        (Provenance("a", 42), Provenance("a", 42), False),
        (Provenance("a", 43), Provenance("a", 42), False),
        (Provenance("a", 9), Provenance("a", 10), True),
        (Provenance("a", 41), Provenance("b", 42), False),
        (Provenance(None, 41), Provenance(None, 42), True),
        (Provenance("a", 41), None, False),
        (Provenance("a"), Provenance("a", 42), False),
        (Provenance("a", 42), Provenance("a"), False),
    ],
)
def test_an_older_release_of_the_same_app_is_known_as_such(
    ours: Provenance, recorded: Provenance | None, *, older: bool
) -> None:
    """By number, not as text; another app's numbers say nothing."""
    assert ours.is_older_than(recorded) is older


@given(
    st.text("abc [:]-v0", max_size=12),
    st.text("abc-0", min_size=1, max_size=12) | st.none(),
    st.integers(0, 999_999_999),
)
def test_a_release_survives_being_noted(words: str, app: str | None, release: int) -> None:
    """What is kept in an alias's description is found there again, and the owner's words stay."""
    provenance = Provenance(app, release)
    text, recorded = release_in(f"{words} {provenance.note}".strip())
    assert (text, recorded) == (words.strip(), provenance)


def test_without_a_release_there_is_nothing_to_note() -> None:
    """A deploy from a laptop belongs to no release."""
    assert Provenance("app").note == ""
    assert release_in("mine") == ("mine", None)


def test_a_version_says_where_it_comes_from() -> None:
    """As far as it is known: app, release, commit, and the digests of base and config."""
    full = Provenance("my-app", 42, "0123456789abcdef")
    assert full.describe("b" * 64, "c" * 64) == (
        "my-app, v42, commit 0123456789ab, base bbbbbbbbbbbb, config cccccccccccc"
    )
    assert Provenance().describe("b" * 64, "c" * 64) == "base bbbbbbbbbbbb, config cccccccccccc"
