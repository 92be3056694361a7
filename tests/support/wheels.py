"""Wheels in a folder, which pip takes for its index."""

import base64
import hashlib
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from deploy.build.python.wheels import Pip


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
    files: Mapping[str, str] | None = None,
) -> Path:
    """Make a wheel with a module that says for which tag it was made."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    extras = {part for requirement in requires for part in re.findall(r'extra == "(\w+)"', requirement)}
    requirements = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    requirements += "".join(f"Provides-Extra: {extra}\n" for extra in sorted(extras))
    contents = {
        f"{name}/__init__.py": f"TAG = {tag!r}\n",
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirements}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in contents.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{entry},sha256={digest},{len(text)}\n"
            archive.writestr(entry, text)
        archive.writestr(f"{info}/RECORD", record)
    return path


def pack_pip(folder: Path) -> Path:
    """Make a wheel of the pip that is installed here, as version 1.0."""
    real = next(Path(sys.prefix).glob("lib/python3*/site-packages/pip"))
    wheel = folder / "pip-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in real.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, f"pip/{path.relative_to(real)}")
    return wheel


def hash_of(wheel: Path) -> str:
    """Return the hash of a wheel as a requirements.txt has it."""
    return f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def pip_of(folder: Path, **variables: str) -> Pip:
    """Return a pip that takes its packages from a folder, and knows no other place."""
    folder.mkdir(exist_ok=True)
    return Pip({"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PATH": "/nowhere", **variables})
