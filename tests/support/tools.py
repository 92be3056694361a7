"""The tools of the machine that a test needs: skip without them, but never in CI."""

import os
import shutil

import pytest


def require(*tools: str) -> None:
    """Skip the test where one of `tools` is not on PATH; fail it where CI is set."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    reason = f"needs {', '.join(missing)}, not found on PATH"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI nothing may be skipped")
    pytest.skip(reason)
