"""A base has the same bytes with each Python; with the one that runs the tests: tests/unit/build/zip."""

import json
import os
import subprocess
import sys
from pathlib import Path

import deflate

from golden_base import GOLDEN, corpus
from paths import REPOSITORY


def test_every_python_on_this_machine_makes_the_same_bytes(tmp_path: Path) -> None:
    """Each with its own zlib, and the compression library as the build installs it for that one."""
    uv = Path(sys.executable).with_name("uv")
    # pyenv and the like keep them in folders side by side.
    beside = sorted(Path(sys.base_prefix).parent.glob("*/bin"))
    found = subprocess.run(
        [uv, "python", "list", "--only-installed", "--output-format", "json"],
        env={**os.environ, "PATH": os.pathsep.join([*map(str, beside), os.environ["PATH"]])},
        capture_output=True,
        check=True,
    )
    pythons: dict[str, str] = {}
    for python in json.loads(found.stdout):
        if python["implementation"] == "cpython" and python["version_parts"]["minor"] >= 10:
            pythons.setdefault(python["version"], python["path"])
    files = [(file.name, file.path, file.size) for file in corpus(tmp_path)]
    program = f"""
import sys
sys.path[:0] = sys.argv[1:]
from deploy.build.zip.compression import SourceFile, create
files = [SourceFile(name, path, size=size) for name, path, size in {files}]
print(create(files, open("/dev/null", "wb")).sha256.hex())
"""
    said = {}
    for version, python in pythons.items():
        folder = tmp_path / f"packages-{version}"
        # By pip, as all else is installed: it knows the machine's index and certificates.
        pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder]
        pip += ["--python-version", version, "--implementation", "cp", "--only-binary", ":all:", "--no-deps"]
        subprocess.run([*pip, f"deflate=={deflate.__version__}"], check=True)
        ran = subprocess.run(
            [python, "-I", "-c", program, REPOSITORY, folder], capture_output=True, text=True, check=True
        )
        said[version] = ran.stdout.strip()
    assert said == dict.fromkeys(pythons, GOLDEN)
    assert said
