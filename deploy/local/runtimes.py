"""The runtimes: which program of this machine runs the package, and how it is started.

A handler is called by a small runtime client of ours, one for each language, in `clients`. They do what AWS's
own do, without a native library and without an installation.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deploy.errors import DeployError, InputError
from deploy.text import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.output import Report

CLIENTS = Path(__file__).with_name("clients")
BOOTSTRAP = "bootstrap"
OS_ONLY = "provided"
PROBE_SECONDS = 120.0  # that a probe, or the compiler, may take on a machine that is busy
OLDEST_JAVA = 11
SHOWN = 600  # characters of a compiler's output

LANGUAGE = re.compile(r"(nodejs|python|java|provided)")
VERSION = re.compile(r"[0-9]+(\.[0-9]+)?")

LANGUAGE_NAMES = {"nodejs": "Node.js", "python": "Python", "java": "Java"}

# As Lambda has them: the locale is UTF-8, also where it is not installed.
JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
    "-Dstderr.encoding=UTF-8",
)

PYTHON_PROBE = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])"
NODE_PROBE = "console.log(process.execPath); console.log(process.versions.node.split('.')[0])"


class Program(NamedTuple):
    """A program that was found, and the part of its version that a runtime's name has."""

    path: str
    version: str


def search_path() -> str:
    """Return where this machine's programs are."""
    return os.pathsep.join(os.get_exec_path())


def language_of(kind: str, runtime: str, task_root: Path) -> str:
    """Return what runs a package: nodejs, python, java, or provided for one that brings its own runtime.

    The function's runtime decides if it is known, and else the kind of app.
    """
    if runtime:
        if found := LANGUAGE.match(runtime):
            return found[1]
        raise InputError(
            f"A function of the runtime {printable(runtime)} can't be run here.",
            why="Node.js, Python and Java can, and packages for an OS-only runtime, with a bootstrap.",
        )
    if (task_root / BOOTSTRAP).exists():
        return OS_ONLY
    if LANGUAGE.match(kind):
        return kind
    raise InputError(
        "It is not known which runtime the package is for.",
        why="It was named as an artifact, and holds no bootstrap.",
        todo="Name the runtime, as AWS Lambda calls it: --runtime nodejs22.x",
    )


def bootstrap(task_root: Path) -> tuple[str, ...]:
    """Return the command that runs a package with a runtime of its own."""
    return (str(task_root / BOOTSTRAP),)


def command(language: str, runtime: str, task_root: Path, scratch: Path, report: Report) -> tuple[str, ...]:
    """Return the command that runs a package; `scratch` is a private folder for what is compiled.

    Raise InputError if this machine does not have the language.
    """
    if language == OS_ONLY:
        return bootstrap(task_root)
    found = VERSION.search(runtime)
    wanted = found[0] if found else ""
    program = {"nodejs": _nodejs, "python": _python, "java": _java}[language](wanted)
    name = LANGUAGE_NAMES[language]
    if wanted and program.version != wanted:
        report.notice(
            f"The function runs {printable(runtime)}, and what runs it here is {name} {program.version}."
        )
    if language == "nodejs":
        return (program.path, str(CLIENTS / "nodejs_client.mjs"))
    if language == "python":
        # Neither what is installed for this user, nor a buffer that a crash would take with it.
        return (program.path, "-s", "-u", str(CLIENTS / "python_client.py"))
    return (program.path, *JAVA_OPTIONS, "-cp", str(_compile(program, scratch)), "lambdadeploy.Client")


def _nodejs(_wanted: str) -> Program:
    if found := _probe("node", "-e", NODE_PROBE):
        return Program(*found.split())
    raise _missing("Node.js", "node")


def _python(wanted: str) -> Program:
    names = [f"python{wanted}", "python3"] if wanted else ["python3"]
    for name in names:
        if found := _probe(name, "-I", "-c", PYTHON_PROBE):
            path, version = found.splitlines()
            return Program(path, version)
    raise _missing("Python", " or ".join(names))


def _java(_wanted: str) -> Program:
    described = _probe("java", "-XshowSettings:properties", "-version")
    properties = dict(re.findall(r"^ +([a-z.]+) = (.*)$", described, re.MULTILINE))
    home, version = properties.get("java.home"), properties.get("java.specification.version", "")
    if not home:
        raise _missing("Java", "java")
    if not version.isdecimal() or int(version) < OLDEST_JAVA:
        raise InputError(
            f"The Java on PATH is version {printable(version)}, which is too old to run a package here.",
            todo=f"Install a JDK {OLDEST_JAVA} or newer, and have its java first on PATH.",
        )
    return Program(f"{home}/bin/java", version)


def _compile(java: Program, scratch: Path) -> Path:
    """Compile the runtime client for Java, which takes the compiler of a JDK."""
    classes = scratch / "java"
    compiler = (java.path, "-m", "jdk.compiler/com.sun.tools.javac.Main", "-encoding", "UTF-8", "-nowarn")
    ended = _run([*compiler, "-d", str(classes), *map(str, sorted(CLIENTS.glob("java/*.java")))])
    if ended.returncode == 0:
        return classes
    if "jdk.compiler not found" in ended.stdout:
        raise InputError(
            f"The Java on PATH ({printable(java.path)}) is a JRE, without a compiler.",
            why="What calls a Java handler here is compiled before.",
            todo=f"Install a JDK {OLDEST_JAVA} or newer, and have its java first on PATH.",
        )
    raise DeployError(
        "What calls a Java handler here could not be compiled.", why=printable_lines(ended.stdout[:SHOWN])
    )


def _missing(language: str, programs: str) -> InputError:
    return InputError(
        f"{language} is not installed here: there is no {programs} on PATH that works.",
        why="The package is run in its real language.",
        todo=f"Install {language}, if possible in the version of the function's runtime.",
    )


def _probe(name: str, *arguments: str) -> str:
    """Return what a program on PATH says of itself; nothing if it is not there or does not work."""
    path = shutil.which(name)
    if not path:
        return ""
    # The real one: a version manager's shim needs a home folder, which a handler does not get.
    ended = _run([path, *arguments])
    return ended.stdout if ended.returncode == 0 else ""


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            arguments,
            env={"PATH": search_path(), "HOME": str(Path.home()), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(arguments, 127, type(error).__name__, "")
