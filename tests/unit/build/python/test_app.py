"""The base of a Python app: its files, and what it depends on, for the Python of the function."""

import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import cpython_tags
from packaging.utils import parse_wheel_filename

from bases import fill, make_base, refusal
from deploy.artifact.base import BASE_ZIP, Base
from deploy.build.python import pip_runner, pip_wheel, wheels
from deploy.build.python.pip_errors import explain
from deploy.build.python.requirements import Requirements
from deploy.build.python.runtime import LambdaPython
from deploy.build.python.wheels import Pip
from deploy.errors import DeployError
from deploy.target.environment import read_app
from deploy.target.pip import read_pip_variables
from wheels import hash_of, make_wheel, pack_pip, pip_of


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Return a folder of wheels, which is empty."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def names(app: Path) -> list[str]:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        return file.namelist()


def read(app: Path, name: str) -> str:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        return file.read(name).decode()


def make(app: Path, index: Path, **settings: str) -> tuple[Base, str]:
    return make_base(app, pip=pip_of(index), **settings)


# --- the app's own files ---------------------------------------------------------------------------


def test_an_app_without_dependencies_is_its_files(app: Path) -> None:
    """No pip is started; what Python, its tools and virtual environments leave is left out."""
    fill(app, "main.py", "lib/a.py", "lib/__pycache__/a.cpython-313.pyc", "lib/old.pyc", ".venv/bin/python")
    fill(
        app,
        "venv/pyvenv.cfg",
        "venv/lib/x.py",
        "my [env]/pyvenv.cfg",
        "my [env]/y.py",
        ".git/HEAD",
        "Procfile",
    )
    fill(app, "lib/.pytest_cache/v", "tests/test_main.py", "keep/__pycache__/data")
    (app / "requirements.txt").write_text("# none\n")
    (app / ".lambdaignore").write_text("/tests/\n!/keep/__pycache__/\n")
    base, shown = make_base(app, pip=Pip({"PATH": "/nowhere"}))
    assert (base.kind, base.runtime, base.architecture) == ("python", "python3.13", "x86_64")
    assert names(app) == ["keep/__pycache__/data", "lib/a.py", "main.py", "requirements.txt"]
    assert shown.startswith("-----> Making the base ZIP\n       .lambda-deploy/base.zip: ")


@pytest.mark.parametrize(
    ("declared", "settings", "runtime"),
    [
        (None, {}, "python3.13"),
        ("3.12\n", {}, "python3.12"),
        ("3.11.9", {}, "python3.11"),
        ("# ours\n\n3.10\n3.9\n", {}, "python3.10"),
        ("python-3.12.1\n", {}, "python3.12"),
        ("pypy3.10\n", {}, "python3.13"),
        ("", {}, "python3.13"),
        ("3.12\n", {"runtime": "python3.14"}, "python3.14"),
    ],
)
def test_the_runtime_is_what_was_said(
    app: Path, declared: str | None, settings: dict[str, Any], runtime: str
) -> None:
    """By the setting, or the file that heroku/python, pyenv and uv read, or else a default."""
    fill(app, "main.py", "requirements.txt")
    (app / "requirements.txt").write_text("")
    if declared is not None:
        (app / ".python-version").write_text(declared)
    assert make_base(app, **settings)[0].runtime == runtime


def test_the_older_file_of_a_version_counts_where_there_is_no_other(app: Path) -> None:
    """Many apps still have their runtime.txt."""
    fill(app, "main.py", "requirements.txt")
    (app / "requirements.txt").write_text("")
    (app / "runtime.txt").write_text("python-3.11.4\n")
    assert make_base(app)[0].runtime == "python3.11"
    (app / ".python-version").write_text("3.12\n")
    assert make_base(app)[0].runtime == "python3.12"


# --- dependencies ----------------------------------------------------------------------------------


