"""What the tests of the build share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from git_ignore import Git
from tools import require


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Make an empty folder for an app."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Git]:
    """Start a git that judges rules; not to be used by several threads."""
    require("git")
    git = Git(tmp_path_factory.mktemp("repository"))
    yield git
    git.close()
