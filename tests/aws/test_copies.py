"""Packages that a fleet copied as they are: nobody knows what they carry, from then on as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release

BY_HAND = {"orders": "2.0.0"}


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[FleetOfTests]:
    """Return a fleet with a prefix of its own."""
    yield FleetOfTests(aws, tmp_path)
    aws.reset()


@pytest.fixture
def copied(fleet: FleetOfTests) -> Function:
    """Return a function at 1.0.0 with a copy of a package that holds the lower account's config."""
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    release(fleet.slug("ours"), here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(fleet.slug("theirs"), there, "1.1.0", SOURCE_CONFIG)
    there.client.update_function_configuration(FunctionName=there.name, Timeout=7)
    version = there.client.publish_version(FunctionName=there.name, Description="by hand")["Version"]
    there.client.create_alias(FunctionName=there.name, Name="2-0-0", FunctionVersion=version)
    fleet.run("apply", BY_HAND, "--as-is")
    return here


def test_a_copy_is_no_base_for_the_next_account(
    fleet: FleetOfTests, copied: Function, tmp_path: Path
) -> None:
    """With --as-is alone it goes further, whatever config is given, and none of it is said to be baked."""
    assert "copied as it is" in copied.get("live")["Configuration"]["Description"]
    next_fleet = FleetOfTests(fleet.aws, tmp_path, f"next-{fleet.prefix}")
    last = next_fleet.function("orders")
    release(next_fleet.slug("last"), last, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / f"{last.name}.env").write_text("GREETING=hello\n")
    settings = {
        "_LAMBDA_SOURCE_ROLE_ARN": fleet.aws.create_role(f"next-{fleet.prefix}", external_id="of-the-fleet"),
        "_LAMBDA_SOURCE_PREFIX": fleet.prefix,
    }
    arguments = ("--config-dir", str(folder))
    refused = next_fleet.run("apply", BY_HAND, *arguments, status=1, settings=settings)
    assert "was copied as it is from another account" in refused.stderr
    assert names_of(last) == {"1-0-0": "1", "live": "1"}
    both = next_fleet.run("plan", BY_HAND, "--as-is", *arguments, status=1, settings=settings)
    assert "takes no config" in both.stderr
    next_fleet.run("apply", BY_HAND, "--as-is", settings=settings)
    assert last.code("live") == copied.code("live")


def test_what_a_copy_answers_is_never_shown(fleet: FleetOfTests, copied: Function) -> None:
    """Neither when it is promoted nor when it is moved to later: nobody knows what to take out."""
    fleet.run("apply", {"orders": "1.0.0"})

    def crash(_payload: object, _version: str) -> None:
        raise RuntimeError(f"no way to {SOURCE_CONFIG['SECRET']}")

    fleet.aws.answers(copied, crash)
    refused = fleet.run("apply", BY_HAND, status=1, settings={"_LAMBDA_VERIFY_PAYLOAD": "{}"})
    assert "is not shown here" in refused.stderr
    assert "no way to" not in refused.stderr
    assert names_of(copied)["live"] == "1"
