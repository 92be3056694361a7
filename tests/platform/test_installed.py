"""The way in without a platform: `lambda-deploy`, installed by pip, on a machine that has just Python."""

import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from buildpack import make_maven_app, make_nodejs_app, platform, run, warm_build
from embedded_aws import EmbeddedAWS, Function
from installation import Installation
from paths import REPOSITORY
from tools import require

pytestmark = pytest.mark.xdist_group("installation")

CONFIG = "GREETING=hello from a file\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return make_nodejs_app(tmp_path / "app")


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "function.env"
    path.write_text(CONFIG)
    return path


def base_of(app: Path) -> dict[str, object]:
    """Return what a build wrote down of its base."""
    content: dict[str, object] = json.loads((app / ".lambda-deploy/build.json").read_text())
    return content


def baked(function: Function) -> bytes:
    """Return the config that is deployed."""
    return ZipFile(io.BytesIO(function.code())).read("env.properties")


def git(app: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", *identity, "-C", str(app), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_build_plan_deploy_and_status(
    aws: EmbeddedAWS, function: Function, installation: Installation, app: Path, env_file: Path
) -> None:
    """The whole way, without any other program, and without what only Linux has."""
    settings = {**aws.settings(function), "_LAMBDA_ALIAS": "live"}
    built = installation.run("build", cwd=app)
    assert (built.status, built.stderr) == (0, ""), built
    planned = installation.run("plan", "--env-file", env_file, cwd=app, environment=settings)
    assert planned.status == 0, planned
    assert "A deploy would" in planned.stdout
    assert "UpdateFunctionCode" not in {call.operation for call in function.deploy_calls}
    deployed = installation.run("--env-file", env_file, "--app", app, cwd=app.parent, environment=settings)
    assert (deployed.status, deployed.stderr) == (0, ""), deployed
    assert b"hello from a file" in baked(function)
    status = installation.run(
        "status", "--json", "--env-file", env_file, "--app", app, cwd=app.parent, environment=settings
    )
    assert json.loads(status.stdout)["up_to_date"] is True


@pytest.mark.parametrize("make", [make_nodejs_app, make_maven_app])
def test_the_base_is_the_one_that_the_buildpack_makes(
    installation: Installation, tmp_path: Path, warm_cache: Path, make: Callable[[Path], Path]
) -> None:
    """To the byte, so a function does not change with the way in."""
    build = warm_build(tmp_path, warm_cache)
    ours, theirs = make(tmp_path / "ours"), build.app
    if make is make_maven_app:
        (theirs / "package.json").unlink()
        for path in ("pom.xml", "target/function-1.0.jar"):
            (theirs / path).parent.mkdir(exist_ok=True)
            (theirs / path).write_bytes((ours / path).read_bytes())
    assert build.compile().status == 0
    assert installation.run("build", ours, cwd=tmp_path).status == 0
    a, b = base_of(ours), base_of(theirs)
    assert {**a, "stack": None} == {**b, "stack": None}
    assert (ours / str(a["base"])).read_bytes() == (theirs / str(b["base"])).read_bytes()


def test_the_working_folder_and_python_variables_have_no_say(installation: Installation, app: Path) -> None:
    """Neither a `json.py` nor a package `deploy` of the app's, nor PYTHONPATH, changes what runs."""
    (app / "json.py").write_text("raise SystemExit('the app')\n")
    (app / "deploy").mkdir()
    (app / "deploy/__init__.py").write_text("raise SystemExit('the app')\n")
    environment = {"PYTHONPATH": str(app), "PYTHONSAFEPATH": "", "LC_ALL": "C", "PYTHONUTF8": "0"}
    built = installation.run("build", cwd=app, environment=environment)
    assert (built.status, built.stderr) == (0, "")


def test_nothing_is_installed_at_the_top_level_but_lambda_deploy(installation: Installation) -> None:
    """Another distribution may have a package `deploy`."""
    (wheel,) = (installation.folder / "wheels").glob("*.whl")
    names = ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"lambda_deploy"}
    assert {f"lambda_deploy/deploy/{path}" for path in ("artifact/kinds.txt", "target/pip.txt")} <= set(names)


def test_messages_name_the_command_that_people_have(installation: Installation, app: Path) -> None:
    """Help, errors and documents: what stands there can be typed as it is."""
    for arguments in (["--help"], ["help", "plan"], ["plan", "--offline"], ["nonsense"], ["--json", "plan"]):
        result = installation.run(*arguments, cwd=app)
        said = result.stdout + result.stderr
        assert "`deploy" not in said
    unbuilt = installation.run("plan", "--offline", "--env-file", "/dev/null", cwd=app)
    assert "`lambda-deploy build`" in unbuilt.stderr
    assert "usage: lambda-deploy" in installation.run("--help", cwd=app).stdout


