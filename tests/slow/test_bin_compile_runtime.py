"""bin/compile, run for real: the deploy runtime and its cache."""

import base64
import contextlib
import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from buildpack import (
    SMALL_DEPENDENCY,
    UNREACHABLE,
    Build,
    Result,
    add_python_script,
    contents,
    lock_wheel,
    small_build,
)
from deploy.build.python import pip_wheel
from deploy.build.python.pip_wheel import DownloadError
from tools import require
from wheels import pack_pip

FIRST_BUILD = """\
-----> Installing the deploy runtime
       Downloading boto3 and 0 other packages
       Kept the dependencies in the cache for the next build
"""
SECOND_BUILD = """\
-----> Installing the deploy runtime
       Using the dependencies in the cache
"""


NO_PIP = """\
case "$*" in *"runtime.py find_pip") exit 1 ;; esac
exec "$REAL" "$@"
"""


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return a first build with the small buildpack."""
    return small_build(tmp_path)


@pytest.fixture(scope="session")
def small_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a first build with the small buildpack leaves in the cache."""
    first_build = small_build(tmp_path_factory.mktemp("first-build"))
    assert first_build.compile().status == 0
    return first_build.cache


@pytest.fixture
def second_build(build: Build, small_cache: Path) -> Build:
    """Return a second build with the small buildpack, in which there is no pip."""
    shutil.copytree(small_cache, build.cache)
    add_python_script(build.app, NO_PIP)
    return build


def entry(build: Build) -> Path:
    """Return the folder of the cache entry."""
    return build.cache / "lambda-deploy"


def test_makes_an_entry_on_the_first_build(build: Build) -> None:
    """The first build downloads, keeps the dependencies in the cache and leaves nothing else there."""
    result = build.compile()

    assert (result.status, result.stderr) == (0, "")
    assert FIRST_BUILD in result.stdout
    assert [path.name for path in build.cache.iterdir()] == ["lambda-deploy"]


def test_uses_the_entry_on_the_second_build(build: Build, tmp_path: Path) -> None:
    """The second build needs neither pip nor the network and makes the very same slug."""
    build.compile()
    first_slug = contents(build.app / ".lambda-deploy")
    log = tmp_path / "python.log"
    add_python_script(build.app, f'echo "$*" >>"{log}"\nexec "$REAL" "$@"')

    result = build.without("PIP_NO_INDEX", "PIP_FIND_LINKS").compile(**UNREACHABLE)

    assert (result.status, result.stderr) == (0, "")
    assert SECOND_BUILD in result.stdout
    assert contents(build.app / ".lambda-deploy") == first_slug
    assert "compileall" in log.read_text()
    assert "pip" not in log.read_text()


def test_leaves_a_good_entry_alone(second_build: Build) -> None:
    """A build that uses the cache changes nothing in it."""
    before = contents(second_build.cache)

    second_build.compile()

    assert contents(second_build.cache) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("stack", "the stack changed from something-else to heroku-24"),
        ("python", "Python changed from something-else to cpython-"),
        ("dependencies", "the buildpack asks for other versions"),
        ("recipe", "the buildpack installs in another way"),
    ],
)
def test_discards_what_was_made_for_something_else(second_build: Build, name: str, reason: str) -> None:
    """An entry made for another stack, Python, lock file or recipe is thrown away, and the log says why."""
    key = entry(second_build) / "key"
    lines = key.read_text().splitlines()
    assert sum(line.startswith(f"{name}=") for line in lines) == 1
    changed = [f"{name}=something-else" if line.startswith(f"{name}=") else line for line in lines]
    key.write_text("\n".join(changed) + "\n")

    result = second_build.compile()

    assert f"       Discarding the dependencies in the cache: {reason}" in result.stdout
    assert result.stdout.count("Discarding") == 1
    assert not entry(second_build).exists()


def test_gives_all_reasons_at_once(second_build: Build) -> None:
    """Where several things changed, each is told."""
    (second_build.buildpack / "requirements.lock").write_text("boto3==2.0 --hash=sha256:00\n")

    result = second_build.compile(STACK="heroku-26")

    assert "the stack changed from heroku-24 to heroku-26" in result.stdout
    assert "the buildpack asks for other versions" in result.stdout


