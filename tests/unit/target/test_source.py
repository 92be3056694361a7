"""Where the config comes from: a dyno's environment is config, that of a laptop or a CI runner is not."""

import os
import subprocess
from pathlib import Path

import pytest

from command import command, deploy, make_slug
from deploy.errors import InputError
from deploy.target.source import Credentials, is_platform, read_env_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_values_are_taken_literally(path: Path) -> None:
    """A password that holds ${…} means just that; quotes hold blanks and line breaks."""
    path.write_bytes(
        b"# a comment\nA=plain\nexport B='two\nlines'\nC=\"${A} $(id) stays\"\nEMPTY=\nD='a\rreturn'\n"
    )
    assert read_env_file(path, {}) == {
        "A": "plain",
        "B": "two\nlines",
        "C": "${A} $(id) stays",
        "EMPTY": "",
        "D": "a\rreturn",
    }


def test_the_last_of_several_values_wins(path: Path) -> None:
    """As in a shell that reads the file."""
    path.write_text("NAME=first\nOTHER=x\nNAME=last\n")
    assert read_env_file(path, {})["NAME"] == "last"


def test_a_file_with_windows_line_ends_is_read_as_well(path: Path) -> None:
    """An editor's line ends are not part of the values."""
    path.write_bytes(b"A=1\r\nB='2'\r\n\r\nC=3\r\n")
    assert read_env_file(path, {}) == {"A": "1", "B": "2", "C": "3"}


def test_of_the_process_only_settings_count_and_they_win(path: Path) -> None:
    """A laptop's own variables are not config."""
    path.write_text("NAME=file\n_LAMBDA_ALIAS=file\n_AWS_ACCESS_KEY_ID=file\n")
    process = {"EDITOR": "vi", "NAME": "process", "_LAMBDA_ALIAS": "process", "_NO_PROXY": "process"}
    assert read_env_file(path, process) == {
        "NAME": "file",
        "_LAMBDA_ALIAS": "process",
        "_AWS_ACCESS_KEY_ID": "file",
        "_NO_PROXY": "process",
    }


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_a_laptops_own_proxy_is_the_way_out(path: Path, name: str) -> None:
    """In a dyno it is config of the function; a setting is more than that."""
    path.write_text("HTTPS_PROXY=http://of-the-function\n")
    read = read_env_file(path, {name: "http://of-the-laptop"})
    assert read == {"HTTPS_PROXY": "http://of-the-function", "_HTTPS_PROXY": "http://of-the-laptop"}
    both = {name: "http://of-the-laptop", "_HTTPS_PROXY": "http://of-the-deploy"}
    assert read_env_file(path, both)["_HTTPS_PROXY"] == "http://of-the-deploy"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "can't be read"),
        (b"A=1\nB\n", "Line 2."),
        (b"A=canary\n'x\n=\n", "not NAME=value"),
        (b"A=1\nB='canary\nC=2\n", "Line 2: the quote that begins there is not closed"),
        (b'export B = "canary\nC=2\n', "Line 1: the quote that begins there is not closed"),
        (b"A=1\nB='it's canary'\n", "Line 2: the quote that begins there is not closed, or text follows"),
        (b"A=canary\xff\n", "is not UTF-8"),
        (b"FINE=1\nA='canary\0'\n", "Look at A."),
    ],
)
def test_a_broken_file_is_explained(path: Path, content: bytes | None, expected: str) -> None:
    """By the line's number or the variable's name, never by its content."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_env_file(path, {})
    told = f"{caught.value.what}{caught.value.why}{caught.value.todo}"
    assert expected in told
    assert "canary" not in told


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:a"


@pytest.mark.parametrize(
    ("functions", "is_needed"),
    [
        (ARN, False),
        (f"{ARN}, {ARN}b", False),
        (f"{ARN}, b", True),
        (f"b {ARN}", True),
        ("b", True),
        ("", True),
    ],
)
def test_the_machines_region_is_for_functions_that_name_none(
    path: Path, functions: str, is_needed: bool
) -> None:
    """One of several may name its region, and another one not."""
    path.write_text(f"_LAMBDA_FUNCTION_ARN={functions!r}\n")
    process = {"AWS_REGION": "eu-west-1"}
    read = read_env_file(path, process, Credentials(default=True))
    assert ("_AWS_REGION" in read) == is_needed


# --- a platform, or not ----------------------------------------------------------------------------

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
