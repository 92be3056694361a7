"""Apps in a folder, and their bases, made in this process."""

import io
import os
from pathlib import Path

import pytest

from deploy.artifact.base import Base
from deploy.build.maker import make
from deploy.build.python.wheels import Pip
from deploy.errors import InputError
from deploy.output import Report
from deploy.target.pip import read_pip_variables
from deploy.target.settings import Settings
from deploy.terminal import Console
from zips import zip_of


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


def make_base(app: Path, *, pip: Pip | None = None, **settings: str) -> tuple[Base, str]:
    """Make a base with these settings and return it with all that was printed."""
    shown = io.StringIO()
    provenance = {name: settings.pop(name, None) for name in ("source_version", "stack")}
    pip = pip or Pip(read_pip_variables(os.environ))
    base = make(app, Report(Console(shown, shown)), Settings(**settings), pip=pip, **provenance)  # type: ignore[arg-type]
    return base, shown.getvalue()


def refusal(app: Path, *, pip: Pip | None = None, **settings: str) -> str:
    """Return the text of the error that no base can be made with."""
    with pytest.raises(InputError) as caught:
        make_base(app, pip=pip, **settings)
    return f"{caught.value.what}\n{caught.value.why}\n{caught.value.todo}"