@pytest.mark.parametrize(
    "name", ["lib/pip.sh", "lib/runtime.py", "lib/runtime.sh", "deploy/build/python/pip.lock"]
)
def test_the_recipe_belongs_to_the_key(second_build: Build, name: str) -> None:
    """A buildpack that installs or prunes in another way does not use what the one before it made."""
    with (second_build.buildpack / name).open("a") as recipe:
        recipe.write("# changed\n")

    result = second_build.compile()

    assert "Discarding the dependencies in the cache: the buildpack installs" in result.stdout


def change_a_file(folder: Path) -> None:
    """Change a file but not its size."""
    path = folder / "dependencies/botocore/data/endpoints.json"
    path.write_text("[]")


def add_a_file(folder: Path) -> None:
    """Add a module that nobody put there."""
    (folder / "dependencies/json.py").write_text("")


def remove_a_file(folder: Path) -> None:
    """Remove a module."""
    (folder / "dependencies/boto3/__init__.py").unlink()


def add_a_link(folder: Path) -> None:
    """Add a link, which a copy of the folder would follow or keep."""
    (folder / "dependencies/json.py").symlink_to("/etc/passwd")


def add_a_pipe(folder: Path) -> None:
    """Add a named pipe, at which a copy would wait for ever."""
    os.mkfifo(folder / "dependencies/json.py")


@pytest.mark.parametrize("damage", [change_a_file, add_a_file, remove_a_file, add_a_link, add_a_pipe])
def test_discards_what_is_damaged(second_build: Build, damage: Callable[[Path], None]) -> None:
    """An entry whose files are not what was put there is thrown away, and the log says so."""
    damage(entry(second_build))

    result = second_build.compile()

    assert (
        "       Discarding the dependencies in the cache: damaged: a file is not what was put there\n"
    ) in result.stdout
    assert not entry(second_build).exists()


# Root may read everything, unless it gives that up.
AS_ANYBODY = (
    (str(shutil.which("setpriv")), "--bounding-set=-dac_override,-dac_read_search")
    if os.geteuid() == 0
    else ()
)


@pytest.mark.parametrize(
    "name", ["", "key", "manifest", "dependencies", "dependencies/boto3", "dependencies/boto3/__init__.py"]
)
def test_says_that_what_is_in_the_cache_can_not_be_read(second_build: Build, name: str) -> None:
    """A cache of another user is not called damaged or incomplete."""
    require("setpriv")
    unreadable = entry(second_build) / name
    unreadable.chmod(0)

    result = second_build.compile(AS_ANYBODY)

    if unreadable.exists():
        unreadable.chmod(0o755)
    assert "Discarding the dependencies in the cache: unreadable\n" in result.stdout
    assert "damaged" not in result.stdout + result.stderr
    assert "incomplete" not in result.stdout + result.stderr


def test_discards_dependencies_that_lie_elsewhere(second_build: Build, tmp_path: Path) -> None:
    """A link in their place would have the slug's runtime be one, into the cache."""
    (entry(second_build) / "dependencies").rename(tmp_path / "elsewhere")
    (entry(second_build) / "dependencies").symlink_to(tmp_path / "elsewhere")

    assert "Discarding the dependencies in the cache: incomplete" in second_build.compile().stdout


@pytest.mark.parametrize("name", ["key", "manifest", "dependencies"])
def test_discards_what_is_incomplete(second_build: Build, name: str) -> None:
    """An entry that lacks one of its parts is thrown away."""
    (entry(second_build) / name).rename(second_build.cache / "elsewhere")

    result = second_build.compile()

    assert "Discarding the dependencies in the cache: incomplete\n" in result.stdout
    assert not entry(second_build).exists()


def test_replaces_what_it_discards(build: Build) -> None:
    """After an entry was thrown away, the same build makes a new one, as good as a first one."""
    build.compile()
    first_slug = contents(build.app / ".lambda-deploy")
    add_a_file(entry(build))

    second = build.compile()
    third = build.compile()

    assert "Downloading boto3" in second.stdout
    assert "Using the dependencies in the cache" in third.stdout
    assert contents(build.app / ".lambda-deploy") == first_slug


