"""Cuts botocore's data down to what a deploy loads: botocore_data.py <botocore/data> <service>...

The data of all services are three quarters of botocore, their documentation is most of what then is left,
and the endpoints of all services take longer to read than the rest of a client.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

EXAMPLES = ("examples-1.json", "examples-1.json.gz")


def prune(data: Path, services: frozenset[str]) -> None:
    """Keep the newest model of each of the services, without its documentation, and their endpoints."""
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for service in services & {folder.name for folder in data.iterdir()}:
        *older, newest = sorted(version for version in (data / service).iterdir() if version.is_dir())
        for version in older:
            shutil.rmtree(version)
        for name in EXAMPLES:
            (newest / name).unlink(missing_ok=True)
        _rewrite(newest / "service-2.json.gz", _without_documentation)
    _rewrite(data / "endpoints.json", lambda endpoints: _only(endpoints, services))


def _rewrite(path: Path, change: Any) -> None:  # noqa: ANN401 - from JSON to JSON
    """Change a file of JSON, compressed or not, to the same bytes each time."""
    if not path.exists():
        return
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
    for partition in endpoints.get("partitions", ()):
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in services
        }
    return endpoints


if __name__ == "__main__":
    prune(Path(sys.argv[1]), frozenset(sys.argv[2:]))
