"""A rollback: where it goes, and what rules it out."""

import pytest

from deploy.aws.answers import Configuration
from deploy.errors import DeployError, InputError
from deploy.release.plan import ANOTHER_VERSION, SEE_VERSIONS, check_rollback, plan_rollback
from deploy.release.state import State
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.verification import VerifyVersion
from deploy.target.settings import Settings, Verification
from states import alias, latest, version

LIVE = Settings(alias="live")
VERSIONS = (version("1"), version("2"), version("3"))


def test_it_goes_to_the_version_before() -> None:
    """The alias's description remembers it, and then remembers the one that is left."""
    state = State(latest(), alias("3", "[previous version: 1] [release: my-app v42]"), VERSIONS)
    description = "[previous version: 3] [release: my-app v42]"
    move = MoveAlias("live", "3", description, "alias-revision", "1")
    assert plan_rollback(LIVE, state, None).steps == (move,)


def test_it_goes_to_the_version_that_is_named_and_verifies_it() -> None:
    """The same checks as a deploy's; nothing if the alias is there."""
    settings = Settings(alias="live", verify_payload=b"{}")
    state = State(latest(), alias("3"), VERSIONS)
    verification, move = plan_rollback(settings, state, "2").steps
    assert verification == VerifyVersion(Verification(b"{}"), "2", ANOTHER_VERSION)
    assert isinstance(move, MoveAlias)
    assert plan_rollback(settings, state, "3").steps == ()


def test_weights_stop_it_and_force_overrides() -> None:
    """Also back to the version that has most of the traffic."""
    state = State(latest(), alias("3", v2=0.5), VERSIONS)
    for where in ("1", "3"):
        with pytest.raises(DeployError, match="routes by weights"):
            plan_rollback(LIVE, state, where)
        assert plan_rollback(LIVE, state, where, force=True).changes


@pytest.mark.parametrize(
    ("state", "named", "expected"),
    [
        (State(latest(), None, VERSIONS), None, "no alias live yet"),
        (State(latest(), alias("3"), VERSIONS), None, "does not remember a version before 3"),
        (State(latest(), alias("3"), VERSIONS), "9", "no version 9"),
        (State(latest(), alias("3", "[previous version: 9]"), VERSIONS), None, "no version 9"),
    ],
)
def test_a_rollback_to_nowhere_is_refused(state: State, named: str | None, expected: str) -> None:
    """Before anything is changed, with exit status 2."""
    with pytest.raises(InputError, match=expected):
        plan_rollback(LIVE, state, named)


@pytest.mark.parametrize("versions", [VERSIONS, VERSIONS[2:]])
def test_another_version_is_advised_only_if_there_is_one(versions: tuple[Configuration, ...]) -> None:
    """After the first deploy there is none to name."""
    with pytest.raises(InputError) as caught:
        plan_rollback(LIVE, State(latest(), alias("3"), versions), None)
    is_alone = len(versions) == 1
    assert (caught.value.todo == SEE_VERSIONS) == (not is_alone)
    assert ("That is the only version" in caught.value.why) == is_alone


@pytest.mark.parametrize(
    ("settings", "named", "expected"),
    [
        (Settings(), None, "nothing to roll back"),
        (LIVE, "$LATEST", "by its number or by a name"),
        (LIVE, "0", "by its number or by a name"),
    ],
)
def test_a_rollback_that_can_not_be_is_refused_without_asking_aws(
    settings: Settings, named: str | None, expected: str
) -> None:
    """No alias, no versions; and $LATEST is none."""
    with pytest.raises(InputError, match=expected):
        check_rollback(settings, named)


@pytest.mark.parametrize("named", ["12", None])
def test_a_rollback_to_a_number_may_be_tried(named: str | None) -> None:
    """Whether there is such a version, AWS knows."""
    check_rollback(LIVE, named)
