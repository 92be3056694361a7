"""What a deploy costs, in calls, bytes and memory: counted, so that no machine is too slow for it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from command import make_slug
from deploy.artifact.limits import DIRECT_LIMIT
from embedded_aws import EmbeddedAWS, Function
from in_process import deploy
from paths import REPOSITORY

LOOK, UPLOAD = "GetFunctionConfiguration", "UpdateFunctionCode"


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A function of 1 MB that does not compress."""
    return make_slug(tmp_path_factory.mktemp("slug"), {"data.bin": os.urandom(1024 * 1024)})


@pytest.fixture(scope="module")
def large_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JAR of 45 MB in 30,000 entries."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "target").mkdir(parents=True)
    (folder / "pom.xml").touch()
    with zipfile.ZipFile(folder / "target/function.jar", "w") as jar:
        for number in range(30_000):
            jar.writestr(f"com/example/a/package/of/the/function/Class{number}.class", os.urandom(1350))
    assert deploy(folder, "build", str(folder), env={}).status == 0
    return folder


def run(slug: Path, env: dict[str, str]) -> None:
    result = deploy(slug, env=env)
    assert result.status == 0, result.stderr


def costs_since(function: Function, before: int) -> list[tuple[str, int]]:
    return [(call.operation, call.body_length) for call in function.deploy_calls[before:]]


def test_a_changed_config_costs_four_calls_and_the_package_once(slug: Path, function: Function) -> None:
    """Look, see the key, upload, look: the package travels once, in base64, and nothing else has a body."""
    env = {**function.aws.settings(function), "NAME": "old"}
    run(slug, env)
    before = len(function.deploy_calls)
    run(slug, {**env, "NAME": "new"})
    first, key, upload, last = costs_since(function, before)
    assert (first, key, last) == ((LOOK, 0), ("GetFunction", 0), (LOOK, 0))
    assert upload[0] == UPLOAD
    assert upload[1] < len(function.code()) * 4 / 3 + 200


def test_an_unchanged_deploy_costs_one_call_without_a_body(slug: Path, function: Function) -> None:
    """Scheduled redeploys live on this: no byte of code is sent."""
    env = {**function.aws.settings(function), "NAME": "value"}
    run(slug, env)
    for _ in range(2):
        before = len(function.deploy_calls)
        run(slug, env)
        assert costs_since(function, before) == [(LOOK, 0)]


def test_an_unchanged_deploy_with_an_alias_costs_reading_alone(slug: Path, function: Function) -> None:
    """The function, the alias, the versions and the one that is served; no byte is sent."""
    env = {**function.aws.settings(function), "NAME": "value", "_LAMBDA_ALIAS": "live"}
    run(slug, env)
    before = len(function.deploy_calls)
    run(slug, env)
    reads = (LOOK, "GetAlias", "ListVersionsByFunction", LOOK)
    assert costs_since(function, before) == [(operation, 0) for operation in reads]


def peak_memory(slug: Path, env: dict[str, str], direct_limit: int) -> float:
    """Deploy, and give the most memory that it took, in MB."""
    # Not ru_maxrss: that starts with what the process had that started this one.
    program = (
        "import pathlib, re, sys, deploy.cli, deploy.artifact.limits\n"
        "deploy.artifact.limits.DIRECT_LIMIT = int(sys.argv[2])\n"
        "assert deploy.cli.main([], slug=pathlib.Path(sys.argv[1])) == 0\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s*([0-9]+) kB', status)[1])\n"
    )
    result = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program, slug, str(direct_limit)],
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **env},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(result.stdout.splitlines()[-1]) / 1024


@pytest.mark.xdist_group("large JAR")  # which is made once
@pytest.mark.parametrize("way", ["directly", "via S3"])
def test_memory_does_not_grow_with_the_package(
    slug: Path, large_slug: Path, aws: EmbeddedAWS, function: Function, way: str
) -> None:
    """45 MB in 30,000 entries take no more than a few MB beside what a small function takes."""
    env = {**aws.settings(function), "NAME": "value"}
    limit = DIRECT_LIMIT
    if way == "via S3":
        env["_LAMBDA_S3_BUCKET"] = aws.create_bucket()
        limit = 0
    peaks = [peak_memory(each, env, limit) for each in (slug, large_slug)]
    assert peaks[1] < peaks[0] + 15, peaks
