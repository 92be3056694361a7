"""bin/compile, run for real: which Python will start the deploys."""

import ast
import json
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from buildpack import ROOT, Build, Result, add_python, add_python_script, contents, run, small_build

BASE_PYTHON = Path(sysconfig.get_config_var("BINDIR")) / f"python{sysconfig.get_python_version()}"
VERSION = ".".join(map(str, sys.version_info[:3]))

COPY = ".lambda-deploy/python/bin/python3"


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a first build with the small buildpack leaves in the cache."""
    first_build = small_build(tmp_path_factory.mktemp("first-build"))
    assert first_build.compile().status == 0
    return first_build.cache


@pytest.fixture
def build(tmp_path: Path, small_cache: Path) -> Build:
    """Return a build whose slug has no Python, nor has its PATH."""
    build = small_build(tmp_path)
    shutil.rmtree(build.app / ".heroku")
    shutil.copytree(small_cache, build.cache)
    return build


def compile_on(build: Build, stack: str, **variables: str) -> Result:
    """Run bin/compile on a stack; what is in the cache was made for that one, for no test is about it."""
    key = build.cache / "lambda-deploy/key"
    key.write_text(re.sub("stack=.*", f"stack={stack or 'unknown'}", key.read_text()))
    return build.compile(STACK=stack, **variables)


def on_path(build: Build, text: str) -> Path:
    """Put a shell script called python3 on the PATH."""
    python = Path(build.environment["PATH"]) / "python3"
    python.write_text(f"#!/bin/sh\n{text}\n")
    python.chmod(0o755)
    return python


def recorded(build: Build) -> str:
    """Return what the launcher will start."""
    return (build.app / ".lambda-deploy/interpreter").read_text()


def told(build: Build) -> Any:
    """Return what the deploy package told about its start."""
    return json.loads(build.app.with_name("app.told.json").read_text())


# --- In the slug ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["heroku-22", "heroku-24"])
def test_prefers_the_python_in_the_slug(build: Build, stack: str) -> None:
    """On every stack heroku/python's goes first, and the launcher will find it wherever the slug is."""
    python = add_python(build.app)
    on_path(build, "exit 1")

    result = compile_on(build, stack)

    assert (result.status, result.stderr) == (0, "")
    assert f"-----> Finding Python\n       Python {VERSION} (.heroku/python/bin/python3)\n" in result.stdout
    assert recorded(build) == ".heroku/python/bin/python3\n"
    assert told(build)["executable"] == str(python)


def test_helps_python_to_its_shared_library(build: Build) -> None:
    """heroku/python's builds start although they are moved after they were linked, in every step."""
    add_python_script(
        build.app,
        'case ":$LD_LIBRARY_PATH:" in\n'
        '":${0%/bin/*}/lib:"*) exec "$REAL" "$@" ;;\n'
        '*) echo "error while loading shared libraries: libpython3.12.so.1.0" >&2; exit 127 ;;\n'
        "esac",
    )

    without = build.compile()
    with_another = build.compile(LD_LIBRARY_PATH="/nonsense")

    assert (without.status, without.stderr) == (0, "")
    assert (with_another.status, with_another.stderr) == (0, "")
    assert told(build)["environment"]["LD_LIBRARY_PATH"] == (f"{build.app}/.heroku/python/lib:/nonsense")


def test_explains_a_python_that_does_not_start(build: Build) -> None:
    """A broken interpreter in the slug is an error with its last words; the system's is no way out."""
    add_python_script(build.app, "echo 'libpython3.12.so.1.0: cannot open' >&2; exit 127")
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')

    result = build.compile(STACK="heroku-22")

    assert result == Result(
        1,
        "-----> Finding Python\n",
        """\
 !     Python was found, but it doesn't work: .heroku/python/bin/python3
 !
 !     It was asked for its version and for the modules ssl and zlib. Output:
 !       libpython3.12.so.1.0: cannot open
 !
 !     Where heroku/python installed it, clear the build cache and push again:
 !       heroku plugins:install heroku-builds
 !       heroku builds:cache:purge
""",
    )


def test_explains_a_python_without_a_target(build: Build) -> None:
    """A link that leads nowhere is a broken interpreter, not a missing one."""
    python = add_python(build.app)
    python.unlink()
    python.symlink_to("/nowhere/python3")

    result = build.compile()

    assert result.status == 1
    assert "Python was found, but it doesn't work: .heroku/python/bin/python3" in result.stderr


