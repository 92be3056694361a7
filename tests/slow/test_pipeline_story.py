"""A pipeline from end to end: pushes, a config change, a promotion, a rollback, and no `deploy` by hand.

Two stages, each an app of its own with a function of its own, on a platform that does what Heroku does:
each of these is a release with the next number, it runs the release phase, and it goes live only where
that ends well.
"""

import hashlib
import io
import json
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simulated
from embedded_aws import EmbeddedAWS, Function
from lambda_runtime import invoke_nodejs, unpack
from simulated import Slug
from tools import require

if TYPE_CHECKING:
    import subprocess

AT_BUILD_TIME = {"_LAMBDA_RELEASE_PHASE": "true"}
VERIFIED = {
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_VERIFY_PAYLOAD": "{}",
    "_LAMBDA_VERIFY_EXPECT": "[Hh]ello|Good day",
}


@dataclass(frozen=True)
class Release:
    """A slug and the config vars that go with it."""

    number: int
    slug: Slug
    config: Mapping[str, str]


@dataclass
class Stage:
    """An app on the platform: its releases, and the function that it deploys to."""

    name: str
    function: Function
    folder: Path
    live: Release | None = None
    releases: list[Release] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def release(self, what: str, slug: Slug, config: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Make a release: it goes live where the release phase ends well."""
        release = Release(len(self.releases) + 1, slug, config)
        self.releases.append(release)
        calls = len(self.function.deploy_calls)
        started = time.monotonic()
        result = slug.run("release", config=self.environment(release), dyno={"DYNO": "release.1234"})
        took = time.monotonic() - started
        if result.returncode == 0:
            self.live = release
        writes = [call.operation for call in self.function.deploy_calls[calls:] if call.method != "GET"]
        self.told.append(
            f"{self.name:<15} v{release.number}  {what:<28} {took:5.2f} s  "
            f"{'live' if result.returncode == 0 else 'stopped'}, {', '.join(writes) or 'nothing written'}"
        )
        return result

    def environment(self, release: Release) -> dict[str, str]:
        """Return what the platform sets in the dynos of a release."""
        metadata = {"HEROKU_APP_NAME": self.name, "HEROKU_RELEASE_VERSION": f"v{release.number}"}
        return {**self.function.aws.settings(self.function), **VERIFIED, **metadata, **release.config}

    def answer(self) -> Any:
        """Run the version that serves, as Lambda would, and give its answer."""
        return run_handler(self.function, "live", self.folder)

    def entries(self) -> dict[str, bytes]:
        """Return the files of the package that serves."""
        with zipfile.ZipFile(io.BytesIO(self.function.code("live"))) as package:
            return {name: package.read(name) for name in package.namelist()}


def run_handler(function: Function, qualifier: str, folder: Path) -> Any:
    """Unpack and invoke what AWS has; a package that was invoked before answers as it did then."""
    package = function.code(qualifier)
    task_root = folder / hashlib.sha256(package).hexdigest()
    answer = task_root.with_suffix(".json")
    if not answer.exists():
        answer.write_text(json.dumps(invoke_nodejs(unpack(package, task_root))))
    return json.loads(answer.read_text())


def make_stage(aws: EmbeddedAWS, name: str, folder: Path) -> Stage:
    """Make a stage whose function is invoked for real when it is verified."""
    folder.mkdir()
    function = aws.create_function()
    aws.answers(function, lambda _payload, version: run_handler(function, version, folder))
    return Stage(name, function, folder)


def base_of(slug: Slug) -> str:
    """Return the digest of the base as it lies in the slug, which build.json has to know."""
    built = json.loads((slug.path / ".lambda-deploy/build.json").read_text())
    digest = hashlib.sha256((slug.path / built["base"]).read_bytes()).hexdigest()
    assert digest == built["sha256"]
    return digest


def greets(stage: Stage, greeting: str) -> None:
    """Look that the function is right: the code of the live release with its config."""
    assert stage.live
    answer = stage.answer()
    assert answer["greeting"] == greeting
    # The app's name is the one thing of dyno metadata that is config: it is the stage's.
    assert answer["config"] == {**stage.live.config, "HEROKU_APP_NAME": stage.name}


def goes_live(stage: Stage, what: str, slug: Slug, config: Mapping[str, str], greeting: str) -> None:
    """Make a release that ends well, and look that the function is right."""
    result = stage.release(what, slug, config)
    assert result.returncode == 0, result.stderr
    greets(stage, greeting)


def test_the_story(aws: EmbeddedAWS, nodejs_app: Path, warm_cache: Path, tmp_path: Path) -> None:
    """The function is right after each step, and the base that staging has tested is production's."""
    require("node", "unzip")
    staging = make_stage(aws, "my-app-staging", tmp_path / "staging")
    production = make_stage(aws, "my-app", tmp_path / "production")
    source = shutil.copytree(nodejs_app, tmp_path / "source", symlinks=True)
    cache = shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True)

    def push(folder: str) -> Slug:
        return simulated.build(source, tmp_path / folder, cache=cache, config=AT_BUILD_TIME)

    # A push.
    first = push("first")
    config = {"STAGE": "staging", "GREETING_STYLE": "default", "SECRET": "staging's"}
    goes_live(staging, "a push", first, config, "Hello, world!")

    # A config change: the slug stays.
    formal = {**config, "GREETING_STYLE": "formal"}
    goes_live(staging, "a config change", first, formal, "Good day to you, world.")

    # Another push.
    (source / "templates/formal.txt").write_text("Good day to you all, <%= name %>.\n")
    second = push("second")
    assert base_of(second) != base_of(first)
    goes_live(staging, "another push", second, formal, "Good day to you all, world.")

    # A promotion: the slug is copied, and production's own config goes with it.
    promoted = second.copy(tmp_path / "promoted")
    own = {"STAGE": "production", "GREETING_STYLE": "formal", "SECRET": "production's"}
    goes_live(production, "a promotion", promoted, own, "Good day to you all, world.")
    assert base_of(promoted) == base_of(second)
    on_staging, on_production = staging.entries(), production.entries()
    differing = {name for name in on_staging if on_staging[name] != on_production.get(name)}
    assert (on_staging.keys(), differing) == (on_production.keys(), {"env.properties"})
    assert b"staging" not in on_production["env.properties"]

    # A push that breaks the function: it does not go live, neither here nor there.
    before = (staging.live, staging.function.alias())
    (source / "index.js").write_text("throw new Error('broken')\n")
    broken = push("third")
    failed = staging.release("a push that breaks it", broken, formal)
    assert failed.returncode == 1
    assert "failed (Unhandled)." in failed.stderr
    assert "alias was not moved" in failed.stderr
    assert (staging.live, staging.function.alias()) == before
    greets(staging, "Good day to you all, world.")

    # A rollback: the slug and the config of an earlier release, under a number of its own.
    earlier = staging.releases[0]
    calls = len(staging.function.deploy_calls)
    goes_live(staging, "a rollback to v1", earlier.slug, earlier.config, "Hello, world!")
    assert staging.function.alias() == "1"
    made = [call.operation for call in staging.function.deploy_calls[calls:] if call.method != "GET"]
    assert made == ["Invoke", "UpdateAlias"]

    # A dyno of the release before comes late: its deploy is skipped.
    late = staging.releases[2]
    result = late.slug.run("deploy", config=staging.environment(late), dyno={"DYNO": "scheduler.1"})
    assert (result.returncode, "Skipped: a newer release is live" in result.stdout) == (0, True)
    greets(staging, "Hello, world!")

    print("\n" + "\n".join((*staging.told, *production.told)))