HANGING_PIP = """\
case "$*" in
*"runtime.py find_pip") printf -- '-m\\npip\\n' ;;
"-I -m pip install"*)
    for folder; do :; done
    mkdir -p "$folder"
    echo >"$TMPDIR/pip-unpack-half"
    echo half >"$folder/half"
    exec "$REAL" -c "import time; time.sleep(60)"
    ;;
*) exec "$REAL" "$@" ;;
esac
"""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def half_way(build: Build) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a build and wait until pip has half-filled the entry."""
    add_python_script(build.app, HANGING_PIP)
    command = [build.buildpack / "bin/compile", build.app, build.cache]
    with subprocess.Popen(
        command,
        env=dict(build.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_for(lambda: bool(list(build.cache.glob("*/dependencies/half"))))
        yield process


def test_a_killed_build_leaves_nothing_that_is_used(build: Build) -> None:
    """What a killed build half-filled is neither used nor kept by the next build."""
    with half_way(build) as process:
        os.killpg(process.pid, signal.SIGKILL)
    assert list(build.cache.glob("*/dependencies/half"))
    next_build = small_build(build.cache.parent / "next")

    result = replace(next_build, cache=build.cache).compile()

    assert FIRST_BUILD in result.stdout
    assert [path.name for path in build.cache.iterdir()] == ["lambda-deploy"]
    assert not list(next_build.app.rglob("half"))


def test_a_stopped_build_cleans_up(build: Build, tmp_path: Path) -> None:
    """A build that is told to stop removes its temporary files, pip's too, and what it half-filled."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    build = replace(build, environment={**build.environment, "TMPDIR": str(temporary)})

    with half_way(build) as process:
        (workspace,) = temporary.iterdir()
        assert (workspace / "pip-unpack-half").exists()
        os.killpg(process.pid, signal.SIGTERM)

    assert process.returncode != 0
    assert list(temporary.iterdir()) == []
    assert list(build.cache.iterdir()) == []


def test_works_without_a_cache(build: Build, tmp_path: Path) -> None:
    """Where the cache folder can't be written, the build goes on and says what that costs."""
    (tmp_path / "file").touch()
    build = replace(build, cache=tmp_path / "file/cache")

    result = build.compile()

    assert result.status == 0
    assert (build.app / ".lambda-deploy/runtime/boto3/__init__.py").is_file()
    assert result.stderr == (
        " !     The cache folder can't keep the dependencies, so the next build has to make that again:"
        f"\n !     {tmp_path}/file/cache\n"
    )


def overtaken(build: Build, folder: Path, **variables: str) -> Result:
    """Run a build that another one with the same cache overtakes, which is given these variables."""
    go = folder / "go"
    pip = f'"-I -m pip install"*) until [ -e "{go}" ]; do "$REAL" -c "import time; time.sleep(0.02)"; done ;;'
    add_python_script(build.app, f'case "$*" in\n{pip}\nesac\nexec "{sys.executable}" "$@"')
    other_build = replace(small_build(folder / "other"), cache=build.cache)
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(build.compile)
        try:
            wait_for(lambda: bool(list(build.cache.glob("lambda-deploy.partial.*"))))
            quick = other_build.compile(**variables)
            assert list(build.cache.glob("lambda-deploy.partial.*")), "the other build has swept it away"
        finally:
            go.touch()
    assert (quick.status, quick.stderr) == (0, "")
    assert FIRST_BUILD in quick.stdout
    assert [path.name for path in build.cache.iterdir()] == ["lambda-deploy"]
    assert contents(build.app / ".lambda-deploy/runtime") == contents(
        other_build.app / ".lambda-deploy/runtime"
    )
    return slow.result()


def test_another_build_may_be_quicker(build: Build, tmp_path: Path) -> None:
    """Of two builds that start at once without a cache both work, and neither complains about it."""
    result = overtaken(build, tmp_path)

    assert (result.status, result.stderr) == (0, "")
    assert "       Another build has put the dependencies in the cache meanwhile\n" in result.stdout
    assert SECOND_BUILD in build.compile().stdout


def test_a_quicker_build_may_be_for_another_stack(build: Build, tmp_path: Path) -> None:
    """What it has put in the cache is of no use for this one, which says so and works all the same."""
    result = overtaken(build, tmp_path, STACK="heroku-26")

    assert result.status == 0
    assert "Another build" not in result.stdout
    assert "The cache folder can't keep the dependencies" in result.stderr


def test_leaves_the_rest_of_the_cache_alone(build: Build) -> None:
    """The cache folder belongs to all buildpacks of the app."""
    (build.cache / "node").mkdir(parents=True)
    (build.cache / "node/modules").touch()

    build.compile()

    assert sorted(path.name for path in build.cache.iterdir()) == ["lambda-deploy", "node"]
    assert (build.cache / "node/modules").is_file()


