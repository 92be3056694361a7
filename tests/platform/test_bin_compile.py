"""bin/compile, run for real: the story of a build, what it leaves in the slug and what it never does.

The interpreter, the runtime with its cache, and the Procfile have test files of their own.
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildpack import (
    ROOT,
    UNREACHABLE,
    Build,
    Result,
    add_python,
    contents,
    copy_buildpack,
    make_gradle_app,
    make_maven_app,
    make_nodejs_app,
    platform,
    run,
    small_build,
    warm_build,
)

VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return a first build with the small buildpack."""
    return small_build(tmp_path)


@pytest.fixture
def warm(tmp_path: Path, warm_cache: Path) -> Build:
    """Return a build with the real buildpack, a warm cache and no network."""
    return warm_build(tmp_path, warm_cache)


def build_json(app: Path) -> Any:
    """Return what the base was made of."""
    return json.loads((app / ".lambda-deploy/build.json").read_text())


def told(build: Build) -> Any:
    """Return what the small deploy package told about its start."""
    return json.loads(build.app.with_name("app.told.json").read_text())


# --- The story ------------------------------------------------------------------------------------


def test_tells_the_story_of_a_first_build(build: Build) -> None:
    """The log of a first build, whole."""
    assert build.compile() == Result(
        0,
        f"""\
-----> Finding Python
       Python {VERSION} (.heroku/python/bin/python3)
-----> Installing the deploy runtime
       Downloading boto3 and 0 other packages
       Kept the dependencies in the cache for the next build
-----> Making the base
-----> Registering the deploy process
       Procfile: added "deploy: .lambda-deploy/bin/deploy"
       Dynos have "deploy" on their PATH
       To see whether all is set up: heroku run deploy doctor
""",
        "",
    )


def test_tells_the_story_of_a_second_build(build: Build) -> None:
    """The log of a second build in the same folder, whole."""
    build.compile()

    assert build.compile() == Result(
        0,
        f"""\
-----> Finding Python
       Python {VERSION} (.heroku/python/bin/python3)
-----> Installing the deploy runtime
       Using the dependencies in the cache
-----> Making the base
-----> Registering the deploy process
       Procfile: has "deploy: .lambda-deploy/bin/deploy" already
       Dynos have "deploy" on their PATH
       To see whether all is set up: heroku run deploy doctor
""",
        "",
    )


@pytest.mark.parametrize(
    ("make_app", "kind", "base"),
    [
        (make_nodejs_app, "nodejs", ".lambda-deploy/base.zip"),
        (make_maven_app, "java", "target/function-1.0.jar"),
        (make_gradle_app, "java", "build/libs/function-1.0.jar"),
    ],
)
def test_builds_every_kind_of_app(
    warm: Build, make_app: Callable[[Path], Path], kind: str, base: str
) -> None:
    """Node.js, Maven and Gradle apps get a base, a launcher, a process type and nothing else."""
    shutil.rmtree(warm.app)
    own = contents(make_app(warm.app))
    add_python(warm.app)

    result = warm.compile(SOURCE_VERSION="0123abc")

    assert (result.status, result.stderr) == (0, "")
    built = build_json(warm.app)
    assert (built["kind"], built["base"]) == (kind, base)
    assert (built["source_version"], built["stack"]) == ("0123abc", "heroku-24")
    after = contents(warm.app)
    assert {name: after[name] for name in own} == own
    assert {name.split("/")[0] for name in after} - {name.split("/")[0] for name in own} == {
        ".heroku",
        ".lambda-deploy",
        ".profile.d",
        "Procfile",
    }
    assert sorted(path.name for path in (warm.app / ".lambda-deploy").iterdir()) == sorted(
        [
            "bin",
            "build.json",
            "interpreter",
            "own-names",
            "runtime",
            *(["base.zip"] if kind == "nodejs" else []),
        ]
    )


def test_builds_a_java_app_with_a_front_end(warm: Build) -> None:
    """Where both a pom.xml and a package.json are there, the JAR is deployed."""
    shutil.rmtree(warm.app)
    make_maven_app(warm.app)
    (warm.app / "package.json").write_text("{}")
    add_python(warm.app)

    assert warm.compile().status == 0
    assert build_json(warm.app)["kind"] == "java"


