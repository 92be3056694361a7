"""The apps that are deployed, made or installed into a work folder and reused by the next run.

What they are made of is pinned in inputs/: a package-lock.json for each Node.js app, a pom.xml for each
JAR, a lock file for the AWS CLI. `made` are apps of files that need no network, for a quick run.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

RECIPES = Path(__file__).resolve().parent / "inputs"
MB = 1_000_000

_JAR = Path("target", "app.jar")
_DATE = (2024, 1, 1, 0, 0, 0)
_SIGNATURES = (".SF", ".RSA", ".DSA", ".EC")


class InputsError(Exception):
    """An input that can't be made, or that is not what it should be."""


@dataclass(frozen=True)
class App:
    """An app as it is when its language's buildpack is done with it."""

    title: str
    folder: Path
    files: int  # of the app, or in the JAR
    size: int  # bytes of all these
    jar: Path | None = None  # in the folder
    to_original: float | None = None  # the most a deploy of it may take of the original's time

    @property
    def runtime(self) -> str:
        """Return the Lambda runtime."""
        return "java21" if self.jar else "nodejs20.x"


def installed(work: Path) -> tuple[App, App, App, App]:
    """Return the small and the large Node.js app, and the fat and the big JAR, of real libraries."""
    _need("node", "npm", "java", "mvn")
    return (
        _nodejs(work, "nodejs-small", "small Node.js app", size=(4, 7), files=(500, 1_500)),
        replace(
            _nodejs(work, "nodejs-large", "large Node.js app", size=(130, 170), files=(9_000, 12_000)),
            to_original=0.15,
        ),
        replace(_java(work, "jar-fat", "fat JAR", size=(100, 140), zipped=(45, 50)), to_original=0.5),
        _java(work, "jar-big", "big JAR", size=(235, 262), zipped=(60, 200)),
    )


def made(work: Path) -> tuple[App, App, App]:
    """Return a small Node.js app, a small JAR, and one that has to go via S3, all of made-up files."""

    def nodejs(folder: Path) -> None:
        (folder / "package.json").write_text('{"name": "made", "version": "1.0.0"}\n')
        (folder / "index.js").write_text("exports.handler = async () => 1\n")
        for name, content in _made_up_files(200, 10_000):
            path = folder / "node_modules" / f"{name}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def java(count: int, size: int) -> Callable[[Path], None]:
        def make(folder: Path) -> None:
            (folder / "pom.xml").write_text("<project/>\n")
            (folder / "target").mkdir()
            with zipfile.ZipFile(folder / _JAR, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as jar:
                _write(jar, "META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n")
                for name, content in _made_up_files(count, size):
                    _write(jar, f"com/example/{name}.class", content)

        return make

    return (
        _app("small Node.js app", _once(work / "made-nodejs", nodejs)),
        _app("fat JAR", _once(work / "made-jar-fat", java(200, 10_000)), _JAR),
        _app("big JAR", _once(work / "made-jar-big", java(4, 27 * MB)), _JAR),
    )


def aws_cli(work: Path) -> Path:
    """Install the AWS CLI into a virtual environment of its own and return where its programs are."""
    lock = RECIPES / "aws-cli" / "requirements.lock"

    def install(folder: Path) -> None:
        _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], folder)
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
        _run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], folder)

    return _once(work / "aws-cli", install, lock, movable=False) / "bin"


def copy_app(app: App, folder: Path) -> Path:
    """Copy an app into a folder that is not there yet."""
    shutil.copytree(app.folder, folder, symlinks=True)
    return folder


def tree_size(folder: Path) -> int:
    """Return the bytes of all files below a folder, those of links being what they say."""
    return sum(path.lstat().st_size for path in _files(folder))


def _nodejs(work: Path, name: str, title: str, *, size: tuple[int, int], files: tuple[int, int]) -> App:
    recipe = RECIPES / name

    def install(folder: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(recipe / file, folder)
        (folder / "index.js").write_text("exports.handler = async () => 1\n")
        _run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"], folder)

    app = _app(title, _once(work / name, install, recipe / "package-lock.json"))
    _check(f"{title}: MB", app.size // MB, size)
    _check(f"{title}: files", app.files, files)
    return app


def _java(work: Path, name: str, title: str, *, size: tuple[int, int], zipped: tuple[int, int]) -> App:
    recipe = RECIPES / name

    def build(folder: Path) -> None:
        shutil.copy(recipe / "pom.xml", folder)
        libraries = folder / "target" / "libraries"
        maven = ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        _run([*maven, f"-DoutputDirectory={libraries}"], folder)
        merge(sorted(libraries.glob("*.jar")), folder / _JAR)
        shutil.rmtree(libraries)

    app = _app(title, _once(work / name, build, recipe / "pom.xml"), _JAR)
    _check(f"{title}: MB unzipped", app.size // MB, size)
    _check(f"{title}: MB", (app.folder / _JAR).stat().st_size // MB, zipped)
    return app


def merge(libraries: list[Path], jar: Path) -> None:
    """Merge JARs into one: of several files of one name the first stays, and no signature."""
    taken = {"META-INF/MANIFEST.MF"}
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as merged:
        _write(merged, "META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n")
        for path in libraries:
            with zipfile.ZipFile(path) as library:
                for entry in library.infolist():
                    name = entry.filename
                    signature = name.startswith("META-INF/") and name.upper().endswith(_SIGNATURES)
                    if not (entry.is_dir() or signature or name in taken):
                        taken.add(name)
                        _write(merged, name, library.read(entry))


def _app(title: str, folder: Path, jar: Path | None = None) -> App:
    if jar is None:
        return App(title, folder, sum(1 for _ in _files(folder)), tree_size(folder))
    with zipfile.ZipFile(folder / jar) as archive:
        entries = archive.infolist()
    return App(title, folder, len(entries), sum(entry.file_size for entry in entries), jar)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in [*names, *links])


def _once(
    folder: Path, make: Callable[[Path], None], recipe: Path | None = None, *, movable: bool = True
) -> Path:
    """Have a folder made, unless it is there and was made by the same recipe; return it."""
    stamp = folder.with_name(f"{folder.name}.stamp")
    made_by = hashlib.sha256(
        b"".join(path.read_bytes() for path in (Path(__file__), recipe) if path is not None)
    ).hexdigest()
    if stamp.exists() and stamp.read_text() == made_by:
        return folder
    print(f"Making {folder.name}", file=sys.stderr)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    new = folder.with_name(f"{folder.name}.new") if movable else folder
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    make(new)
    if movable:
        new.rename(folder)
    stamp.write_text(made_by)
    return folder


def _made_up_files(count: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Make files that compress as little as a JAR's do, the same ones each time."""
    source = random.Random(1)  # noqa: S311 - no secret
    for number in range(count):
        yield f"package-{number % 10}/file-{number}", source.randbytes(size // 2) + b" " * (size // 2)


def _write(jar: zipfile.ZipFile, name: str, content: bytes) -> None:
    jar.writestr(zipfile.ZipInfo(name, _DATE), content, jar.compression)


def _check(what: str, value: int, expected: tuple[int, int]) -> None:
    least, most = expected
    if not least <= value <= most:
        raise InputsError(f"{what}: {value}, which is not between {least} and {most}.")


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise InputsError(f"Not found on PATH, and needed to make the inputs: {', '.join(missing)}")


def _run(words: list[str], folder: Path) -> None:
    result = subprocess.run(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise InputsError(f"{' '.join(words)}: exit status {result.returncode}\n{result.stdout}")
