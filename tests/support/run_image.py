"""A run image: a root folder with a shell and the libraries that run images have, and no Python.

It is made of what is on this machine, and holds no more than what Heroku's run images hold since heroku-24.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

PROGRAMS = ("bash", "sh", "env", "cat", "readlink")

# What Debian's packages libexpat1, libffi8, libssl3, zlib1g, libbz2-1.0, liblzma5 and libuuid1 are there for.
LIBRARIES = re.compile(
    r"lib(c|m|dl|pthread|rt|util|resolv|expat|ffi|ssl|crypto|z|bz2|lzma|uuid|zstd)\.so\.[\d.]+"
)
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class RunImage:
    """The root folder, and how a process is started in it."""

    def __init__(self, root: Path, change_root: tuple[str, ...]) -> None:
        self.root = root
        self._change_root = change_root

    def run(
        self, *command: str, environment: Mapping[str, str], cwd: str = "/app"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in a folder of the image."""
        script = 'cd "$1" || exit; shift; exec "$@"'
        return subprocess.run(
            [*self._change_root, self.root, "/bin/bash", "-c", script, "bash", cwd, *command],
            env={"PATH": "/usr/bin:/bin", **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )


def make_run_image(root: Path) -> RunImage:
    """Make the root folder; skip the test where nobody may change the root, but never in CI."""
    (root / "usr/bin").mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    for name in PROGRAMS:
        program = shutil.which(name, path="/usr/bin:/bin")
        assert program is not None, f"{name} is missing"
        _copy(program, root)
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for path in re.findall(r"(/\S+) \(0x", linked):
            _copy(path, root)
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r" => (/\S+)", listed):
        if LIBRARIES.fullmatch(Path(path).name):
            _copy(path, root)
    if Path(CERTIFICATES).exists():
        _copy(CERTIFICATES, root)
    (root / "tmp").mkdir()
    chroot = shutil.which("chroot", path=f"{os.defpath}:/usr/sbin:/sbin") or "chroot"
    change_root = (chroot,) if os.geteuid() == 0 else ("unshare", "--map-root-user", chroot)
    image = RunImage(root, change_root)
    tried = image.run("env", environment={}, cwd="/")
    if "Operation not permitted" in tried.stderr:
        why = f"needs to change the root folder, which root and user namespaces allow: {tried.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(f"{why}; in CI nothing may be skipped")
        pytest.skip(why)
    assert (tried.returncode, tried.stderr) == (0, "")
    return image


def _copy(path: str, root: Path) -> None:
    """Copy a file to the same place below the root, under its own name even if it is a link."""
    target = root / path.lstrip("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
