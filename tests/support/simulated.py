"""A simulated platform: builds apps with the buildpack and runs them in dynos, as Heroku does.

`build` copies an app to a build folder, runs bin/detect, bin/compile and bin/release there in a clean
environment, and moves the slug to another path. `Slug.run` starts a process in a simulated dyno: a
clean environment, the slug as home, `.profile.d` sourced, the Procfile's line executed.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paths import REPOSITORY

BUILDPACK = REPOSITORY
PATH = "/usr/local/bin:/usr/bin:/bin"

# What pip and TLS on this machine may need to reach its package index; no platform lacks it either.
_MACHINE = re.compile(
    r"PIP_\w+|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(http|https|no|all)_proxy", re.IGNORECASE
)

_SOURCE_PROFILE = """
cd "$HOME" || exit
for profile in .profile.d/*.sh; do
    if [ -r "$profile" ]; then . "$profile"; fi
done
unset profile
"""


class BuildError(Exception):
    """A build that stopped: which script, with which exit status, and what it said."""

    def __init__(self, script: str, result: "subprocess.CompletedProcess[str]") -> None:
        super().__init__(f"{script}: exit status {result.returncode}\n{result.stdout}")


@dataclass(frozen=True)
class Slug:
    """An app as it came out of the build, at the path where dynos see it."""

    path: Path

    @property
    def build_log(self) -> str:
        """Return what the build's scripts said, stdout and stderr in one."""
        return (self.path.parent / "build.log").read_text()

    @property
    def process_types(self) -> dict[str, str]:
        """Return the Procfile's lines."""
        lines = (self.path / "Procfile").read_text().splitlines()
        matches = (re.match(r"([A-Za-z0-9_-]+):\s*(.+)", line) for line in lines)
        return {match[1]: match[2].strip() for match in matches if match}

    def copy(self, folder: Path) -> "Slug":
        """Copy the slug into a folder, for a test that changes it or a pipeline that promotes it."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.path, folder / "app", symlinks=True)
        shutil.copy(self.path.parent / "build.log", folder)
        return Slug(folder / "app")

    def start(
        self,
        command: str,
        *arguments: str,
        config: Mapping[str, str] | None = None,
        dyno: Mapping[str, str] | None = None,
        shell: bool = True,
    ) -> "subprocess.Popen[str]":
        """Start a process type, or any other command line, in a dyno; the caller ends it.

        `config` are the app's config vars, `dyno` changes what the platform sets. Without `shell`
        the Procfile's line is split on blanks and nothing else, as herokuish does.
        """
        line = self.process_types.get(command, command)
        if shell:
            words = ["bash", "-c", " ".join([line, *map(shlex.quote, arguments)])]
        else:
            words = [*line.split(), *arguments]
        return subprocess.Popen(
            ["bash", "-c", f'{_SOURCE_PROFILE}exec "$@"', "dyno", *words],
            cwd=self.path,
            env={**_dyno_variables(self.path), **(dyno or {}), **(config or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(
        self,
        command: str,
        *arguments: str,
        config: Mapping[str, str] | None = None,
        dyno: Mapping[str, str] | None = None,
        shell: bool = True,
        timeout: float = 120,
    ) -> "subprocess.CompletedProcess[str]":
        """Run what `start` starts to its end."""
        with self.start(command, *arguments, config=config, dyno=dyno, shell=shell) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def build(
    app: Path,
    folder: Path,
    *,
    cache: Path | None = None,
    config: Mapping[str, str] | None = None,
    buildpack: Path = BUILDPACK,
    stack: str = "heroku-24",
    python: str | None = sys.executable,
    source_version: str = "0123456789abcdef0123456789abcdef01234567",
) -> Slug:
    """Build the slug of `app` at `folder`/app, with the buildpack's output in `folder`/build.log.

    `cache` is used as it is and changed; `python` stands for what heroku/python puts into the slug,
    None for an app without it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build_", dir=folder) as temporary:
        workspace = Path(temporary)
        build_dir, env_dir, home = (workspace / name for name in ("build", "env", "home"))
        shutil.copytree(app, build_dir, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        if python is not None:
            _install_python(python, build_dir / ".heroku" / "python")
        env_dir.mkdir()
        for name, value in (config or {}).items():
            (env_dir / name).write_text(value)
        home.mkdir()
        cache_dir = cache or workspace / "cache"
        cache_dir.mkdir(exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if _MACHINE.fullmatch(name)},
            "HOME": str(home),
            "PATH": PATH,
            "STACK": stack,
            "SOURCE_VERSION": source_version,
        }
        scripts = {
            "detect": [build_dir],
            "compile": [build_dir, cache_dir, env_dir],
            "release": [build_dir],
        }
        log = "".join(
            _run_script(buildpack / "bin" / script, *arguments, environment=environment)
            for script, arguments in scripts.items()
        )
        build_dir.rename(folder / "app")
    (folder / "build.log").write_text(log)
    return Slug(folder / "app")


def _run_script(script: Path, *arguments: Path, environment: Mapping[str, str]) -> str:
    """Run one of the buildpack's scripts and return its command line with all that it said."""
    result = subprocess.run(
        [script, *arguments],
        cwd=script.anchor,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if result.returncode != 0:
        raise BuildError(f"bin/{script.name}", result)
    names = " ".join(f"<{argument.name}-dir>" for argument in arguments)
    return f"$ bin/{script.name} {names}\n{result.stdout}"


def _install_python(python: str, folder: Path) -> None:
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", folder], check=True)


def _dyno_variables(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": PATH,
        "DYNO": "run.1234",
        "PORT": "5000",
        "PS1": r"\[\033[01;34m\]\w\[\033[00m\] \[\033[01;32m\]$ \[\033[00m\]",
        "PWD": str(home),
        "SHLVL": "1",
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        "LINES": "24",
    }
