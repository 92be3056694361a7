"""The main flow again, on a server that is not ours and that really runs what is deployed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from command import make_slug
from deploy.artifact import base as bases
from in_process import Outcome
from in_process import deploy as run
from lifecycle_events import Lifecycle
from ministack import Function, Ministack, serve
from zips import zip_of

pytestmark = pytest.mark.xdist_group("ministack")  # one server, not one for each of xdist's workers

ACCOUNT, OTHER_ACCOUNT = "111111111111", "222222222222"
HANDLER = b"const config = require('./env.json')\nexports.handler = async () => config\n"
STUB = zip_of({"index.js": b"exports.handler = async () => 'a stub'\n"})
SETTINGS = {"_LAMBDA_CONFIG_FILES": "env.json"}
VERIFIED_ALIAS = {
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_VERIFY_PAYLOAD": "{}",
    "_LAMBDA_VERIFY_EXPECT": '"GREETING": *"(hello|welcome)"',
}


@pytest.fixture(scope="module")
def server() -> Iterator[Ministack]:
    """Start ministack."""
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app that answers with its config."""
    return make_slug(tmp_path_factory.mktemp("slug"), {"index.js": HANDLER})


def deploy(
    slug: Path, function: Function, config: Mapping[str, str], *arguments: str, status: int = 0
) -> Outcome:
    """Run `deploy ARGUMENTS` on the function; `config` may hold settings too."""
    outcome = run(slug, *arguments, env={**function.settings, **SETTINGS, **config})
    assert outcome.status == status, outcome
    return outcome


def test_the_function_runs_what_was_deployed(server: Ministack, slug: Path) -> None:
    """Its answer is the deployed config: at first, unchanged, changed, and after drift was corrected."""
    function = server.create_function(ACCOUNT, "plain", STUB)
    assert function.invoke() == "a stub"

    config = {"GREETING": "hello"}
    deploy(slug, function, config)
    assert function.invoke() == config

    before = state(function)
    assert json.loads(deploy(slug, function, config, "--json").stdout)["changed"] is False
    assert state(function) == before

    config = {"GREETING": "welcome", "NAME": "Grüße, 世界"}
    deploy(slug, function, config)
    assert function.invoke() == config

    deploy(slug, function, config, "plan", "--exit-code")
    function.client.update_function_code(FunctionName=function.arn, ZipFile=STUB)
    assert function.invoke() == "a stub"
    deploy(slug, function, config, "plan", "--exit-code", status=3)
    deploy(slug, function, config)
    assert function.invoke() == config


def test_the_alias_serves_what_was_verified(server: Ministack, slug: Path) -> None:
    """A version that answers wrongly never gets the alias; rollback and drift correction move it back."""
    function = server.create_function(ACCOUNT, "aliased", STUB)

    def live() -> tuple[str, str]:
        return function.alias("live"), function.invoke("live")["GREETING"]

    deploy(slug, function, {**VERIFIED_ALIAS, "GREETING": "hello"})
    assert live() == ("1", "hello")

    wrong = deploy(slug, function, {**VERIFIED_ALIAS, "GREETING": "go away"}, status=1)
    assert "_LAMBDA_VERIFY_EXPECT" in wrong.stderr
    assert function.invoke("2") == {"GREETING": "go away"}
    assert live() == ("1", "hello")

    config = {**VERIFIED_ALIAS, "GREETING": "welcome"}
    deploy(slug, function, config)
    assert live() == ("3", "welcome")

    deploy(slug, function, config, "rollback")
    assert live() == ("1", "hello")
    shown = status(slug, function, config)
    assert (shown["alias"], shown["version"], shown["up_to_date"]) == ("live", "1", False)

    deploy(slug, function, config)
    assert live() == ("3", "welcome")
    shown = status(slug, function, config)
    assert (shown["alias"], shown["version"], shown["up_to_date"]) == ("live", "3", True)
    assert {each["version"]: each["code_sha256"] for each in shown["versions"]} == function.versions()

    deploy(slug, function, config, "plan", "--exit-code")
    function.client.update_alias(FunctionName=function.arn, Name="live", FunctionVersion="2")
    assert live() == ("2", "go away")
    deploy(slug, function, config, "plan", "--exit-code", status=3)
    deploy(slug, function, config)
    assert live() == ("3", "welcome")
    assert list(function.versions()) == ["1", "2", "3"]


