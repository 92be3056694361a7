"""The Lambda package of the tools: this package, and of its dependencies what its handlers load.

All of it is Python, so it runs on any of Lambda's Python runtimes and on both architectures. It is stored
and not compressed, because what zlib makes differs between systems, and a function should only change if the
tools do.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError
from deploy.files import replacing
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OURS = "deploy"
DEPENDENCIES = ("botocore", "dateutil", "jmespath", "six", "urllib3")
DATA = "botocore/data"
MODEL = "service-2.json"
# Documentation, and what is made for one interpreter.
LEFT_OUT = ("__pycache__", "examples-1.json", "examples-1.json.gz", "py.typed")
# No handler needs these, and a slug has no code for builds.
OF_OTHER_STAGES = ("deploy/build/", "deploy/local/")
COMPILED = (".so", ".pyd", ".dylib")
MIDNIGHT = (1980, 1, 1, 0, 0, 0)
UNIX = 3
MODE = 0o100644


def write_tools(path: Path, services: Iterable[str]) -> tuple[str, int]:
    """Write the package with the API models of these services; return its CodeSha256 and its size in bytes.

    The same installation gives the same bytes. Raise InputError if something that it needs is not here, or
    DeployError if it can't be written.
    """
    files = dict(sorted(_files(services)))
    try:
        with replacing(path, 0o644) as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, source in files.items():
                    info = zipfile.ZipInfo(name, MIDNIGHT)
                    info.create_system, info.external_attr = UNIX, MODE << 16
                    archive.writestr(info, source.read_bytes())
            size = file.tell()
        with path.open("rb") as written:
            sha256 = hashlib.sha256()
            while piece := written.read(1024 * 1024):
                sha256.update(piece)
    except OSError as error:
        shown = printable(str(path))
        raise DeployError(f"The package can't be written to {shown}: {error.strerror}.") from None
    return base64.b64encode(sha256.digest()).decode("ascii"), size


def _files(services: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield the name of each file in the package, and where it is here."""
    for module in (OURS, *DEPENDENCIES):
        for name, path in _files_of(module):
            if name.startswith(OF_OTHER_STAGES):
                continue
            if not name.startswith(f"{DATA}/") or name.count("/") == 2:  # noqa: PLR2004 - no model
                yield name, path
    data = _place("botocore") / "data"
    for service in services:
        model = _newest_model(data / service)
        for path in model.iterdir():
            if path.name not in LEFT_OUT:
                yield f"{DATA}/{service}/{model.name}/{path.name}", path


def _files_of(module: str) -> Iterator[tuple[str, Path]]:
    place = _place(module)
    if place.is_file():
        yield place.name, place
        return
    for path in place.rglob("*"):
        parts = path.relative_to(place).parts
        if path.is_dir() or any(part in LEFT_OUT for part in parts):
            continue
        if path.suffix in COMPILED:
            raise InputError(
                f"{module} is compiled for this machine here, so it does not run on all of Lambda's.",
                todo="Install it from PyPI, which has it in Python alone, or use a virtual environment.",
            )
        yield "/".join((module, *parts)), path


def _place(module: str) -> Path:
    """Return the folder or the file of a module, without importing it."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise InputError(f"The Python module {module} is not installed here.")
    origin = Path(found.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _newest_model(folder: Path) -> Path:
    versions = sorted(each for each in folder.glob("*") if any(each.glob(f"{MODEL}*")))
    if not versions:
        raise InputError(
            f"The botocore here has no model of the service {folder.name}.",
            todo="Use `lambda-deploy` as pip, pipx or uv installs it.",
        )
    return versions[-1]
