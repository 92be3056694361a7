"""The rollback: the alias goes back to an earlier version."""

import pytest

from embedded_aws import Function
from releases import ALIAS, VERIFY, Deploy, answered, crashing


def test_a_rollback_goes_back_and_forth(function: Function, deployed: Deploy) -> None:
    """To the version before, and to where it came from again; it says what it left and what it set."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    outcome = deployed("rollback", **ALIAS)
    assert "live is version 1, it was version 2" in outcome.stdout
    assert function.alias() == "1"
    deployed("rollback", **ALIAS)
    assert function.alias() == "2"


def test_a_rollback_to_a_version_by_its_number(function: Function, deployed: Deploy) -> None:
    """With the same verification as a deploy; the same one is nothing to do."""
    for name in ("canary 1", "canary 2", "canary 3"):
        deployed(NAME=name, **ALIAS)
    settings = answered(function)
    assert "-----> Verifying version 1" in deployed("rollback", "1", **settings).stdout
    assert function.alias() == "1"
    assert "Nothing to do" in deployed("rollback", "1", **settings).stdout


def test_a_rollback_to_a_version_that_fails_stays_where_it_is(function: Function, deployed: Deploy) -> None:
    """The old version may not get along with today's database."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    function.aws.answers(function, crashing)
    config = {"DATABASE_URL": "postgres://canary-of-the-config"}
    outcome = deployed("rollback", status=1, **VERIFY, **config)
    assert "Version 1 of" in outcome.stderr
    assert "Name another version: `deploy rollback VERSION`" in outcome.stderr
    assert "deploy again" not in outcome.stderr
    assert function.alias() == "2"


@pytest.mark.parametrize(
    ("arguments", "settings", "expected"),
    [
        (["9"], ALIAS, "There is no version 9"),
        (["$LATEST"], ALIAS, "published version, by its number or by a name"),
        ([], {}, "_LAMBDA_ALIAS"),
        ([], {"_LAMBDA_ALIAS": "other"}, "There is no alias other yet"),
        ([], ALIAS, "does not remember a version before 1"),
    ],
)
def test_a_rollback_to_nowhere_is_refused(
    function: Function, deployed: Deploy, arguments: list[str], settings: dict[str, str], expected: str
) -> None:
    """Exit status 2, and nothing was changed."""
    deployed(**ALIAS)
    outcome = deployed("rollback", *arguments, status=2, **settings)
    assert expected in outcome.stderr
    assert function.alias() == "1"