def test_prunes_what_is_never_loaded(build: Build) -> None:
    """Of each service's models the newest is left; scripts, examples and other data are gone."""
    build.compile()

    runtime = build.app / ".lambda-deploy/runtime"
    data = runtime / "botocore/data"
    assert {path.name for path in data.iterdir()} == {"endpoints.json", "lambda", "s3", "sts"}
    assert [path.name for path in (data / "lambda").iterdir()] == ["2015-03-31"]
    assert [path.name for path in (data / "lambda/2015-03-31").iterdir()] == ["service-2.json.gz"]
    assert json.loads((data / "endpoints.json").read_text()) == {"partitions": [{"services": {"lambda": {}}}]}
    assert {path.name for path in (runtime / "boto3").iterdir()} == {"__init__.py", "__pycache__"}
    assert {path.name for path in runtime.iterdir()} == {"boto3", "botocore", "deploy"}


def test_service_models_lose_their_documentation_alone(build: Build) -> None:
    """It is most of them, and no deploy shows it."""
    build.compile()

    model = build.app / ".lambda-deploy/runtime/botocore/data/lambda/2015-03-31/service-2.json.gz"
    assert json.loads(gzip.decompress(model.read_bytes())) == {
        "documentation": "",
        "shapes": {"Tag": {"members": {"documentation": {"shape": "Text", "documentation": ""}}}},
    }


@pytest.mark.parametrize(
    ("gone", "kept", "said"),
    [
        ("botocore/data/sts/", "botocore/data/sts-2/2011-06-15/", 'There is no service "sts" in it.'),
        (
            "botocore/data/s3/2006-03-01/",
            "botocore/data/s3/",
            'There is no version of the service "s3" in it.',
        ),
        (
            "botocore/data/s3/2006-03-01/service-2",
            "botocore/data/s3/2006-03-01/service-3",
            'There is no service-2.json.gz of the service "s3" in it.',
        ),
    ],
)
def test_a_botocore_without_a_service_is_an_error(build: Build, gone: str, kept: str, said: str) -> None:
    """Where botocore renames what deploys load, the build breaks, not the deploy."""
    renamed = {name.replace(gone, kept): content for name, content in SMALL_DEPENDENCY.items()}
    lock_wheel(build.buildpack, renamed)

    result = build.compile()

    assert result.status == 1
    assert (
        result.stderr
        == f"""\
 !     This botocore isn't one that the deploy runtime can use:
 !     {said}
 !
 !     It is no fault of the app's: this version of the buildpack doesn't go with the botocore in its
 !     requirements.lock. Push with another version of the buildpack, and report this.
"""
    )
    assert list(build.cache.iterdir()) == []


def test_a_botocore_that_is_damaged_is_an_error(build: Build) -> None:
    """What nobody thought of is shown with what Python said about it."""
    lock_wheel(build.buildpack, {**SMALL_DEPENDENCY, "botocore/data/endpoints.json": "{"})

    result = build.compile()

    assert result.status == 1
    assert "JSONDecodeError" in result.stderr
    assert (
        " !     The build stopped because a command failed with exit status 1 (runtime.sh:" in result.stderr
    )
    assert " !       runtime.py prune\n" in result.stderr
    assert list(build.cache.iterdir()) == []


def test_what_makes_a_base_stays_out_of_the_slug(build: Build) -> None:
    """It is kept in the cache for the next build, and is there while the base is made."""
    build.compile()

    assert (entry(build) / "dependencies/deflate").is_dir()
    assert not list((build.app / ".lambda-deploy").rglob("deflate*"))


def test_takes_no_bytecode_from_the_checkout(build: Build) -> None:
    """The deploy package is copied without the __pycache__ of whoever ran it in place."""
    (build.buildpack / "deploy/__pycache__").mkdir()
    (build.buildpack / "deploy/__pycache__/stale.cpython-39.pyc").touch()

    build.compile()

    assert not list(build.app.rglob("stale*"))


