"""Where the dependencies of a Python app come from, and how uv.lock is read."""

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from bases import refusal
from deploy.build.python import uv_lock
from deploy.build.python.requirements import Requirements, _toml, read
from deploy.build.python.runtime import LambdaPython
from deploy.errors import InputError
from deploy.output import Report
from deploy.terminal import Console
from wheels import hash_of, make_wheel

PYTHON = LambdaPython("python3.13", "x86_64")
PROJECT = '[project]\nname = "app"\nversion = "1"\n'
LOCK = """\
version = 1
requires-python = ">=3.12"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "dependency" }]

[[package]]
name = "dependency"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://example.com/dependency.whl", hash = "sha256:aa" }]
"""


@pytest.fixture
def report() -> Report:
    """Return a report that nobody reads."""
    return Report(Console(None, None))


def lock(source: str) -> str:
    """Return a lock whose only dependency comes from elsewhere."""
    return LOCK.replace('{ registry = "https://pypi.org/simple" }', source)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "\n# none\n"}, None),
        ({"requirements.txt": "a\n"}, Requirements("requirements.txt")),
        ({"requirements.txt": "a --hash=sha256:00\n"}, Requirements("requirements.txt", has_hashes=True)),
        ({"requirements.txt": "a\n", "uv.lock": LOCK}, Requirements("requirements.txt")),
        (
            {"requirements.txt": "", "uv.lock": LOCK, "pyproject.toml": PROJECT},
            Requirements("uv.lock", ("dependency==1.0 --hash=sha256:aa",), is_lock=True, has_hashes=True),
        ),
        ({"pyproject.toml": PROJECT}, None),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, None),
        (
            {"pyproject.toml": f"{PROJECT}dependencies = ['a>1']\r\n"},
            Requirements("pyproject.toml", ("a>1",)),
        ),
        ({"requirements.txt": "", "pyproject.toml": f"{PROJECT}dependencies = []\n"}, None),
    ],
)
def test_the_first_file_that_names_something_counts(
    app: Path, report: Report, files: dict[str, str], expected: Requirements | None
) -> None:
    """heroku/python asks for a requirements.txt, which may be empty."""
    for name, text in files.items():
        (app / name).write_text(text, newline="")
    assert read(app, PYTHON, report) == expected


@pytest.mark.parametrize(
    "required",
    [">=3.9,<=3.13", "==3.13.5", "==3.13.*", ">=3.13.4", ">3.13.0,<3.13.2", "~=3.13.2", "!=3.13.0"],
)
def test_any_release_of_the_version_will_do(app: Path, report: Report, required: str) -> None:
    """AWS decides which patch of Python a runtime has, and a project may name one that it was tested with."""
    text = f"{PROJECT}dependencies = ['a']\nrequires-python = '{required}'\n"
    (app / "pyproject.toml").write_text(text)
    assert read(app, PYTHON, report) == Requirements("pyproject.toml", ("a",))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "["}, "pyproject.toml is not valid TOML."),
        ({"uv.lock": "="}, "uv.lock is not valid TOML."),
        ({"uv.lock": "version = 2\n"}, "uv.lock has a format that is not known: version 2."),
        ({"uv.lock": "version = 1\n"}, "uv.lock can't be read: it does not have the form that uv gives it."),
        ({"uv.lock": "version = 1\npackage = 3\n"}, "uv.lock can't be read"),
        ({"uv.lock": LOCK.replace('"dependency" }', '"gone" }')}, "uv.lock can't be read"),
        (
            {"uv.lock": LOCK.replace(">=3.12", "<3.13")},
            "uv.lock asks for Python <3.13, and the app is built for",
        ),
        (
            {"pyproject.toml": f"{PROJECT}requires-python = '>=3.14'\n"},
            "pyproject.toml asks for Python >=3.14, and the app is built for python3.13.",
        ),
        ({"pyproject.toml": f"{PROJECT}dependencies = {{a = '1'}}\n"}, "are not a list of requirements"),
        ({"pyproject.toml": f"{PROJECT}dynamic = ['dependencies']\n"}, "are not in pyproject.toml itself"),
        (
            {"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.12'\n"},
            "are not in pyproject.toml itself",
        ),
        (
            {"pyproject.toml": PROJECT, "poetry.lock": ""},
            "The app's dependencies are in poetry.lock, which can't be read here.",
        ),
        (
            {"uv.lock": lock('{ git = "https://u:p@example.com/a.git?rev=1" }')},
            "It comes from a Git repository.",
        ),
        (
            {"uv.lock": lock('{ editable = "packages/a" }')},
            "It is a folder or a file of its own: packages/a.",
        ),
        ({"uv.lock": lock('{ url = "https://example.com/a.tar.gz" }')}, "It is an archive of source code."),
        ({"uv.lock": LOCK.replace("wheels", "archives")}, "uv.lock has no wheel of it with a hash."),
    ],
)
def test_what_can_not_be_read_is_explained(app: Path, files: dict[str, str], expected: str) -> None:
    """With what to write in its place."""
    for name, text in files.items():
        (app / name).write_text(text)
    text = refusal(app)
    assert expected in text
    assert "u:p" not in text


