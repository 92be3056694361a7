"""A stand-in for Lambda's managed runtimes: unpacks a package and calls its handler.

The package is unpacked by unzip, or by Python where there is none, and the handler run by Node.js, Python or
the JVM in a clean environment with the names that the real runtimes have.
"""

import json
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paths import TESTS
from simulated import PATH

READERS = TESTS / "support/readers"

_CALL_NODEJS = """
const [file, name] = process.env._HANDLER.split('.')
require(`${process.env.LAMBDA_TASK_ROOT}/${file}`)[name](JSON.parse(process.argv[1]), {})
  .then(answer => console.log(JSON.stringify(answer)))
"""

_CALL_PYTHON = """
import importlib, json, os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
module, name = os.environ["_HANDLER"].rsplit(".", 1)
print(json.dumps(getattr(importlib.import_module(module), name)(json.loads(sys.argv[1]), None)))
"""


def unpack(package: bytes, task_root: Path) -> Path:
    """Unpack a deployed package, as Lambda does to /var/task, and return the folder."""
    task_root.mkdir(parents=True)
    archive = task_root.with_suffix(".zip")
    archive.write_bytes(package)
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", archive, "-d", task_root], check=True)
    else:
        _unpack_without_unzip(archive, task_root)
    return task_root


def invoke_nodejs(
    task_root: Path,
    handler: str = "index.handler",
    event: Mapping[str, Any] | None = None,
) -> Any:
    """Call a Node.js handler of an unpacked package and return its answer."""
    return _invoke(["node", "-e", _CALL_NODEJS, json.dumps(event or {})], task_root, handler)


def invoke_java(task_root: Path, handler: str = "com.example.greeter.Handler") -> Any:
    """Call a Java handler of an unpacked package, which has to answer with JSON, and return that."""
    class_path = f"{task_root}:{task_root}/lib/*"
    return _invoke(["java", "-cp", class_path, str(READERS / "Invoke.java"), handler], task_root, handler)


def invoke_python(
    task_root: Path, handler: str = "main.handler", event: Mapping[str, Any] | None = None
) -> Any:
    """Call a Python handler of an unpacked package and return its answer."""
    return _invoke([sys.executable, "-I", "-c", _CALL_PYTHON, json.dumps(event or {})], task_root, handler)


def _unpack_without_unzip(archive: Path, task_root: Path) -> None:
    """Unpack as unzip does: Python's extractall leaves modes and symbolic links out."""
    with zipfile.ZipFile(archive) as package:
        for entry in package.infolist():
            mode = entry.external_attr >> 16
            if stat.S_ISLNK(mode):
                link = task_root / entry.filename
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(package.read(entry).decode())
            else:
                Path(package.extract(entry, task_root)).chmod(stat.S_IMODE(mode) or 0o644)


def _invoke(command: list[str], task_root: Path, handler: str) -> Any:
    environment = {"PATH": PATH, "LAMBDA_TASK_ROOT": str(task_root), "_HANDLER": handler}
    result = subprocess.run(
        command, cwd=task_root, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return json.loads(result.stdout)