def test_dependencies_lie_beside_the_apps_files(app: Path, index: Path) -> None:
    """Without what depends on the machine: scripts, bytecode, and what pip notes of itself."""
    make_wheel(index, "dependency", requires=("other>=1",), files={
        "dependency-1.0.dist-info/entry_points.txt": "[console_scripts]\ndepend = dependency:main\n",
        "dependency-1.0.data/scripts/tool": "#!python\nprint()\n",
    })  # fmt: skip
    make_wheel(index, "other", files={"other/data/x.txt": "x"})
    fill(app, "main.py")
    (app / "requirements.txt").write_text("dependency\n")
    _, shown = make(app, index)
    assert names(app) == [
        "dependency-1.0.dist-info/METADATA",
        "dependency-1.0.dist-info/RECORD",
        "dependency-1.0.dist-info/WHEEL",
        "dependency-1.0.dist-info/entry_points.txt",
        "dependency/__init__.py",
        "main.py",
        "other-1.0.dist-info/METADATA",
        "other-1.0.dist-info/RECORD",
        "other-1.0.dist-info/WHEEL",
        "other/__init__.py",
        "other/data/x.txt",
        "requirements.txt",
    ]
    record = read(app, "dependency-1.0.dist-info/RECORD")
    assert [line.split(",")[0] for line in record.splitlines()] == [
        name for name in names(app) if name.startswith("dependency")
    ]
    assert "Dependencies of requirements.txt, for python3.13 on x86_64" in shown
    assert "They have no hashes" in shown


TAGS = """
cp313-cp313-manylinux_2_28_aarch64 cp313-cp313-manylinux2014_x86_64 cp311-cp311-manylinux2014_x86_64
cp313-cp313-manylinux_2_28_x86_64 cp311-cp311-manylinux_2_28_x86_64 cp38-abi3-manylinux1_x86_64
cp313-cp313-manylinux_2_35_x86_64 cp313-cp313-musllinux_1_2_x86_64 cp313-cp313-macosx_11_0_arm64
""".split()


def test_the_function_decides_which_wheel_is_installed(app: Path, index: Path) -> None:
    """The newest that its C library, its version and its architecture can load, whatever builds."""
    for tag in TAGS:
        make_wheel(index, "compiled", tag=tag)
    (app / "requirements.txt").write_text("compiled\n")
    found = {}
    for runtime, architecture in (
        ("3.13", "x86_64"),
        ("3.13", "arm64"),
        ("3.11", "x86_64"),
        ("3.12", "x86_64"),
    ):
        make(app, index, runtime=f"python{runtime}", architecture=architecture)
        found[runtime, architecture] = read(app, "compiled/__init__.py").split("'")[1]
    assert found == {
        ("3.13", "x86_64"): "cp313-cp313-manylinux_2_28_x86_64",
        ("3.13", "arm64"): "cp313-cp313-manylinux_2_28_aarch64",
        ("3.11", "x86_64"): "cp311-cp311-manylinux2014_x86_64",  # Amazon Linux 2 has glibc 2.26
        ("3.12", "x86_64"): "cp38-abi3-manylinux1_x86_64",
    }


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("version", range(8, 15))
def test_the_platforms_are_those_of_the_packaging_standard(version: int, architecture: str) -> None:
    """Each wheel that a manylinux of at most the runtime's glibc promises to run is one that pip may take."""
    python = LambdaPython(f"python3.{version}", architecture)
    assert len(set(python.platforms)) == len(list(python.platforms))
    tags = set(cpython_tags((3, version), [f"cp3{version}"], list(python.platforms)))
    glibc = 26 if version <= 11 else 34
    machine = {"arm64": "aarch64"}.get(architecture, architecture)
    for platform in (
        f"manylinux_2_{glibc}_{machine}",
        f"manylinux2014_{machine}",
        f"manylinux_2_17_{machine}",
    ):
        assert parse_wheel_filename(f"a-1-cp3{version}-cp3{version}-{platform}.whl")[3] <= tags
        assert parse_wheel_filename(f"a-1-cp3{version}-abi3-{platform}.whl")[3] <= tags
    too_new = parse_wheel_filename(f"a-1-cp3{version}-cp3{version}-manylinux_2_{glibc + 1}_{machine}.whl")[3]
    assert not too_new & tags


