"""Makes or finds the base of an app, once, at build time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deploy import __version__
from deploy.artifact import base as bases
from deploy.artifact.base import BASE_ZIP, BUILD_FILE, FOLDER, Base
from deploy.build import folder, named, nodejs
from deploy.build.java import app as java
from deploy.build.python import app as python
from deploy.build.python.wheels import Pip
from deploy.build.version import find_version
from deploy.errors import DeployError, InputError
from deploy.target.settings import Settings
from deploy.text import megabytes

if TYPE_CHECKING:
    from deploy.build.named import Named
    from deploy.build.result import Made
    from deploy.output import Report

# A line for each kind of app: its name, its name for people, and its build files. bin/detect reads it, too.
# A Java app often has a package.json for its front end, a Node.js app hardly ever a pom.xml: Java goes first.
KINDS = Path(__file__).with_name("kinds.txt")
OTHER = "other"  # anything that is named as the artifact
NO_SETTINGS = Settings()
NO_PIP_SETTINGS = Pip()


def make(
    app: Path,
    output: Report,
    settings: Settings = NO_SETTINGS,
    *,
    pip: Pip = NO_PIP_SETTINGS,
    source_version: str | None = None,
    stack: str | None = None,
) -> Base:
    """Make or find the base of an app, and write build.json. `pip` is for the dependencies of a Python app.

    Raise InputError if there is nothing to deploy, or if it can't be deployed.
    """
    folder.prepare(app)
    artifact = named.read_name(app, settings)
    kind = _kind(app, artifact)
    made = _make(app, kind, artifact, settings=settings, pip=pip, output=output)
    base = Base(
        kind,
        made.path,
        made.written.sha256.hex(),
        made.written.size,
        made.written.unzipped_size,
        made.written.entries,
        made.compression,
        __version__,
        source_version,
        stack,
        made.runtime,
        made.architecture,
        find_version(app, kind),
    )
    try:
        bases.write(app, base)
    except OSError as error:
        raise folder.explain(app, error, app / BUILD_FILE) from None
    size, unzipped = megabytes(base.size), megabytes(base.unzipped_size)
    output.detail(f"{base.base}: {size}, {base.entries} entries, {unzipped} unzipped")
    return base


def _kind(app: Path, artifact: Named | None) -> str:
    """Return the kind of the app, by the first file that is there of those that bin/detect looks for."""
    kinds = [line.split() for line in KINDS.read_text(encoding="ascii").splitlines()]
    for kind, _, *names in kinds:
        if any((app / name).is_file() for name in names):
            return kind
    if artifact:
        return OTHER
    *others, last = (name for _, _, *names in kinds for name in names)
    raise InputError(
        "There is no Java, Node.js or Python app here, and no artifact is named.",
        why=f"Looked for {', '.join(others)} and {last}.",
        todo="To deploy anything else, a ZIP, a folder or a program, write its path into .lambda-artifact.",
    )


def _make(
    app: Path, kind: str, artifact: Named | None, *, settings: Settings, pip: Pip, output: Report
) -> Made:
    """Make or find the base of an app of this kind, or of the artifact that is named."""
    try:
        if artifact:
            return named.make(app, kind, artifact, output)
        if kind == "java":
            return java.find(app, output)
        if kind == "python":
            return python.make(app, settings, pip, output)
        return nodejs.make(app, output)
    except OSError as error:
        shown = folder.shown_path(app, error, app / BASE_ZIP)
        if isinstance(error, folder.IN_THE_WAY) and shown.startswith(f"{FOLDER}/"):
            raise folder.explain(app, error, app / BASE_ZIP) from None
        raise DeployError(
            f"{shown}: {error.strerror}.",
            why="The base could not be made.",
        ) from None
