"""A build without heroku/python, and its slug in an image that has no Python: every command of deploy."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import simulated
from buildpack import make_nodejs_app
from embedded_aws import Function
from run_image import RunImage, make_run_image
from simulated import Slug
from tools import require

MEGABYTE = 1 << 20
DEPLOY = ".lambda-deploy/bin/deploy"


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory, warm_cache: Path) -> Slug:
    """Return the slug of an app that is built on heroku-24 with this buildpack alone."""
    folder = tmp_path_factory.mktemp("without-python")
    shutil.copytree(warm_cache, folder / "cache", symlinks=True)
    app = make_nodejs_app(folder / "source")
    return simulated.build(app, folder, cache=folder / "cache", python=None, stack="heroku-24")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, slug: Slug) -> RunImage:
    """Return an image without a Python, with the slug in /app."""
    require("ldd")
    image = make_run_image(tmp_path_factory.mktemp("run-image"))
    shutil.copytree(slug.path, image.root / "app", symlinks=True)
    return image


def size(folder: Path) -> int:
    """Return the space that a folder takes on a disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def test_there_is_no_python_in_the_image(image: RunImage) -> None:
    """The image has what a run image has, and no interpreter but the slug's."""
    outside = [path for path in image.root.rglob("*python*") if not path.is_relative_to(image.root / "app")]
    assert outside == []


def test_every_command_works(image: RunImage, function: Function) -> None:
    """Each one does there what it does elsewhere, deploys included."""
    dyno = {"DYNO": "run.1", "HOME": "/app", "GREETING": "Grüße", **function.aws.settings(function)}

    def deploy(*arguments: str) -> "subprocess.CompletedProcess[str]":
        result = image.run(DEPLOY, *arguments, environment=dyno)
        assert (result.returncode, result.stderr) == (0, ""), arguments
        return result

    assert "GREETING" in deploy("config").stdout
    assert "upload" in deploy("plan").stdout
    assert "CodeSha256" in deploy("package", "-o", "/tmp/package.zip").stdout
    assert "Deployed" in deploy().stdout
    assert function.code() == (image.root / "tmp/package.zip").read_bytes()
    assert "Up to date:  yes" in deploy("status").stdout
    assert deploy("doctor").stdout
    assert deploy("doctor", "--policy").stdout
    assert deploy("help", "settings").stdout
    assert deploy("help").stdout == deploy("--help").stdout
    assert deploy("version").stdout


def test_errors_work(image: RunImage) -> None:
    """An error is explained, and a traceback that was asked for is printed, without the sources of Python."""
    dyno = {"DYNO": "run.1", "HOME": "/app", "_LAMBDA_FUNCTION_ARN": "arn:aws:lambda:eu-west-1:1:function:f"}

    result = image.run(DEPLOY, "plan", "--debug", environment=dyno)

    assert result.returncode == 2
    assert "_AWS_ACCESS_KEY_ID is not set" in result.stderr
    assert "Traceback (most recent call last)" in result.stderr


def test_it_is_small(slug: Slug) -> None:
    """The interpreter takes 16 MB at most, and all else but the base 8."""
    python = slug.path / ".lambda-deploy/python"
    assert size(python) <= 16 * MEGABYTE
    files = [path for path in (slug.path / ".lambda-deploy").rglob("*") if path.is_file()]
    others = [path for path in files if python not in path.parents and path.name != "base.zip"]
    assert sum(path.stat().st_size for path in others) <= 8 * MEGABYTE


def test_it_holds_no_path_of_the_build(slug: Slug) -> None:
    """The slug was moved after the build: the interpreter finds its library beside itself."""
    python = slug.path / ".lambda-deploy/python/bin/python3"
    program = (
        "import sys, ssl, json; print(json.dumps([sys.prefix, sys.exec_prefix, sys.path, ssl.__file__]))"
    )
    told = subprocess.run([python, "-I", "-S", "-c", program], env={}, capture_output=True, check=True).stdout

    home = str(python.parents[1])
    prefix, exec_prefix, path, module = json.loads(told)
    assert (prefix, exec_prefix) == (home, home)
    assert all(each.startswith(f"{home}/") for each in (*path, module))
    assert not any(python.parents[1].rglob("*.py"))


def test_it_starts_no_slower_than_the_original(slug: Slug) -> None:
    """From bytecode alone, and from files: a library in an archive would take twenty times as long."""
    original = subprocess.run(
        ["python3", "-I", "-c", "import sys; print(sys.executable)"],
        env={"PATH": simulated.PATH},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    modules = "import argparse, email.message, http.client, json, logging, ssl, subprocess, tempfile, zipfile"

    def quickest(python: str | Path) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([python, "-I", "-S", "-c", modules], env={}, check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert quickest(slug.path / ".lambda-deploy/python/bin/python3") <= 1.5 * quickest(original)


def test_the_build_says_so(slug: Slug) -> None:
    """The log names the interpreter, and that it comes along."""
    assert "-----> Copying Python, which is not there when the app runs\n" in slug.build_log
    assert " !" not in slug.build_log
    assert os.access(slug.path / ".lambda-deploy/python/bin/python3", os.X_OK)
