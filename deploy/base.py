"""The base: the built artifact without config, as the build left it in the slug.

Node.js: `.lambda-deploy/base.zip`, the app's files at the root of a ZIP. Java: the JAR that the build
left. `.lambda-deploy/build.json` says which.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from deploy.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BASE_ZIP", "BUILD_FILE", "FOLDER", "Base", "read", "write"]

FOLDER = ".lambda-deploy"
BASE_ZIP = f"{FOLDER}/base.zip"
BUILD_FILE = f"{FOLDER}/build.json"


@dataclass(frozen=True)
class Base:
    """What a build made, as build.json keeps it. Sizes are in bytes, `base` is a path in the app.

    `compression` says what compressed the base, where the buildpack did: another library or level would
    make other bytes of the same files.
    """

    kind: str
    base: str
    sha256: str
    size: int
    unzipped_size: int
    entries: int
    compression: str | None
    buildpack_version: str
    source_version: str | None
    stack: str | None


def read(app: Path) -> Base:
    """Read what the build left in a slug.

    Raises InputError where the slug was not built by us. Whether the base still is what it was, `build` of
    deploy.package tells, which reads it anyway.
    """
    try:
        base = Base(**json.loads((app / BUILD_FILE).read_text(encoding="utf-8")))
        is_inside = (app / base.base).resolve().is_relative_to(app.resolve())
    except FileNotFoundError:
        raise InputError(
            f"There is no {BUILD_FILE} here: this app has not been built by the buildpack.",
            todo="Push the app with the buildpack added, or run bin/compile on it.",
        ) from None
    except (OSError, ValueError, TypeError, RecursionError):
        raise _not_ours() from None
    if not is_inside:
        raise _not_ours()
    return base


def write(app: Path, base: Base) -> None:
    """Write build.json, whole or not at all."""
    path = app / BUILD_FILE
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(f"{json.dumps(asdict(base), indent=2)}\n", encoding="utf-8")
    unfinished.chmod(0o644)
    unfinished.replace(path)


def _not_ours() -> InputError:
    return InputError(
        f"{BUILD_FILE} is not what the buildpack writes: another version made it.",
        todo="Push the app again, so that it is built anew.",
    )
