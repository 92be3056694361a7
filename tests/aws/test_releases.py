"""Releases as users see them: through the command line, against the embedded AWS."""

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

from embedded_aws import Function
from in_process import deploy as run
from releases import ALIAS, EXPECT, Deploy, answered, operations

# --- nothing to do ---------------------------------------------------------------------------------


def test_nothing_to_do_is_nothing_done(function: Function, deployed: Deploy) -> None:
    """One question, no upload, and the output says so; however often it is run."""
    deployed(NAME="canary")
    before = function.get()["Configuration"]
    made = len(function.deploy_calls)
    for _ in range(2):
        outcome = deployed(NAME="canary")
        assert f"-----> Nothing to do: {function.name} runs this package already" in outcome.stdout
    later = function.deploy_calls[made:]
    assert [call.operation for call in later] == ["GetFunctionConfiguration"] * 2
    assert sum(call.body_length for call in later) == 0
    assert function.get()["Configuration"] == before


def test_nothing_to_do_with_an_alias_is_reading_alone(function: Function, deployed: Deploy) -> None:
    """Four questions, and not even an invocation."""
    deployed(**answered(function))
    made = len(function.deploy_calls)
    outcome = deployed(**EXPECT)
    assert "(live is version 1)" in outcome.stdout
    assert operations(function)[made:] == [
        "GetFunctionConfiguration",
        "GetAlias",
        "ListVersionsByFunction",
        "GetFunctionConfiguration",  # the version that is live
    ]


def test_a_change_of_the_config_is_something_to_do(function: Function, deployed: Deploy) -> None:
    """Of one value."""
    deployed(NAME="canary")
    before = function.code_sha256()
    assert "-----> Deployed" in deployed(NAME="canary!").stdout
    assert function.code_sha256() != before


# --- waiting ---------------------------------------------------------------------------------------


def test_an_update_under_way_is_waited_for(function: Function, deployed: Deploy) -> None:
    """Before the upload and after it."""
    function.aws.polls_per_update = 3
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=7)
    deployed()
    assert operations(function) == [
        *["GetFunctionConfiguration"] * 4,
        "GetFunction",
        "UpdateFunctionCode",
        *["GetFunctionConfiguration"] * 4,
    ]
    assert function.get()["Configuration"]["LastUpdateStatus"] == "Successful"


def test_a_function_whose_network_is_set_up_is_waited_for(function: Function, deployed: Deploy) -> None:
    """State is Pending for a while after a function was made in a VPC."""
    function.aws.is_pending(function, 2)
    deployed()
    assert operations(function).count("GetFunctionConfiguration") > 3


def test_a_deployer_that_may_not_read_tries_until_it_is_let_in(function: Function, deployed: Deploy) -> None:
    """A conflict is met by another try, for it is over soon."""
    function.aws.polls_per_update = 2
    function.aws.allowed = {"lambda:UpdateFunctionCode"}
    function.aws.client().update_function_configuration(FunctionName=function.name, Timeout=7)
    deployed()
    assert operations(function).count("UpdateFunctionCode") == 3


def test_the_wait_has_an_end(function: Function, deployed: Deploy) -> None:
    """_LAMBDA_TIMEOUT, which the message names; nothing was uploaded by then."""
    function.aws.is_pending(function, 1_000_000)
    before = function.code()
    began = time.monotonic()
    outcome = deployed(status=1, _LAMBDA_TIMEOUT="1")
    assert 1 <= time.monotonic() - began < 5
    assert "was not ready within 1 seconds" in outcome.stderr
    assert "_LAMBDA_TIMEOUT" in outcome.stderr
    function.aws.is_pending(function, 0)
    assert function.code() == before


def test_an_update_that_fails_is_told_with_the_reason_of_aws(function: Function, deployed: Deploy) -> None:
    """And the next deploy uploads again, though the code is there by its digest."""
    function.aws.fails_updates(function, "InvalidSubnet", "The subnet subnet-1 was not found.")
    outcome = deployed(status=1)
    assert "The subnet subnet-1 was not found. InvalidSubnet" in outcome.stderr
    function.aws.works_again(function)
    assert "-----> Deployed" in deployed().stdout


