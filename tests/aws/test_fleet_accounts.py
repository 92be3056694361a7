"""Two accounts, and what each may do: no call with the other's credentials, and the least privilege."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.infrastructure.fleet import fleet_policy
from deploy.target.fleet import read_fleet
from embedded_aws import EmbeddedAWS, Function
from fleet_credentials import check_credentials
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from in_process import deploy

WANTED = {"moved": "1.1.0", "promoted": "1.1.0"}
VERIFY = {"_LAMBDA_VERIFY_PAYLOAD": "{}"}


@pytest.fixture(scope="module")
def slugs(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two versions of an app."""
    fleet = FleetOfTests(aws, tmp_path_factory.mktemp("slugs"))
    return fleet.slug("one"), fleet.slug("two")


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[FleetOfTests]:
    """Return a fleet with a prefix of its own."""
    yield FleetOfTests(aws, tmp_path)
    aws.reset()


def fill(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> list[Function]:
    """Create a function to move, one to promote, and the source of that."""
    moved, promoted, lower = (
        fleet.function("moved"),
        fleet.function("promoted"),
        fleet.function("promoted", LOWER),
    )
    for function in (moved, promoted):
        release(slugs[0], function, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(slugs[1], moved, "1.1.0", CONFIG)
    release(slugs[1], lower, "1.1.0", SOURCE_CONFIG)
    return [moved, promoted, lower]


def test_no_call_ever_carries_the_others_credentials(
    aws: EmbeddedAWS, slugs: tuple[Path, Path], tmp_path: Path
) -> None:
    """40 fleets that start at once in this process; 200 are in tests/slow."""
    check_credentials(FleetOfTests(aws, tmp_path), slugs, starts=40)


# --- the least privilege --------------------------------------------------------------------------


def policies(fleet: FleetOfTests, settings: dict[str, str]) -> tuple[Any, Any]:
    """Return the printed policies: of who applies the fleet, and of the role in the lower account."""
    printed = []
    for whose in ("deployer", "source"):
        env = {**fleet.env, **settings, "_AWS_ACCESS_KEY_ID": "", "_AWS_SECRET_ACCESS_KEY": ""}
        outcome = deploy(fleet.folder, "doctor", "--policy", "--fleet", whose, env=env)
        assert outcome.status == 0, outcome.stderr
        printed.append(json.loads(outcome.stdout))
    return printed[0], printed[1]


def without(policy: Any, action: str) -> Any:
    """Return a policy without an action."""
    statements = [
        {**statement, "Action": [each for each in statement["Action"] if each != action]}
        for statement in policy["Statement"]
    ]
    return {**policy, "Statement": statements}


def actions(policy: Any) -> list[str]:
    """Return the actions that a policy allows and that can't be left out."""
    return sorted(
        {
            action
            for statement in policy["Statement"]
            if not statement["Sid"].startswith("Optional")
            for action in statement["Action"]
        }
    )


def test_the_printed_policies_are_enough_and_each_line_is_needed(
    fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path
) -> None:
    """Without any one of the actions an apply fails, and names it."""
    deployer, source = policies(fleet, VERIFY)
    needed = actions(deployer)
    models = fill(fleet, slugs)
    failures = {}
    for number, missing in enumerate(["", *needed]):
        each = FleetOfTests(fleet.aws, tmp_path / str(number))
        each.folder.mkdir()
        functions = [each.copy(model, name) for model, name in zip(models[:2], WANTED, strict=True)]
        each.copy(models[2], "promoted")
        if missing in {"", "lambda:GetCodeSigningConfig"}:
            fleet.aws.requires_signature(functions[1], "warn")
        for function in functions:
            fleet.aws.answers(function, lambda _payload, _version: "pong")
        mine = json.loads(
            json.dumps(deployer).replace(fleet.prefix, each.prefix).replace(fleet.role, each.role)
        )
        of_role = json.loads(json.dumps(source).replace(fleet.prefix, each.prefix))
        fleet.aws.create_role(
            each.role.rpartition("/")[2], external_id="of-the-fleet", account=LOWER, policy=of_role
        )
        fleet.aws.policy = without(mine, missing)
        outcome = each.run("apply", WANTED, status=1 if missing else 0, settings=VERIFY)
        failures[missing] = missing in outcome.stderr
        fleet.aws.policy = None
        if not missing:
            assert [names_of(function)["live"] for function in functions] == ["2", "2"]
    assert failures == {"": True, **dict.fromkeys(needed, True)}


def test_the_role_may_read_versions_and_nothing_else(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """With another policy, or none, the refusal names what it lacks."""
    fill(fleet, slugs)
    _, source = policies(fleet, {})
    assert actions(source) == ["lambda:GetFunction"]
    assert source["Statement"][0]["Resource"] == [
        f"arn:aws:lambda:eu-west-1:{LOWER}:function:{fleet.prefix}*"
    ]
    fleet.aws.create_role(
        fleet.role.rpartition("/")[2],
        external_id="of-the-fleet",
        account=LOWER,
        policy=without(source, "lambda:GetFunction"),
    )
    refused = fleet.run("plan", WANTED, status=1)
    assert "lambda:GetFunction" in refused.stderr


def test_without_a_lower_account_the_policy_is_small() -> None:
    """A fleet that only moves aliases may not upload anything."""
    variables = {
        "_LAMBDA_FLEET_PREFIX": "team-",
        "_LAMBDA_ALIAS": "live",
        "_AWS_DEFAULT_REGION": "eu-west-1",
        "_AWS_ACCESS_KEY_ID": "any",
        "_AWS_SECRET_ACCESS_KEY": "any",
    }
    (member,) = read_fleet(variables, ["team-orders"])
    assert actions(fleet_policy(member.target)) == [
        "lambda:CreateAlias",
        "lambda:GetAlias",
        "lambda:GetFunctionConfiguration",
        "lambda:UpdateAlias",
    ]