def test_explains_a_python_without_ssl(build: Build) -> None:
    """An interpreter that lacks a module without which no deploy works is found out at build time."""
    add_python_script(
        build.app,
        changed_for("check", "sys.modules['ssl'] = None"),
    )

    result = build.compile()

    assert result.status == 1
    assert "Python was found, but it doesn't work" in result.stderr
    assert "ModuleNotFoundError: import of ssl halted" in result.stderr


@pytest.mark.parametrize(("version", "status"), [((3, 9, 18), 1), ((3, 10, 0), 0), ((4, 0, 0), 0)])
def test_wants_python_3_10(build: Build, version: tuple[int, int, int], status: int) -> None:
    """Python 3.10 is the oldest that will do."""
    add_python_script(build.app, pretending(version))

    result = build.compile()

    assert result.status == status
    assert ("is too old: the deploy process needs 3.10" in result.stderr) == (status == 1)


def pretending(version: tuple[int, int, int]) -> str:
    """Make a shell script of a Python that says that it has this version."""
    return changed_for("check", f"sys.version_info = {version}")


def changed_for(command: str, change: str) -> str:
    """Make a shell script of a Python that something is changed in while it runs a command of runtime.py."""
    run = "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    return f"""\
case "$*" in
*"runtime.py {command}") shift 2; exec "$REAL" -I -S -c "import runpy, sys; {change}; {run}" "$@" ;;
*) exec "$REAL" "$@" ;;
esac"""


def test_an_old_python_can_read_the_question() -> None:
    """The version is asked for by a file without syntax that only newer versions know."""
    ast.parse((ROOT / "lib/runtime.py").read_text(), feature_version=(3, 7))


# --- In the system --------------------------------------------------------------------------------


def test_uses_the_system_python_of_heroku_22(build: Build) -> None:
    """The system's Python is used without a word where the stack has it at run time as well."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')

    result = compile_on(build, "heroku-22")

    assert (result.status, result.stderr) == (0, "")
    assert f"       Python {VERSION} ({BASE_PYTHON})\n" in result.stdout
    assert recorded(build) == f"{BASE_PYTHON}\n"


@pytest.mark.parametrize("stack", ["heroku-24", "heroku-100", ""])
def test_copies_the_python_of_a_build_image(build: Build, stack: str) -> None:
    """Where the app may run in an image without a Python, the build image's own comes along."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')

    result = compile_on(build, stack)

    assert (result.status, result.stderr) == (0, "")
    assert recorded(build) == f"{COPY}\n"
    assert told(build)["executable"] == str(BASE_PYTHON), "the base is made by the build image's own"
    python = build.app.rename(build.app.with_name("moved app")) / COPY
    assert run(python, "-I", "-S", "-c", "import sys; print(sys.prefix)", environment={}) == Result(
        0, f"{python.parents[1]}\n", ""
    )


@pytest.mark.parametrize("stack", ["heroku-22", "heroku-24", "heroku-26"])
def test_uses_the_system_python_of_herokuish_on_every_stack(build: Build, stack: str) -> None:
    """On Dokku an app runs in the image that it is built in, so its Python is there, too."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')

    result = compile_on(build, stack, HEROKUISH_VERSION="0.11.14")

    assert (result.status, result.stderr) == (0, "")
    assert recorded(build) == f"{BASE_PYTHON}\n"


def test_speaks_of_buildpacks_on_dokku(build: Build) -> None:
    """There the order of buildpacks is that of the file .buildpacks, which lists their addresses."""
    result = build.compile(STACK="heroku-24", HEROKUISH_VERSION="0.11.14")

    assert result.status == 1
    assert (
        " !       1. Add heroku/python before this buildpack:\n"
        " !            in .buildpacks: https://github.com/heroku/heroku-buildpack-python.git\n"
    ) in result.stderr
    assert "heroku buildpacks:add" not in result.stderr


@pytest.mark.parametrize("stack", ["heroku-22", "heroku-24"])
def test_explains_that_there_is_no_python(build: Build, stack: str) -> None:
    """Without any python3 the error says so and how to get one."""
    assert build.compile(STACK=stack) == Result(
        1,
        "-----> Finding Python\n",
        f"""\
 !     There is no python3 on the PATH of this build image ({stack}).
 !
 !     The deploy process is written in Python, and takes the build image's along. Heroku's build images
 !     have one.
 !
 !     Let the app bring its own:
 !       1. Add heroku/python before this buildpack:
 !            heroku buildpacks:add --index 1 heroku/python
 !       2. heroku/python asks for a requirements.txt in the root of the app. An empty one is enough:
 !            touch requirements.txt
 !            git add requirements.txt
 !            git commit -m "Have Python in the slug"
 !       3. Build again.
""",
    )