def test_adds_nothing_where_there_is_no_base(warm: Build) -> None:
    """A folder that is no app stops the build with the runtime's own page and exit status."""
    (warm.app / "package.json").unlink()

    result = warm.compile()

    assert result.status == 2
    assert "There is no Java, Node.js or Python app here" in result.stderr
    assert "The build stopped" not in result.stderr
    assert not (warm.app / "Procfile").exists()
    assert not (warm.app / ".profile.d").exists()


def test_takes_the_jar_from_the_config(warm: Build) -> None:
    """_LAMBDA_JAR_FILE decides between JARs, whatever line breaks its file ends with."""
    shutil.rmtree(warm.app)
    make_maven_app(warm.app)
    shutil.copy(warm.app / "target/function-1.0.jar", warm.app / "target/other.jar")
    add_python(warm.app)
    warm.set_config("_LAMBDA_JAR_FILE", "target/other.jar\n\n")

    result = warm.compile()

    assert (result.status, result.stderr) == (0, "")
    assert build_json(warm.app)["base"] == "target/other.jar"


# --- What the runtime needs -----------------------------------------------------------------------


def test_installs_what_a_deploy_loads(warm: Build) -> None:
    """The pruned dependencies are enough to make a client of each service whose model is kept."""
    warm.compile()
    runtime = warm.app / ".lambda-deploy/runtime"
    data = runtime / "botocore/data"
    services = sorted(path.name for path in data.iterdir() if path.is_dir())
    assert services == ["codedeploy", "codepipeline", "iam", "lambda", "logs", "s3", "ssm", "sts"]

    program = """
import sys
sys.path.insert(0, sys.argv[1])
import botocore.session, deploy.cli, dotenv
session = botocore.session.Session()
for service in sys.argv[2:]:
    for region, domain in (("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")):
        client = session.create_client(service, region, aws_access_key_id="x", aws_secret_access_key="y")
        place = "" if (service, region) == ("iam", "eu-west-1") else f".{region}"
        assert client.meta.endpoint_url == f"https://{service}{place}.{domain}", client.meta.endpoint_url
"""
    result = run(
        warm.app / ".heroku/python/bin/python3",
        *("-I", "-S", "-X", "utf8", "-c", program, str(runtime), *services),
        environment=warm.environment,
    )

    assert result == Result(0, "", "")


