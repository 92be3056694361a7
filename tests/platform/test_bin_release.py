"""bin/release, run for real."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from buildpack import ROOT, Result, copy_buildpack, platform, run


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the platform's environment."""
    return platform(tmp_path)


def release(buildpack: Path, app: Path, environment: dict[str, str]) -> Any:
    """Run bin/release and parse what it prints."""
    result = run(buildpack / "bin/release", app, environment=environment)
    assert (result.status, result.stderr) == (0, "")
    return yaml.safe_load(result.stdout)


def test_names_the_default_process_types(tmp_path: Path, environment: dict[str, str]) -> None:
    """The YAML holds the deploy process and nothing else."""
    assert release(ROOT, tmp_path, environment) == {
        "default_process_types": {"deploy": ".lambda-deploy/bin/deploy"}
    }


def test_takes_the_process_types_from_the_template(tmp_path: Path, environment: dict[str, str]) -> None:
    """Whatever is in Procfile.template comes out of the YAML as it was, with YAML's own signs too."""
    buildpack = copy_buildpack(tmp_path / "buildpack")
    (buildpack / "Procfile.template").write_text(
        "deploy: bin/deploy --name='it''s' # no comment\nwatch-it: a: \"b\" {c}\n"
    )

    assert release(buildpack, tmp_path, environment) == {
        "default_process_types": {
            "deploy": "bin/deploy --name='it''s' # no comment",
            "watch-it": 'a: "b" {c}',
        }
    }


def test_takes_the_cache_folder_too(tmp_path: Path, environment: dict[str, str]) -> None:
    """A second folder is accepted, because herokuish names the cache folder as well."""
    assert run(ROOT / "bin/release", tmp_path, tmp_path, environment=environment).status == 0


@pytest.mark.parametrize("arguments", [[], ["one", "two", "three"]])
def test_explains_its_usage(environment: dict[str, str], arguments: list[str]) -> None:
    """A wrong number of arguments is a usage error."""
    result = run(ROOT / "bin/release", *arguments, environment=environment)

    assert result == Result(
        2,
        "",
        f" !     Wrong number of arguments: {len(arguments)}.\n"
        " !\n"
        " !     Usage: bin/release <build-dir> [<cache-dir>]\n",
    )


def test_wants_a_folder(environment: dict[str, str]) -> None:
    """A folder that does not exist is a usage error, and no YAML is printed."""
    result = run(ROOT / "bin/release", "/nowhere", environment=environment)

    assert (result.status, result.stdout) == (2, "")
    assert 'There is no such folder: "/nowhere"' in result.stderr
