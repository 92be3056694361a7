"""Writes the layers of a Cloud Native Buildpack, started with -I -S.

layers.py write <app> <layers>                      moves <app>/.lambda-deploy into layers
layers.py sbom <lock> <file> [<name>...]            lists what the lock file has, except these packages
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable

SLUG = ".lambda-deploy"
ARTIFACT = f"{SLUG}/artifact"  # what is the base if that is one of the app's own files

# What the launcher of an image exports to the processes of the app: that this is a container of the app's.
MARK = "_DEPLOY_IMAGE"

# The process types for which the variables are noted that other buildpacks set.
NOTED = ("deploy", "release")


def write(app: str, layers: str) -> None:
    """Move what a build made in the app's folder into a layer each, so that none of it is left there.

    The layer `base` is laid out as a slug: the launcher finds all that it needs beside itself.
    """
    slug, folders = Path(app, SLUG), Path(layers)
    parts = {"runtime": folders / "runtime/runtime", "python": folders / "interpreter/python"}
    base = folders / "base"
    for folder in (folders / "runtime", folders / "interpreter", base):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for name, target in parts.items():
        shutil.move(slug / name, target)
    _move_base(Path(app), base)
    for name, target in parts.items():
        (base / SLUG / name).symlink_to(os.path.relpath(target, base / SLUG))
    (base / "bin").mkdir()
    (base / "bin/deploy").symlink_to(f"../{SLUG}/bin/deploy")
    for process in NOTED:
        folder = base / "exec.d" / process
        folder.mkdir(parents=True)
        shutil.copy(base / SLUG / "notes", folder / "notes")
    (base / SLUG / "notes").unlink()
    (base / "env.launch").mkdir()
    (base / "env.launch" / MARK).write_text("1", encoding="ascii")
    for name in ("interpreter", "runtime", "base"):
        _declare(folders / name)


def _move_base(app: Path, layer: Path) -> None:
    """Move the rest of the slug into a layer, with a copy of the base if that is one of the app's own files.

    The copy gets a place of its own: at the top of a layer, `bin` and `env.launch` mean something.
    """
    shutil.move(app / SLUG, layer / SLUG)
    build_file = layer / SLUG / "build.json"
    build = json.loads(build_file.read_text(encoding="utf-8"))
    if not (layer / build["base"]).exists():
        base = f"{ARTIFACT}/{Path(build['base']).name}"
        (layer / ARTIFACT).mkdir()
        shutil.copyfile(app / build["base"], layer / base)
        build_file.write_text(f"{json.dumps({**build, 'base': base}, indent=2)}\n", encoding="ascii")


def _declare(layer: Path) -> None:
    """Write <layer>.toml, and leave out the content if the image of the last build has the same.

    The lifecycle has restored the file of that build, and reuses its layer where there is no folder.
    """
    digest, metadata = _digest(layer), layer.with_suffix(".toml")
    before = metadata.read_text(encoding="utf-8") if metadata.exists() else ""
    if f'digest = "{digest}"' in before.splitlines():
        shutil.rmtree(layer)
        print(f"       Reusing the layer {layer.name}")
    else:
        print(f"       Made the layer {layer.name}")
    metadata.write_text(f'[types]\nlaunch = true\n\n[metadata]\ndigest = "{digest}"\n', encoding="ascii")


def _digest(folder: Path) -> str:
    """Return a sum of all that is in a folder: names, modes, contents and targets of links."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=os.fsencode):
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        else:
            content = path.read_bytes() if path.is_file() else b""
        mode = path.lstat().st_mode
        total.update(os.fsencode(f"{path.relative_to(folder)}\0{mode:o}\0"))
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def sbom(lock: str, file: str, *left_out: str) -> None:
    """Write a software bill of materials (CycloneDX 1.5, JSON) of the locked packages."""
    text = Path(lock).read_text(encoding="ascii")
    components = []
    for name, version, rest in re.findall(r"^([\w.-]+)==([\w.+!-]+)(.*(?:\n .*)*)", text, re.MULTILINE):
        if name in left_out:
            continue
        purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}"
        components.append(
            {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "purl": purl,
                # One of these is the wheel that was installed.
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": f"https://pypi.org/project/{name}/{version}/",
                        "hashes": [
                            {"alg": "SHA-256", "content": content}
                            for content in re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
                        ],
                    }
                ],
            }
        )
    serial = uuid5(NAMESPACE_URL, json.dumps(components))
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "components": components,
    }
    Path(file).write_text(f"{json.dumps(bill, indent=2)}\n", encoding="ascii")


COMMANDS: dict[str, Callable[..., None]] = {"write": write, "sbom": sbom}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
