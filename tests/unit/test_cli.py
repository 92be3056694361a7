"""The process: it ends with a status, whatever becomes of the command and of its streams."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.commands import Context
from in_process import deploy
from paths import REPOSITORY

# A thread that ends by an exception is what one of these is about; pytest may notice it within the next.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def test_no_stream_is_needed_to_end() -> None:
    """A traceback that nobody can read is not waited for (`deploy --debug 2>&-`)."""
    ended = subprocess.run(
        ["sh", "-c", '"$0" -m deploy --debug >&- 2>&-', sys.executable],
        cwd=REPOSITORY,
        env={},
        check=False,
        timeout=30,
    )
    assert ended.returncode == 2


def test_a_command_that_ends_in_no_foreseen_way_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one that takes its thread down; the status says that it failed."""

    def run(_options: object, context: Context) -> int:
        context.report.step("Beginning")
        raise SystemExit

    monkeypatch.setattr("deploy.commands.config.run", run)
    outcome = deploy(tmp_path, "config", env={})
    assert (outcome.status, outcome.stdout) == (1, "-----> Beginning\n")
