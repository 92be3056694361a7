"""Credentials in a slug, which has no more of the SDK than a deploy needs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from buildpack import Result, platform, run, warm_build
from embedded_aws import EmbeddedAWS, Function


@pytest.fixture
def slug(tmp_path: Path, warm_cache: Path) -> Path:
    build = warm_build(tmp_path, warm_cache)
    assert build.compile().status == 0
    return build.app


def deploy(slug: Path, *arguments: str | Path, environment: Mapping[str, str]) -> Result:
    command = slug / ".lambda-deploy/bin/deploy"
    return run(command, *arguments, environment={**platform(slug.parent), **environment}, cwd=slug)


def test_a_role_is_assumed(aws: EmbeddedAWS, function: Function, slug: Path, tmp_path: Path) -> None:
    """With a key and with a token: the slug has what STS needs."""
    (tmp_path / "token").write_text("token")
    settings = {**aws.settings(function), "DYNO": "run.1"}
    by_key = {"_AWS_ROLE_ARN": aws.create_role("by-key")}
    without_keys = {name: text for name, text in settings.items() if "_KEY" not in name}
    by_token = {
        "_AWS_ROLE_ARN": aws.create_role("by-token", web_identity="token"),
        "_AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    for environment in ({**settings, **by_key}, {**without_keys, **by_token}):
        result = deploy(slug, environment=environment)
        assert (result.status, result.stderr) == (0, ""), result


def test_a_sign_in_is_explained(function: Function, slug: Path, tmp_path: Path) -> None:
    """What it needs is not in a slug: the error says where it is."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        "[profile sso]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Deployer\n"
    )
    (tmp_path / ".env").write_text("A=1\n")
    environment = {"HOME": str(tmp_path), "_LAMBDA_FUNCTION_ARN": function.arn}
    options = ("--env-file", tmp_path / ".env", "--aws-profile", "sso")
    refused = deploy(slug, *options, environment=environment)
    assert refused.status == 2
    assert "signs in with SSO, which a slug can't" in refused.stderr
    assert "Traceback" not in refused.stderr
