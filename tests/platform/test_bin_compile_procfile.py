"""bin/compile, run for real: the process types of the app."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from buildpack import Build, small_build

DEPLOY = b"deploy: .lambda-deploy/bin/deploy\n"
ADDED = '       Procfile: added "deploy: .lambda-deploy/bin/deploy"\n'
THERE = '       Procfile: has "deploy: .lambda-deploy/bin/deploy" already\n'
KEPT = """\
 !     Procfile has a process type "deploy" of the app's own, so it stays as it is.
 !     For the one that deploys to AWS Lambda, rename the app's and push again, or run
 !       heroku run .lambda-deploy/bin/deploy
 !     What this buildpack would have added:
 !       deploy: .lambda-deploy/bin/deploy
"""


@pytest.fixture(scope="module")
def shared_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a build with a warm cache, whose app has no Procfile."""
    build = small_build(tmp_path_factory.mktemp("build"))
    assert build.compile().status == 0
    return build


@pytest.fixture
def build(shared_build: Build) -> Build:
    """Return the same build with the Procfile of the test before removed."""
    procfile = shared_build.app / "Procfile"
    if procfile.is_dir():
        shutil.rmtree(procfile)
    procfile.unlink(missing_ok=True)
    return shared_build


def test_makes_a_procfile(build: Build) -> None:
    """An app without a Procfile gets one that every user of the dyno can read."""
    result = build.compile()

    assert result.status == 0
    assert ADDED in result.stdout
    assert (build.app / "Procfile").read_bytes() == DEPLOY
    assert (build.app / "Procfile").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", DEPLOY),
        (b"\n", b"\n" + DEPLOY),
        (b"web: node .\n", b"web: node .\n" + DEPLOY),
        (b"web: node .", b"web: node .\n" + DEPLOY),
        (b"web: node .\r\n", b"web: node .\r\n" + DEPLOY),
        (b"web: node .\r\nworker: x", b"web: node .\r\nworker: x\n" + DEPLOY),
        (b"web: node .\n\n\n", b"web: node .\n\n\n" + DEPLOY),
        (b"# deploy: no\n", b"# deploy: no\n" + DEPLOY),
        (b"deploy-all: x\n", b"deploy-all: x\n" + DEPLOY),
        (b"redeploy: x\n", b"redeploy: x\n" + DEPLOY),
        (b"web: run deploy: x\n", b"web: run deploy: x\n" + DEPLOY),
        (b"Deploy: x\n", b"Deploy: x\n" + DEPLOY),
        (b"web: \xc3\xa4 \xff $(id) `id` \\n\t\n", b"web: \xc3\xa4 \xff $(id) `id` \\n\t\n" + DEPLOY),
    ],
)
def test_adds_its_line(build: Build, before: bytes, after: bytes) -> None:
    """The app's own lines stay, byte for byte, and ours is a line of its own that ends in a line feed."""
    (build.app / "Procfile").write_bytes(before)

    first = build.compile()
    once = (build.app / "Procfile").read_bytes()
    second = build.compile()

    assert (first.status, first.stderr, once) == (0, "", after)
    assert ADDED in first.stdout
    assert (second.status, second.stderr) == (0, "")
    assert THERE in second.stdout
    assert (build.app / "Procfile").read_bytes() == after


@pytest.mark.parametrize(
    "procfile",
    [
        DEPLOY,
        DEPLOY.replace(b"\n", b"\r\n") + b"web: node .\r\n",
        b"deploy:.lambda-deploy/bin/deploy",
        b"deploy :  .lambda-deploy/bin/deploy \t\nweb: node .",
    ],
)
def test_recognizes_its_own_line(build: Build, procfile: bytes) -> None:
    """A line that does the same is taken for ours, whatever its blanks and its line ending."""
    (build.app / "Procfile").write_bytes(procfile)

    result = build.compile()

    assert (result.status, result.stderr) == (0, "")
    assert THERE in result.stdout
    assert (build.app / "Procfile").read_bytes() == procfile


@pytest.mark.parametrize(
    "procfile",
    [b"deploy: ./deploy.sh\n", b"web: x\r\ndeploy: ./deploy.sh\r\n", b"deploy:\n", b"deploy: x"],
)
def test_respects_the_line_of_the_app(build: Build, procfile: bytes) -> None:
    """A deploy process of the app's own stays, with a notice that shows ours."""
    (build.app / "Procfile").write_bytes(procfile)

    result = build.compile()

    assert (result.status, result.stderr) == (0, KEPT)
    assert (build.app / "Procfile").read_bytes() == procfile


