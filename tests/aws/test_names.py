"""Named versions: _LAMBDA_VERSION=1.1.1 gives a version the alias 1-1-1, and keeps it with its base."""

import json
import re
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from command import make_slug
from deploy.cancel import Cancellation
from deploy.output import Report
from deploy.release.deploy import connect, prepare_for
from deploy.release.deploy import deploy as deploy_to
from deploy.release.watch import find_drift
from deploy.target.environment import read_target
from deploy.target.record import parse_record
from deploy.terminal import Console
from deployers import Deployer
from embedded_aws import EmbeddedAWS, Function
from in_process import deploy as run
from releases import ALIAS, Deploy, answered, crashing, operations

LIVE = {**ALIAS, "_LAMBDA_VERSION": "1.1.1"}
NAMED = {"_LAMBDA_VERSION": "1.1.1"}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app of version 2.0.0 with its base."""
    package = {"package.json": b'{"name": "app", "version": "2.0.0"}'}
    return make_slug(tmp_path_factory.mktemp("slug"), package)


@pytest.fixture(scope="module")
def other_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the same app, with a different base and no version."""
    return make_slug(tmp_path_factory.mktemp("other"), {"index.js": b"exports.handler = async () => 2"})


def description(function: Function, alias: str) -> str:
    client = function.aws.client()
    return client.get_alias(FunctionName=function.name, Name=alias)["Description"]


def named(function: Function, name: str, version: str, text: str = "") -> None:
    """Make an alias, as the administrator."""
    function.aws.client().create_alias(
        FunctionName=function.name, Name=name, FunctionVersion=version, Description=text
    )


def document(slug: Path, function: Function, *arguments: str, **settings: str) -> dict[str, Any]:
    """Return what a command tells a program."""
    outcome = run(slug, *arguments, "--json", env={**function.aws.settings(function), **settings})
    assert outcome.status == 0, outcome
    found = json.loads(outcome.stdout)
    assert isinstance(found, dict)
    return found


# --- a deploy --------------------------------------------------------------------------------------


def test_a_deploy_names_the_version_and_moves_the_live_alias(
    slug: Path, function: Function, deployed: Deploy
) -> None:
    """AWS alone tells what runs: base, baked files and name; the second deploy has nothing to do."""
    settings = {**LIVE, **answered(function), "NAME": "canary"}
    outcome = deployed(**settings)
    *story, last = outcome.stdout.splitlines()
    assert story[-4:] == [
        "-----> Verifying version 1",
        "       It answered as expected",
        "-----> Naming version 1: 1.1.1",
        "-----> Moving live to version 1",
    ]
    assert re.fullmatch(f"-----> Deployed {function.name} in [0-9.]+ s: live is version 1, 1.1.1", last)
    assert (function.alias(), function.alias("1-1-1")) == ("1", "1")
    record = parse_record(description(function, "1-1-1"))
    assert record
    assert (record.name, record.files) == ("1.1.1", ("env.properties",))
    assert record.base_sha256 == json.loads((slug / ".lambda-deploy/build.json").read_text())["sha256"]
    again = document(slug, function, **settings)
    assert (again["changed"], again["version"], again["name"]) == (False, "1", "1.1.1")


def test_a_name_costs_one_call_more(function: Function, deployed: Deploy) -> None:
    """If nothing has to be done; none if the aliases are listed anyway."""
    deployed(**LIVE)
    for settings, reads in (({}, ["GetAlias", "GetAlias"]), ({"_LAMBDA_KEEP_VERSIONS": "9"}, ["GetAlias"])):
        before = len(operations(function))
        deployed(**LIVE, **settings)
        assert [call for call in operations(function)[before:] if call == "GetAlias"] == reads


def test_without_a_live_alias_a_version_is_named(slug: Path, function: Function, deployed: Deploy) -> None:
    """A lower account wants that: a fleet file says what is live. It is verified nevertheless."""
    settings = answered(function)
    del settings["_LAMBDA_ALIAS"]
    outcome = deployed(**settings, **NAMED)
    assert ": 1-1-1 is version 1\n" in outcome.stdout
    assert (function.alias(), function.alias("1-1-1")) == (None, "1")
    told = document(slug, function, **settings, **NAMED)
    assert [told[each] for each in ("changed", "alias", "version", "name")] == [False, None, "1", "1.1.1"]


def test_the_apps_own_version_is_the_name(function: Function, deployed: Deploy) -> None:
    """`package` is what the build found in package.json."""
    deployed(_LAMBDA_VERSION="package")
    assert function.alias("2-0-0") == "1"


