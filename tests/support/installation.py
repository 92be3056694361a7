"""The command `lambda-deploy`, installed from the checkout into an environment of its own.

Nothing is downloaded: the wheel is built with the tests' own build backend, and the dependencies are theirs.
The environment stands for macOS: what only Linux has is missing there, /proc included.
"""

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from buildpack import Result, run
from paths import REPOSITORY

# What os has on Linux and not on macOS: https://docs.python.org/3/library/os.html
NOT_LINUX = """
import os, sys
for name in '''
    copy_file_range eventfd getresgid getresuid memfd_create pidfd_open posix_fadvise posix_fallocate
    sched_getaffinity sched_setaffinity splice timerfd_create unshare
'''.split():
    if hasattr(os, name):
        delattr(os, name)

def refuse_proc(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith(("/proc", "/sys")):
        raise FileNotFoundError(arguments[0])

sys.addaudithook(refuse_proc)
"""


@dataclass(frozen=True)
class Installation:
    """An environment in which `lambda-deploy` is installed."""

    folder: Path

    @property
    def programs(self) -> Path:
        """The folder that holds the command."""
        return self.folder / "bin"

    def run(self, *arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> Result:
        """Run the command, with nothing on PATH: no Bash, no git, none of GNU's tools."""
        nothing = {"PATH": str(self.folder / "no-programs"), "HOME": str(self.folder / "no-home")}
        return run(
            self.programs / "lambda-deploy",
            *arguments,
            environment={**nothing, **(environment or {})},
            cwd=cwd,
        )


def install(folder: Path) -> None:
    """Build the wheel as pip does it, and install it into a new environment."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    local = ["--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "wheel", *local, "--no-build-isolation", "--wheel-dir", folder / "wheels", REPOSITORY],
        check=True,
    )
    venv.create(folder, with_pip=False)
    (wheel,) = (folder / "wheels").glob("*.whl")
    subprocess.run([*pip, "--python", folder / "bin/python", "install", *local, wheel], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "not_linux.py").write_text(NOT_LINUX)
    (packages / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\nimport not_linux\n")