def test_replaces_what_the_app_has_in_its_place(build: Build, tmp_path: Path) -> None:
    """A .lambda-deploy in the app's repository is replaced, even where it is a link to elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "runtime").mkdir(parents=True)
    (elsewhere / "runtime/boto3.py").touch()
    (build.app / ".lambda-deploy").symlink_to(elsewhere)

    assert build.compile().status == 0

    assert not (build.app / ".lambda-deploy").is_symlink()
    assert not list(build.app.rglob("boto3.py"))
    assert [path.name for path in elsewhere.rglob("*")] == ["runtime", "boto3.py"]


# --- pip ------------------------------------------------------------------------------------------


def test_uses_the_pip_of_the_interpreter(build: Build, tmp_path: Path) -> None:
    """The interpreter's own pip goes first, and it starts isolated."""
    log = tmp_path / "pip.log"
    log_pip = f'case "$*" in *"-m pip"*) echo "$*" >>"{log}"; exit ;; esac'
    add_python_script(build.app, f'{log_pip}\nexec "{sys.executable}" "$@"')

    build.compile()

    (install,) = log.read_text().splitlines()
    assert install.startswith("-I -m pip install ")
    for flag in ("--require-hashes", "--no-deps", "--only-binary :all:"):
        assert flag in install


def odd_python(
    build: Build,
    soabi: str | None,
    machine: str,
    implementation: str = "cpython",
    *,
    bits: int = 64,
    free_threaded: bool = False,
    pip: str = "",
) -> None:
    """Let the interpreter give itself out as another one; `pip` is done where pip would be run."""
    told = f"""\
import os, runpy, sys, sysconfig, types
told = {{"SOABI": {soabi!r}, "Py_GIL_DISABLED": {int(free_threaded)}}}
sysconfig.get_config_var = told.get
os.uname = lambda: types.SimpleNamespace(machine={machine!r})
sys.implementation = types.SimpleNamespace(name={implementation!r}, cache_tag="{implementation}-1")
sys.version_info = (3, 13, 1)
sys.maxsize = 2**{bits - 1} - 1
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    script = f"""\
case "$*" in
*"runtime.py abi" | *"runtime.py pip_options" | *"runtime.py description")
    shift 2
    exec "{sys.executable}" -I -S -c {shlex.quote(told)} "$@"
    ;;
*"-m pip install"*) {pip or ":"} ;;
esac
exec "{sys.executable}" "$@"
"""
    add_python_script(build.app, script)


@pytest.mark.parametrize(
    ("soabi", "machine", "platform"),
    [
        ("cpython-313-x86_64-linux-gnu", "x86_64", "manylinux2014_x86_64"),
        ("cpython-313-aarch64-linux-gnu", "aarch64", "manylinux2014_aarch64"),
        ("cpython-313-x86_64-linux-musl", "x86_64", "musllinux_1_2_x86_64"),
        ("cpython-313-aarch64-linux-musl", "aarch64", "musllinux_1_2_aarch64"),
        (None, "x86_64", "manylinux2014_x86_64"),
    ],
)
def test_asks_pip_for_what_the_interpreter_can_load(
    build: Build, tmp_path: Path, soabi: str | None, machine: str, platform: str
) -> None:
    """Whichever Python pip itself runs on, wheels are for the C library and the processor of the deploys'."""
    log = tmp_path / "pip.log"
    odd_python(build, soabi, machine, pip=f'echo "$*" >"{log}"; exit 1')

    build.compile()

    options = log.read_text()
    assert options.count("--platform") == 1
    assert f"--platform {platform} " in options
    assert "--python-version 3.13 " in options
    assert "--implementation cp " in options
    assert re.findall(r"--abi (\S+)", options) == ["none", "cp313", "abi3"]


@pytest.mark.parametrize(
    ("kind", "told", "abis"),
    [
        ({"implementation": "pypy"}, "manylinux2014_x86_64 .* --implementation pp ", ["none"]),
        ({"bits": 32}, "manylinux2014_i686 .* --implementation cp ", ["none", "cp313", "abi3"]),
        ({"free_threaded": True}, "manylinux2014_x86_64 .* --implementation cp ", ["none", "cp313t"]),
    ],
)
def test_asks_pip_for_nothing_that_the_interpreter_cannot_load(
    build: Build, tmp_path: Path, kind: dict[str, Any], told: str, abis: list[str]
) -> None:
    """What was made for CPython, 64 bits or the GIL would be installed, and break when it is loaded."""
    log = tmp_path / "pip.log"
    odd_python(build, "odd", "x86_64", **kind, pip=f'echo "$*" >"{log}"; exit 1')

    build.compile()

    assert re.search(f"--platform {told}", log.read_text())
    assert re.findall(r"--abi (\S+)", log.read_text()) == abis


