"""The launcher of an image, as a process: image_launcher.py <layers> <process> <others> <command>..."""

import ast
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# pytest brings tomli where Python has no parser.
tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def read_toml(path: Path) -> Any:
    """Parse a file."""
    return tomllib.loads(path.read_text())


def _launch(layers: Path, process: str, others: Mapping[str, str], command: list[str]) -> None:
    """Be the launcher: change the environment as the layers say, and become the process."""
    left_out = {
        "CNB_LAYERS_DIR",
        "CNB_APP_DIR",
        "CNB_PROCESS_TYPE",
        "CNB_PLATFORM_API",
        "CNB_DEPRECATION_MODE",
    }
    own = {"/cnb/process", "/cnb/lifecycle"}
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    env["PATH"] = ":".join(part for part in env["PATH"].split(":") if part not in own)
    env |= others
    for name, variable in (("bin", "PATH"), ("lib", "LD_LIBRARY_PATH")):
        for folder in sorted(layers.glob(f"*/{name}/")):
            env[variable] = f"{folder}:{env[variable]}" if env.get(variable) else str(folder)
    for file in _files(layers, "env", "env.launch", f"env.launch/{process}"):
        assert "." not in file.name, "this lifecycle knows no modification but override"
        env[file.name] = file.read_text()
    for program in _files(layers, "exec.d", f"exec.d/{process}"):
        env |= _exec_d(program, env)
    os.execvpe(command[0], command, env)  # noqa: S606


def _files(layers: Path, *folders: str) -> list[Path]:
    """Return the files in these folders of all layers, in the order of the layers' names."""
    found = (
        path for layer in sorted(layers.iterdir()) for each in folders for path in (layer / each).glob("*")
    )
    return [path for path in found if path.is_file()]


def _exec_d(program: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Run a program that writes variables to its third file descriptor; its failure is that of the app."""
    with tempfile.TemporaryFile() as file:

        def become_the_third() -> None:
            os.dup2(file.fileno(), 3)

        subprocess.run(
            [program],
            env=dict(env),
            pass_fds=[3],
            preexec_fn=become_the_third,
            check=True,
        )
        file.seek(0)
        return {name: str(value) for name, value in tomllib.loads(file.read().decode()).items()}


if __name__ == "__main__":
    _launch(Path(sys.argv[1]), sys.argv[2], ast.literal_eval(sys.argv[3]), sys.argv[4:])