def test_markers_are_those_of_the_function(app: Path, index: Path) -> None:
    """Those of the app's requirements, and those of a package's own; pip would evaluate them for itself."""
    for name in ("arm", "intel", "old", "new"):
        make_wheel(index, name)
    requires = ('arm; platform_machine == "aarch64"', 'intel; platform_machine == "x86_64"')
    make_wheel(index, "dependency", requires=(*requires, 'old; python_version < "3.12"'))
    (app / "requirements.txt").write_text(
        'dependency\nnew; python_full_version >= "3.12" and sys_platform == "linux"\n'
    )
    found = {}
    for runtime, architecture in (("python3.11", "arm64"), ("python3.13", "x86_64")):
        make(app, index, runtime=runtime, architecture=architecture)
        found[runtime] = {name.split("/")[0] for name in names(app) if name.endswith("/__init__.py")}
    assert found == {"python3.11": {"dependency", "arm", "old"}, "python3.13": {"dependency", "intel", "new"}}


def test_the_same_lock_makes_the_same_bytes(app: Path, index: Path, tmp_path: Path) -> None:
    """Wherever it is built, with an empty cache and a full one; hashes are checked."""
    wheel = make_wheel(index, "dependency", files={"dependency/z.py": "z", "dependency/a.py": "a"})
    fill(app, "main.py")
    (app / "requirements.txt").write_text(f"dependency==1.0 --hash={hash_of(wheel)}\n")
    pip = Pip(pip_of(index).variables, cache=tmp_path / "cache")
    first, shown = make_base(app, pip=pip)
    assert "They have no hashes" not in shown
    moved = app.rename(tmp_path / "moved")
    assert make_base(moved, pip=pip)[0].sha256 == first.sha256
    make_wheel(index, "dependency", files={"dependency/z.py": "other"})
    with pytest.raises(DeployError, match="does not have the hash that requirements") as caught:
        make_base(moved, pip=pip)
    assert caught.value.exit_code == 1


def test_the_apps_file_is_deployed_in_place_of_a_dependencys(app: Path, index: Path) -> None:
    """None of the app's files is replaced, and its owner learns of it; .lambdaignore leaves out others'."""
    make_wheel(
        index, "dependency", files={"README.md": "theirs", "dependency/tests/a.py": "", "tests/b.py": ""}
    )
    fill(app, "README.md", "tests/c.py")
    (app / "empty").mkdir()
    (app / "requirements.txt").write_text("dependency\n")
    (app / ".lambdaignore").write_text("/dependency/tests/\n")
    _, shown = make(app, index)
    assert read(app, "README.md") == "README.md\n"
    assert " !     The app has files in place of those of a dependency: README.md.\n" in shown
    assert {"tests/b.py", "tests/c.py", "empty/"} <= set(names(app))
    assert "dependency/tests/a.py" not in names(app)
    fill(app, "dependency")
    assert "dependency/__init__.py of a dependency has no place in the package" in refusal(
        app, pip=pip_of(index)
    )


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("sourced\n", "There is no wheel of sourced for python3.13 on x86_64."),
        ("compiled\n", "There is no wheel of compiled for python3.13 on x86_64."),
        ("dependency==2.0\n", "There are such wheels of another version: 1.0."),
        ("nothing-of-that-name\n", "its versions may be source code alone, or its name be wrong"),
        ("dependency==1.0\ndependency==2.0\n", "couldn't be installed for python3.13 on x86_64."),
        (
            "dependency --hash=sha256:00\nother\n",
            "has hashes of some packages, but not of all that are needed",
        ),
        ("-e .\n", "asks for an editable install, and Lambda has none: -e ."),
        ("\xff\n", "requirements.txt is not UTF-8 text."),
        ("==\n", "The dependencies of requirements.txt couldn't be installed"),
    ],
)
def test_what_can_not_be_installed_is_explained(
    app: Path, index: Path, requirements: str, expected: str
) -> None:
    """The package is named, and what to do."""
    make_wheel(index, "dependency")
    make_wheel(index, "compiled", tag="cp310-cp310-manylinux2014_x86_64")
    (index / "sourced-1.0.tar.gz").touch()
    (app / "requirements.txt").write_bytes(requirements.encode("latin-1"))
    assert expected in refusal(app, pip=pip_of(index))


