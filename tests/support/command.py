"""Runs the deploy command in a process of its own, with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import in_process
from paths import REPOSITORY

PROGRAM = (
    "import os, sys, pathlib, deploy.cli; "
    "os._exit(deploy.cli.main(sys.argv[2:], slug=pathlib.Path(sys.argv[1])))"
)

# Waits a fortieth of the time, between steps and within them.
HURRIED_PROGRAM = """
import os, sys, pathlib
from deploy.cancel import Cancellation
from deploy.cli import main

class Hurried(Cancellation):
    def wait(self, seconds):
        super().wait(seconds / 40)

    def wait_between_steps(self, seconds):
        super().wait_between_steps(seconds / 40)

os._exit(main(sys.argv[2:], slug=pathlib.Path(sys.argv[1]), cancellation=Hurried()))
"""


def deploy(
    slug: Path, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `deploy ARGUMENTS` on a slug, in a one-off dyno with `env`.

    Raises TimeoutExpired where it takes more than `timeout` seconds.
    """
    return subprocess.run(
        command(slug, *arguments),
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **(env or {})},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=timeout,
    )


def command(slug: Path, *arguments: str | Path, hurried: bool = False, setup: str = "") -> list[str]:
    """Return the command line for `deploy ARGUMENTS` on a slug, to be run in the repository.

    `setup` are statements that are run first.
    """
    program = f"{setup}\n{HURRIED_PROGRAM if hurried else PROGRAM}"
    return [sys.executable, "-X", "utf8", "-c", program, str(slug), *map(str, arguments)]


def make_slug(folder: Path, files: Mapping[str, bytes] | None = None) -> Path:
    """Make a Node.js app of `files` in a folder, with its base."""
    for name, content in {
        "package.json": b"{}",
        "index.js": b"exports.handler = 1;\n",
        **(files or {}),
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = in_process.deploy(folder, "build", str(folder), env={})
    assert result.status == 0, result.stderr
    return folder
