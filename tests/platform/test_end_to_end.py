"""The way through the whole: apps built by the buildpack, deployed from a dyno, run as Lambda would."""

import hashlib
import io
import os
import secrets
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import simulated
from embedded_aws import EmbeddedAWS, Function
from lambda_runtime import READERS, invoke_java, invoke_nodejs, unpack
from simulated import Slug
from tools import require

CONFIG = {
    "DATABASE_URL": "postgres://user:p%40ss=word@db.example.com:5432/app?sslmode=require&x=#1!",
    "PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg==\n-----END PRIVATE KEY-----\n",
    "ACCOUNT": '{"type": "service_account", "key": "a\\nb", "path": "C:\\\\temp"}',
    "MOTTO": "Grüße, 世界 \N{PARTY POPPER}",
    "BLANKS": "  at both ends\t ",
    "EMPTY": "",
    "NUMBER": "12345678901234567890",
    "COMMAND": "$(id) `id` \"'",
    # Names that no shell can hold.
    "dotted.name": "a",
    "dashed-name": "b",
    "blank name": "c",
    "1st": "d",
}

Invoke = Callable[..., Any]


@pytest.fixture(params=["nodejs", "java"])
def app(request: pytest.FixtureRequest) -> tuple[Slug, Invoke]:
    """Return each sample app in turn: its slug, and what runs its handler."""
    require("unzip")
    slug: Slug = request.getfixturevalue(f"{request.param}_slug")
    return slug, {"nodejs": invoke_nodejs, "java": invoke_java}[request.param]


