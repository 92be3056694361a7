"""A fleet whose live aliases CodeDeploy shifts: all at once, or one by one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from in_process import deploy

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def slugs(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two versions of an app."""
    fleet = FleetOfTests(aws, tmp_path_factory.mktemp("slugs"), "none-")
    return fleet.slug("one"), fleet.slug("two")


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[FleetOfTests]:
    """Return a fleet in one account, which shifts."""
    fleet = FleetOfTests(aws, tmp_path)
    fleet.env = {name: text for name, text in fleet.env.items() if not name.startswith("_LAMBDA_SOURCE_")}
    fleet.env["_LAMBDA_SHIFT"] = "Slowly"
    yield fleet
    aws.deployments.reset()


@pytest.fixture
def functions(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> list[Function]:
    """Create functions with the versions 1.0.0, which is live, and 1.1.0."""
    functions = [fleet.function(name) for name in NAMES]
    for function in functions:
        for slug, version in zip(slugs, ("1.0.0", "1.1.0"), strict=True):
            release(slug, function, version, CONFIG)
        fleet.aws.deployments.create_group(function.name, alarms=("alarm",))
    fleet.run("apply", dict.fromkeys(NAMES, "1.0.0"))
    return functions


def test_a_fleet_shifts_all_at_once_and_back(fleet: FleetOfTests, functions: list[Function]) -> None:
    """By a deployment for each function; with --now there is none."""
    planned = fleet.run("plan", dict.fromkeys(NAMES, "1.1.0"))
    assert "3 would move" in planned.stdout
    fleet.run("apply", dict.fromkeys(NAMES, "1.1.0"))
    assert [names_of(function)["live"] for function in functions] == ["2"] * 3
    counts = [len(fleet.aws.deployments.of(function.name)) for function in functions]
    assert counts == [1, 1, 1]
    fleet.run("apply", dict.fromkeys(NAMES, "1.0.0"), "--now")
    assert [names_of(function)["live"] for function in functions] == ["1"] * 3
    assert [len(fleet.aws.deployments.of(function.name)) for function in functions] == counts


def test_one_by_one_ends_at_the_first_that_fails(fleet: FleetOfTests, functions: list[Function]) -> None:
    """Those after it get no traffic at all, and another run goes on from there."""
    fleet.aws.deployments.groups[functions[1].name, "live"].alarms_on = {"alarm"}
    wanted = dict.fromkeys(NAMES, "1.1.0")
    refused = fleet.run("apply", wanted, "--one-by-one", status=1)
    assert "1 failed, 1 not moved, 1 moved" in refused.stdout
    assert "Activated alarms: alarm" in refused.stderr
    assert [names_of(function)["live"] for function in functions] == ["2", "1", "1"]
    fleet.run("apply", wanted, "--one-by-one", "--ignore-alarms")
    assert [names_of(function)["live"] for function in functions] == ["2"] * 3


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_a_shift_that_is_under_way_is_followed_or_waited_for(
    fleet: FleetOfTests, functions: list[Function], slugs: tuple[Path, Path], version: str
) -> None:
    """Of one function a shift has begun; whatever is wanted, it is so in the end."""
    env = {**fleet.env, **CONFIG, "_LAMBDA_FUNCTION_ARN": functions[0].arn, "_LAMBDA_VERSION": "1.1.0"}
    del env["_LAMBDA_FLEET_PREFIX"]
    begun = deploy(slugs[1], "--no-wait", env=env)
    assert begun.status == 0, begun
    fleet.aws.deployments.pace = 0
    assert fleet.document("status", {"a": "1.1.0"})["a"]["status"] == "shifting"
    fleet.aws.deployments.pace = 600
    fleet.run("apply", {"a": version})
    assert names_of(functions[0])["live"] == {"1.0.0": "1", "1.1.0": "2"}[version]


def test_a_promotion_bakes_the_config_that_a_shift_has_made_live(
    fleet: FleetOfTests, functions: list[Function], slugs: tuple[Path, Path]
) -> None:
    """It is planned again after the shift: what was live at first has the older config."""
    there = fleet.function("a", LOWER)
    release(slugs[0], there, "3.0.0", SOURCE_CONFIG)
    env = {**fleet.env, **CONFIG, "GREETING": "rotated", "_LAMBDA_FUNCTION_ARN": functions[0].arn}
    del env["_LAMBDA_FLEET_PREFIX"]
    assert deploy(slugs[1], "--no-wait", env=env).status == 0
    assert names_of(functions[0])["live"] == "1"
    source = {"_LAMBDA_SOURCE_ROLE_ARN": fleet.role, "_LAMBDA_SOURCE_EXTERNAL_ID": "of-the-fleet"}
    fleet.run("apply", {"a": "3.0.0"}, settings=source)
    assert names_of(functions[0])["live"] == names_of(functions[0])["3-0-0"]
    assert b"GREETING=rotated" in functions[0].code("live")


def test_a_missing_group_is_found_by_the_plan(fleet: FleetOfTests, functions: list[Function]) -> None:
    """And one group for all functions is refused before AWS is asked."""
    del fleet.aws.deployments.groups[functions[2].name, "live"]
    planned = fleet.run("plan", dict.fromkeys(NAMES, "1.1.0"), status=1)
    assert f"There is no CodeDeploy application {functions[2].name}" in planned.stderr
    shared = {"_LAMBDA_CODEDEPLOY": "fleet/live"}
    refused = fleet.run("plan", dict.fromkeys(NAMES, "1.1.0"), status=2, settings=shared)
    assert "names one group for several functions" in refused.stderr
