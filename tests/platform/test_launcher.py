"""The launcher in the slug and the script that puts it on the PATH, run for real."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from buildpack import Result, add_python, run, small_build
from tools import require

LAUNCHER = ".lambda-deploy/bin/deploy"
NOTHING = {"PATH": "/nowhere"}


@pytest.fixture(scope="module")
def built_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a slug whose runtime only tells how it was started."""
    build = small_build(tmp_path_factory.mktemp("build"))
    assert build.compile().status == 0
    add_python(build.app)
    return build.app


@pytest.fixture
def slug(built_slug: Path, tmp_path: Path) -> Path:
    """Return the slug at the path where it runs: another one than that of the build, with blanks."""
    return shutil.copytree(built_slug, tmp_path / "moved slug's home", symlinks=True)


def start(
    launcher: str | Path,
    *arguments: str,
    environment: Mapping[str, str] = NOTHING,
    cwd: Path = Path("/"),
    wrapper: tuple[str, ...] = (),
) -> Any:
    """Start the launcher and return what the runtime told."""
    result = run(launcher, *arguments, environment=environment, cwd=cwd, wrapper=wrapper)
    assert (result.status, result.stderr) == (0, "")
    return json.loads(result.stdout)


# --- Where it is ----------------------------------------------------------------------------------


def test_starts_python_isolated(slug: Path) -> None:
    """The runtime of this slug is started by the Python of this slug, isolated and in UTF-8 mode."""
    told = start(slug / LAUNCHER)

    assert told["executable"] == str(slug / ".heroku/python/bin/python3")
    assert told["program"] == str(slug / ".lambda-deploy/runtime/deploy/__main__.py")
    assert (told["isolated"], told["no_site"], told["utf8"]) == (1, 1, 1)


def test_needs_no_other_program(slug: Path) -> None:
    """Start-up time is part of the product: with an empty PATH nothing is missing but Python."""
    assert start(slug / LAUNCHER, environment={})["arguments"] == []


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_works_in_every_shell(slug: Path, shell: str) -> None:
    """Whatever /bin/sh is, the launcher works, by an absolute path and by a mere name."""
    require(shell)
    command = (str(shutil.which(shell)), *(["sh"] if shell == "busybox" else []))

    by_path = start(slug / LAUNCHER, "a b", wrapper=command)
    by_name = start("deploy", "a b", wrapper=command, cwd=slug / ".lambda-deploy/bin")

    assert by_path["program"] == by_name["program"] == f"{slug}/.lambda-deploy/runtime/deploy/__main__.py"
    assert by_path["arguments"] == by_name["arguments"] == ["a b"]


@pytest.mark.parametrize(
    ("cwd", "launcher"),
    [
        (".", ".lambda-deploy/bin/deploy"),
        (".lambda-deploy/bin", "./deploy"),
        (".lambda-deploy/runtime", "../bin/deploy"),
        ("..", "moved slug's home/.lambda-deploy/bin/deploy"),
    ],
)
def test_works_by_a_relative_path(slug: Path, cwd: str, launcher: str) -> None:
    """A relative path will do, CDPATH or not, and the current folder stays what it is."""
    environment = {**NOTHING, "CDPATH": f"{slug}/.lambda-deploy:/:{slug}/.heroku"}

    told = start(launcher, environment=environment, cwd=slug / cwd)

    assert told["program"] == f"{slug}/.lambda-deploy/runtime/deploy/__main__.py"
    assert told["cwd"] == os.path.realpath(slug / cwd)


def test_works_through_links(slug: Path, tmp_path: Path) -> None:
    """Links to the launcher and to its folders are followed, absolute and relative ones."""
    (tmp_path / "folder").symlink_to(slug / ".lambda-deploy/bin")
    (tmp_path / "absolute link").symlink_to(slug / LAUNCHER)
    (tmp_path / "relative link").symlink_to("absolute link")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/deploy").symlink_to("../relative link")
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}

    started = [
        start(tmp_path / "folder/deploy"),
        start(tmp_path / "absolute link", environment=environment),
        start("./relative link", environment=environment, cwd=tmp_path),
        start("-c", 'exec "$0"', "deploy", environment=environment, wrapper=("/bin/sh",)),
    ]

    assert {told["program"] for told in started[:3]} == {f"{slug}/.lambda-deploy/runtime/deploy/__main__.py"}


