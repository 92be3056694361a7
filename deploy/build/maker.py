"""Makes or finds the base of an app, once, at build time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy import __version__
from deploy.artifact import base as bases
from deploy.artifact.base import BASE_ZIP, BUILD_FILE, FOLDER, Base
from deploy.artifact.kind import JAVA, KINDS, OTHER, PYTHON, Kind
from deploy.build import folder, named, nodejs
from deploy.build.java import app as java
from deploy.build.python import app as python
from deploy.build.version import find_version
from deploy.errors import DeployError, InputError
from deploy.text import count, megabytes

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.build.named import Named
    from deploy.build.python.wheels import Pip
    from deploy.build.result import Result
    from deploy.output import Report
    from deploy.target.settings import Settings


def make(
    app: Path,
    output: Report,
    settings: Settings,
    *,
    pip: Pip,
    source_version: str | None,
    stack: str | None,
) -> Base:
    """Make or find the base of an app, and write build.json. `pip` is for the dependencies of a Python app.

    Raise InputError if there is nothing to deploy, or if it can't be deployed.
    """
    folder.prepare(app)
    artifact = named.read_name(app, settings)
    kind = _find_kind(app, artifact)
    result = _make(app, kind, artifact, settings=settings, pip=pip, output=output)
    base = Base(
        kind=kind.id,
        base=result.path,
        sha256=result.written.sha256.hex(),
        size=result.written.size,
        unzipped_size=result.written.unzipped_size,
        entries=result.written.entries,
        compression=result.compression,
        buildpack_version=__version__,
        source_version=source_version,
        stack=stack,
        runtime=result.runtime,
        architecture=result.architecture,
        version=find_version(app, kind),
    )
    try:
        bases.write(app, base)
    except OSError as error:
        raise folder.explain(app, error, app / BUILD_FILE) from None
    size, unzipped = megabytes(base.size), megabytes(base.unzipped_size)
    output.detail(f"{base.base}: {size}, {count(base.entries, 'entry', 'entries')}, {unzipped} unzipped")
    return base


def _find_kind(app: Path, artifact: Named | None) -> Kind:
    """Return the kind of the app, by the first file that is there of those that bin/detect looks for."""
    for kind in KINDS:
        if any((app / name).is_file() for name in kind.files):
            return kind
    if artifact:
        return OTHER
    *names, last_name = (kind.name for kind in KINDS if kind is not OTHER)
    *files, last_file = (name for kind in KINDS for name in kind.files)
    raise InputError(
        f"There is no {', '.join(names)} or {last_name} app here, and no artifact is named.",
        why=f"Looked for {', '.join(files)} and {last_file}.",
        todo="To deploy anything else, a ZIP, a folder or a program, write its path into .lambda-artifact.",
    )


def _make(
    app: Path, kind: Kind, artifact: Named | None, *, settings: Settings, pip: Pip, output: Report
) -> Result:
    """Make or find the base of an app of this kind, or of the artifact that is named."""
    try:
        if artifact:
            return named.make(app, kind, artifact, output)
        if kind is JAVA:
            return java.find(app, output)
        if kind is PYTHON:
            return python.make(app, settings, pip, output)
        return nodejs.make(app, output)
    except OSError as error:
        shown = folder.shown_path(app, error, app / BASE_ZIP)
        if isinstance(error, folder.IN_THE_WAY) and shown.startswith(f"{FOLDER}/"):
            raise folder.explain(app, error, app / BASE_ZIP) from None
        raise DeployError(f"{shown}: {error.strerror}.", why="The base could not be made.") from None
