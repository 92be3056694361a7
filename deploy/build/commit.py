"""The commit that an app's folder has, as git says."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 30  # git looks at each file, and may wait for a file system
COMMIT = re.compile(r"[0-9a-f]{40,64}(-dirty)?")

# No monitor is started, and no tag's name is wanted. A filter that the repository's own configuration
# names, such as that of Git LFS, may run for files that have changed.
DESCRIBE = ("-c", "core.fsmonitor=false", "describe", "--always", "--abbrev=64", "--dirty", "--exclude=*")


def find_commit(app: Path, variables: Mapping[str, str]) -> str | None:
    """Return the commit, with `-dirty` if files that git knows are changed; None if git does not say.

    `variables` are those of the build. Git gets none of its own, which may name another repository.
    """
    try:
        result = subprocess.run(
            ["git", "-C", app, *DESCRIBE],
            env={name: value for name, value in variables.items() if not name.startswith("GIT_")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    commit = result.stdout.decode("ascii", "replace").strip()
    return commit if COMMIT.fullmatch(commit) else None