# --- What it passes on ----------------------------------------------------------------------------


def test_passes_arguments_on(slug: Path) -> None:
    """Arguments arrive as they are."""
    arguments = ["package", "-o", "a file.zip", "", "--", "*", "$(id)", "line\nbreak", "-x"]

    assert start(slug / LAUNCHER, *arguments)["arguments"] == arguments


def test_passes_the_environment_on(slug: Path) -> None:
    """Config vars arrive as they are, whatever their names: a script's, or none that a shell takes."""
    names = "self slug home python target script dir root path command arguments name i"
    config = {name: f"value of\n{name} " for name in names.split()}
    config |= {"EMPTY": "", "with.dot": "1", "with-dash": "2", "0": "3", "with blank": "4", "ä": "5"}
    environment = {**NOTHING, "LC_ALL": "C.UTF-8", **config}

    arrived = start(slug / LAUNCHER, environment=environment)["environment"]

    for shells_own in ("PWD", "OLDPWD", "SHLVL", "LD_LIBRARY_PATH"):
        arrived.pop(shells_own, None)
    arrived = {name: value for name, value in arrived.items() if not name.startswith("_")}
    assert arrived == environment


def test_becomes_python(slug: Path) -> None:
    """No shell stays between the platform and Python: signals reach it, and its status is the dyno's."""
    program = slug / ".lambda-deploy/runtime/deploy/__main__.py"
    program.write_text(
        "import os, signal\nprint(os.getpid(), flush=True)\nsignal.raise_signal(signal.SIGTERM)\n"
    )

    with subprocess.Popen([slug / LAUNCHER], env=NOTHING, stdout=subprocess.PIPE, text=True) as process:
        stdout, _ = process.communicate(timeout=30)

    assert int(stdout) == process.pid
    assert process.returncode == -signal.SIGTERM


# --- What it is immune to -------------------------------------------------------------------------


def test_is_immune_to_the_app(slug: Path, tmp_path: Path) -> None:
    """Neither variables for Python and the shell nor modules and files of the app's have a say."""
    for name in ("json.py", "os.py", "deploy.py", "sitecustomize.py", "startup.py", "python3"):
        (slug / name).write_text("raise SystemExit('the app ran')\n")
    for folder in ("boto3", "deploy", "encodings"):
        (slug / folder).mkdir()
        (slug / folder / "__init__.py").write_text("raise SystemExit('the app ran')\n")
    (slug / "pyvenv.cfg").write_text(f"home = {tmp_path}\n")
    (slug / "python3").chmod(0o755)
    (slug / "startup.sh").write_text("echo the app ran\n")
    environment = {
        "PATH": str(slug),
        "PYTHONPATH": str(slug),
        "PYTHONHOME": str(tmp_path),
        "PYTHONSTARTUP": str(slug / "startup.py"),
        "PYTHONINSPECT": "1",
        "PYTHONEXECUTABLE": "/nowhere",
        "PYTHONIOENCODING": "ascii",
        "PYTHONWARNINGS": "error",
        "HOME": str(slug),
        "BASH_ENV": str(slug / "startup.sh"),
        "ENV": str(slug / "startup.sh"),
        "BASH_FUNC_cd%%": "() { echo the app ran; }",
        "BASH_FUNC_exec%%": "() { echo the app ran; }",
    }

    told = start(slug / LAUNCHER, environment=environment, cwd=slug)

    assert told["executable"] == str(slug / ".heroku/python/bin/python3")
    assert str(slug) not in told["path"]
    assert str(slug) + "/.lambda-deploy/runtime/deploy" not in told["path"][1:]