def test_an_app_without_the_release_phase_can_be_promoted_too(
    nodejs_slug: Slug, function: Function, tmp_path: Path
) -> None:
    """The formation dyno of each stage does it: the platform starts it with the promoted slug."""
    promoted = nodejs_slug.copy(tmp_path / "promoted")
    config = {**function.aws.settings(function), "STAGE": "production"}
    dyno = promoted.start("deploy", config=config, dyno={"DYNO": "deploy.1"})
    with dyno:
        assert dyno.stdout
        lines = iter(dyno.stdout.readline, "")
        assert any(line.startswith("-----> Deployed ") for line in lines)
        dyno.terminate()
        assert dyno.wait(timeout=30) == 0
    with zipfile.ZipFile(io.BytesIO(function.code())) as package:
        assert b"STAGE=production" in package.read("env.properties")


def test_a_release_that_changes_no_config_changes_no_package(nodejs_slug: Slug, tmp_path: Path) -> None:
    """What dyno metadata says of the release differs from release to release, and is not baked."""
    packages = set()
    for number in (7, 8):
        dyno = {
            "HEROKU_RELEASE_VERSION": f"v{number}",
            "HEROKU_RELEASE_CREATED_AT": f"2026-01-0{number}T00:00:00Z",
            "HEROKU_DYNO_ID": f"dyno-{number}",
        }
        target = tmp_path / "package.zip"
        result = nodejs_slug.run(f"deploy package -o {target}", config={"GREETING": "hello"}, dyno=dyno)
        assert result.returncode == 0, result.stderr
        packages.add(target.read_bytes())
    assert len(packages) == 1
