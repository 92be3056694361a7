"""Cuts botocore's data down to what a deploy loads: botocore_data.py <botocore/data> <service>...

The data of all services are three quarters of botocore, their documentation is most of what then is left,
and the endpoints of all services take longer to read than the rest of a client.

Where botocore has no data of one of the services, it prints which and exits with 1.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "service-2.json.gz"
EXAMPLES = ("examples-1.json", "examples-1.json.gz")


class MissingServiceError(Exception):
    """Botocore has no data of a service that deploys call."""


def main(arguments: list[str]) -> int:
    """Cut the data and return the exit status."""
    try:
        prune(Path(arguments[0]), frozenset(arguments[1:]))
    except MissingServiceError as error:
        print(error)
        return 1
    return 0


def prune(data: Path, services: frozenset[str]) -> None:
    """Keep the newest model of each of the services, without its documentation, and their endpoints."""
    newest_versions = [_newest_version(data, service) for service in sorted(services)]
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for newest in newest_versions:
        for version in newest.parent.iterdir():
            if version.is_dir() and version != newest:
                shutil.rmtree(version)
        for name in EXAMPLES:
            (newest / name).unlink(missing_ok=True)
        _rewrite(newest / MODEL, _without_documentation)
    _rewrite(data / "endpoints.json", lambda endpoints: _only(endpoints, services))


def _newest_version(data: Path, service: str) -> Path:
    """Return the folder of the newest version of a service's model."""
    folder = data / service
    if not folder.is_dir():
        raise MissingServiceError(f'There is no service "{service}" in it.')
    versions = [version for version in folder.iterdir() if version.is_dir()]
    if not versions:
        raise MissingServiceError(f'There is no version of the service "{service}" in it.')
    newest = max(versions)
    if not (newest / MODEL).is_file():
        raise MissingServiceError(f'There is no {MODEL} of the service "{service}" in it.')
    return newest


def _rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a file of JSON, compressed or not, to the same bytes each time."""
    packed = path.suffix == ".gz"
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    content = json.dumps(change(json.loads(content)), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)


def _without_documentation(model: Any) -> Any:  # noqa: ANN401 - any JSON
    """Empty the texts; a member of a shape may have this name too, and is no text."""
    if isinstance(model, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else _without_documentation(value)
            for name, value in model.items()
        }
    if isinstance(model, list):
        return [_without_documentation(value) for value in model]
    return model


def _only(endpoints: Any, services: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON
    """Leave out the endpoints of the other services, in each partition."""
    return {
        **endpoints,
        "partitions": [
            {
                **partition,
                "services": {
                    name: service for name, service in partition["services"].items() if name in services
                },
            }
            for partition in endpoints["partitions"]
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
