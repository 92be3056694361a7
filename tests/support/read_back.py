"""Readers that we did not write: each reads a baked file and says what it has found.

A JVM or Node.js process reads many files, one after the other, so that tests can ask it often.
"""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent / "readers"

# The readers that promise to give back every value, by the file that they read.
EXACT_READERS = {
    "java.util.Properties.load(InputStream)": "env.properties",
    "java.util.Properties.load(Reader)": "env.properties",
    "dot-properties": "env.properties",
    "JSON.parse": "env.json",
    "require": "env.json",
    "json.load": "env.json",
}

# Small and quick to start; the default of a JVM is made for servers.
JAVA = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

# Programs that print their environment as JSON; the JVM is still to be told its class.
PRINT_ENVIRONMENT = {
    "node": ("node", "-p", "JSON.stringify(process.env)"),
    "java": JAVA,
    "python": (sys.executable, "-I", "-c", "import json, os; print(json.dumps(dict(os.environ)))"),
}


class Readers:
    """The readers by name, as processes that read one file after the other."""

    def __init__(
        self, folder: Path, java_classes: Callable[[], Path], node_modules: Callable[[], Path]
    ) -> None:
        self._folder = folder
        self._java_classes = java_classes
        self._node_modules = node_modules
        self._numbers = itertools.count()
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def read(self, reader: str, content: bytes) -> dict[str, Any]:
        """Have a baked file's content read."""
        # Another name each time: require() remembers what it has read.
        path = self._folder / f"{next(self._numbers)}.json"
        path.write_bytes(content)
        try:
            if reader == "json.load":
                with path.open(encoding="utf-8") as file:
                    return dict(json.load(file))
            return self._ask(reader, path)
        finally:
            path.unlink()

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.communicate()

    def _ask(self, reader: str, path: Path) -> dict[str, Any]:
        if reader not in self._processes:
            self._processes[reader] = subprocess.Popen(
                self._command(reader),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        process = self._processes[reader]
        if not process.stdin or not process.stdout:
            raise AssertionError(reader)
        print(path, file=process.stdin, flush=True)
        answer = process.stdout.readline()
        return dict(json.loads(answer))

    def _command(self, reader: str) -> list[str]:
        if reader.startswith("java."):
            how = "stream" if reader.endswith("(InputStream)") else "reader"
            return [*JAVA, "-cp", str(self._java_classes()), "ReadProperties", how]
        return ["node", str(self._node_modules() / "read.js"), reader]


def nul_separated(output: bytes) -> dict[str, str]:
    """Read what `env -0` prints."""
    strings: Mapping[bytes, bytes] = dict(string.split(b"=", 1) for string in output.split(b"\0") if string)
    return {name.decode(): value.decode() for name, value in strings.items()}
