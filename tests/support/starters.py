"""What starts a process in a dyno or a container: Heroku, herokuish below Dokku, and a container's launcher.

Each starter runs a command in the app's folder, with start scripts and in an environment as on the real
platform, and returns how it ended. `_MEMORY` is the size of the dyno for the start scripts.
"""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from buildpack import Result, run

PATH = "/usr/local/bin:/usr/bin:/bin"
SIZES = {"standard-1x": 512 << 20, "standard-2x": 1 << 30, "performance-l": 14 << 30}

TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PS1": r"\w $ "}
METADATA = {
    "HEROKU_DYNO_ID": "8bf2a9a0-6c4a-4c8e-a4d2-d3e0b6ecc2e1",
    "HEROKU_RELEASE_VERSION": "v42",
    "HEROKU_RELEASE_CREATED_AT": "2026-11-21T10:00:00Z",
    "HEROKU_SLUG_COMMIT": "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
    "HEROKU_SLUG_DESCRIPTION": "Deploy 2c3a0b2",
}


def heroku(
    app: Path,
    config: Mapping[str, str],
    command: str,
    *,
    dyno: str,
    size: str = "standard-1x",
    metrics: bool = True,
    order: tuple[str, ...] = (),
) -> Result:
    """Start a command in a dyno of Heroku, for example `run.1234`.

    Start scripts run in the order of their names, but for those in `order`, which run before them.
    """
    environment = {
        "DYNO": dyno,
        "HOME": str(app),
        "HOSTNAME": f"{dyno}.local",
        "PATH": PATH,
        "PORT": "5000",
        "_MEMORY": str(SIZES[size]),
        **METADATA,
        **({"HEROKU_METRICS_URL": "https://metrics.example.com/token"} if metrics else {}),
        **(TERMINAL if dyno.startswith("run.") else {}),
        **config,
    }
    script = """
    cd "$HOME" || exit
    for _script in $_ORDER .profile.d/*.sh; do
        case "$_done" in *" $_script "*) continue ;; esac
        _done="$_done $_script "
        . "./$_script"
    done
    if [ -f .profile ]; then . ./.profile; fi
    eval "$_COMMAND"
    """
    scripts = " ".join(f".profile.d/{name}" for name in order)
    return run(
        "bash",
        "--noprofile",
        "--login",
        "-c",
        script,
        environment={**environment, "_ORDER": scripts, "_COMMAND": command},
    )


_HEROKUISH = r"""
import pathlib, subprocess, sys, tempfile

called, command = sys.argv[1:]
pathlib.Path("/proc/self/comm").write_text(called)
with tempfile.NamedTemporaryFile("w", prefix="bashenv.", errors="surrogateescape") as file:
    print("unset BASH_ENV", f"export SELF=/{called} SELF_EXECUTABLE=/bin/herokuish", sep="\n", file=file)
    variables = pathlib.Path("/proc/self/environ").read_text(errors="surrogateescape").split("\0")[:-1]
    for variable in [*variables, "HEROKUISH_VERSION=0.11.14"]:
        # Takes every backslash in a value for an escape.
        print("export " + variable.replace("'", r"\'").replace("=", "=$'", 1) + "'", file=file)
    print(r'''
        export PS1='\w $ ' HOME=$_APP
        start() {
            local file
            cd "$HOME" || return 1
            if [[ -d $_ENV ]]; then for file in "$_ENV"/*; do export "${file##*/}=$(<"$file")"; done; fi
            shopt -s nullglob
            for file in .profile.d/*.sh; do source "$file"; done
            if [[ -s .profile ]]; then source .profile; fi
            shopt -u nullglob
            exec $(eval echo "$@")
        }
    ''', file=file)
    file.flush()
    sys.exit(subprocess.run(
        ["bash", "-c", f"source '{file.name}'; start '{command}'"], env={"BASH_ENV": file.name}, check=False
    ).returncode)
"""


