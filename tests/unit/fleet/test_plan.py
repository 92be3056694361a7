"""What a function needs, decided from values alone."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.aws.answers import Alias, Described
from deploy.errors import DeployError, InputError
from deploy.fleet.definition import Wanted
from deploy.fleet.plan import check_here, check_origin, check_size, decide
from deploy.target.environment import Target
from deploy.target.record import Record
from deploy.target.version import parse_name
from states import version
from targets import target

WANTED = Wanted("team-orders", parse_name("1.1.1"))
RECORD = Record("b" * 64, ("env.json",), 1)
NAMED = replace(RECORD, name="1.1.1").describe()


def alias(name: str, number: str, description: str = "", **weights: float) -> Alias:
    return Alias(name, number, {key[1:]: value for key, value in weights.items()}, description, "revision")


def described(**changed: Any) -> Described:
    usual = Described(
        version("3", description=RECORD.describe(), running={"Runtime": "nodejs22.x"}),
        "Zip",
        1000,
        "https://example.com/code",
        "",
        None,
    )
    return replace(usual, **changed)


@pytest.mark.parametrize(
    ("live", "named", "action", "number"),
    [
        (alias("live", "3"), alias("1-1-1", "3", NAMED), "nothing", "3"),
        (alias("live", "2"), alias("1-1-1", "3", NAMED), "move", "3"),
        (None, alias("1-1-1", "3", NAMED), "move", "3"),
        (alias("live", "2"), alias("1-1-1", "3", "made by hand"), "move", "3"),
        (alias("live", "$LATEST"), alias("1-1-1", "3", NAMED), "move", "3"),
    ],
)
def test_what_is_here_is_left_alone_or_moved_to(
    live: Alias | None, named: Alias, action: str, number: str
) -> None:
    """By the two aliases, whatever else is there."""
    plan = decide(WANTED, live, named, "live")
    assert plan is not None
    assert (plan.action, plan.version, plan.live) == (action, number, live)


def test_what_is_not_here_is_to_be_promoted() -> None:
    """Nothing in this account says more about it."""
    assert decide(WANTED, alias("live", "2"), None, "live") is None
    assert decide(WANTED, None, None, "live") is None


@pytest.mark.parametrize(
    ("live", "named", "wrong"),
    [
        (alias("live", "3", _4=0.1), alias("1-1-1", "3", NAMED), "The alias live of team-orders routes by"),
        (alias("live", "3", _4=0.1), None, "The alias live of team-orders routes by weights"),
        (alias("live", "3"), alias("1-1-1", "3", NAMED, _4=0.1), "The alias 1-1-1 of team-orders routes by"),
        (None, alias("1-1-1", "$LATEST"), "points at \\$LATEST"),
        (None, alias("1-1-1", "3", replace(RECORD, name="1.1-1").describe()), "stands for the version 1.1-1"),
    ],
)
def test_what_is_not_for_a_fleet_to_decide_is_reported(
    live: Alias | None, named: Alias | None, wrong: str
) -> None:
    """With the function's name."""
    with pytest.raises(DeployError, match=wrong):
        decide(WANTED, live, named, "live")


def test_a_version_can_not_be_called_like_the_live_alias() -> None:
    """It would be moved by the next apply."""
    with pytest.raises(InputError, match="called like the live alias"):
        decide(Wanted("team-orders", parse_name("1.1.1")), None, None, "1-1-1")


def source(**changed: str) -> Target:
    return target(**changed)


def test_a_version_that_fits_is_promoted_by_its_record() -> None:
    """The record says what its base is and which files hold config."""
    assert check_origin(WANTED, source(), described(), described(), as_is=False) == RECORD
    check_here("team-orders", described(), takes_signed_code_only=False)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"package_type": "Image"}, "container image"),
        ({"withheld": "no key", "location": ""}, "no key"),
        ({"configuration": version("3", running={"Runtime": "java21"})}, "the runtime java21"),
        (
            {"configuration": version("3", running={"Runtime": "nodejs22.x", "Architectures": ["arm64"]})},
            "the architecture arm64, and the function here has x86_64",
        ),
        (
            {"configuration": version("3", description="by hand", running={"Runtime": "nodejs22.x"})},
            "nobody knows what its package carries",
        ),
        (
            {
                "configuration": version(
                    "3", description=f"base {'b' * 12}, config {'c' * 12}", running={"Runtime": "nodejs22.x"}
                )
            },
            "has not recorded which files hold its config",
        ),
    ],
)
def test_a_version_that_does_not_fit_is_refused(changed: dict[str, Any], wrong: str) -> None:
    """Before anything is downloaded."""
    with pytest.raises(DeployError) as refused:
        check_origin(WANTED, source(), described(), described(**changed), as_is=False)
    assert wrong in refused.value.why


@pytest.mark.parametrize(
    "description", [replace(RECORD, files=(), file_count=0).describe(), "base x, 0 files"]
)
def test_a_copy_stays_unknown(description: str) -> None:
    """What was copied as it is can only be copied as it is again."""
    copy = described(configuration=version("3", description=description, running={"Runtime": "nodejs22.x"}))
    with pytest.raises(DeployError) as refused:
        check_origin(WANTED, source(), described(), copy, as_is=False)
    assert "nobody knows what its package carries" in refused.value.why
    assert check_origin(WANTED, source(), described(), copy, as_is=True) is None


def test_only_what_is_unknown_passes_as_it_is() -> None:
    """What is known to hold config never does."""
    by_hand = version("3", description="by hand", running={"Runtime": "nodejs22.x"})
    earlier = version(
        "3", description=f"base {'b' * 12}, config {'c' * 12}", running={"Runtime": "nodejs22.x"}
    )
    assert check_origin(WANTED, source(), described(), described(configuration=by_hand), as_is=True) is None
    assert check_origin(WANTED, source(), described(), described(), as_is=True) == RECORD
    with pytest.raises(DeployError):
        check_origin(WANTED, source(), described(), described(configuration=earlier), as_is=True)


@pytest.mark.parametrize(
    ("changed", "signed", "wrong"),
    [
        ({"package_type": "Image"}, False, "container image"),
        ({}, True, "signed code only"),
        ({"withheld": "no key"}, False, "no key"),
    ],
)
def test_a_function_that_takes_no_package_is_refused(
    changed: dict[str, Any], signed: bool, wrong: str
) -> None:
    """Also before anything is downloaded."""
    with pytest.raises(DeployError) as refused:
        check_here("team-orders", described(**changed), takes_signed_code_only=signed)
    assert wrong in refused.value.why


def test_a_large_package_needs_a_bucket() -> None:
    """Over 50 MiB."""
    large = described(size=51 * 1024 * 1024)
    with pytest.raises(InputError, match="over the 50 MiB"):
        check_size("team-orders", large, target().settings)
    check_size("team-orders", large, target(_LAMBDA_S3_BUCKET="bucket").settings)
    check_size("team-orders", described(), target().settings)