def test_no_secret_of_an_index_is_shown(app: Path, tmp_path: Path) -> None:
    """Neither of the environment nor of requirements.txt: no user, no password, no token in a path."""
    url = "http://us3r:s3cret@127.0.0.1:9/t0ken/simple"
    (app / "requirements.txt").write_text(f"--extra-index-url {url}/2\ndependency\n")
    pip = Pip({"PIP_INDEX_URL": url, "PIP_RETRIES": "0", "PATH": "/nowhere", "HOME": str(tmp_path)})
    with pytest.raises(DeployError) as caught:
        make_base(app, pip=pip)
    text = f"{caught.value.what}\n{caught.value.why}\n{caught.value.todo}"
    assert "us3r" not in text
    assert "s3cret" not in text
    assert "t0ken" not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:p@ss/w0rd@index.example/simple", "https:///..."),
        ("https://me:p@ss@index.example/simple", "https://index.example/..."),
        ("https://index.example/t0ken/simple/a@1.0", "https:///..."),
        ("https://index.example:8443", "https://index.example:8443/..."),
    ],
)
def test_a_password_with_odd_characters_is_not_shown(url: str, shown: str) -> None:
    """Where the host of a URL ends is not certain if its password holds a slash: then none of it is shown."""
    python = LambdaPython("python3.13", "x86_64")
    log = f"ERROR: Invalid requirement: '{url}'"
    error = explain(log, Requirements("requirements.txt"), python, {})
    assert error.why == f"pip said:\n  ERROR: Invalid requirement: '{shown}"


def test_pip_gets_nothing_that_it_does_not_need() -> None:
    """No secret of a CI job or of the deploy, and nothing that would install elsewhere or otherwise."""
    variables = {
        "_AWS_SECRET_ACCESS_KEY": "x", "PIP_TARGET": "x", "PIP_NO_BINARY": "x", "PYTHONPATH": "x",
        "GITHUB_TOKEN": "x", "CI_JOB_TOKEN": "x", "DATABASE_URL": "x",
        "PIP_INDEX_URL": "a", "HTTPS_PROXY": "b", "HOME": "c",
    }  # fmt: skip
    assert read_pip_variables(variables) == {"PIP_INDEX_URL": "a", "HTTPS_PROXY": "b", "HOME": "c"}