def test_adds_every_line_of_the_template(build: Build, tmp_path: Path) -> None:
    """Each process type of the template is merged by itself."""
    buildpack = tmp_path / "buildpack"
    shutil.copytree(build.buildpack, buildpack)
    (buildpack / "Procfile.template").write_text("deploy: bin/deploy\nwatch: bin/deploy watch\n")
    (build.app / "Procfile").write_text("deploy: mine\n")

    result = Build(buildpack, build.app, build.cache, build.env_dir, build.environment).compile()

    assert (build.app / "Procfile").read_text() == "deploy: mine\nwatch: bin/deploy watch\n"
    assert '       Procfile: added "watch: bin/deploy watch"\n' in result.stdout


def test_does_not_write_through_a_link(build: Build, tmp_path: Path) -> None:
    """A Procfile that is a link becomes a file; what it led to is not touched."""
    target = tmp_path / "target"
    target.write_text("web: node .\n")
    (build.app / "Procfile").symlink_to(target)

    result = build.compile()

    assert result.status == 0
    assert not (build.app / "Procfile").is_symlink()
    assert (build.app / "Procfile").read_bytes() == b"web: node .\n" + DEPLOY
    assert target.read_text() == "web: node .\n"


def test_replaces_a_link_to_nowhere(build: Build, tmp_path: Path) -> None:
    """A Procfile that is a dangling link becomes a file, and nothing is made where it led."""
    (build.app / "Procfile").symlink_to(tmp_path / "nowhere")

    assert build.compile().status == 0

    assert (build.app / "Procfile").read_bytes() == DEPLOY
    assert not (tmp_path / "nowhere").exists()


def test_replaces_a_read_only_procfile(build: Build) -> None:
    """A Procfile that may only be read is no obstacle."""
    (build.app / "Procfile").write_text("web: node .\n")
    (build.app / "Procfile").chmod(0o444)

    assert build.compile().status == 0

    assert (build.app / "Procfile").read_bytes() == b"web: node .\n" + DEPLOY


def make_a_folder(procfile: Path) -> None:
    procfile.mkdir()


def make_a_pipe(procfile: Path) -> None:
    os.mkfifo(procfile)


def make_a_link_to_a_device(procfile: Path) -> None:
    procfile.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (make_a_folder, "a folder"),
        (make_a_pipe, "not a regular file"),
        (make_a_link_to_a_device, "not a regular file"),
    ],
)
def test_explains_what_is_not_a_file(build: Build, make: Callable[[Path], None], what: str) -> None:
    """No build waits for a pipe, or reads a device without an end; the error says what it should be."""
    make(build.app / "Procfile")

    result = build.compile()

    assert (result.status, result.stderr) == (
        1,
        f"""\
 !     Procfile is {what}, so no process type can be registered.
 !
 !     It has to be a text file with one line for each process type. Rename or remove it, commit,
 !     and push again.
""",
    )


def test_names_dokkus_commands_on_dokku(build: Build, tmp_path: Path) -> None:
    """Where herokuish builds the app, there is no `heroku` to run."""
    (build.app / "Procfile").write_text("deploy: ./deploy.sh\n")

    kept = build.compile(HEROKUISH_VERSION="0.11.14")
    own_config = replace(build, env_dir=tmp_path / "env")
    own_config.set_config("_LAMBDA_RELEASE_PHASE", "maybe")
    wrong = own_config.compile(HEROKUISH_VERSION="0.11.14")

    assert kept.stderr == KEPT.replace("heroku run ", "dokku run APP ")
    assert " !       dokku config:set APP _LAMBDA_RELEASE_PHASE=true\n" in wrong.stderr
    assert "heroku" not in wrong.stderr


def test_explains_utf_16(build: Build) -> None:
    """What PowerShell makes of `echo ... > Procfile` is an error, not a Procfile that nobody can read."""
    procfile = "web: node .\r\n".encode("utf-16")
    (build.app / "Procfile").write_bytes(procfile)

    result = build.compile()

    assert (result.status, result.stderr) == (
        1,
        """\
 !     Procfile isn't a plain text file: it holds NUL bytes.
 !
 !     On Windows, PowerShell's ">" writes UTF-16, which no platform reads as a Procfile.
 !     Save it as UTF-8 without a byte order mark, commit, and push again.
""",
    )
    assert (build.app / "Procfile").read_bytes() == procfile