def test_nothing_is_published_of_an_update_that_failed(function: Function, deployed: Deploy) -> None:
    """The alias stays away from it."""
    function.aws.fails_updates(function)
    deployed(status=1, **ALIAS)
    assert function.versions() == []
    assert function.alias() is None


# --- versions and aliases --------------------------------------------------------------------------


def test_the_first_deploy_publishes_and_makes_the_alias(function: Function, deployed: Deploy) -> None:
    """The version says where it comes from; the whole output, as it stands in a release log."""
    dyno = {
        "HEROKU_APP_NAME": "shop-production",
        "HEROKU_RELEASE_VERSION": "v42",
        "HEROKU_SLUG_COMMIT": "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
    }
    outcome = deployed(NAME="canary", **dyno, **answered(function))
    description = function.get("1")["Configuration"]["Description"]
    size = len(function.code())
    origin, base, rest = re.split("base ([0-9a-f]{64}), ", description)
    assert origin == "shop-production, v42, commit 2c3a0b24069a, "
    assert re.fullmatch("config [0-9a-f]{12}, files env.properties", rest)
    story = re.sub(r" in [0-9.]+ s: ", " in … s: ", outcome.stdout)
    assert story.partition("-----> Updating")[2] == (
        f" {function.name} in eu-west-1\n"
        f"       Uploading {size} bytes\n"
        "-----> Publishing a version\n"
        f"       Version 1: {origin}base {base[:12]}, {rest.partition(', files')[0]}\n"
        "-----> Verifying version 1\n"
        "       It answered as expected\n"
        "-----> Moving live to version 1\n"
        f"-----> Deployed {function.name} in … s: live is version 1\n"
    )
    assert function.alias() == "1"


def test_a_qualifier_in_the_arn_names_the_alias(function: Function, deployed: Deploy) -> None:
    """As _LAMBDA_ALIAS does."""
    deployed(_LAMBDA_FUNCTION_ARN=f"{function.arn}:beta")
    assert function.alias("beta") == "1"


def test_a_version_that_is_not_ready_yet_is_waited_for(function: Function, deployed: Deploy) -> None:
    """It is Pending first, and could not be invoked."""
    function.aws.polls_per_version = 3
    deployed(**answered(function))
    assert function.alias() == "1"


def test_descriptions_of_any_length_fit(function: Function, deployed: Deploy) -> None:
    """AWS takes 256 characters, and counts them."""
    deployed(HEROKU_APP_NAME="a" * 300, **ALIAS)
    description = function.get("1")["Configuration"]["Description"]
    assert re.fullmatch(r"base [0-9a-f]{64}, config [0-9a-f]{12}, files env.properties", description)


def test_a_version_that_was_never_ready_is_waited_for_when_it_is_used_again(
    function: Function, deployed: Deploy
) -> None:
    """The run that published it gave up; the next one finds it, and waits for it as well."""
    function.aws.polls_per_version = 1_000_000
    assert "was not ready within 1 seconds" in deployed(status=1, _LAMBDA_TIMEOUT="1", **ALIAS).stderr
    assert "was not ready within 1 seconds" in deployed(status=1, _LAMBDA_TIMEOUT="1", **ALIAS).stderr
    assert function.alias() is None


def test_an_alias_that_is_deleted_meanwhile_is_told_as_gone(function: Function, deployed: Deploy) -> None:
    """Between the look and the step, while the new version is verified."""
    deployed(**answered(function))
    client = function.aws.client()

    def delete_the_alias(_payload: object, _version: str) -> object:
        client.delete_alias(FunctionName=function.name, Name="live")
        return {"ok": True}

    function.aws.answers(function, delete_the_alias)
    outcome = deployed(status=1, NAME="canary", **EXPECT)
    assert "Another deploy or a person moved the alias live" in outcome.stderr
    assert "It is gone now." in outcome.stderr


