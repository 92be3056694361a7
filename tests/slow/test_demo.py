"""`make demo`: its story, its own check, and that it leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import demo
from lambda_runtime import unpack
from paths import REPOSITORY, TESTS
from simulated import Slug
from tools import require

MODULES = ":".join(map(str, (REPOSITORY, TESTS / "support", TESTS / "fakes")))
CONFIG = {"URL": "https://example.com/?a=b", "KEY": "one\ntwo"}


def start(tmp_path: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the demo with a temporary folder of its own."""
    (tmp_path / "tmp").mkdir()
    return subprocess.Popen(
        [sys.executable, demo.__file__, *arguments],
        env={**os.environ, "PYTHONPATH": MODULES, "TMPDIR": str(tmp_path / "tmp"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_the_demo_shows_all_apps_from_build_to_handler(
    tmp_path: Path, nodejs_app: Path, java_app: Path, warm_cache: Path
) -> None:
    """The README's command builds, deploys and runs the apps, checks their config and cleans up."""
    require("unzip")
    assert nodejs_app.exists()  # npm and Maven have filled their caches
    assert java_app.exists()
    shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True)
    with start(tmp_path, "--cache", str(tmp_path / "cache")) as process:
        stdout, stderr = process.communicate()

    assert (process.returncode, stderr) == (0, "")
    assert "\x1b" not in stdout
    story = [
        "=== The Python app ===",
        "AWS Lambda (Python)",
        "Dependencies of requirements.txt, for python3.",
        "$ main.handler",
        "Grüße, 世界! 🎉",
        "=== A release, step by step ===",
        "$ deploy plan",
        "Shifting live from version 1 to version 2",
        "gave an answer that _LAMBDA_VERIFY_EXPECT does not match",
        "$ deploy rollback",
        "live is version 2",
        "=== The Node.js app ===",
        "$ npm ci",
        "$ bin/detect",
        "AWS Lambda (Node.js)",
        "$ bin/compile",
        "$ bin/release",
        "$ .lambda-deploy/bin/deploy",
        "$ unzip",
        "$ index.handler",
        "Grüße, 世界! 🎉",
        "=== The Java app ===",
        "$ mvn",
        "AWS Lambda (Java)",
        "$ com.example.greeter.Handler",
        "Grüße, 世界! 🎉",
        "=== Done ===",
    ]
    place = 0
    for line in story:
        assert line in stdout[place:]
        place = stdout.index(line, place)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_with_python_alone_the_demo_says_what_it_leaves_out(tmp_path: Path, warm_cache: Path) -> None:
    """The Python part is shown; what is left out, and why, is said where it would stand, and at the end."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("bash", "env"):
        (programs / program).symlink_to(str(shutil.which(program)))
    shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True)
    with start(tmp_path, "--cache", str(tmp_path / "cache"), PATH=str(programs)) as process:
        stdout, stderr = process.communicate()

    assert (process.returncode, stderr) == (0, "")
    assert "Left out: it needs Node.js 18 or newer, with npm. Not found on the PATH: node, npm." in stdout
    assert "Left out: it needs a JDK and Maven. Not found on the PATH: javac, mvn." in stdout
    assert stdout.rstrip().endswith("Left out for want of tools: Node.js and Java.")


def test_a_tool_that_fails_does_not_keep_the_other_languages_back(tmp_path: Path, warm_cache: Path) -> None:
    """The part that failed is named, and the exit status says that one did."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "bash").symlink_to(str(shutil.which("bash")))
    for tool in ("node", "npm"):
        (programs / tool).write_text("#!/bin/sh\necho broken\nexit 7\n")
        (programs / tool).chmod(0o755)
    shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True)
    with start(tmp_path, "--cache", str(tmp_path / "cache"), PATH=f"{programs}") as process:
        stdout, stderr = process.communicate()

    assert process.returncode == 1
    assert "$ main.handler" in stdout
    assert "=== The Java app ===" in stdout
    assert "The Node.js part failed: npm ci --no-audit --no-fund ended with exit status 7." in stderr
    assert stderr.splitlines()[-1] == ("The demo failed: the part of Node.js did. What it said is above.")


def test_an_old_python_gets_one_clear_line(tmp_path: Path) -> None:
    """Before anything is installed."""
    require("make")
    old = tmp_path / "python3"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9, 18); $2"\n')
    old.chmod(0o755)
    makefile = REPOSITORY / "Makefile"
    command = ["make", "-f", str(makefile), "demo", f"PYTHON={old}", f"VENV={tmp_path}/venv"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == (
        f"{old} is Python 3.9, and 3.10 or newer is needed: make demo PYTHON=python3.12, for example."
    )
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_removes_what_it_made(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the demo with a clear last line and an empty temporary folder."""
    require("node", "npm")
    with start(tmp_path) as process:
        assert process.stdout is not None
        while "What its own language's buildpack does" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, stderr = process.communicate()

    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "The demo was interrupted. What it made is removed."
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_package_unpacks_the_same_without_unzip(
    tmp_path: Path, nodejs_slug: Slug, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has no unzip gets the same files, modes and links."""
    require("unzip")
    package = (nodejs_slug.path / ".lambda-deploy/base.zip").read_bytes()
    with_unzip = unpack(package, tmp_path / "with")
    monkeypatch.setenv("PATH", str(tmp_path))
    without = unpack(package, tmp_path / "without")

    def tree(folder: Path) -> dict[Path, tuple[int, bytes]]:
        return {
            path.relative_to(folder): (path.lstat().st_mode, path.read_bytes())
            for path in folder.rglob("*")
            if not path.is_dir()
        }

    assert tree(without) == tree(with_unzip)


def test_escape_codes_do_not_leak() -> None:
    """Maven writes resets even where its colors are off; brackets of its own stay."""
    output = "\x1b[0m[INFO] \x1b[1;32mBUILD\x1b[m\x1b[K ok [0m]"

    assert demo.without_escapes(output) == "[INFO] BUILD ok [0m]"


def test_the_demo_accepts_the_very_same_config() -> None:
    """The demo's own check is content with a config that arrived as it was set."""
    assert demo.differences(CONFIG, dict(CONFIG)) == []


@pytest.mark.parametrize(
    ("baked", "problem"),
    [
        ({"URL": CONFIG["URL"]}, "KEY is missing"),
        ({**CONFIG, "KEY": "one two"}, "KEY has another value"),
        ({**CONFIG, "_LAMBDA_X": "x"}, "_LAMBDA_X is a setting and was baked"),
        ({**CONFIG, "DYNO": "run.1"}, "DYNO is no config var and was baked"),
    ],
)
def test_the_demo_notices_a_config_that_is_not_the_same(baked: dict[str, str], problem: str) -> None:
    """The demo's own check names a variable that is missing, changed or should not have been baked."""
    assert demo.differences(CONFIG, baked) == [problem]