def deploy(
    slug: Slug, function: Function, config: Mapping[str, str], *arguments: str, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run the Procfile's deploy process in a dyno with a config and the deploy's settings."""
    environment = {**config, **function.aws.settings(function)}
    return slug.run("deploy", *arguments, config=environment, **options)


def deployed(slug: Slug, function: Function, config: Mapping[str, str], **options: Any) -> bytes:
    """Deploy to a function for the app's language, and fetch back from AWS what was deployed."""
    if (slug.path / "pom.xml").exists():
        function = function.aws.create_function(runtime="java21")
    result = deploy(slug, function, config, **options)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return function.code()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file in a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_the_handler_gets_the_config_as_it_was_set(
    app: tuple[Slug, Invoke], function: Function, tmp_path: Path
) -> None:
    """Whatever the values hold, the handler answers with all of them, and with nothing else."""
    slug, invoke = app
    task_root = unpack(deployed(slug, function, CONFIG), tmp_path / "task")
    assert invoke(task_root)["config"] == CONFIG


def test_a_naive_reader_gets_ordinary_values(nodejs_slug: Slug, function: Function, tmp_path: Path) -> None:
    """npm's properties-reader, which undoes next to no escape, reads URLs, JSON and flags as they are."""
    require("unzip")
    config = {
        "DATABASE_URL": CONFIG["DATABASE_URL"],
        "ACCOUNT": '{"type": "service_account", "scopes": ["a:b", "c=d"]}',
        "FLAG": "true",
        "GREETING_STYLE": "formal",
    }
    task_root = unpack(deployed(nodejs_slug, function, config), tmp_path / "task")
    answer = invoke_nodejs(task_root, event={"reader": "properties-reader"})
    assert answer["config"] == config
    assert answer["greeting"] == "Good day to you, world."


def test_the_process_line_works_without_a_shell(nodejs_slug: Slug, function: Function) -> None:
    """A platform may split the Procfile's line on blanks, and append to it, as herokuish does."""
    assert deployed(nodejs_slug, function, CONFIG, shell=False).startswith(b"PK")
    listing = deploy(nodejs_slug, function, CONFIG, "config", shell=False)
    assert listing.returncode == 0
    assert "DATABASE_URL" in listing.stdout


def test_deploy_is_a_command_in_every_dyno(nodejs_slug: Slug) -> None:
    """`heroku run bash` finds `deploy` on its PATH, from whatever folder."""
    result = nodejs_slug.run("cd / && deploy --version")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_plain_deploy_looks_uploads_and_waits(nodejs_slug: Slug, function: Function) -> None:
    """One upload between two looks, and nothing but a look when it is repeated."""
    deployed(nodejs_slug, function, CONFIG)
    look = "GetFunctionConfiguration"
    operations = [look, "GetFunction", "UpdateFunctionCode", look]
    assert [call.operation for call in function.deploy_calls] == operations
    deployed(nodejs_slug, function, CONFIG)
    assert [call.operation for call in function.deploy_calls[4:]] == [look]


def test_other_tools_can_read_the_package(nodejs_slug: Slug, function: Function, tmp_path: Path) -> None:
    """`unzip -t` and java.util.zip read every entry of it; the config is there just once."""
    require("unzip", "java")
    package = tmp_path / "package.zip"
    package.write_bytes(deployed(nodejs_slug, function, CONFIG))

    subprocess.run(["unzip", "-tq", package], check=True)
    listing = subprocess.run(
        ["java", READERS / "ReadZip.java", package], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    names = [line.partition(" ")[2] for line in listing.stdout.splitlines()]
    assert names.count("env.properties") == 1
    assert len(names) == len(set(names))


def test_the_package_keeps_links_and_what_is_hidden_deeper_down(
    nodejs_slug: Slug, function: Function, tmp_path: Path
) -> None:
    """A template that is a link, one in a hidden folder, and npm's links to programs all work."""
    require("unzip")
    package = deployed(nodejs_slug, function, {"GREETING_STYLE": ".drafts/pirate"})
    task_root = unpack(package, tmp_path / "task")
    assert invoke_nodejs(task_root, event={"name": "Jim"})["greeting"] == "Ahoy, Jim!"
    assert subprocess.run([task_root / "node_modules/.bin/uuid"], check=True, stdout=subprocess.PIPE).stdout

    package = deployed(nodejs_slug, function, {"GREETING_STYLE": "default"})
    task_root = unpack(package, tmp_path / "again")
    assert invoke_nodejs(task_root, event={"name": "Ada"})["greeting"] == "Hello, Ada!"


def test_the_package_leaves_out_what_the_function_does_not_need(
    nodejs_slug: Slug, function: Function
) -> None:
    """Neither our own files, nor the platform's, nor what .lambdaignore names are deployed."""
    with zipfile.ZipFile(io.BytesIO(deployed(nodejs_slug, function, CONFIG))) as package:
        names = package.namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {
        "env.properties",
        "index.js",
        "node_modules",
        "package-lock.json",
        "package.json",
        "templates",
    }
    assert any(name.endswith(".md") for name in names if name.startswith("node_modules/"))


def test_the_same_config_makes_the_same_package(nodejs_slug: Slug, function: Function) -> None:
    """Another dyno, at another time, with another terminal: the same bytes, so the same CodeSha256."""
    package = deployed(nodejs_slug, function, CONFIG)
    other_dyno = {"DYNO": "run.4321", "PORT": "60123", "COLUMNS": "211", "LINES": "58", "TERM": "dumb"}
    again = deployed(nodejs_slug, function, dict(reversed(CONFIG.items())), dyno=other_dyno)
    assert again == package


def test_a_promotion_deploys_the_same_base(java_slug: Slug, function: Function, tmp_path: Path) -> None:
    """A promoted slug with another config differs in the config alone, entry by entry."""
    promoted = java_slug.copy(tmp_path / "production")
    staging = zipfile.ZipFile(io.BytesIO(deployed(java_slug, function, {"STAGE": "staging"})))
    package = deployed(promoted, function, {"STAGE": "production"})
    production = zipfile.ZipFile(io.BytesIO(package))

    assert staging.namelist() == production.namelist()
    differing = [name for name in staging.namelist() if staging.read(name) != production.read(name)]
    assert differing == ["env.properties"]
    assert (promoted.path / ".lambda-deploy/build.json").read_bytes() == (
        java_slug.path / ".lambda-deploy/build.json"
    ).read_bytes()
    config = invoke_java(unpack(package, tmp_path / "task"))["config"]
    assert config == {"STAGE": "production"}


def test_a_deploy_changes_nothing_in_the_slug(app: tuple[Slug, Invoke], function: Function) -> None:
    """The base in the slug is what it was, and no file comes or goes."""
    slug, _ = app
    before = digests(slug.path)
    deployed(slug, function, CONFIG)
    assert digests(slug.path) == before


def test_the_package_can_be_had_without_aws(nodejs_slug: Slug, function: Function, tmp_path: Path) -> None:
    """`deploy package -o FILE` writes the very bytes that a deploy uploads."""
    result = nodejs_slug.run("deploy", "package", "-o", str(tmp_path / "package.zip"), config=CONFIG)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "package.zip").read_bytes() == deployed(nodejs_slug, function, CONFIG)


# An app that gets in the way, without meaning to.


@pytest.fixture(scope="module")
def intrusive(
    nodejs_app: Path, warm_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Slug, Path, dict[str, str]]:
    """Build an app that ships modules named like ours, and has AWS settings and secrets of its own."""
    folder = tmp_path_factory.mktemp("intrusive")
    source = folder / "source"
    shutil.copytree(nodejs_app, source, symlinks=True)
    bomb = "raise SystemExit('a module of the app was imported')\n"
    for name in ("deploy", "json", "sitecustomize", "usercustomize", "zipfile"):
        (source / f"{name}.py").write_text(bomb)
    (source / "boto3").mkdir()
    (source / "boto3/__init__.py").write_text(bomb)
    (source / ".aws").mkdir()
    (source / ".aws/config").write_text(
        "[default]\nregion = us-west-1\n[profile theirs]\nregion = us-west-2\n"
    )
    (source / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = theirs\n"
    )
    config = {
        "AWS_ACCESS_KEY_ID": "AKIATHEIRS",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(),
        "AWS_SESSION_TOKEN": secrets.token_hex(),
        "AWS_DEFAULT_REGION": "us-west-1",
        "AWS_REGION": "us-west-2",
        "AWS_PROFILE": "theirs",
        "AWS_CONFIG_FILE": ".aws/config",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "not a number",
        "BOTO_CONFIG": "/nowhere",
        "SECRET": f"first {secrets.token_hex()}\nsecond {secrets.token_hex()}",
    }
    shutil.copytree(warm_cache, folder / "cache", symlinks=True)
    slug = simulated.build(
        source, folder / "slug", cache=folder / "cache", config={**config, "_AWS_SECRET_ACCESS_KEY": "s" * 40}
    )
    return slug, folder / "cache", config


# What Python itself would listen to; none of it is config.
PYTHON_VARIABLES = {
    "PYTHONPATH": ".",
    "PYTHONHOME": "/nowhere",
    "PYTHONSTARTUP": "deploy.py",
    "PYTHONINSPECT": "1",
    "PYTHONOPTIMIZE": "2",
}


def test_an_intrusive_app_is_deployed_with_ours_and_our_settings_only(
    intrusive: tuple[Slug, Path, dict[str, str]], function: Function, tmp_path: Path
) -> None:
    """Neither its modules nor its AWS settings have a say; its AWS settings reach the function."""
    require("unzip")
    slug, _, config = intrusive
    package = deployed(slug, function, {**config, **PYTHON_VARIABLES})

    for call in function.deploy_calls:
        assert call.access_key == EmbeddedAWS.deployer.access_key
        assert call.region == function.region
        assert "x-amz-security-token" not in call.headers
    baked = invoke_nodejs(unpack(package, tmp_path / "task"))["config"]
    assert {name: baked.get(name) for name in config} == config


@pytest.mark.parametrize("arguments", ["", "config", "plan --json", "status", "doctor"])
@pytest.mark.parametrize("denied", [False, True], ids=["allowed", "denied"])
def test_no_value_is_ever_printed(
    intrusive: tuple[Slug, Path, dict[str, str]], function: Function, arguments: str, denied: bool
) -> None:
    """No command, mode or error shows a value of the config or the deployer's secret."""
    slug, _, config = intrusive
    if denied:
        function.aws.denied.update({"UpdateFunctionCode", "GetFunction"})
    result = deploy(slug, function, config, *arguments.split(), "--debug")
    assert result.stdout + result.stderr
    for canary in canaries({**config, "_": EmbeddedAWS.deployer.secret_key}):
        assert canary not in result.stdout + result.stderr


def test_no_value_is_kept_by_the_build(intrusive: tuple[Slug, Path, dict[str, str]]) -> None:
    """The build gets the config vars as files, and leaves no value in slug, cache or log."""
    slug, cache, config = intrusive
    written = [slug.build_log.encode()]
    written += [path.read_bytes() for folder in (slug.path, cache) for path in regular_files(folder)]
    for canary in canaries({**config, "_AWS_SECRET_ACCESS_KEY": "s" * 40}):
        assert not any(canary.encode() in content for content in written)


def canaries(config: Mapping[str, str]) -> list[str]:
    """Return what is long and random enough in the values to be found by chance nowhere."""
    return [
        word for value in config.values() for word in value.split() if len(word) >= 15 and "/" not in word
    ]


def regular_files(folder: Path) -> Iterator[Path]:
    """Walk a folder without following links."""
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            if stat.S_ISREG(file.lstat().st_mode):
                yield file


# What is left behind.


@pytest.mark.parametrize("denied", [False, True], ids=["deployed", "refused"])
def test_no_temporary_file_stays(nodejs_slug: Slug, function: Function, tmp_path: Path, denied: bool) -> None:
    """After a deploy, and after one that AWS refuses, the temporary folder is empty."""
    if denied:
        function.aws.denied.add("UpdateFunctionCode")
    result = deploy(nodejs_slug, function, CONFIG, dyno={"TMPDIR": str(tmp_path)})
    assert result.returncode == int(denied)
    assert list(tmp_path.iterdir()) == []
