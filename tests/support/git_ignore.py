"""Git as the judge of what rules exclude."""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from deploy.build.lambdaignore.rules import Rules

# Nothing of the machine's own settings, nor of a hook that may have started the tests.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "XDG_CONFIG_HOME": os.devnull,
}

# Git before 2.52 forgets what is before the first wildcard, and takes `foo**/bar` for `foo` and `**/bar`.
_DIFFERENT_IN_OLD_GIT = re.compile(
    rb"^(\xef\xbb\xbf)? !? [^*?\[\\\n]* [^*?\[\\\n/!] \*\*+ (/ | \\/ | [ \r]*$) .*", re.MULTILINE | re.VERBOSE
)


class Git:
    """A git that tells which of some paths a .gitignore excludes, without files of these names."""

    def __init__(self, folder: Path) -> None:
        """Start it with a repository in `folder`: one process for all cases."""
        self._folder = folder
        self._cases = 0
        subprocess.run(["git", "init", "--quiet", folder], env=ENVIRONMENT, check=True)
        version = subprocess.run(["git", "--version"], check=True, capture_output=True).stdout
        self._is_old = [int(number) for number in re.findall(rb"\d+", version)[:2]] < [2, 52]
        self._process = subprocess.Popen(
            ["git", "check-ignore", "--no-index", "--stdin", "-z", "--verbose", "--non-matching"],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def rules(self, content: bytes) -> Path:
        """Write a .gitignore, without the lines that this git takes differently from later ones."""
        self._cases += 1
        path = self._folder / str(self._cases) / ".gitignore"
        path.parent.mkdir()
        path.write_bytes(_DIFFERENT_IN_OLD_GIT.sub(b"", content) if self._is_old else content)
        return path

    def excluded(self, rules: Path, paths: Iterable[str]) -> set[str]:
        """Return the paths of files below the folder of `rules` that are excluded there."""
        return {path for path in paths if self._excludes(f"{rules.parent.name}/{path}")}

    def _excludes(self, path: str) -> bool:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(os.fsencode(path) + b"\0")
        answer = b""
        while answer.count(b"\0") < 4:
            piece = self._process.stdout.read(65536)
            assert piece, "git has ended"
            answer += piece
        source, _line, pattern, name = answer.split(b"\0")[:4]
        assert name == os.fsencode(path)
        return source != b"" and not pattern.startswith(b"!")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def excludes(rules: Rules, path: str) -> bool:
    """Whether our rules exclude a file: walk there as the build does, folder by folder from the top."""
    ends = [place for place, character in enumerate(path) if character == "/"]
    folders = (path[:end] for end in ends)
    return any(rules.excludes(folder, is_folder=True) for folder in folders) or rules.excludes(
        path, is_folder=False
    )
