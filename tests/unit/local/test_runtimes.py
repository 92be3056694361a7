"""Which program of this machine runs a package."""

import io
from pathlib import Path

import pytest

from deploy.errors import InputError
from deploy.local import runtimes
from deploy.output import Report
from deploy.terminal import Console


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that PATH leads to alone."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def add(folder: Path, name: str, script: str) -> None:
    """Put a program into a folder."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def command(language: str, runtime: str, tmp_path: Path) -> tuple[tuple[str, ...], str]:
    """Return the command for a package, and what is pointed out."""
    stderr = io.StringIO()
    report = Report(Console(io.StringIO(), stderr))
    return runtimes.command(language, runtime, tmp_path, tmp_path, report), stderr.getvalue()


@pytest.mark.parametrize(
    ("language", "runtime", "name"),
    [
        ("nodejs", "", "Node.js is not installed here: there is no node "),
        ("python", "", "Python is not installed here: there is no python3 "),
        ("python", "python3.13", "Python is not installed here: there is no python3.13 or python3 "),
        ("java", "java21", "Java is not installed here: there is no java "),
    ],
)
@pytest.mark.parametrize("broken", [False, True], ids=["missing", "broken"])
def test_a_language_that_is_missing_is_named(
    programs: Path, tmp_path: Path, language: str, runtime: str, name: str, *, broken: bool
) -> None:
    """A version manager's shim without a version is as good as none."""
    for program in ("node", "python3", "python3.13", "java") if broken else ():
        add(programs, program, "echo 'no version is set' >&2; exit 127")
    with pytest.raises(InputError) as raised:
        command(language, runtime, tmp_path)
    assert raised.value.what.startswith(name)


def test_the_version_of_the_function_is_preferred(programs: Path, tmp_path: Path) -> None:
    """Another one does, and is pointed out."""
    add(programs, "python3", "printf '/usr/bin/three\\n3.10\\n'")
    found, notice = command("python", "python3.13", tmp_path)
    assert found[0] == "/usr/bin/three"
    assert "The function runs python3.13, and what runs it here is Python 3.10." in notice
    add(programs, "python3.13", "printf '/usr/bin/thirteen\\n3.13\\n'")
    assert command("python", "python3.13", tmp_path) == (("/usr/bin/thirteen", *found[1:]), "")
    assert command("python", "", tmp_path)[0][0] == "/usr/bin/three"


def test_the_real_program_is_started(programs: Path, tmp_path: Path) -> None:
    """Not a shim of a version manager, which needs variables that a handler does not get."""
    add(programs, "node", "printf '/real/node\\n22\\n'")
    found, notice = command("nodejs", "nodejs22.x", tmp_path)
    assert found == ("/real/node", str(runtimes.CLIENTS / "nodejs_client.mjs"))
    assert notice == ""


PROPERTIES = "printf '    java.home = {home}\\n    java.specification.version = {version}\\n' >&2"


def test_a_java_that_is_too_old_is_refused(programs: Path, tmp_path: Path) -> None:
    """By its version."""
    add(programs, "java", PROPERTIES.format(home="/old", version="1.8"))
    with pytest.raises(InputError, match=r"version 1\.8, which is too old"):
        command("java", "java21", tmp_path)


def test_a_java_without_a_compiler_is_refused(programs: Path, tmp_path: Path) -> None:
    """A JRE runs handlers in Lambda, and can't here."""
    add(programs, "java", PROPERTIES.format(home=tmp_path, version="21"))
    (tmp_path / "bin").mkdir()
    add(
        tmp_path / "bin",
        "java",
        "echo 'java.lang.module.FindException: Module jdk.compiler not found'; exit 1",
    )
    with pytest.raises(InputError, match="is a JRE, without a compiler"):
        command("java", "java21", tmp_path)


@pytest.mark.parametrize(
    ("kind", "runtime", "expected"),
    [
        ("nodejs", "", "nodejs"),
        ("python", "", "python"),
        ("java", "", "java"),
        ("nodejs", "python3.13", "python"),
        ("other", "java21", "java"),
        ("other", "provided.al2023", "provided"),
    ],
)
def test_the_functions_runtime_decides_and_else_the_app(
    tmp_path: Path, kind: str, runtime: str, expected: str
) -> None:
    """A ZIP that is named may be for any."""
    assert runtimes.language_of(kind, runtime, tmp_path) == expected


def test_a_bootstrap_runs_itself(tmp_path: Path) -> None:
    """Whatever the app looks like."""
    (tmp_path / "bootstrap").touch()
    assert runtimes.language_of("nodejs", "", tmp_path) == "provided"
    assert command("provided", "", tmp_path) == ((str(tmp_path / "bootstrap"),), "")


def test_what_can_not_be_run_here_is_said(tmp_path: Path) -> None:
    """A language without a client, and a package of no known language."""
    with pytest.raises(InputError, match=r"runtime ruby3\.4 can't be run here"):
        runtimes.language_of("other", "ruby3.4", tmp_path)
    with pytest.raises(InputError) as raised:
        runtimes.language_of("other", "", tmp_path)
    assert "--runtime" in raised.value.todo