def test_a_second_build_takes_the_copy_from_the_cache(build: Build) -> None:
    """The second build copies nothing from the image, and makes the very same slug."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')
    first = build.compile()
    first_slug = contents(build.app / ".lambda-deploy")

    second = build.compile()

    assert "Kept the copy of Python in the cache for the next build" in first.stdout
    assert "Using the copy of Python in the cache" in second.stdout
    assert contents(build.app / ".lambda-deploy") == first_slug


def test_discards_the_copy_of_another_python(build: Build) -> None:
    """After an update of the build image the slug gets the updated interpreter."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')
    build.compile()
    key = build.cache / "lambda-deploy-python/key"
    key.write_text(re.sub("interpreter=.*", "interpreter=older", key.read_text()))
    (build.cache / "lambda-deploy-python/python/bin/python3").write_text("older")

    result = build.compile()

    assert "Discarding the copy of Python in the cache: the build image has another Python" in result.stdout
    assert (build.app / COPY).read_bytes() == BASE_PYTHON.resolve().read_bytes()


def test_the_identity_of_a_python_is_that_of_its_library(tmp_path: Path) -> None:
    """A fixed module of the standard library is another Python, even if the version is the same."""
    script = ROOT / "lib/interpreter.py"
    made = run(BASE_PYTHON, "-I", "-S", script, "copy", tmp_path / "copy", environment={})
    python = tmp_path / "copy/bin/python3"
    library = next((tmp_path / "copy").glob("lib/python3*"))
    (library / "fixed.py").write_text("1\n")
    before = run(python, "-I", "-S", script, "identity", environment={})
    (library / "fixed.py").write_text("2\n")
    after = run(python, "-I", "-S", script, "identity", environment={})

    assert (made, before.status, after.status) == (Result(0, "", ""), 0, 0)
    assert before.stdout != after.stdout


def test_explains_a_copy_that_does_not_start(build: Build) -> None:
    """A copy that lacks what a deploy loads stops the build, with the reason and a way out."""
    on_path(build, f'exec "{BASE_PYTHON}" "$@"')
    (build.buildpack / "deploy/needy.py").write_text("import tkinter\n")

    result = build.compile()

    assert result.status == 1
    assert "The Python of this build image can't be copied" in result.stderr
    assert "ModuleNotFoundError: No module named 'tkinter'" in result.stderr
    assert "heroku buildpacks:add --index 1 heroku/python" in result.stderr


def test_names_the_version_of_an_old_system_python(build: Build) -> None:
    """An old stack's Python is refused by its version, with the way to a newer one."""
    itself = 'case "$*" in *"runtime.py executable") echo "$0"; exit ;; esac'
    python = on_path(build, f"{itself}\nREAL='{BASE_PYTHON}'\n{pretending((3, 8, 10))}")

    result = build.compile(STACK="heroku-20")

    assert (result.status, result.stdout) == (1, "-----> Finding Python\n")
    assert (
        result.stderr
        == f"""\
 !     Python 3.8.10 is too old: the deploy process needs 3.10 or newer.
 !
 !     It was found here: {python}
 !
 !     Build on a newer stack: the build images of heroku-22 and later have a newer one. Or let the app
 !     bring it:
 !       1. Have heroku/python before this buildpack:
 !            heroku buildpacks:add --index 1 heroku/python
 !       2. heroku/python asks for a requirements.txt in the root of the app (an empty one is
 !          enough) and takes the version from a file .python-version:
 !            touch requirements.txt
 !            echo 3.13 > .python-version
 !       3. Commit both, and build again.
"""
    )


def test_looks_behind_a_shim(build: Build) -> None:
    """A version manager's shim is not recorded, but the interpreter that it starts."""
    shim = on_path(build, f'exec "{BASE_PYTHON}" "$@"')

    compile_on(build, "heroku-22")

    assert recorded(build) != f"{shim}\n"
    assert recorded(build) == f"{BASE_PYTHON}\n"


def test_looks_behind_a_virtual_environment(build: Build, tmp_path: Path) -> None:
    """A virtual environment that is there for the build only is not recorded, but what it was made of."""
    environment = add_python(tmp_path / "elsewhere").parent
    path = f"{environment}:{build.environment['PATH']}"

    result = compile_on(build, "heroku-22", PATH=path)

    assert (result.status, result.stderr) == (0, "")
    assert Path(recorded(build).rstrip("\n")) == BASE_PYTHON.resolve()