@pytest.mark.parametrize(
    ("soabi", "python"),
    [("cpython-313-riscv64-linux-gnu",) * 2, (None, "cpython-1-riscv64"), ("", "cpython-1-riscv64")],
)
def test_the_key_names_the_interpreter_whatever_it_tells(
    build: Build, soabi: str | None, python: str
) -> None:
    """An odd build without an SOABI is known by its version and its processor."""
    odd_python(build, soabi, "riscv64")

    assert build.compile().status == 0

    assert f"python={python}\n" in (entry(build) / "key").read_text()


def test_uses_any_other_pip(build: Build, tmp_path: Path) -> None:
    """An interpreter with neither pip nor ensurepip is filled by the pip of another one."""
    add_python_script(build.app, NO_PIP)
    log = tmp_path / "other.log"
    other = tmp_path / "programs/python3"
    other.write_text(f"""#!/bin/sh\necho "$*" >>"{log}"\nexec "{sys.executable}" "$@"\n""")
    other.chmod(0o755)

    result = build.compile()

    assert FIRST_BUILD in result.stdout
    assert (build.app / ".lambda-deploy/runtime/boto3/__init__.py").is_file()
    assert "-I -m pip install " in log.read_text()


def test_downloads_a_pip_where_there_is_none(build: Build) -> None:
    """Heroku's build images have no pip: the one that pip.lock names is downloaded, and used."""
    add_python_script(build.app, NO_PIP)
    wheel = pack_pip(build.buildpack / "wheels")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (build.buildpack / "deploy/build/python/pip.lock").write_text(f"pip==1.0 --hash=sha256:{digest}\n")

    result = build.compile()

    assert (result.status, result.stderr) == (0, "")
    assert "       Downloading pip, which this image does not have\n" in result.stdout
    assert (build.app / ".lambda-deploy/runtime/boto3/__init__.py").is_file()


def test_takes_no_other_pip(build: Build) -> None:
    """A pip whose hash is another one is not started."""
    add_python_script(build.app, NO_PIP)
    (build.buildpack / "wheels/pip-1.0-py3-none-any.whl").write_bytes(b"another")
    (build.buildpack / "deploy/build/python/pip.lock").write_text(f"pip==1.0 --hash=sha256:{'0' * 64}\n")

    result = build.compile()

    assert result.status == 1
    assert "A downloaded package isn't the one that this buildpack was made with" in result.stderr
    assert "pip-1.0-py3-none-any.whl from " in result.stderr


@pytest.fixture
def index() -> Iterator[tuple[str, list[str | None]]]:
    """Serve an index that has pip 1.0; return its address and what those who ask logged in with."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            found = {
                "/simple/pip/": b'<a href="../../files/pip-1.0-py3-none-any.whl#sha256=00">pip</a>',
                "/files/pip-1.0-py3-none-any.whl": b"a wheel",
            }.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}/simple", seen
        server.shutdown()


def test_takes_pip_from_an_index_with_a_password(index: tuple[str, list[str | None]], tmp_path: Path) -> None:
    """An index of the user's own is asked as pip would ask it, and its password is not shown."""
    address, seen = index
    lock = tmp_path / "pip.lock"
    variables = {"PIP_INDEX_URL": f"http://me:s%40cret@{address}/"}
    digest = hashlib.sha256(b"a wheel").hexdigest()
    lock.write_text(f"pip==1.0 --hash=sha256:{digest}\n")

    assert pip_wheel.download(tmp_path, variables, lock) == tmp_path / "pip-1.0-py3-none-any.whl"
    lock.write_text(f"pip==2.0 --hash=sha256:{digest}\n")
    with pytest.raises(DownloadError, match=r"^ERROR: No matching distribution found for pip==2\.0$"):
        pip_wheel.download(tmp_path, variables, lock)
    assert set(seen) == {f"Basic {base64.b64encode(b'me:s@cret').decode()}"}