def test_an_app_without_a_version_is_told_before_any_call(other_slug: Path, function: Function) -> None:
    """With exit status 2; doctor finds it, too."""
    env = {**function.aws.settings(function), "_LAMBDA_VERSION": "package"}
    outcome = run(other_slug, env=env)
    assert outcome.status == 2
    assert "the build found no version" in outcome.stderr
    assert function.deploy_calls == []
    assert "failed   version name: _LAMBDA_VERSION is `package`" in run(other_slug, "doctor", env=env).stdout


def test_a_version_that_fails_its_verification_gets_no_name(function: Function, deployed: Deploy) -> None:
    """Whoever trusts a name trusts a version that has answered."""
    settings = {**answered(function), **NAMED}
    function.aws.answers(function, crashing)
    outcome = deployed(status=1, DATABASE_URL="postgres://canary-of-the-config", **settings)
    assert "Version 1 was not verified; the alias was not moved." in outcome.stderr
    assert (function.alias(), function.alias("1-1-1")) == (None, None)


def test_without_a_live_alias_a_name_that_was_moved_is_drift(
    slug: Path, function: Function, deployed: Deploy
) -> None:
    """It is what the deploy has set; what $LATEST holds belongs to whoever deploys next."""
    deployed(**NAMED)
    env = {**function.aws.settings(function), **NAMED}
    target = read_target(env, slug)
    report, cancellation = Report(Console(StringIO(), StringIO())), Cancellation()
    watched = connect(target, cancellation)
    with prepare_for(target, report, cancellation) as candidate:
        done = deploy_to(candidate, target, report, cancellation)
    deployed(NAME="canary", _LAMBDA_VERSION="1.1.2")
    assert find_drift(watched, done) is None
    function.aws.client().update_alias(FunctionName=function.name, Name="1-1-1", FunctionVersion="2")
    assert "The alias 1-1-1 of" in str(find_drift(watched, done))


@pytest.mark.parametrize("files", [("env.json", "config/env.sh"), tuple(f"{n:0>60}.json" for n in range(5))])
def test_the_recorded_files_are_the_last_ones_of_the_package(
    function: Function, deployed: Deploy, files: tuple[str, ...]
) -> None:
    """So they can be taken out again, also if their names do not fit."""
    wrapper = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/config/env.sh"} if "config/env.sh" in files else {}
    function.aws.client().update_function_configuration(
        FunctionName=function.name, Environment={"Variables": wrapper}
    )
    deployed(**NAMED, _LAMBDA_CONFIG_FILES=",".join(files), NAME="canary")
    record = parse_record(function.get("1")["Configuration"]["Description"])
    assert record
    assert record.files == (files if len(files) < 5 else ())
    with zipfile.ZipFile(BytesIO(function.code())) as package:
        assert record.baked_files(package.namelist()) == files


# --- the same name again ---------------------------------------------------------------------------


def test_a_name_follows_the_config_of_its_base(function: Function, deployed: Deploy) -> None:
    """The version before stays for a rollback, which is the live alias's own business."""
    for value in ("canary 1", "canary 2"):
        deployed(NAME=value, **LIVE)
    assert (function.alias(), function.alias("1-1-1")) == ("2", "2")
    deployed("rollback", **LIVE)
    assert (function.alias(), function.alias("1-1-1")) == ("1", "2")


def test_another_base_under_the_name_is_refused(slug: Path, other_slug: Path, function: Function) -> None:
    """By a plan and by a deploy, before anything is changed; --force moves the name."""
    env = {**function.aws.settings(function), **LIVE}
    assert run(slug, env=env).status == 0
    before = (function.code_sha256(), function.versions())
    for arguments in ((), ("plan",)):
        outcome = run(other_slug, *arguments, env=env)
        assert outcome.status == 2
        assert "The version 1.1.1 is there already, with a different base" in outcome.stderr
        assert ("Nothing was changed." in outcome.stderr) == (not arguments)
    assert (function.code_sha256(), function.versions()) == before
    status = run(other_slug, "status", env=env)
    assert "Name:        The version 1.1.1 is there already" in status.stdout
    assert run(other_slug, "--force", env=env).status == 0
    assert function.alias("1-1-1") == "2"
    assert run(slug, env={**env, "_LAMBDA_VERSION": "1.1.2"}).status == 0
    assert (function.alias(), function.alias("1-1-2")) == ("1", "1")


def test_two_names_that_would_share_an_alias_are_told(deployed: Deploy) -> None:
    """1.1.1 and 1.1+1 are not the same."""
    deployed(**LIVE)
    outcome = deployed(status=2, **{**LIVE, "_LAMBDA_VERSION": "1.1+1"})
    assert "The versions 1.1.1 and 1.1+1 would have the same alias, 1-1-1." in outcome.stderr


