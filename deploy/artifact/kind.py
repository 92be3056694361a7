"""The kinds of apps: what each is called, which files show it, and which runtimes of Lambda's can run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A line for each kind: its id, its name for people, and the files of which one shows it. lib/app.sh reads
# it, too.
# A Java app often has a package.json for its front end, a Node.js app hardly ever a pom.xml: Java goes first.
FILE = Path(__file__).with_name("kinds.txt")

OS_ONLY = "provided"  # what the runtimes begin with that start the package's own program
BOOTSTRAP = "bootstrap"  # what they start: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html


@dataclass(frozen=True)
class Kind:
    """A kind of app. `id` is what build.json keeps.

    `version_files` may hold the app's version, and a handler is in a file that ends in one of `handlers`.
    Runtimes that begin with one of `other_runtimes` can't run the app, and those of `with_files` can if it
    has files with the extension.
    """

    id: str
    name: str
    files: tuple[str, ...]
    version_files: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    other_runtimes: tuple[str, ...] = ()
    with_files: tuple[tuple[str, str], ...] = ()


DETAILS: dict[str, dict[str, Any]] = {
    "java": {
        "version_files": ("pom.xml", "gradle.properties"),
        "other_runtimes": ("nodejs", "python", "ruby", "dotnet", "go"),
    },
    "nodejs": {
        "version_files": ("package.json",),
        "handlers": (".js", ".mjs", ".cjs"),
        "other_runtimes": ("java", "dotnet", "go"),
        # All files of a Node.js app are packed, whatever language they are in.
        "with_files": (("python", ".py"), ("ruby", ".rb")),
    },
    "python": {
        "version_files": ("pyproject.toml",),
        "handlers": (".py", ".pyc", ".so"),
        "other_runtimes": ("java", "nodejs", "ruby", "dotnet", "go"),
    },
}

KINDS = tuple(
    Kind(identifier, name, tuple(files), **DETAILS.get(identifier, {}))
    for identifier, name, *files in map(str.split, FILE.read_text(encoding="ascii").splitlines())
)
JAVA, NODEJS, PYTHON, OTHER = KINDS  # the last one is anything that is named as the artifact


def find_kind(identifier: str) -> Kind:
    """Return the kind that build.json names."""
    return next((kind for kind in KINDS if kind.id == identifier), OTHER)