@pytest.fixture
def python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the build run on a Python without a pip of its own, and return a folder with another such one."""
    fake = tmp_path / "bin/python3"
    fake.parent.mkdir()
    fake.write_text(
        f"#!/bin/sh\necho asked >>{tmp_path}/log\njob=$(/bin/cat)\n"
        f"""case $job in *'"wheel": null'*) exit {pip_runner.NO_PIP} ;; esac\n"""
        f"""printf %s "$job" | {sys.executable} "$@"\n"""
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    return fake.parent


def test_pip_is_downloaded_where_there_is_none(
    app: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_without_pip: Path
) -> None:
    """Each Python on the PATH is asked before; what was downloaded is kept, and compared with its hash."""
    make_wheel(index, "dependency")
    (app / "requirements.txt").write_text("dependency\n")
    wheel = pack_pip(index)
    lock = tmp_path / "pip.lock"
    lock.write_text(f"pip==1.0 --hash={hash_of(wheel)}\n")
    monkeypatch.setattr(pip_wheel.download, "__defaults__", (lock,))
    pip = Pip(pip_of(index, PATH=str(python_without_pip)).variables, cache=tmp_path / "cache")
    _, shown = make_base(app, pip=pip)
    assert "       Downloading pip, which is not installed here\n" in shown
    assert "dependency/__init__.py" in names(app)
    assert (tmp_path / "log").read_text() == "asked\n" * 3
    kept = tmp_path / "cache" / wheels.CACHE / wheel.name
    assert kept.read_bytes() == wheel.read_bytes()
    wheel.unlink()
    make_base(app, pip=pip)
    kept.write_bytes(b"damaged")
    with pytest.raises(DeployError):
        make_base(app, pip=pip)


def test_a_pip_that_can_not_be_downloaded_is_explained(
    app: Path, tmp_path: Path, python_without_pip: Path
) -> None:
    """As any other download, without the password of the index."""
    (app / "requirements.txt").write_text("dependency\n")
    variables = {"PATH": str(python_without_pip), "PIP_INDEX_URL": "http://me:s3cret@127.0.0.1:9/simple"}
    with pytest.raises(DeployError, match="the package index wasn't reachable") as caught:
        make_base(app, pip=Pip(variables))
    assert "s3cret" not in f"{caught.value.what}{caught.value.why}{caught.value.todo}"
    assert (tmp_path / "log").read_text() == "asked\n" * 2


def test_a_cache_does_not_grow_for_ever(
    app: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip keeps all that it ever downloaded; what else is in the folder is not ours, and is kept."""
    make_wheel(index, "dependency")
    (app / "requirements.txt").write_text("dependency\n")
    fill(tmp_path, f"cache/{wheels.CACHE}/http/a", "cache/somebody-elses")
    pip = Pip(pip_of(index).variables, cache=tmp_path / "cache")
    make_base(app, pip=pip)
    assert (tmp_path / "cache" / wheels.CACHE / "http/a").exists()
    monkeypatch.setattr(wheels, "LARGEST_CACHE", 1)
    make_base(app, pip=pip)
    assert not (tmp_path / "cache" / wheels.CACHE / "http/a").exists()
    assert (tmp_path / "cache/somebody-elses").exists()


def test_two_builds_may_share_a_cache(
    app: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another build removes while this one measures the cache fails nothing."""
    make_wheel(index, "dependency")
    (app / "requirements.txt").write_text("dependency\n")
    fill(tmp_path, f"cache/{wheels.CACHE}/gone", f"cache/{wheels.CACHE}/kept")

    def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in real(folder):
            (tmp_path / "cache" / wheels.CACHE / "gone").unlink(missing_ok=True)
            yield found

    real = os.walk
    monkeypatch.setattr("deploy.build.python.wheels.os.walk", walk)
    make_base(app, pip=Pip(pip_of(index).variables, cache=tmp_path / "cache"))
    assert not (tmp_path / "cache" / wheels.CACHE / "gone").exists()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("_LAMBDA_RUNTIME", "nodejs22.x", "_LAMBDA_RUNTIME is not one of Lambda's Python runtimes"),
        ("_LAMBDA_RUNTIME", "3.13", "_LAMBDA_RUNTIME is not one of Lambda's Python runtimes"),
        ("_LAMBDA_ARCHITECTURE", "aarch64", "_LAMBDA_ARCHITECTURE is neither x86_64 nor arm64"),
    ],
)
def test_a_wrong_setting_stops_the_build(app: Path, name: str, value: str, expected: str) -> None:
    """AWS's own names are those that everybody can look up."""
    with pytest.raises(DeployError) as caught:
        read_app({name: value}, app, ["build"])
    assert expected in f"{caught.value.what}\n{caught.value.why}"
