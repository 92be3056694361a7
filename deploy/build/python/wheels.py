"""Installs dependencies for a function's Python, whatever this machine is: wheels, by the build's own pip."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.build.python import pip_runner, pip_wheel, requirements
from deploy.build.python.pip_errors import explain
from deploy.build.python.pip_wheel import DownloadError
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from deploy.build.python.requirements import Requirements
    from deploy.build.python.runtime import LambdaPython
    from deploy.output import Report

    Job = dict[str, Any]  # what pip_runner reads

ALWAYS = (
    "install", "--no-input", "--progress-bar", "off", "--disable-pip-version-check", "--no-compile",
    "--no-warn-script-location", "--only-binary", ":all:",
    # Otherwise it looks for conflicts among what the machine has installed, which are none of the app's.
    "--no-warn-conflicts",
)  # fmt: skip

# What an installation adds to a wheel: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
ADDED = ("INSTALLER", "REQUESTED", "direct_url.json")
RECORD = "RECORD"
SCRIPTS = "bin"

# Our own folder in the one that keeps downloads, which may be anyone's: we delete nothing else there.
CACHE = "lambda-deploy-wheels"
LARGEST_CACHE = 1024 * 1024 * 1024  # bytes; pip never throws away what it keeps


@dataclass(frozen=True)
class Pip:
    """What pip is given: the variables of its process, and a folder that keeps its downloads.

    Without a folder of our own it keeps them where it always does.
    """

    variables: Mapping[str, str] = field(repr=False)
    cache: Path | None = None


def install(
    app: Path, wanted: Requirements, python: LambdaPython, folder: Path, *, pip: Pip, output: Report
) -> None:
    """Install what the app depends on into an empty folder, the same files each time.

    Raise DeployError or InputError if that is not possible.
    """
    target = folder / "packages"
    target.mkdir()
    arguments = [*ALWAYS, "--target", str(target), *python.pip_options]
    if pip.cache:
        cache = pip.cache / CACHE
        _bound(cache)
        arguments += ["--cache-dir", str(cache)]
    if wanted.is_lock:
        arguments += ["--no-deps", "--require-hashes"]
    arguments += ["--requirement", str(_requirement_file(app, wanted, folder))]
    output.detail(f"Dependencies of {wanted.source}, for {python}")
    job: Job = {"markers": python.markers, "arguments": arguments, "wheel": None}
    status, log = _run(app, job, folder, pip=pip, output=output)
    if status != 0:
        raise explain(log, wanted, python, pip.variables)
    _tidy(target)


def _requirement_file(app: Path, wanted: Requirements, folder: Path) -> Path:
    if wanted.lines is None:
        return app / requirements.TXT
    path = folder / requirements.TXT
    path.write_text("\n".join(wanted.lines) + "\n", encoding="utf-8")
    return path


def _run(app: Path, job: Job, folder: Path, *, pip: Pip, output: Report) -> tuple[int, str]:
    """Run pip in the app's folder, and return its exit status and what it said."""
    for interpreter in _interpreters(pip.variables):
        done = _start(interpreter, app, job, pip)
        if done and done[0] != pip_runner.NO_PIP:
            return done
    output.detail("Downloading pip, which is not installed here")
    try:
        wheel = _download_pip(folder, pip)
    except DownloadError as error:
        return 1, str(error)
    done = _start(sys.executable, app, {**job, "wheel": str(wheel)}, pip)
    if done and done[0] != pip_runner.NO_PIP:
        return done
    raise DeployError(
        "There is no pip to install the app's dependencies with.",
        why="Neither the Python that runs this build nor any python3 and python on the PATH has one, and the "
        "one that was downloaded does not start.",
        todo="Install pip on this machine, or put heroku/python before this buildpack, and build again.",
    )


def _start(interpreter: str, app: Path, job: Job, pip: Pip) -> tuple[int, str] | None:
    """Run the pip of an interpreter, or the wheel that the job names; None if the interpreter can't start."""
    try:
        done = subprocess.run(
            [interpreter, "-I", pip_runner.__file__],
            cwd=app,
            env=dict(pip.variables),
            input=json.dumps(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError:
        return None
    return done.returncode, done.stdout


def _download_pip(folder: Path, pip: Pip) -> Path:
    """Return the wheel of pip, kept with the other downloads if there is a folder for them."""
    if pip.cache:
        with contextlib.suppress(OSError):
            (pip.cache / CACHE).mkdir(parents=True, exist_ok=True)
            return pip_wheel.download(pip.cache / CACHE, pip.variables)
    return pip_wheel.download(folder, pip.variables)


def _interpreters(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the Pythons that may have a pip, this one first."""
    yield sys.executable
    for folder in os.get_exec_path(dict(variables)):
        for name in ("python3", "python"):
            if found := shutil.which(name, path=folder):
                yield found


# --- what was installed -----------------------------------------------------------------------------


def _tidy(target: Path) -> None:
    """Remove what depends on this machine and its pip: start scripts, bytecode and records of both."""
    for script in (target / SCRIPTS).glob("*"):
        if script.is_file() and _starts_python(script):
            script.unlink()
    with contextlib.suppress(OSError):  # it is not there, or not empty
        (target / SCRIPTS).rmdir()
    for cache in list(target.rglob("__pycache__")):
        shutil.rmtree(cache)
    for metadata in target.glob("*.dist-info"):
        for name in ADDED:
            (metadata / name).unlink(missing_ok=True)
        if (metadata / RECORD).is_file():
            _rewrite_record(metadata / RECORD, target)


def _starts_python(script: Path) -> bool:
    """Whether a file is one of the scripts that pip writes: they start the Python that pip runs on."""
    with script.open("rb") as file:
        head = file.read(2048)
    return head.startswith(b"#!") and b"python" in head


def _rewrite_record(record: Path, target: Path) -> None:
    """Keep the lines of the files that are there; pip records start scripts by a path of its own."""
    with record.open(encoding="utf-8", newline="") as file:
        rows = sorted(row for row in csv.reader(file) if row and (target / row[0]).is_file())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    record.write_text(text.getvalue(), encoding="utf-8", newline="\n")


def _bound(cache: Path) -> None:
    """Empty a cache that has grown too large: most of it belongs to versions that nobody asks for now."""
    size = 0
    for folder, _, names in os.walk(cache):
        for name in names:
            with contextlib.suppress(OSError):  # another build may have removed it meanwhile
                size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - strings throughout
    if size > LARGEST_CACHE:
        shutil.rmtree(cache, ignore_errors=True)
