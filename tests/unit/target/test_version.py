"""Names of versions, and the aliases that stand for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target import parsers
from deploy.target.version import is_number, parse_name, parse_setting


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("1.1.1", "1-1-1"),
        ("v1.1.1", "v1-1-1"),
        ("1.0.0-rc.1", "1-0-0-rc-1"),
        ("1.0.0+build.7", "1-0-0-build-7"),
        ("1.0-SNAPSHOT", "1-0-SNAPSHOT"),
        ("1-1-1", "1-1-1"),
        ("2026_11", "2026_11"),
        ("spring", "spring"),
    ],
)
def test_dots_and_plus_signs_become_dashes(name: str, alias: str) -> None:
    """AWS takes neither in an alias."""
    assert parse_name(name).alias == alias


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "is not a name such as 1.1.1"),
        ("1.1.1 ", "is not a name"),
        ("1!2.0", "is not a name"),
        ("^1.1.1", "is not a name"),
        ("-1.0", "is not a name"),
        ("$LATEST", "is not a name"),
        ("1.\u0661", "is not a name"),
        ("x" * 129, "up to 128 letters"),
        ("2", "is a number, and AWS numbers versions by itself: write 2.0 for 2"),
        ("20261121", "is a number"),
    ],
)
def test_what_no_alias_can_stand_for_is_refused(text: str, wrong: str) -> None:
    """With a reason that follows the setting's name."""
    with pytest.raises(ValueError, match=wrong):
        parse_name(text)
    with pytest.raises(ValueError, match=wrong):
        parse_setting(text)


@given(st.text("0123456789abcXYZ.+_-", max_size=130))
def test_every_name_has_an_alias_that_aws_takes(text: str) -> None:
    """Whatever is taken for a name."""
    try:
        name = parse_name(text)
    except ValueError:
        return
    assert parsers.ALIAS.fullmatch(name.alias)
    assert not is_number(name.text)


def test_the_word_package_is_no_name_yet() -> None:
    """It stands for what the build has found."""
    assert parse_setting("package") == "package"
    assert parse_setting("1.1.1") == "1.1.1"