def test_helps_python_to_its_shared_library(slug: Path) -> None:
    """The slug's own Python looks for its library in the slug first, then where the app says."""
    alone = start(slug / LAUNCHER)
    with_another = start(slug / LAUNCHER, environment={"LD_LIBRARY_PATH": "/app/lib"})

    library = f"{slug}/.heroku/python/lib"
    assert alone["environment"]["LD_LIBRARY_PATH"] == library
    assert with_another["environment"]["LD_LIBRARY_PATH"] == f"{library}:/app/lib"


def test_leaves_the_library_path_of_a_system_python_alone(slug: Path) -> None:
    """The system's Python is started by its absolute path, with the environment untouched."""
    python = (slug / ".heroku/python/bin/python3").resolve()
    (slug / ".lambda-deploy/interpreter").write_text(f"{python}\n")

    told = start(slug / LAUNCHER, environment={"LD_LIBRARY_PATH": "/app/lib"})

    assert told["executable"] == str(python)
    assert told["environment"]["LD_LIBRARY_PATH"] == "/app/lib"


@pytest.mark.parametrize("recorded", ["/nowhere/bin/python3", ".heroku/python/bin/python3"])
def test_explains_that_python_is_missing(slug: Path, recorded: str) -> None:
    """Where the interpreter of the build is not there at run time, the error says what to do."""
    shutil.rmtree(slug / ".heroku")
    (slug / ".lambda-deploy/interpreter").write_text(f"{recorded}\n")

    result = run(slug / LAUNCHER, environment={"PATH": "/usr/bin:/bin"})

    python = recorded if recorded.startswith("/") else f"{slug}/{recorded}"
    assert result == Result(
        1,
        "",
        f"""\
 !     There is no Python here, so deploy can't start.
 !
 !     When the app was built, there was one: {python}
 !
 !     Build the app again, and run it in the image that belongs to it.
""",
    )


# --- .profile.d -----------------------------------------------------------------------------------


def source(slug: Path, shell: str, script: str, environment: Mapping[str, str]) -> Result:
    """Source the script in .profile.d in a strict shell, and run something there."""
    require(shell)
    sourced = f'. "{slug}/.profile.d/zz-lambda-deploy.sh"; {script}'
    return run(str(shutil.which(shell)), "-euc", sourced, environment=environment)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_finds_deploy_on_the_path(slug: Path, shell: str) -> None:
    """In a dyno `deploy` is the launcher, whatever else is on the PATH."""
    environment = {"HOME": str(slug), "PATH": "/usr/bin:/bin"}

    result = source(slug, shell, 'command -v deploy; echo "$PATH"', environment)

    assert result == Result(0, f"{slug}/{LAUNCHER}\n{slug}/.lambda-deploy/bin:/usr/bin:/bin\n", "")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_sourcing_twice_is_the_same_as_once(slug: Path, shell: str) -> None:
    """The PATH does not grow when a shell in a dyno starts another."""
    environment = {"HOME": str(slug), "PATH": f"/bin:{slug}/.lambda-deploy/bin"}

    result = source(slug, shell, 'echo "$PATH"', environment)

    assert result == Result(0, f"/bin:{slug}/.lambda-deploy/bin\n", "")


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("environment", [{}, {"HOME": "/app"}, {"PATH": ""}])
def test_minds_no_missing_variable(slug: Path, shell: str, environment: Mapping[str, str]) -> None:
    """A strict shell without PATH or HOME goes on."""
    result = source(slug, shell, "echo done", environment)

    assert result == Result(0, "done\n", "")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_leaves_no_variable_behind(slug: Path, shell: str) -> None:
    """Nothing but PATH changes, and there are its notes, whose names begin with an underscore."""
    environment = {"HOME": str(slug), "PATH": "/usr/bin:/bin"}

    before = run(str(shutil.which(shell)), "-ac", "set", environment=environment).stdout
    after = source(slug, shell, "set", environment).stdout

    def names(listing: str) -> set[str]:
        return {line.split("=")[0] for line in listing.splitlines()}

    # Names of Bash's own, which are in no environment, come and go.
    new = {name for name in names(after) - names(before) if not name.isupper() or "DEPLOY" in name}
    assert new <= {"_DEPLOY_STARTED_WITH"}