def test_a_wheel_at_a_url_and_another_index_are_known(app: Path) -> None:
    """Both have hashes, so it does not matter who answers."""
    (app / "uv.lock").write_text(lock('{ url = "https://example.com/dependency-1.0-py3-none-any.whl" }'))
    line = "dependency @ https://example.com/dependency-1.0-py3-none-any.whl --hash=sha256:aa"
    assert uv_lock.requirements(_toml(app / "uv.lock"), PYTHON.markers) == [line]
    (app / "uv.lock").write_text(LOCK.replace("pypi.org", "packages.example.com"))
    assert uv_lock.requirements(_toml(app / "uv.lock"), PYTHON.markers) == [
        "--extra-index-url https://packages.example.com/simple",
        "dependency==1.0 --hash=sha256:aa",
    ]


# --- as uv understands it --------------------------------------------------------------------------

DEPENDENCIES = """\
dependencies = [
    "a[x]", "b; python_version < '3.12'", "c==1; sys_platform == 'linux'", "c==2; sys_platform == 'win32'",
    "d; platform_machine == 'aarch64'", "h[y]; implementation_name == 'cpython'",
]
[project.optional-dependencies]
extra = ["f"]
[dependency-groups]
dev = ["g"]
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an app that uv has locked: with extras, markers, a fork, a circle and a development group."""
    folder = tmp_path_factory.mktemp("locked")
    wheels = folder / "wheels"
    e = make_wheel(wheels, "e", requires=("a",))
    made = [
        e,
        make_wheel(wheels, "a", requires=('e; extra == "x"', 'f; extra == "y"')),
        make_wheel(wheels, "h", requires=('i; extra == "y"', "b; python_version < '3.13'")),
        *(make_wheel(wheels, name) for name in "bcdfgi"),
        make_wheel(wheels, "c", "2.0"),
    ]
    (folder / "pyproject.toml").write_text(f"{PROJECT}requires-python = '>=3.10'\n{DEPENDENCIES}")
    run_uv(folder, "lock", "--no-index", "--find-links", "wheels", "--python", sys.executable)
    # What an index of the network would have added.
    hashes = {wheel.name: hash_of(wheel) for wheel in made}
    text = (
        (folder / "uv.lock")
        .read_text()
        .replace('registry = "wheels"', 'registry = "https://pypi.org/simple"')
    )
    text = re.sub(
        r'path = "(.*?)"',
        lambda name: f'url = "https://a.example/{name[1]}", hash = "{hashes[name[1]]}"',
        text,
    )
    (folder / "uv.lock").write_text(text)
    return folder


def run_uv(folder: Path, *arguments: str) -> str:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}")
    assert uv is not None
    return subprocess.run(
        [uv, *arguments, "--quiet", "--offline"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def exported(text: str, markers: Mapping[str, str]) -> list[str]:
    """Return what uv has exported for all platforms, as far as it is needed on one."""
    lines = text.replace(" \\\n", " ").splitlines()
    needed = []
    for line in lines:
        requirement, *hashes = line.split(" --hash=")
        parsed = Requirement(requirement)
        if parsed.marker is None or parsed.marker.evaluate(dict(markers)):
            needed.append(
                " ".join((f"{parsed.name}{parsed.specifier}", *(f"--hash={each.strip()}" for each in hashes)))
            )
    return sorted(needed)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("version", range(10, 15))
def test_a_lock_is_read_as_uv_reads_it(locked: Path, version: int, architecture: str) -> None:
    """What is installed is what `uv export` names for the platform, no more and no less."""
    markers = LambdaPython(f"python3.{version}", architecture).markers
    options = ("--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate")
    expected = exported(run_uv(locked, "export", *options), markers)
    assert len(expected) > 4
    assert uv_lock.requirements(_toml(locked / "uv.lock"), markers) == expected


def test_damage_ends_in_an_error_alone(locked: Path) -> None:
    """A lock of which a part is missing is refused, or read without it."""
    whole: dict[str, Any] = _toml(locked / "uv.lock")
    for number, package in enumerate(whole["package"]):
        for key in package:
            damaged = {name: value for name, value in package.items() if name != key}
            packages = [*whole["package"][:number], damaged, *whole["package"][number + 1 :]]
            try:
                uv_lock.requirements({**whole, "package": packages}, PYTHON.markers)
            except InputError as error:
                assert error.todo


def test_a_project_without_a_lock_is_pointed_out(app: Path) -> None:
    """It is built, but not the same each time."""
    shown = io.StringIO()
    (app / "pyproject.toml").write_text(f"{PROJECT}dependencies = ['a']\n")
    assert read(app, PYTHON, Report(Console(shown, shown))) is not None
    assert "no lock file holds their versions" in shown.getvalue()
