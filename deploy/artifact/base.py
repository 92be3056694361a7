"""The base: the built artifact without config, as the build left it in the slug.

Of a Node.js or Python app, or a folder that is named, it is `.lambda-deploy/base.zip`, with the files at its
root. A JAR or ZIP that the app's own build left is the base unchanged. `.lambda-deploy/build.json` names it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.errors import InputError
from deploy.files import replacing

FOLDER = ".lambda-deploy"
BASE_ZIP = f"{FOLDER}/base.zip"
BUILD_FILE = f"{FOLDER}/build.json"
LARGEST = 1 << 62  # no file has as many bytes, or entries


@dataclass(frozen=True)
class Base:
    """What a build made, as build.json keeps it. Sizes are in bytes, `base` is a path in the app.

    `compression` names the library, its version and the level if the buildpack compressed the base: others
    make other bytes of the same files. `runtime` and `architecture` are what the function has to have, if
    the base does not run on any. `version` is the app's own, as package.json or its like has it.
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
    runtime: str | None = None
    architecture: str | None = None
    version: str | None = None


def read(app: Path) -> Base:
    """Read what the build left in a slug.

    Raise InputError if the slug was not built by the buildpack. Whether the base is unchanged is checked when
    it is read to make a package.
    """
    try:
        base = Base(**json.loads(_read_file(app / BUILD_FILE)))
        _check(base, app)
    except FileNotFoundError:
        raise InputError(
            f"There is no {BUILD_FILE} here: this app has not been built by the buildpack.",
            todo="Push the app with the buildpack added, or build it here: `lambda-deploy build`",
        ) from None
    except OSError as error:
        raise InputError(f"{BUILD_FILE} can't be read: {error.strerror}.") from None
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            f"{BUILD_FILE} is not what the buildpack writes: another version made it.",
            todo="Push the app again, so that it is built again.",
        ) from None
    return base


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise ValueError
    return path.read_bytes()


def _check(base: Base, app: Path) -> None:
    """Raise ValueError if a value is not one that a build writes, or the base is not in the app."""
    texts = (base.kind, base.base, base.sha256, base.buildpack_version)
    texts_or_none = (
        base.compression,
        base.runtime,
        base.architecture,
        base.source_version,
        base.stack,
        base.version,
    )
    numbers = (base.size, base.unzipped_size, base.entries)
    if not (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in texts_or_none)
        and all(type(number) is int and 0 <= number <= LARGEST for number in numbers)
    ):
        raise ValueError
    # Path.resolve would raise for a loop of links.
    if not Path(os.path.realpath(app / base.base)).is_relative_to(os.path.realpath(app)):
        raise ValueError


def write(app: Path, base: Base) -> None:
    """Write build.json."""
    with replacing(app / BUILD_FILE, 0o644) as file:
        file.write(f"{json.dumps(asdict(base), indent=2)}\n".encode())