def test_a_name_is_never_the_alias_that_deploys_move(function: Function, deployed: Deploy) -> None:
    """Neither by its setting, nor by a qualifier."""
    deployed(**LIVE)
    outcome = deployed(status=2, **{**NAMED, "_LAMBDA_ALIAS": "1-1-1"})
    assert "would be the name of one version and what each deploy moves" in outcome.stderr
    qualified = {"_LAMBDA_FUNCTION_ARN": f"{function.arn}:1-1-1"}
    for arguments in ((), ("rollback", "1")):
        outcome = deployed(*arguments, status=2, NAME="canary", **qualified)
        assert "The alias 1-1-1 is the name of version 1.1.1, and stays with it." in outcome.stderr
    assert function.alias("1-1-1") == "1"


def test_versions_with_names_are_kept(function: Function, deployed: Deploy) -> None:
    """_LAMBDA_KEEP_VERSIONS deletes others; the version that has lost its name is one of them, in time."""
    keep = {**ALIAS, "_LAMBDA_KEEP_VERSIONS": "1"}
    for number in range(1, 4):
        deployed(NAME=f"canary {number}", **keep, _LAMBDA_VERSION=f"1.{number}.0")
    for number in range(4, 7):
        deployed(NAME=f"canary {number}", **keep)
    assert function.versions() == ["1", "2", "3", "5", "6"]
    assert [function.alias(f"1-{number}-0") for number in range(1, 4)] == ["1", "2", "3"]


# --- status and rollback ---------------------------------------------------------------------------


def test_status_knows_names(slug: Path, function: Function, deployed: Deploy) -> None:
    """Which version has the name, and with --versions the names of all."""
    assert "Name:        1.1.1: not there yet, the next deploy gives it" in deployed("status", **LIVE).stdout
    deployed(**{**LIVE, "_LAMBDA_VERSION": "1.0.0"}, NAME="canary 1")
    deployed(**LIVE, NAME="canary 2")
    named(function, "stable", "1")
    shown = deployed("status", "--versions", **LIVE, NAME="canary 2").stdout
    assert "       Name:        1.1.1 is version 2\n" in shown
    rows = [row.split() for row in shown.partition("-----> Versions\n")[2].splitlines()]
    assert rows[0] == ["version", "alias", "name", "age", "from"]
    assert (rows[1][:3], rows[2][:3]) == (["2", "live", "1.1.1"], ["1", "1.0.0,", "stable"])
    told = document(slug, function, "status", "--versions", **LIVE)
    assert (told["name"], told["named_version"]) == ("1.1.1", "2")
    assert [version["names"] for version in told["versions"]] == [["1.0.0", "stable"], ["1.1.1"]]
    assert (len(told["base_sha256"]), told["baked_files"]) == (64, ["env.properties"])


def test_status_describes_the_named_version_if_there_is_no_live_alias(deployed: Deploy) -> None:
    """What a fleet may take from here."""
    deployed(**NAMED, HEROKU_APP_NAME="my-app")
    shown = deployed("status", **NAMED, HEROKU_APP_NAME="my-app").stdout
    assert "       Comes from:  my-app, base " in shown
    assert "       Baked files: env.properties\n" in shown
    assert "       Up to date:  yes\n" in shown


def test_status_without_the_permission_to_list_names_says_so(function: Function, deployed: Deploy) -> None:
    """It shows all the rest."""
    deployed(**LIVE)
    function.aws.denied = {"lambda:ListAliases"}
    shown = deployed("status", "--versions", **LIVE).stdout
    assert "their names are not shown: the deployer lacks the permission lambda:ListAliases" in shown


@pytest.mark.parametrize("name", ["1.0.0", "1-0-0"])
def test_a_rollback_to_a_name(slug: Path, function: Function, deployed: Deploy, name: str) -> None:
    """As people call it, or as AWS does."""
    deployed(**{**LIVE, "_LAMBDA_VERSION": "1.0.0"}, NAME="canary 1")
    deployed(**LIVE, NAME="canary 2")
    told = document(slug, function, "rollback", name, **ALIAS)
    assert [told[each] for each in ("version", "left", "name")] == ["1", "2", "1.0.0"]
    assert function.alias() == "1"
    assert "Nothing to do" in deployed("rollback", name, **ALIAS).stdout


def test_a_rollback_to_an_unknown_name_lists_the_known_ones(function: Function, deployed: Deploy) -> None:
    """As far as the deployer may list them; one that only looks alike is told."""
    deployed(**{**LIVE, "_LAMBDA_VERSION": "1.0.0"}, NAME="canary 1")
    deployed(**LIVE, NAME="canary 2")
    outcome = deployed("rollback", "1.2.0", status=2, **ALIAS)
    assert "No version is called 1.2.0." in outcome.stderr
    assert "There are: 1.0.0, 1.1.1." in outcome.stderr
    outcome = deployed("rollback", "1.0-0", status=2, **ALIAS)
    assert "No version is called 1.0-0: the alias 1-0-0 stands for 1.0.0." in outcome.stderr
    assert "live is the alias that a rollback moves" in deployed("rollback", "live", status=2, **ALIAS).stderr
    function.aws.denied = {"lambda:ListAliases"}
    assert "No version is called 1.2.0." in deployed("rollback", "1.2.0", status=2, **ALIAS).stderr
    assert function.alias() == "2"