def test_going_back_to_an_earlier_config_moves_the_alias_and_nothing_else(
    function: Function, deployed: Deploy
) -> None:
    """`heroku rollback` with the release phase: no upload, no new version."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    assert function.alias() == "2"
    made = len(function.deploy_calls)
    outcome = deployed(NAME="canary 1", **ALIAS)
    assert operations(function)[made:] == [
        "GetFunctionConfiguration",
        "GetAlias",
        "ListVersionsByFunction",
        "GetFunctionConfiguration",  # the version is ready
        "UpdateAlias",
    ]
    assert ": live 2 → 1 (config changed, code unchanged)\n" in outcome.stdout
    assert (function.alias(), function.versions()) == ("1", ["1", "2"])


def test_another_configuration_of_the_function_makes_another_version(
    function: Function, deployed: Deploy
) -> None:
    """The same code with more memory is not the same release; it is published without an upload."""
    deployed(**ALIAS)
    function.aws.client().update_function_configuration(FunctionName=function.name, MemorySize=512)
    made = len(function.deploy_calls)
    deployed(**ALIAS)
    assert "UpdateFunctionCode" not in operations(function)[made:]
    assert function.alias() == "2"
    assert function.get("2")["Configuration"]["MemorySize"] == 512


def test_versions_are_found_on_every_page(function: Function, deployed: Deploy) -> None:
    """AWS lists 50 at once; the one that is wanted may be the oldest."""
    function.aws.page_size = 2
    for number in range(5):
        deployed(NAME=f"canary {number}", **ALIAS)
    deployed(NAME="canary 0", **ALIAS)
    assert function.alias() == "1"


def test_weights_stop_a_deploy_until_it_is_forced(function: Function, deployed: Deploy) -> None:
    """Somebody may be in the middle of a shift: nothing is changed without --force."""
    for name in ("canary 1", "canary 2"):
        deployed(NAME=name, **ALIAS)
    routing: Any = {"AdditionalVersionWeights": {"1": 0.1}}
    client = function.aws.client()
    client.update_alias(FunctionName=function.name, Name="live", RoutingConfig=routing)
    before = (function.code_sha256(), function.versions(), function.alias())
    outcome = deployed(NAME="canary 3", status=1, **ALIAS)
    assert "10% to version 1" in outcome.stderr
    assert "deploy --force" in outcome.stderr
    assert (function.code_sha256(), function.versions(), function.alias()) == before
    deployed("--force", NAME="canary 3", **ALIAS)
    alias = client.get_alias(FunctionName=function.name, Name="live")
    assert alias["FunctionVersion"] == "3"
    assert not alias.get("RoutingConfig")


def test_old_versions_go_but_none_that_an_alias_needs(function: Function, deployed: Deploy) -> None:
    """_LAMBDA_KEEP_VERSIONS counts the new one; the previous one stays for a rollback."""
    for name in ("canary 1", "canary 2", "canary 3"):
        deployed(NAME=name, **ALIAS)
    function.aws.client().create_alias(FunctionName=function.name, Name="audit", FunctionVersion="1")
    outcome = deployed(NAME="canary 4", _LAMBDA_KEEP_VERSIONS="1", **ALIAS)
    assert "-----> Deleting 1 old version\n       2\n" in outcome.stdout
    assert function.versions() == ["1", "3", "4"]
    deployed("rollback", **ALIAS)
    assert function.alias() == "3"


# --- JSON ------------------------------------------------------------------------------------------


def test_a_program_gets_one_document(slug: Path, function: Function) -> None:
    """Of a deploy, of nothing to do, of a rollback: what it did and where it is now."""

    def document(*arguments: str, **environment: str) -> dict[str, Any]:
        env = {**function.aws.settings(function), **ALIAS, **environment}
        outcome = run(slug, *arguments, "--json", env=env)
        assert outcome.status == 0
        result: dict[str, Any] = json.loads(outcome.stdout)
        return result

    first = document(NAME="canary 1")
    digest = base64.b64encode(hashlib.sha256(function.code()).digest()).decode()
    assert (first["changed"], first["alias"], first["version"]) == (True, "live", "1")
    assert first["code_sha256"] == digest
    assert document(NAME="canary 1")["changed"] is False
    document(NAME="canary 2")
    back = document("rollback")
    assert (back["changed"], back["left"], back["version"]) == (True, "2", "1")
