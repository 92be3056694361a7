"""Fleets in one account: what is live is what the file says, by as few calls as possible."""

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.cancel import Cancellation, Cancelled
from deploy.fleet.apply import plan_fleet
from deploy.fleet.definition import Definition, Wanted
from deploy.fleet.survey import Fleet
from deploy.output import Report
from deploy.target.fleet import read_fleet
from deploy.target.version import parse_name
from deploy.terminal import Console
from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, FleetOfTests, names_of, release


@pytest.fixture(scope="module")
def slugs(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two versions of an app."""
    fleet = FleetOfTests(aws, tmp_path_factory.mktemp("slugs"), "none-")
    return fleet.slug("one"), fleet.slug("two")


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> FleetOfTests:
    """Return a fleet with a prefix of its own, in one account."""
    fleet = FleetOfTests(aws, tmp_path)
    fleet.env = {name: text for name, text in fleet.env.items() if not name.startswith("_LAMBDA_SOURCE_")}
    return fleet


def orders(fleet: FleetOfTests, slugs: tuple[Path, Path], name: str = "orders") -> Function:
    """Create a function with the versions 1.0.0 and 1.1.0, of which nothing is live."""
    function = fleet.function(name)
    for slug, version in zip(slugs, ("1.0.0", "1.1.0"), strict=True):
        release(slug, function, version, CONFIG)
    return function


def test_the_live_alias_goes_where_the_file_says(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """It is created, moved, left alone, and moved back; its description keeps the version before."""
    function = orders(fleet, slugs)
    for version, outcome in (("1.0.0", "moved"), ("1.0.0", "live"), ("1.1.0", "moved"), ("1.0.0", "moved")):
        applied = fleet.document("apply", {"orders": version})["orders"]
        assert (applied["name"], applied["outcome"]) == (version, outcome)
        assert names_of(function)["live"] == {"1.0.0": "1", "1.1.0": "2"}[version]
    alias = function.client.get_alias(FunctionName=function.name, Name="live")
    assert "[previous version: 2]" in alias["Description"]


def test_nothing_to_do_costs_two_calls_for_each_function(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """And a second apply makes no writing call at all."""
    functions = [orders(fleet, slugs, name) for name in ("orders", "billing", "mail")]
    wanted = dict.fromkeys(("orders", "billing", "mail"), "1.1.0")
    fleet.run("apply", wanted)
    for action in ("plan", "apply", "status"):
        before = [len(function.deploy_calls) for function in functions]
        fleet.run(action, wanted)
        calls = [function.deploy_calls[start:] for function, start in zip(functions, before, strict=True)]
        assert [[call.operation for call in each] for each in calls] == [["GetAlias"] * 2] * 3


def test_a_plan_changes_nothing(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """It says what an apply would do, and --exit-code gives 3 for that."""
    function = orders(fleet, slugs)
    before = len(function.deploy_calls)
    planned = fleet.run("plan", {"orders": "1.0.0"}, "--exit-code", status=3)
    assert "1 function: 1 would move" in planned.stdout
    assert {call.operation for call in function.deploy_calls[before:]} == {"GetAlias"}
    assert "live" not in names_of(function)
    fleet.run("apply", {"orders": "1.0.0"})
    fleet.run("plan", {"orders": "1.0.0"}, "--exit-code")


def test_ci_can_ask_whether_all_is_live(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """`status --exit-code`; an option that would do nothing is refused."""
    orders(fleet, slugs)
    fleet.run("status", {"orders": "1.0.0"}, "--exit-code", status=3)
    fleet.run("apply", {"orders": "1.0.0"})
    fleet.run("status", {"orders": "1.0.0"}, "--exit-code")
    fleet.run("apply", {"orders": "1.0.0"}, "--exit-code", status=2)
    fleet.run("status", {"orders": "1.0.0"}, "--keep-going", status=2)


def test_an_interrupted_apply_shows_what_became_of_each(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """A table and a sum as at any other end, and how to go on."""
    function = orders(fleet, slugs)
    orders(fleet, slugs, "billing")

    def end(_payload: object, _version: str) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)  # the signal is on its way
        return "too late"

    fleet.aws.answers(function, end)
    verify = {"_LAMBDA_VERIFY_PAYLOAD": "{}"}
    wanted = {"orders": "1.0.0", "billing": "1.0.0"}
    outcome = fleet.run("apply", wanted, status=1, settings=verify)
    assert "2 functions: " in outcome.stdout
    assert re.search(rf"{function.name} +1.0.0 +- +- +interrupted", outcome.stdout)
    assert "live" not in names_of(function)
    fleet.aws.answers(function, lambda *_: "ok")
    fleet.run("apply", wanted, settings=verify)


def test_if_one_can_not_be_prepared_no_alias_moves(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """Unknown functions and versions are named; --keep-going moves all others."""
    function = orders(fleet, slugs)
    wanted = {"orders": "1.0.0", "missing": "1.0.0"}
    refused = fleet.run("apply", wanted, status=1)
    assert (
        f"{fleet.prefix}missing: There is no function {fleet.prefix}missing in the region" in refused.stderr
    )
    assert "No live alias was moved." in refused.stderr
    assert "1 failed, 1 not moved" in refused.stdout
    assert "live" not in names_of(function)
    fleet.run("apply", wanted, "--keep-going", status=1)
    assert names_of(function)["live"] == "1"
    unknown = fleet.run("apply", {"orders": "9.9.9"}, status=1)
    assert f"There is no version 9.9.9 of {fleet.prefix}orders in this account." in unknown.stderr
    assert names_of(function)["live"] == "1"


def test_weights_are_somebody_elses_business(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """An alias in the middle of a shift is reported, and stays as it is."""
    function = orders(fleet, slugs)
    weights: Any = {"AdditionalVersionWeights": {"2": 0.1}}
    function.client.create_alias(
        FunctionName=function.name, Name="live", FunctionVersion="1", RoutingConfig=weights
    )
    refused = fleet.run("apply", {"orders": "1.1.0"}, status=1)
    assert f"The alias live of {function.name} routes by weights." in refused.stderr
    assert fleet.document("status", {"orders": "1.0.0"})["orders"]["status"] == "routes by weights"
    assert function.client.get_alias(FunctionName=function.name, Name="live")["RoutingConfig"] == weights


def test_a_version_is_verified_before_any_alias_moves(
    fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path
) -> None:
    """With the settings' payload or the function's own; one that fails stops all, and shows no config."""
    functions = [orders(fleet, slugs, name) for name in ("orders", "billing")]
    asked: list[object] = []

    def answer(payload: object, _version: str) -> object:
        asked.append(payload)
        if payload == {"of": "billing"}:
            raise RuntimeError(f"cannot reach {CONFIG['SECRET']}")
        return {"ok": True}

    for function in functions:
        fleet.aws.answers(function, answer)
    payloads = tmp_path / "payloads"
    payloads.mkdir()
    (payloads / f"{fleet.prefix}billing.json").write_text('{"of": "billing"}')
    verify = {"_LAMBDA_VERIFY_PAYLOAD": '{"of": "all"}', "_LAMBDA_VERIFY_EXPECT": "true"}
    wanted = {"orders": "1.0.0", "billing": "1.0.0"}
    refused = fleet.run("apply", wanted, "--payload-dir", str(payloads), status=1, settings=verify)
    assert f"{fleet.prefix}billing: Version 1 of {fleet.prefix}billing failed" in refused.stderr
    assert "cannot reach" in refused.stderr
    assert sorted(map(str, asked)) == ["{'of': 'all'}", "{'of': 'billing'}"]
    assert all("live" not in names_of(function) for function in functions)
    fleet.run("apply", wanted, settings=verify)
    assert all(names_of(function)["live"] == "1" for function in functions)


def test_what_has_the_same_alias_is_not_the_same_version(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """AWS takes no dots: 1.0.0 and 1.0-0 are both 1-0-0."""
    orders(fleet, slugs)
    refused = fleet.run("apply", {"orders": "1.0-0"}, status=1)
    assert "stands for the version 1.0.0, and not for 1.0-0" in refused.stderr


def test_status_says_what_is_live_and_what_it_is_called(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """For people a table, for programs the same."""
    orders(fleet, slugs)
    orders(fleet, slugs, "billing")
    fleet.run("apply", {"orders": "1.0.0"})
    shown = fleet.run("status", {"orders": "1.1.0", "billing": "3.0.0"})
    assert "2 functions: 1 not in this account, 1 in this account, not live" in shown.stdout
    told = fleet.document("status", {"orders": "1.1.0"})["orders"]
    assert (told["version"], told["names"], told["name"]) == ("1", ["1.0.0"], "1.1.0")


def test_no_call_is_made_for_a_name_outside_the_prefix(fleet: FleetOfTests) -> None:
    """Every name is checked first, and settings that are missing are all named."""
    before = len(fleet.aws.calls)
    file = fleet.folder / "other.json"
    file.write_text('{"lambdas": [{"name": "somebody-elses", "version": "1.0.0"}]}')
    outcome = fleet.run("apply", {}, status=2, file=file)
    assert "somebody-elses" in outcome.stderr
    assert "_LAMBDA_FLEET_PREFIX" in outcome.stderr
    unset = {"_LAMBDA_FLEET_PREFIX": "", "_LAMBDA_ALIAS": "", "_AWS_DEFAULT_REGION": ""}
    missing = fleet.run("plan", {"orders": "1.0.0"}, status=2, settings=unset)
    assert all(f"{name} is not set" in missing.stderr for name in unset)
    assert len(fleet.aws.calls) == before


def test_an_apps_own_settings_do_not_matter(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """In the dyno of an app that deploys a function itself, a fleet is the same fleet."""
    function = orders(fleet, slugs)
    others = {
        "_LAMBDA_FUNCTION_ARN": "arn:aws:lambda:us-east-1:123456789012:function:another:other",
        "_LAMBDA_VERSION": "7.7.7",
        "_LAMBDA_KEEP_VERSIONS": "1",
        "HEROKU_APP_NAME": "an-app",
        "HEROKU_RELEASE_VERSION": "v3",
    }
    fleet.run("apply", {"orders": "1.1.0"}, settings=others)
    assert names_of(function) == {"1-0-0": "1", "1-1-0": "2", "live": "2"}
    assert "release" not in function.client.get_alias(FunctionName=function.name, Name="live")["Description"]


def test_a_laptop_uses_its_own_profile(fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path) -> None:
    """--aws-profile needs no .env file here, because no config is read."""
    function = orders(fleet, slugs)
    key = fleet.aws.deployer
    (tmp_path / "config").write_text(
        f"[profile prod]\naws_access_key_id = {key.access_key}\naws_secret_access_key = {key.secret_key}\n"
    )
    fleet.env = {name: text for name, text in fleet.env.items() if "_KEY" not in name}
    env = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    fleet.run("apply", {"orders": "1.0.0"}, "--aws-profile", "prod", settings=env)
    assert names_of(function)["live"] == "1"


def test_throttling_slows_a_fleet_down_and_does_not_break_it(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """Each call that AWS refuses for their number is made again, at a lower rate."""
    names = [f"f{number}" for number in range(6)]
    functions = [orders(fleet, slugs, name) for name in names]
    fleet.aws.throttled = 5
    fleet.run("apply", dict.fromkeys(names, "1.0.0"))
    assert fleet.aws.throttled == 0
    assert all(names_of(function)["live"] == "1" for function in functions)


def test_a_program_reads_one_document(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """With an entry for each function, in the file's order, errors among them."""
    orders(fleet, slugs)
    outcome = fleet.run("apply", {"missing": "1.0.0", "orders": "1.0.0"}, "--json", "--keep-going", status=1)
    document = json.loads(outcome.stdout)
    assert document["changed"] is True
    first, second = document["functions"]
    assert first["error"]["what"].startswith("There is no function")
    assert (second["before"], second["after"], second["action"]) == (None, "1", "move")


def test_the_budget_of_calls_is_kept_and_a_wait_for_it_can_be_cancelled(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """A rate of 1 a second: one call at once, and the others wait; whoever cancels need not."""
    orders(fleet, slugs)
    waits: list[float] = []

    class Recorded(Cancellation):
        """A token that tells how long it would have waited, and is cancelled then."""

        def wait(self, seconds: float) -> None:
            waits.append(seconds)
            self.cancel()
            self.check()

    settings = {**fleet.env, "_LAMBDA_MAX_CALLS_PER_SECOND": "1"}
    wanted = Wanted(f"{fleet.prefix}orders", parse_name("1.0.0"))
    token = Recorded()
    connected = Fleet(Definition((wanted,)), read_fleet(settings, [wanted.name]), token)
    with pytest.raises(Cancelled):
        plan_fleet(connected, Report(Console(None, None)), token)
    assert waits == [pytest.approx(1.0, abs=0.2)]
