"""Fixtures of the tests that read back what is baked; `pytest_plugins` of those tests names them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from read_back import SOURCES, Readers
from tools import require


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the readers from npm, and return the folder that holds node_modules and read.js."""
    require("node", "npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "read.js"):
        shutil.copy(SOURCES / name, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def java_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the readers in Java, and return their class path."""
    require("java", "javac")
    folder = tmp_path_factory.mktemp("java")
    sources = [
        SOURCES / f"{name}.java" for name in ("Json", "ReadProperties", "PrintEnvironment", "CallHandler")
    ]
    subprocess.run(["javac", "-d", folder, *sources], check=True)
    return folder


@pytest.fixture(scope="session")
def readers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    """Return all readers; one that a machine lacks skips just the tests that ask it."""
    readers = Readers(
        tmp_path_factory.mktemp("baked"),
        java_classes=lambda: request.getfixturevalue("java_classes"),
        node_modules=lambda: request.getfixturevalue("node_modules"),
    )
    yield readers
    readers.stop()