def herokuish(
    app: Path,
    config: Mapping[str, str],
    command: str,
    *,
    called: str,
    last_build: Mapping[str, str] | None = None,
    last_release: Mapping[str, str] | None = None,
    dyno: str | None = None,
    size: str = "standard-1x",
) -> Result:
    """Start a command in a container of Dokku by herokuish, which is `called` start or exec.

    The image holds the config of the `last_build` and, in a start script, of the `last_release`.
    """
    env = app.parent / "env"
    env.mkdir(exist_ok=True)
    for file in env.iterdir():
        file.unlink()
    for name, value in (last_build or {}).items():
        (env / name).write_text(value)
    environment = {
        "BASH_BIN": "/usr/bin/bash",
        "CACHE_PATH": "/cache",
        "DEBIAN_FRONTEND": "noninteractive",
        "HEROKUISH_DISABLE_CHOWN": "true",
        "HEROKUISH_SETUIDGUID": "false",
        "HOME": "/root",
        "HOSTNAME": "7f1c2d3e4a5b",
        "PATH": PATH,
        "STACK": "heroku-24",
        "USER": "herokuishuser",
        "CURL_CONNECT_TIMEOUT": "90",
        "CURL_TIMEOUT": "600",
        "DOKKU_APP_TYPE": "herokuish",
        "GIT_REV": "2c3a0b24069af49b3de35b8e8c26765c1dba9ff0",
        "NO_VHOST": "0",
        "_APP": str(app),
        "_ENV": str(env),
        "_MEMORY": str(SIZES[size]),
        **({"DYNO": dyno, "PORT": "5000"} if dyno else {}),
        **config,
    }
    script = app / ".profile.d/01-app-env.sh"
    script.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in (last_release or {}).items())
    )
    try:
        return run(sys.executable, "-c", _HEROKUISH, called, command, environment=environment)
    finally:
        script.unlink()


def cloud_native_buildpacks(
    app: Path,
    config: Mapping[str, str],
    command: str,
    *,
    direct: bool = True,
    size: str = "standard-1x",
) -> Result:
    """Start a command in a container that Cloud Native Buildpacks for Java and Python have made.

    Their variables are in the environment of the launcher's process, before there is any shell, which
    there is only if the process is not `direct`.
    """
    heap = {512: "-Xmx300m -Xss512k -XX:CICompilerCount=2", 1024: "-Xmx671m -XX:CICompilerCount=2"}
    flags = heap.get(SIZES[size] >> 20, "-XX:MaxRAMPercentage=80.0") + " -Dfile.encoding=UTF-8"
    layers = "/layers/heroku_python/python/lib:/layers/heroku_jvm/openjdk/lib"
    environment = {
        "HOME": "/home/heroku",
        "HOSTNAME": "7f1c2d3e4a5b",
        "PATH": f"/layers/heroku_python/python/bin:/layers/heroku_jvm/openjdk/bin:{PATH}",
        "CNB_EXEC_ENV": "production",
        "CNB_STACK_ID": "heroku-24",
        **config,
        "LD_LIBRARY_PATH": _joined(":", layers, config.get("LD_LIBRARY_PATH")),
        "PYTHONUNBUFFERED": "1",
        "VIRTUAL_ENV": "/layers/heroku_python/venv",
        "JAVA_HOME": "/layers/heroku_jvm/openjdk",
        "JAVA_TOOL_OPTIONS": _joined(" ", flags, config.get("JAVA_TOOL_OPTIONS")),
    }
    if direct:
        program, *arguments = command.split()
        return run(app / program, *arguments, environment=environment, cwd=app)
    script = f'source .profile 2>/dev/null; cd "{app}"; exec bash -c "$@"'
    return run("bash", "-c", script, "launcher", command, environment=environment, cwd=app)


def _joined(separator: str, first: str, second: str | None) -> str:
    return first + (separator + second if second else "")
