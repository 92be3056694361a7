"""`deploy status`: what runs, since when, where it comes from, and whether a deploy would change it."""

import datetime as dt
import json
from pathlib import Path

import pytest

from deploy.commands.status import age
from embedded_aws import EmbeddedAWS, Function
from in_process import deploy


def status(slug: Path, env: dict[str, str], *arguments: str) -> str:
    result = deploy(slug, "status", *arguments, env=env)
    assert result.status == 0, result.stderr
    assert "canary" not in result.stdout + result.stderr
    return result.stdout


def test_a_function_without_alias_tells_whether_it_is_up_to_date(
    slug: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """Before and after a deploy, and after a config change; one call each."""
    env = {**aws.settings(function), "NAME": "canary-1"}
    before = status(slug, env)
    assert before.startswith(f"-----> {function.name} in eu-west-1\n       State:       Active\n")
    assert "       Up to date:  no: a deploy would change it, see `deploy plan`\n" in before
    assert deploy(slug, env=env).status == 0
    assert "       Up to date:  yes\n" in status(slug, env)
    assert "       Up to date:  no" in status(slug, {**env, "NAME": "canary-2"})
    assert function.deploy_calls[-1].operation == "GetFunctionConfiguration"


def test_a_function_without_alias_shows_its_code(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """CodeSha256 is all that it tells of where it comes from."""
    digest = function.get()["Configuration"]["CodeSha256"]
    shown = status(slug, aws.settings(function))
    assert f"       CodeSha256:  {digest}\n       Up to date:" in shown
    assert "Comes from" not in shown
    assert json.loads(status(slug, aws.settings(function), "--json"))["release"] is None


def test_the_reason_of_a_failed_update_shows_no_config(
    slug: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """AWS names the key that it may not use, or the image that it can't read; that may be config, too."""
    env = {**aws.settings(function), "KEY": "key/0a1b2c3d-canary-of-config"}
    aws.fails_updates(function, "InvalidKey", "key/0a1b2c3d-canary-of-config is disabled")
    failed = deploy(slug, env=env)
    assert "AWS says: [KEY] is disabled InvalidKey" in failed.stderr
    assert "Reason:      [KEY] is disabled InvalidKey\n" in status(slug, env)
    assert "[KEY] is disabled" in status(slug, env, "--json")


def test_a_list_of_no_versions_says_so(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """A heading with nothing below it looks like a fault."""
    for way in ({}, {"_LAMBDA_ALIAS": "live"}):
        shown = status(slug, {**aws.settings(function), **way}, "--versions")
        assert shown.endswith("-----> Versions\n       none\n")


def test_an_alias_tells_its_version_and_where_that_comes_from(
    slug: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """App, release, commit, base and baked files are recorded with it; `--versions` lists all versions."""
    env = {
        **aws.settings(function),
        "_LAMBDA_ALIAS": "live",
        "HEROKU_APP_NAME": "my-app",
        "HEROKU_RELEASE_VERSION": "v42",
        "HEROKU_SLUG_COMMIT": "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
    }
    before = status(slug, env)
    assert "live: not there yet, the first deploy creates it" in before
    assert "CodeSha256" not in before
    assert deploy(slug, env=env).status == 0
    assert deploy(slug, env={**env, "HEROKU_RELEASE_VERSION": "v43", "NAME": "canary"}).status == 0
    shown = status(slug, {**env, "NAME": "canary"}, "--versions")
    digest = function.get("2")["Configuration"]["CodeSha256"]
    assert f"       Alias:       live is version 2\n       CodeSha256:  {digest}\n" in shown
    assert "       Comes from:  my-app, v43, commit 2c3a0b24069a, base " in shown
    base = json.loads((slug / ".lambda-deploy/build.json").read_text())["sha256"]
    assert f"       Base:        {base}\n       Baked files: env.properties\n" in shown
    assert "       Up to date:  yes\n" in shown
    _head, first, second = shown.partition("-----> Versions\n")[2].splitlines()
    assert first.split()[:2] == ["2", "live"]
    assert "v42" in second


def test_an_older_release_is_told_that_it_would_be_skipped(
    slug: Path, aws: EmbeddedAWS, function: Function
) -> None:
    """It differs from what runs, but a deploy would not change that."""
    env = {**aws.settings(function), "_LAMBDA_ALIAS": "live", "HEROKU_APP_NAME": "my-app"}
    newer = {**env, "HEROKU_RELEASE_VERSION": "v11", "NAME": "new"}
    older = {**env, "HEROKU_RELEASE_VERSION": "v10", "NAME": "old"}
    assert deploy(slug, env=newer).status == 0
    assert "       Up to date:  no: release v11 is live" in status(slug, older)
    document = json.loads(status(slug, older, "--json"))
    assert (document["deploy_would_step_back"], document["up_to_date"]) == (True, False)
    assert document["release"] == {"app": "my-app", "number": 11}
    assert "       Up to date:  yes\n" in status(slug, newer)
    assert json.loads(status(slug, newer, "--json"))["deploy_would_step_back"] is False


def test_weights_that_someone_else_set_are_shown(slug: Path, aws: EmbeddedAWS, function: Function) -> None:
    """A canary shift by CodeDeploy, say; status itself is not stopped by it."""
    env = {**aws.settings(function), "_LAMBDA_ALIAS": "live"}
    for value in ("1", "2"):
        assert deploy(slug, env={**env, "NAME": value}).status == 0
    aws.client().update_alias(
        FunctionName=function.name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.25}}
    )
    assert "live is version 2, 25% to version 1\n" in status(slug, {**env, "NAME": "2"})
    document = json.loads(status(slug, {**env, "NAME": "2"}, "--json"))
    assert document["weights"] == {"1": 0.25}
    assert (document["alias"], document["version"]) == ("live", "2")
    assert [version["version"] for version in document["versions"]] == ["1", "2"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(5, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (86400 * 3 + 5, "3 days ago")],
)
def test_ages_are_told_in_the_largest_fitting_unit(seconds: int, shown: str) -> None:
    """Nobody subtracts timestamps in the head."""
    then = dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=seconds)
    assert age(then.strftime("%Y-%m-%dT%H:%M:%S.000+0000")) == shown
    assert age("") == "at an unknown time"
    assert age("2026-11-20T10:20:30.123456789Z") == "2026-11-20T10:20:30.123456789Z"