def serve(pages: Mapping[str, tuple[int, bytes]], seen: list[str | None]) -> ThreadingHTTPServer:
    """Start a server of these pages, which notes the login of each request; a redirect's page is where to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            status, content = pages[self.path]
            self.send_response(status)
            if status != 200:
                self.send_header("Location", content.decode())
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_logs_in_nowhere_but_at_the_index(tmp_path: Path) -> None:
    """A redirect to another host gets no password; one on the same host is followed with it."""
    other_seen: list[str | None] = []
    seen: list[str | None] = []
    wheel = "pip-1.0-py3-none-any.whl"
    with serve({f"/{wheel}": (200, b"a wheel")}, other_seen) as other:
        pages = {
            "/simple/pip/": (302, b"/moved/pip/"),
            "/moved/pip/": (200, f'<a href="/files/{wheel}">'.encode()),
            f"/files/{wheel}": (302, f"http://127.0.0.1:{other.server_port}/{wheel}".encode()),
        }
        with serve(pages, seen) as server:
            lock = tmp_path / "pip.lock"
            lock.write_text(f"pip==1.0 --hash=sha256:{hashlib.sha256(b'a wheel').hexdigest()}\n")
            index = f"http://me:secret@127.0.0.1:{server.server_port}/simple"
            assert pip_wheel.download(tmp_path, {"PIP_INDEX_URL": index}, lock).read_bytes() == b"a wheel"
            server.shutdown()
        other.shutdown()
    assert other_seen == [None]
    assert seen == [f"Basic {base64.b64encode(b'me:secret').decode()}"] * 3


def test_explains_that_pip_can_not_be_downloaded(build: Build) -> None:
    """Without a network the error is that of any other package, without the index's password."""
    add_python_script(build.app, NO_PIP)

    result = build.without("PIP_NO_INDEX", "PIP_FIND_LINKS").compile(
        PIP_INDEX_URL="http://me:secret@127.0.0.1:9/simple"
    )

    assert result.status == 1
    assert "the package index wasn't" in result.stderr
    assert "secret" not in result.stderr + result.stdout


def test_settings_of_others_do_not_reach_pip(build: Build, tmp_path: Path) -> None:
    """Neither pip's settings in the environment nor the app's files decide where and what it installs."""
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "pip.py").write_text("raise SystemExit('not ours')\n")
    (build.app / "setup.cfg").write_text(f"[install]\nprefix={evil}\n")
    (build.app / "pip.py").write_text("raise SystemExit('not ours')\n")

    result = build.compile(
        PIP_USER="1",
        PIP_TARGET=str(evil),
        PIP_PREFIX=str(evil),
        PIP_ROOT=str(evil),
        PIP_REQUIRE_VIRTUALENV="1",
        PIP_NO_BINARY=":all:",
        PIP_NO_DEPS="0",
        PIP_CONSTRAINT=str(evil / "missing"),
        PYTHONPATH=str(evil),
        PYTHONHOME=str(evil),
        PYTHONEXECUTABLE=str(evil / "bin/python3"),
        PYTHONSTARTUP=str(evil / "pip.py"),
        PYTHONDONTWRITEBYTECODE="1",
    )

    assert (result.status, result.stderr) == (0, "")
    assert [path.name for path in evil.iterdir()] == ["pip.py"]


# --- When the download fails ----------------------------------------------------------------------


def test_explains_that_the_index_is_unreachable(build: Build) -> None:
    """Without a network the error says so, and nothing is left in the cache or in the slug."""
    result = build.without("PIP_NO_INDEX", "PIP_FIND_LINKS").compile(**UNREACHABLE)

    before, pip_said, after = re.split(r"(?<=pip said:\n)|(?= !\n !     Most)", result.stderr)
    assert result.status == 1
    assert (
        before
        == """\
 !     The dependencies of the deploy runtime couldn't be downloaded: the package index wasn't
 !     reachable.
 !
 !     What pip said:
"""
    )
    assert "Could not fetch URL http://127.0.0.1:9/..." in pip_said
    assert "Connection refused" in pip_said
    assert (
        after
        == """\
 !
 !     Most often this is over in a few minutes: push again. Where builds reach the network by way
 !     of a proxy, or an index of your own, the build needs HTTPS_PROXY or PIP_INDEX_URL in its
 !     environment.
"""
    )
    assert list(build.cache.iterdir()) == []
    assert not (build.app / ".lambda-deploy").exists()


def test_explains_a_wrong_hash(build: Build) -> None:
    """A package other than the locked one is refused and named."""
    with (build.buildpack / "wheels/boto3-1.0-py3-none-any.whl").open("ab") as wheel:
        wheel.write(b"\0")

    result = build.compile()

    assert result.status == 1
    assert "A downloaded package isn't the one that this buildpack was made with" in result.stderr
    assert " !       boto3==1.0 from file:///... (from " in result.stderr
    assert list(build.cache.iterdir()) == []