def test_a_name_that_is_shifted_is_not_rolled_back_to(function: Function, deployed: Deploy) -> None:
    """It stands for two versions; --force takes the one that it points at."""
    for number in (1, 2):
        deployed(**{**LIVE, "_LAMBDA_VERSION": f"1.{number}.0"}, NAME=f"canary {number}")
    function.aws.client().update_alias(
        FunctionName=function.name, Name="1-1-0", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}
    )
    outcome = deployed("rollback", "1.1.0", status=1, **ALIAS)
    assert "The alias 1-1-0 routes by weights." in outcome.stderr
    deployed("rollback", "1.1.0", "--force", **ALIAS)
    assert function.alias() == "1"


def test_several_functions_go_back_to_a_name(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """Their numbers differ, so a number is refused; one that has no such name fails alone."""
    functions = [function, aws.create_function()]
    named_alone = {**aws.settings(function), **ALIAS, "NAME": "before"}
    assert run(slug, env=named_alone).status == 0
    arns = " ".join(each.arn for each in functions)
    env = {**aws.settings(function), **ALIAS, "_LAMBDA_FUNCTION_ARN": arns}
    for number in (1, 2):
        settings = {"_LAMBDA_VERSION": f"1.{number}.0", "NAME": str(number)}
        assert run(slug, env={**env, **settings}).status == 0
    assert [each.alias() for each in functions] == ["3", "2"]
    assert run(slug, "rollback", "1.1.0", env=env).status == 0
    assert [each.alias() for each in functions] == ["2", "1"]
    refused = run(slug, "rollback", "1", env=env)
    assert refused.status == 2
    assert "Name a version that all of them have" in refused.stderr
    aws.client().delete_alias(FunctionName=function.name, Name="1-2-0")
    outcome = run(slug, "rollback", "1.2.0", env=env)
    assert outcome.status == 1
    assert "No version is called 1.2.0." in outcome.stderr
    assert [each.alias() for each in functions] == ["2", "2"]


# --- permissions -----------------------------------------------------------------------------------

NAMING = {
    "lambda:UpdateFunctionCode",
    "lambda:GetFunctionConfiguration",
    "lambda:GetAlias",
    "lambda:ListVersionsByFunction",
    "lambda:PublishVersion",
    "lambda:CreateAlias",
    "lambda:UpdateAlias",
}


def test_naming_needs_no_more_than_an_alias_does(function: Function, deployed: Deploy) -> None:
    """The first time, and when the name moves."""
    function.aws.allowed = NAMING
    for value in ("canary 1", "canary 2"):
        deployed(**NAMED, NAME=value)
    assert function.alias("1-1-1") == "2"


@pytest.mark.parametrize("missing", ["lambda:GetAlias", "lambda:PublishVersion", "lambda:CreateAlias"])
def test_what_is_missing_is_named_and_no_name_is_given(
    function: Function, deployed: Deploy, missing: str
) -> None:
    """And the live alias is where it was."""
    deployed(**ALIAS)
    function.aws.allowed = NAMING - {missing}
    outcome = deployed(status=1, NAME="canary", **LIVE)
    assert f"lacks the permission {missing}" in outcome.stderr
    assert (function.alias(), function.alias("1-1-1")) == ("1", None)


# --- two at once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("configs", [("same", "same"), ("one", "two")], ids=["one config", "two configs"])
def test_two_deploys_that_name_the_same_version(
    slug: Path, function: Function, configs: tuple[str, str]
) -> None:
    """The name is at one of them, which was verified; the other one has the same, or is told that it lost."""
    verified: set[str] = set()

    def handler(_payload: Any, version: str) -> str:
        verified.add(version)
        return "pong"

    function.aws.answers(function, handler)
    with Deployer() as one, Deployer() as two:
        for number in range(4):
            settings = {"_LAMBDA_VERSION": f"1.{number}.0", "_LAMBDA_VERIFY_PAYLOAD": "{}"}
            env = {**function.aws.settings(function), **settings}
            for deployer, config, pause in ((one, configs[0], 0), (two, configs[1], 0.02 * number)):
                deployer.prepare(slug, {**env, "NAME": f"{config} {number}"}, pause)
            one.start()
            two.start()
            outcomes = [one.wait(), two.wait()]
            for outcome in outcomes:
                assert outcome.status in {0, 1}, outcome
                assert (outcome.status == 1) == ("Another deploy or a person" in outcome.stderr), outcome
            assert 0 in {outcome.status for outcome in outcomes}, outcomes
            assert function.alias(f"1-{number}-0") in verified
