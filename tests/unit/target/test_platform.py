"""Where the config comes from: a dyno's environment is config, that of a laptop or a CI runner is not."""

import os
from pathlib import Path

import pytest

from command import command, deploy, make_slug
from deploy.target.source import is_platform

TOKEN = "ghp_canary7f3a"
CI = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_TOKEN": TOKEN, "DYNO_SIZE": "1"}


@pytest.mark.parametrize("name", ["DYNO", "_DEPLOY_STARTED_WITH", "HEROKUISH_VERSION", "VCAP_APPLICATION"])
def test_a_platform_is_known_by_what_it_sets(name: str) -> None:
    """One variable is enough, and those of a CI runner are not among them."""
    assert is_platform({**CI, name: "x"})
    assert not is_platform(CI)


@pytest.mark.parametrize("arguments", [["config"], ["plan", "--offline"], ["package", "-o", "p.zip"], []])
def test_outside_of_a_platform_nothing_is_baked_unasked(arguments: list[str], tmp_path: Path) -> None:
    """A bare deploy in a CI job would bake its token; it is refused before anything else happens."""
    import subprocess

    slug = make_slug(tmp_path / "slug")
    env = {"PATH": os.environ["PATH"], **CI}
    refused = subprocess.run(command(slug, *arguments), env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--env-file FILE" in refused.stderr
    assert "--env-from-process" in refused.stderr
    assert TOKEN not in refused.stdout + refused.stderr


def test_who_asks_for_it_gets_the_environment_or_a_file(tmp_path: Path) -> None:
    """Both are explicit, and exclude each other."""
    slug, file = make_slug(tmp_path / "slug"), tmp_path / ".env"
    file.write_text("FROM_FILE=1\n")
    names = deploy(slug, "config", "--env-from-process", env={"FROM_PROCESS": "1"}).stdout
    assert "FROM_PROCESS" in names
    names = deploy(slug, "config", "--env-file", file, env={"FROM_PROCESS": "1"}).stdout
    assert "FROM_FILE" in names
    assert "FROM_PROCESS" not in names
    assert deploy(slug, "config", "--env-file", file, "--env-from-process").returncode == 2
