"""What the tests share: an embedded AWS, the sample apps built once, slugs compiled once.

Fixtures that take long are made once for all of xdist's workers, in a folder that they share: the
first worker makes it behind a lock, the others wait for it and use it. Nobody changes what is shared;
`Slug.copy` gives a test a slug of its own.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import simulated
from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from fault_stage import Stage, set_stage
from paths import APPS
from quick_sdk import make_sessions_quick
from runtime_clients import fetch_nodejs_client
from simulated import Slug
from tools import require

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

make_sessions_quick()

# The machine's own AWS profile and settings must not leak into any test.
for _name in [name for name in os.environ if name.lstrip("_").startswith(("AWS_", "LAMBDA_"))]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAWS]:
    """Start an AWS of this worker's own."""
    with EmbeddedAWS() as server:
        yield server


@pytest.fixture
def function(aws: EmbeddedAWS) -> Iterator[Function]:
    """Create a Node.js function just for this test; what the test forbade is allowed again after it."""
    yield aws.create_function()
    aws.reset()


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a Node.js app with its base, for the tests of one file."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture
def stage(
    aws: EmbeddedAWS, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Stage]:
    """Set the stage for faults and ends in the middle of a deploy."""
    with set_stage(aws, tmp_path, record_property) as stage:
        yield stage
    aws.deployments.reset()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def nodejs_app(shared: Path) -> Path:
    """Return the Node.js app with its dependencies installed by npm. Not to be changed."""
    require("node", "npm")

    def install(folder: Path) -> None:
        shutil.copytree(APPS / "nodejs", folder, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)

    return _made_once(shared / "nodejs-app", install)


@pytest.fixture(scope="session")
def java_app(shared: Path) -> Path:
    """Return the Java app with its fat JAR built by Maven. Not to be changed."""
    require("javac", "mvn")

    def package(folder: Path) -> None:
        shutil.copytree(APPS / "java", folder, ignore=shutil.ignore_patterns("target"))
        subprocess.run(["mvn", "--batch-mode", "--quiet", "package"], cwd=folder, check=True)

    return _made_once(shared / "java-app", package)


@pytest.fixture(scope="session")
def warm_cache(shared: Path) -> Path:
    """Return a buildpack cache that holds the deploy runtime. Not to be changed: copy it."""

    def fill(folder: Path) -> None:
        app = folder / "app"
        app.mkdir(parents=True)
        (app / "package.json").write_text('{"name": "nothing"}\n')
        simulated.build(app, folder / "slug", cache=folder / "cache")

    return _made_once(shared / "warm-cache", fill) / "cache"


@pytest.fixture(scope="session")
def nodejs_slug(shared: Path, nodejs_app: Path, warm_cache: Path) -> Slug:
    """Return the compiled slug of the Node.js app. Not to be changed: `.copy(folder)` it."""
    return _built_once(shared / "nodejs-slug", nodejs_app, warm_cache)


@pytest.fixture(scope="session")
def java_slug(shared: Path, java_app: Path, warm_cache: Path) -> Slug:
    """Return the compiled slug of the Java app. Not to be changed: `.copy(folder)` it."""
    return _built_once(shared / "java-slug", java_app, warm_cache)


@pytest.fixture(scope="session")
def go_app(shared: Path) -> Path:
    """Return the Go app with its program built as `bootstrap`. Not to be changed."""
    require("go")

    def compile_program(folder: Path) -> None:
        shutil.copytree(APPS / "go", folder)
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "bootstrap", "."],
            cwd=folder,
            env={
                **os.environ,
                "CGO_ENABLED": "0",
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "-mod=mod",
                "GOPROXY": "off",
            },
            check=True,
        )

    return _made_once(shared / "go-app", compile_program)


@pytest.fixture(scope="session")
def python_runtime_client(shared: Path) -> Path:
    """Return a folder with AWS's own runtime client for Python, from PyPI."""

    def install(folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--only-binary",
            ":all:",
        ]
        subprocess.run([*command, "--target", str(folder), "awslambdaric==4.2.2"], check=True)

    return _made_once(shared / "python-runtime-client", install)


@pytest.fixture(scope="session")
def nodejs_runtime_client(shared: Path) -> Path:
    """Return a folder with AWS's own runtime client for Node.js, from npm."""
    require("node", "npm")
    return _made_once(shared / "nodejs-runtime-client", fetch_nodejs_client)


@pytest.fixture(scope="session")
def java_handlers(shared: Path) -> Path:
    """Return the handlers in Java, compiled, with AWS's own runtime client, from Maven Central."""
    require("javac", "mvn")

    def compile_classes(folder: Path) -> None:
        shutil.copytree(APPS / "handlers/java", folder)
        subprocess.run(["mvn", "--batch-mode", "--quiet", "process-classes"], cwd=folder, check=True)

    return _made_once(shared / "java-handlers", compile_classes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of test_faults.py: how many faults were tried, and what became of them."""
    rows: dict[str, list[int]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "faults":
                    plan, counts = value
                    rows[plan] = [sum(both) for both in zip(rows.get(plan, [0] * 4), counts, strict=True)]
    if not rows:
        return
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    terminalreporter.section("faults")
    titles = ("tried", "survived at once", "survived by the second run", "lost")
    terminalreporter.line(f"{'':24}{''.join(f'{title:>{len(title) + 3}}' for title in titles)}")
    for plan, counts in rows.items():
        cells = (f"{count:>{len(title) + 3}}" for count, title in zip(counts, titles, strict=True))
        terminalreporter.line(f"{plan:24}{''.join(cells)}", red=counts[-1] > 0)


def _built_once(folder: Path, app: Path, warm_cache: Path) -> Slug:
    def build(folder: Path) -> None:
        shutil.copytree(warm_cache, folder / "cache", symlinks=True)
        simulated.build(app, folder, cache=folder / "cache")

    return Slug(_made_once(folder, build) / "app")


def _made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Have `make` make the folder, unless another worker did; wait where one is about to."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half_made = folder.with_suffix(".half-made")
            shutil.rmtree(half_made, ignore_errors=True)
            make(half_made)
            half_made.rename(folder)
    return folder