def test_a_name_stays_with_what_it_was_given_to(server: Ministack, slug: Path) -> None:
    """A name without a live alias, another config under it, and a rollback of the live alias to a name."""
    function = server.create_function(ACCOUNT, "named", STUB)
    deploy(slug, function, {"_LAMBDA_VERSION": "1.0.0", "GREETING": "hello"})
    assert (function.alias("1-0-0"), function.invoke("1-0-0")) == ("1", {"GREETING": "hello"})
    deploy(slug, function, {"_LAMBDA_VERSION": "1.0.0", "GREETING": "welcome"})
    assert (function.alias("1-0-0"), function.invoke("1-0-0")) == ("2", {"GREETING": "welcome"})

    config = {**VERIFIED_ALIAS, "_LAMBDA_VERSION": "1.1.0", "GREETING": "hello"}
    deploy(slug, function, config)
    assert [function.alias(name) for name in ("live", "1-1-0", "1-0-0")] == ["1", "1", "2"]
    deploy(slug, function, config, "rollback", "1.0.0")
    assert function.invoke("live") == {"GREETING": "welcome"}
    shown = status(slug, function, config)
    assert [each["names"] for each in shown["versions"]] == [["1.1.0"], ["1.0.0"]]
    assert (shown["base_sha256"], shown["baked_files"]) == (bases.read(slug).sha256, ["env.json"])


def test_one_account_does_not_see_the_function_of_another(server: Ministack, slug: Path) -> None:
    """Both have a function of the same name. A key deploys to its own, and not even by ARN to the other."""
    mine, theirs = (server.create_function(account, "same", STUB) for account in (ACCOUNT, OTHER_ACCOUNT))
    before = state(theirs)

    deploy(slug, mine, {"GREETING": "hello"})
    assert mine.invoke() == {"GREETING": "hello"}

    refused = deploy(slug, mine, {"_LAMBDA_FUNCTION_ARN": theirs.arn, "GREETING": "hello"}, status=1)
    assert "There is no function same" in refused.stderr
    assert theirs.invoke() == "a stub"
    assert state(theirs) == before


HOOK = b"""
const post = (url, headers, body) => fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
const scope = 'AWS4-HMAC-SHA256 Credential=own/20250101/eu-west-1/codedeploy/aws4_request, '
const codedeploy = (operation, body) => post(process.env.AWS_ENDPOINT_URL_CODEDEPLOY,
  { 'X-Amz-Target': `CodeDeploy_20141006.${operation}`, Authorization: scope }, body)
exports.handler = async ({ DeploymentId: deploymentId, LifecycleEventHookExecutionId: id }) => {
  const { targetIds } = await (await codedeploy('ListDeploymentTargets', { deploymentId })).json()
  const answer = await codedeploy('GetDeploymentTarget', { deploymentId, targetId: targetIds[0] })
  const info = (await answer.json()).deploymentTarget.lambdaTarget.lambdaFunctionInfo
  const path = `/2015-03-31/functions/${info.functionName}/invocations?Qualifier=${info.targetVersion}`
  const headers = { Authorization: scope.replace('codedeploy', 'lambda').replace('own', process.env.ACCOUNT) }
  const greeting = (await (await post(process.env.AWS_ENDPOINT_URL + path, headers, {})).json()).GREETING
  const status = greeting === 'hello' ? 'Succeeded' : 'Failed'
  await codedeploy('PutLifecycleEventHookExecutionStatus',
    { deploymentId, lifecycleEventHookExecutionId: id, status })
}
"""


def test_both_hooks_check_what_runs(server: Ministack, slug: Path, tmp_path: Path) -> None:
    """Ours and one of an app's own, as functions beside the one that they check."""
    function = server.create_function(ACCOUNT, "checked", STUB)
    assert run(slug, "tools", "-o", str(tmp_path / "tools.zip"), env={}).status == 0
    with Lifecycle() as codedeploy:
        variables = {
            "AWS_ENDPOINT_URL_CODEDEPLOY": codedeploy.url,
            "VERIFY_PAYLOAD": "{}",
            "VERIFY_EXPECT": '"GREETING": *"hello"',
            "ACCOUNT": ACCOUNT,
        }
        common = {"Timeout": 60, "Environment": {"Variables": variables}}
        tools = (tmp_path / "tools.zip").read_bytes()
        handler = {"Handler": "deploy.hook.handler", **common}
        before = server.create_function(ACCOUNT, "CodeDeployHook_ours", tools, "python3.13", **handler)
        after = server.create_function(ACCOUNT, "CodeDeployHook_own", zip_of({"index.js": HOOK}), **common)
        for number, (greeting, status) in enumerate((("hello", "Succeeded"), ("go away", "Failed")), 1):
            deploy(slug, function, {"_LAMBDA_ALIAS": "live", "GREETING": greeting})
            for hook in (before, after):
                deployment = codedeploy.start("checked", target=str(number))
                payload = json.dumps(deployment.event).encode()
                answer = hook.client.invoke(FunctionName=hook.arn, Payload=payload)
                assert "FunctionError" not in answer, answer["Payload"].read()
                assert deployment.statuses == [status]


def state(function: Function) -> tuple[bytes, str, str]:
    """Return what any update would change: the code, and the time and the revision of the last change."""
    configuration = function.configuration()
    return function.code(), configuration["LastModified"], configuration["RevisionId"]


def status(slug: Path, function: Function, config: Mapping[str, str]) -> Any:
    """Return the document of `deploy status --versions`."""
    return json.loads(deploy(slug, function, config, "status", "--versions", "--json").stdout)
