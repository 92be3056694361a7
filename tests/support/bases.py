"""Apps in a folder, and their bases, made in this process."""

import io
from pathlib import Path

import pytest

from deploy.artifact.base import Base
from deploy.build.base import make
from deploy.errors import InputError
from deploy.output import Console, Report
from zips import zip_of

__all__ = ["fill", "jar", "make_base", "refusal"]


def fill(app: Path, *names: str, **contents: bytes) -> None:
    """Write files, with their names as their content."""
    for name in (*names, *contents):
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get(name, f"{name}\n".encode()))


def jar(app: Path, *names: str, **files: bytes) -> None:
    """Write JARs or ZIPs that hold these files, or a class."""
    for name in names:
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zip_of(files or {"example/Handler.class": name.encode()}))


def make_base(app: Path, **settings: str) -> tuple[Base, str]:
    """Make a base and return it with all that was printed."""
    shown = io.StringIO()
    return make(app, Report(Console(shown, shown)), **settings), shown.getvalue()


def refusal(app: Path, **settings: str) -> str:
    """Return the text of the error that no base can be made with."""
    with pytest.raises(InputError) as caught:
        make_base(app, **settings)
    return f"{caught.value.what}\n{caught.value.why}\n{caught.value.todo}"