def test_starts_from_bytecode_that_no_move_makes_stale(warm: Build) -> None:
    """Every module has bytecode that is never compared with its source, without a path of the build."""
    warm.compile()
    runtime = warm.app / ".lambda-deploy/runtime"
    tag = sys.implementation.cache_tag

    for source in runtime.rglob("*.py"):
        bytecode = (source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc").read_bytes()
        unchecked_hash = 0b01
        assert int.from_bytes(bytecode[4:8], "little") == unchecked_hash, source
        assert str(warm.app).encode() not in bytecode, source
        assert b"lambda-deploy.partial" not in bytecode, source


def test_a_deploy_writes_nothing_into_the_slug(warm: Build) -> None:
    """Starting the runtime leaves the slug as the build made it."""
    warm.compile()
    before = contents(warm.app)

    result = run(warm.app / ".lambda-deploy/bin/deploy", "--help", environment=warm.environment)

    assert result.status == 0
    assert contents(warm.app) == before


# --- Where and how it is called -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["-n", "with blanks, quote'\"s, line\nbreak, $(id), *, end\n"])
def test_works_for_every_folder_name(build: Build, tmp_path: Path, name: str) -> None:
    """Build, cache and config folders may be called anything, by absolute and by relative paths."""
    build.set_config("_LAMBDA_JAR_FILE", "x.jar")
    for folder in ("app", "env"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / folder).rename(tmp_path / name / folder)
    home = tmp_path / name
    moved = Build(build.buildpack, home / "app", home / "cache", home / "env", build.environment)
    relative = [f"{name}/{folder}" for folder in ("app", "cache", "env")]

    first = moved.compile()
    second = run(build.buildpack / "bin/compile", *relative, environment=build.environment, cwd=tmp_path)

    assert (first.status, first.stderr) == (second.status, second.stderr) == (0, "")
    assert "Using the dependencies in the cache" in second.stdout
    cache = str(home / "cache")
    assert told(moved)["arguments"] == ["build", str(home / "app"), "--cache", cache]
    assert told(moved)["environment"]["_LAMBDA_JAR_FILE"] == "x.jar"
    assert sorted(path.name for path in home.iterdir()) == ["app", "app.told.json", "cache", "env"]


def test_the_same_folder_twice_is_the_same_as_once(warm: Build) -> None:
    """A second build in the same folder changes no byte and no mode of the slug."""
    warm.compile()
    once = contents(warm.app)

    warm.compile()

    assert contents(warm.app) == once


@pytest.mark.parametrize("arguments", [[], ["one"], ["one", "two", "three", "four"]])
def test_explains_its_usage(tmp_path: Path, arguments: list[str]) -> None:
    """A wrong number of arguments is a usage error."""
    result = run(ROOT / "bin/compile", *arguments, environment=platform(tmp_path))

    assert result == Result(
        2,
        "",
        f" !     Wrong number of arguments: {len(arguments)}.\n"
        " !\n"
        " !     Usage: bin/compile <build-dir> <cache-dir> [<env-dir>]\n",
    )


@pytest.mark.parametrize("arguments", [["/nowhere", "/tmp"], ["", "/tmp"]])
def test_wants_a_build_folder(tmp_path: Path, arguments: list[str]) -> None:
    """A build folder that does not exist is a usage error."""
    result = run(ROOT / "bin/compile", *arguments, environment=platform(tmp_path))

    assert (result.status, result.stdout) == (2, "")
    assert f' !     There is no such folder: "{arguments[0]}"\n' in result.stderr


def test_works_without_config(build: Build) -> None:
    """A config folder that is not given, empty or not there is an app without config."""
    for env_dir in ([], [""], ["/nowhere"]):
        result = run(
            build.buildpack / "bin/compile",
            *(str(build.app), str(build.cache), *env_dir),
            environment=build.environment,
        )

        assert (result.status, result.stderr) == (0, "")
        assert "_LAMBDA_JAR_FILE" not in told(build)["environment"]


def test_works_without_a_home(build: Build) -> None:
    """HOME need not be set, not even for pip."""
    assert "HOME" not in build.environment
    add_python(build.app)

    assert build.compile().status == 0


def test_writes_nothing_into_the_buildpack(warm: Build, tmp_path: Path) -> None:
    """The buildpack's folder may be read-only."""
    buildpack = copy_buildpack(tmp_path / "buildpack")
    before = contents(buildpack)
    for path in [*buildpack.rglob("*"), buildpack]:
        path.chmod(path.stat().st_mode & ~0o222)

    result = replace(warm, buildpack=buildpack).compile()

    for path in [buildpack, *buildpack.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    assert (result.status, result.stderr) == (0, "")
    assert contents(buildpack) == before


def test_another_user_can_read_the_slug(warm: Build, tmp_path: Path) -> None:
    """Neither a narrow umask nor narrow modes in the buildpack make a slug that its dyno can't read."""
    buildpack = copy_buildpack(tmp_path / "buildpack")
    for path in buildpack.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.parent.name == "bin" else 0o600)

    replace(warm, buildpack=buildpack).compile(("bash", "-c", 'umask 077; exec "$@"', "bash"))

    made = [*(warm.app / ".lambda-deploy").rglob("*"), *(warm.app / ".profile.d").rglob("*")]
    made += [warm.app / ".lambda-deploy", warm.app / ".profile.d", warm.app / "Procfile"]
    launcher = warm.app / ".lambda-deploy/bin/deploy"
    modes = {path: path.stat().st_mode & 0o777 for path in made}
    assert modes == {path: 0o755 if path.is_dir() or path == launcher else 0o644 for path in made}


def test_leaves_no_temporary_files(build: Build, tmp_path: Path) -> None:
    """Whether a build succeeds or fails, its temporary folder is empty afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    assert build.compile(TMPDIR=str(temporary)).status == 0
    assert (
        build.without("PIP_NO_INDEX", "PIP_FIND_LINKS")
        .compile(TMPDIR=str(temporary), STACK="heroku-26", **UNREACHABLE)
        .status
        == 1
    )

    assert list(temporary.iterdir()) == []


def test_explains_what_it_did_not_foresee(build: Build) -> None:
    """A command that fails unforeseen, like making a temporary folder, is named."""
    result = build.compile(TMPDIR="/nowhere")

    assert result.status == 1
    assert result.stdout == ""
    assert result.stderr.endswith("""\
 !       BUILD_WORKSPACE="$(mktemp -d)"
 !
 !     What the command itself said is above. Most often a disk is full, or a file or a folder
 !     can't be read or written.
""")
    assert " !     The build stopped because a command failed with exit status 1 (build.sh:" in result.stderr


# --- Secrets --------------------------------------------------------------------------------------


def test_starts_the_base_with_nothing_else(build: Build) -> None:
    """Of the environment and the config, the base gets just the names that it may know, isolated."""
    add_python(build.app)
    build.set_config("_LAMBDA_JAR_FILE", "target/app.jar")
    build.set_config("_AWS_SECRET_ACCESS_KEY", "canary")
    build.set_config("PATH", "canary")

    others = {"DATABASE_URL": "canary", "PYTHONPATH": "canary", "log.level": "canary", "PIP_CERT": "canary"}
    build.compile(HOME="/home", SOURCE_VERSION="0123abc", _LAMBDA_RUNTIME="canary", **others)

    start = told(build)
    assert start["environment"] == {
        "HOME": "/home",
        "LC_ALL": "C.UTF-8",
        "LD_LIBRARY_PATH": f"{build.app}/.heroku/python/lib",
        "PATH": build.environment["PATH"],
        "SOURCE_VERSION": "0123abc",
        "STACK": "heroku-24",
        "_LAMBDA_JAR_FILE": "target/app.jar",
    }
    assert start["arguments"] == ["build", str(build.app), "--cache", str(build.cache)]
    assert (start["isolated"], start["no_site"], start["utf8"]) == (1, 1, 1)


def test_pip_gets_its_settings_for_a_python_app(build: Build) -> None:
    """A private index is among the config vars, as heroku/python has it; they win over the platform's own."""
    (build.app / "package.json").rename(build.app / "requirements.txt")
    build.set_config("PIP_EXTRA_INDEX_URL", "https://user:token@example.com/simple")
    build.set_config("PIP_TARGET", "canary")
    build.set_config("DATABASE_URL", "canary")

    build.compile(PIP_EXTRA_INDEX_URL="https://example.org", HTTPS_PROXY="http://proxy:1", PIP_USER="canary")

    start = told(build)
    assert start["environment"]["PIP_EXTRA_INDEX_URL"] == "https://user:token@example.com/simple"
    assert start["environment"]["HTTPS_PROXY"] == "http://proxy:1"
    assert "canary" not in str(start)


def test_gives_no_secret_away(warm: Build, tmp_path: Path, warm_cache: Path) -> None:
    """No config value gets into the slug, the cache or the log, nor does one of the environment."""
    cache = tmp_path / "cache"
    shutil.copytree(warm_cache, cache)
    names = ["_AWS_SECRET_ACCESS_KEY", "_AWS_ACCESS_KEY_ID", "_LAMBDA_FUNCTION_ARN", "DATABASE_URL"]
    for name in names:
        warm.set_config(name, f"c4nary-{name}\nsecond line c4nary")

    result = replace(warm, cache=cache).compile(
        **{name: f"c4nary-{name}" for name in names}, PIP_PASSWORD="c4nary", NPM_TOKEN="c4nary"
    )

    assert result.status == 0
    assert "c4nary" not in result.stdout + result.stderr
    for folder in (warm.app, cache):
        for path in folder.rglob("*"):
            assert "c4nary" not in str(path.relative_to(folder))
            if path.is_file() and not path.is_symlink():
                assert b"c4nary" not in path.read_bytes(), path


def test_a_config_value_is_no_program(build: Build, tmp_path: Path) -> None:
    """The one value that is read is never run, whatever is in it."""
    value = f"$(touch {tmp_path}/ran) `touch {tmp_path}/ran`; touch {tmp_path}/ran\nsecond 'line\""
    build.set_config("_LAMBDA_JAR_FILE", value)

    assert build.compile().status == 0
    assert told(build)["environment"]["_LAMBDA_JAR_FILE"] == value
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("length", [4097, 130_000, 200_000])
def test_explains_a_jar_setting_that_is_no_path(build: Build, length: int) -> None:
    """The kernel would start no program with it, and its own words would be no help; it is not repeated."""
    build.set_config("_LAMBDA_JAR_FILE", "x" * length)

    result = build.compile()

    assert (result.status, result.stderr) == (
        2,
        f"""\
 !     _LAMBDA_JAR_FILE is {length} characters long, and it can have 4096 at most.
 !
 !     Correct it, and push again.
""",
    )
