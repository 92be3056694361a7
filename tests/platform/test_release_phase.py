"""The release phase: registered by bin/compile if the app asks for it, run by the platform each time."""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import simulated
from buildpack import Build, make_nodejs_app, small_build
from embedded_aws import Function
from simulated import Slug

if TYPE_CHECKING:
    import subprocess

DEPLOY = "deploy: .lambda-deploy/bin/deploy\n"
RELEASE = "release: .lambda-deploy/bin/deploy\n"
RELEASE_DYNO = {"DYNO": "release.1234"}


# --- registering -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a build with a warm cache, whose app has no Procfile."""
    build = small_build(tmp_path_factory.mktemp("build"))
    assert build.compile().status == 0
    return build


@pytest.fixture
def build(shared_build: Build) -> Build:
    """Return the same build without the Procfile and the config of the test before."""
    (shared_build.app / "Procfile").unlink(missing_ok=True)
    shutil.rmtree(shared_build.env_dir, ignore_errors=True)
    return shared_build


def procfile(build: Build) -> str:
    return (build.app / "Procfile").read_text()


@pytest.mark.parametrize("value", ["true", "TRUE\n"])
def test_true_registers_it(build: Build, value: str) -> None:
    """`release:` stands beside `deploy:`, and the build log says so; a second build changes nothing."""
    build.set_config("_LAMBDA_RELEASE_PHASE", value)
    first, once = build.compile(), procfile(build)
    second = build.compile()
    assert (first.status, first.stderr, once) == (0, "", DEPLOY + RELEASE)
    assert '       Procfile: added "release: .lambda-deploy/bin/deploy"\n' in first.stdout
    assert (second.status, second.stderr, procfile(build)) == (0, "", once)
    assert '       Procfile: has "release: .lambda-deploy/bin/deploy" already\n' in second.stdout


@pytest.mark.parametrize("value", [None, "", "False"])
def test_without_it_nothing_is_registered(build: Build, value: str | None) -> None:
    """Neither by default nor if the setting says no."""
    if value is not None:
        build.set_config("_LAMBDA_RELEASE_PHASE", value)
    assert build.compile().status == 0
    assert procfile(build) == DEPLOY


@pytest.mark.parametrize("value", ["yes", "$(false)"])
def test_anything_else_stops_the_build(build: Build, value: str) -> None:
    """A deploy that somebody relies on and that never comes would be worse; the value is not shown."""
    build.set_config("_LAMBDA_RELEASE_PHASE", value)
    result = build.compile()
    assert result.status == 2
    assert "_LAMBDA_RELEASE_PHASE is neither true nor false." in result.stderr
    assert "heroku config:set _LAMBDA_RELEASE_PHASE=true" in result.stderr
    assert value not in result.stdout + result.stderr
    assert not (build.app / "Procfile").exists()


def test_the_apps_own_release_line_stays(build: Build) -> None:
    """With a notice that shows how to have both; a build after the advice was followed is content."""
    (build.app / "Procfile").write_text("release: npm run migrate\n")
    build.set_config("_LAMBDA_RELEASE_PHASE", "true")
    result = build.compile()
    assert (result.status, procfile(build)) == (0, "release: npm run migrate\n" + DEPLOY)
    assert 'Procfile has a process type "release" of the app\'s own' in result.stderr
    advice = re.search(r"^ !       (release: .*)$", result.stderr, re.MULTILINE)
    assert advice
    assert advice[1] == "release: npm run migrate && .lambda-deploy/bin/deploy"

    (build.app / "Procfile").write_text(f"{advice[1]}\n{DEPLOY}")
    followed = build.compile()
    assert (followed.status, followed.stderr) == (0, "")
    assert procfile(build) == f"{advice[1]}\n{DEPLOY}"


def test_the_apps_own_release_line_is_nobodys_business_by_default(build: Build) -> None:
    """Without the setting there is nothing to say about it."""
    (build.app / "Procfile").write_text("release: npm run migrate\n")
    result = build.compile()
    assert (result.status, result.stderr) == (0, "")


# --- running ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Slug:
    """Build a small app that asks for the release phase."""
    folder = tmp_path_factory.mktemp("release-phase")
    cache = shutil.copytree(warm_cache, folder / "cache", symlinks=True)
    app = make_nodejs_app(folder / "source")
    return simulated.build(app, folder / "slug", cache=cache, config={"_LAMBDA_RELEASE_PHASE": "true"})


def released(slug: Slug, function: Function, **config: str) -> "subprocess.CompletedProcess[str]":
    """Run the release phase as the platform does: in a one-off dyno, without a terminal."""
    settings = {**function.aws.settings(function), "GREETING": "hello", **config}
    return slug.run("release", config=settings, dyno=RELEASE_DYNO)


def test_it_deploys_and_ends(slug: Slug, function: Function) -> None:
    """For a log: no colours, no bars, the outcome in the last line."""
    function.aws.polls_per_update = 3  # long enough for progress to be shown
    result = released(slug, function)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    sha256 = function.code_sha256()
    assert re.fullmatch(
        f"-----> Deployed {function.name} in [0-9.]+ s: CodeSha256 {re.escape(sha256)}", lines[-1]
    )
    assert any("Waiting for" in line for line in lines)
    assert all(re.fullmatch(r"-----> \S.*|       \S.*", line) for line in lines)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f█]", result.stdout)


def test_a_release_that_changes_nothing_is_one_line_and_one_call(slug: Slug, function: Function) -> None:
    """A release that is about something else, such as an add-on, is no deploy."""
    released(slug, function)
    before = len(function.deploy_calls)
    again = released(slug, function)
    sha256 = function.code_sha256()
    line = f"-----> Nothing to do: {function.name} runs this package already (CodeSha256 {sha256})\n"
    assert (again.returncode, again.stdout, again.stderr) == (0, line, "")
    assert [call.operation for call in function.deploy_calls[before:]] == ["GetFunctionConfiguration"]


def test_a_deploy_that_fails_stops_the_release(slug: Slug, function: Function) -> None:
    """A status other than 0 keeps the release from going live, and the log says why."""
    function.aws.denied.add("UpdateFunctionCode")
    result = released(slug, function)
    assert result.returncode == 1
    assert "The deployer lacks the permission lambda:UpdateFunctionCode" in result.stderr
    assert "Deployed" not in result.stdout
    assert "\x1b" not in result.stderr


def test_a_verification_that_fails_stops_the_release(slug: Slug, function: Function) -> None:
    """Nothing goes live: neither the release on the platform nor the version at AWS."""
    function.aws.answers(function, lambda _payload, _version: "nope")
    verified = {"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_VERIFY_EXPECT": "pong"}
    result = released(slug, function, **verified)
    assert result.returncode == 1
    assert "gave an answer that _LAMBDA_VERIFY_EXPECT does not match" in result.stderr
    assert function.alias() is None


def test_wrong_settings_stop_the_release_at_once(slug: Slug, function: Function) -> None:
    """Without the pause of a formation dyno: nobody starts it again."""
    result = released(slug, function, _LAMBDA_FUNCTION_ARN="")
    assert result.returncode == 2
    assert "_LAMBDA_FUNCTION_ARN is not set" in result.stderr
    assert "Exiting in" not in result.stdout