def test_explains_a_package_that_the_index_lacks(build: Build) -> None:
    """An index without the package is not taken for a network that is down."""
    (build.buildpack / "wheels/boto3-1.0-py3-none-any.whl").unlink()

    result = build.compile()

    assert result.status == 1
    assert "The dependencies of the deploy runtime couldn't be installed." in result.stderr
    assert "ERROR: No matching distribution found for boto3==1.0" in result.stderr


@pytest.mark.parametrize(
    ("machine", "implementation", "bits", "python"),
    [
        ("armv7l", "cpython", 32, "CPython 3.13 on armv7l"),
        ("aarch64", "cpython", 32, "CPython 3.13 on armv7l"),
        ("x86_64", "pypy", 64, "PyPy 3.13 on x86_64"),
    ],
)
def test_explains_that_there_is_no_wheel_for_the_interpreter(
    build: Build, machine: str, implementation: str, bits: int, python: str
) -> None:
    """Where a dependency in machine code isn't made for this Python, the error says what it is made for."""
    lock_wheel(build.buildpack, {}, name="deflate", tag="cp311-abi3-manylinux2014_x86_64")
    odd_python(build, "odd", machine, implementation, bits=bits)

    result = build.compile()

    assert result.status == 1
    assert (
        result.stderr
        == f"""\
 !     There is no deflate for the Python that was found: {python}.
 !
 !     The deploy runtime has a part in machine code. It exists for x86-64 and ARM64 Linux, with
 !     CPython 3.10 or newer.
 !
 !     Where the processor is another, build on a stack for one of these. Where Python is another,
 !     have heroku/python bring CPython, before this buildpack, and push again:
 !       heroku buildpacks:add --index 1 heroku/python
 !     Where both are these, the packages come from an index of your own (PIP_INDEX_URL,
 !     PIP_FIND_LINKS) that lacks the wheel: add it there.
"""
    )
    assert list(build.cache.iterdir()) == []


def test_other_versions_of_a_wheel_are_no_reason(build: Build) -> None:
    """An index with nothing but another version is not taken for a processor that nothing is made for."""
    lock_wheel(build.buildpack, {}, name="deflate", tag="cp311-abi3-manylinux2014_x86_64")
    lock = build.buildpack / "requirements.lock"
    lock.write_text(lock.read_text().replace("1.0", "1.0.1"))
    odd_python(build, "odd", "armv7l", bits=32)

    result = build.compile()

    assert result.status == 1
    assert "The dependencies of the deploy runtime couldn't be installed." in result.stderr


# A stand-in for a full disk: no file can grow beyond 100 KB.
FULL_DISK = ("bash", "-c", 'ulimit -f 100; exec "$@"', "bash")


def test_explains_a_full_disk(build: Build) -> None:
    """Where the dependencies don't fit, the error speaks of room, and nothing half-made is kept."""
    result = build.compile(FULL_DISK)

    assert result.status == 1
    assert (
        result.stderr
        == """\
 !     There is no room for the dependencies of the deploy runtime, which take 40 MB on their way:
 !     File too large.
 !
 !     Make room where the build runs: in its temporary folder and in the build cache.
"""
    )
    assert list(build.cache.iterdir()) == []


def test_explains_what_nobody_thought_of(second_build: Build) -> None:
    """A command that fails unforeseen stops the build with a page that names it."""
    result = second_build.compile(FULL_DISK)

    assert result.status != 0
    assert " !     The build stopped because a command failed with exit status" in result.stderr
    assert ' !       cp -R -- "${entry}/dependencies" "${runtime}"\n' in result.stderr


@pytest.mark.parametrize("retries", ["0", "1"])
def test_gives_no_index_credentials_away(build: Build, retries: str) -> None:
    """Neither the name, nor the password, nor a token in the path or the query of an index is printed."""
    url = "http://canary-user:canary-password@127.0.0.1:9/canary-path/simple?token=canary-query"

    result = build.without("PIP_NO_INDEX", "PIP_FIND_LINKS").compile(
        PIP_INDEX_URL=url, PIP_EXTRA_INDEX_URL=url, PIP_RETRIES=retries
    )

    assert result.status == 1
    assert "127.0.0.1" in result.stderr
    assert "canary" not in result.stdout + result.stderr