def test_the_base_keeps_the_commit(installation: Installation, app: Path, tmp_path: Path) -> None:
    """By git, marked if it is not the whole truth; else by CI; the platform's own word is final."""
    require("git")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    sha = "0123456789abcdef0123456789abcdef01234567"
    ci = {"PATH": str(programs), "GITHUB_ACTIONS": "true", "GITHUB_SHA": sha}

    def commit(**environment: str) -> object:
        assert installation.run("build", cwd=app, environment=environment).status == 0
        return base_of(app)["source_version"]

    assert commit() is None
    assert commit(**ci) == sha
    git(app, "init", "--quiet")
    assert commit(**ci) == sha
    git(app, "add", ".")
    git(app, "commit", "--quiet", "--message", "first")
    head = git(app, "rev-parse", "HEAD")
    assert commit(**ci) == head
    assert git(app, "status", "--porcelain") == ""
    elsewhere = {"GIT_DIR": str(tmp_path / "elsewhere/.git"), "GIT_WORK_TREE": str(tmp_path)}
    git(tmp_path, "init", "--quiet", "elsewhere")
    assert commit(**ci, **elsewhere) == head
    (app / "index.js").write_text("changed\n")
    assert commit(**ci) == f"{head}-dirty"
    assert commit(**ci, SOURCE_VERSION="of-the-platform") == "of-the-platform"


def test_a_version_from_ci_names_repository_and_commit(
    aws: EmbeddedAWS, function: Function, installation: Installation, app: Path, env_file: Path
) -> None:
    """The commit is the base's; a run that comes late is not taken for an older release."""
    ci = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "me/my-app", "GITHUB_RUN_NUMBER": "7"}
    settings = {**aws.settings(function), "_LAMBDA_ALIAS": "live", **ci, "GITHUB_SHA": "a" * 40}
    assert installation.run("build", cwd=app, environment=settings).status == 0
    settings |= {"GITHUB_SHA": "b" * 40, "GITHUB_RUN_NUMBER": "6"}
    deployed = installation.run("--env-file", env_file, cwd=app, environment=settings)
    assert deployed.status == 0, deployed
    status = installation.run("status", "--env-file", env_file, cwd=app, environment=settings)
    assert "Comes from:  me/my-app, commit aaaaaaaaaaaa, base " in status.stdout
    assert b"GITHUB" not in baked(function)


def test_what_an_earlier_build_left_is_gone(installation: Installation, app: Path) -> None:
    """A base that is no longer used, and files of a build that was killed."""
    assert installation.run("build", cwd=app).status == 0
    (app / ".lambda-deploy/.unfinished.x").touch()
    (app / "package.json").unlink()
    failed = installation.run("build", cwd=app)
    assert failed.status == 2
    assert not list((app / ".lambda-deploy").iterdir())


@pytest.mark.parametrize("kind", ["a link", "no folder"])
def test_a_folder_that_can_not_be_built_is_refused(
    installation: Installation, app: Path, tmp_path: Path, kind: str
) -> None:
    """Instead of writing to wherever it leads."""
    (tmp_path / "elsewhere").mkdir()
    if kind == "a link":
        (app / ".lambda-deploy").symlink_to(tmp_path / "elsewhere")
    refused = installation.run("build", app if kind == "a link" else tmp_path / "nowhere", cwd=tmp_path)
    assert refused.status == 2
    assert "Traceback" not in refused.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_build_backend_is_the_one_that_the_tests_use() -> None:
    """Otherwise the tests would prove another wheel than the one that users get."""
    project = (REPOSITORY / "pyproject.toml").read_text()
    assert len(re.findall(r"^requires = .*$", project, re.MULTILINE)) == 1
    versions = re.findall('"hatchling==([^"]+)"', project)
    assert len(versions) == 2
    assert len(set(versions)) == 1


def test_a_slug_says_that_it_has_been_built(tmp_path: Path, warm_cache: Path) -> None:
    """What builds need is not there any more."""
    build = warm_build(tmp_path, warm_cache)
    assert build.compile().status == 0
    again = run(build.app / ".lambda-deploy/bin/deploy", "build", environment=platform(tmp_path))
    assert again.status == 2
    assert "has been built already" in again.stderr
