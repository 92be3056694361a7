"""The buildpack's scripts, run as a platform runs them, and what tests run them on.

A platform promises little: the PATH here holds nothing but links to the programs that the buildpack
is allowed to need, so the first one that it needs beyond those makes a test fail.

Two buildpacks are tested. The real one is the repository. The small one has the same scripts, but a
deploy package that only tells how it was started, and one dependency that comes from a folder
instead of the network: it is quick, and it can be broken in every way.
"""

import base64
import gzip
import hashlib
import json
import shutil
import stat
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from paths import REPOSITORY
from zips import zip_of

ROOT = REPOSITORY

# Bash, coreutils, diffutils, findutils, grep and sed: every stack has them.
PROGRAMS = """
bash cat chmod cmp cp cut dirname env find grep mkdir mktemp mv readlink rm sed sh sha256sum sort
tail tr xargs
"""

UNREACHABLE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}


@dataclass(frozen=True)
class Result:
    """How a script ended and what it wrote."""

    status: int
    stdout: str
    stderr: str


def platform(folder: Path, **variables: str) -> dict[str, str]:
    """Make the environment of a build on heroku-24, with a PATH that leads to PROGRAMS alone."""
    programs = folder / "programs"
    if not programs.is_dir():
        programs.mkdir()
        for name in PROGRAMS.split():
            found = shutil.which(name)
            assert found is not None, f"{name} is missing"
            (programs / name).symlink_to(found)
    return {"PATH": str(programs), "LC_ALL": "C.UTF-8", "STACK": "heroku-24", **variables}


def run(
    script: str | Path,
    *arguments: str | Path,
    environment: Mapping[str, str],
    cwd: Path = Path("/"),
    wrapper: tuple[str, ...] = (),
) -> Result:
    """Run a script in just this environment."""
    finished = subprocess.run(
        [*wrapper, script, *arguments],
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    return Result(finished.returncode, finished.stdout, finished.stderr)


@dataclass(frozen=True)
class Build:
    """What bin/compile is given."""

    buildpack: Path
    app: Path
    cache: Path
    env_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def compile(self, wrapper: tuple[str, ...] = (), /, **variables: str) -> Result:
        """Run bin/compile, with these variables added to the environment."""
        return run(
            self.buildpack / "bin/compile",
            self.app,
            self.cache,
            self.env_dir,
            environment={**self.environment, **variables},
            wrapper=wrapper,
        )

    def without(self, *names: str) -> "Build":
        """Leave some variables out of the environment."""
        kept = {name: value for name, value in self.environment.items() if name not in names}
        return replace(self, environment=kept)

    def set_config(self, name: str, value: str) -> None:
        """Set a config var of the app."""
        self.env_dir.mkdir(exist_ok=True)
        (self.env_dir / name).write_text(value)


def make_nodejs_app(folder: Path) -> Path:
    """Make the smallest Node.js function."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "function", "version": "1.0.0"}\n')
    (folder / "index.js").write_text("exports.handler = async () => 'hello';\n")
    return folder


def make_maven_app(folder: Path) -> Path:
    """Make a Java function as `mvn package` leaves it."""
    return _make_java_app(folder, "pom.xml", "target/function-1.0.jar")


def make_gradle_app(folder: Path) -> Path:
    """Make a Java function as `gradle build` leaves it."""
    return _make_java_app(folder, "build.gradle.kts", "build/libs/function-1.0.jar")


def _make_java_app(folder: Path, build_file: str, jar: str) -> Path:
    path = folder / jar
    path.parent.mkdir(parents=True)
    (folder / build_file).touch()
    path.write_bytes(
        zip_of(
            {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n", "Handler.class": b"\xca\xfe\xba\xbe"}
        )
    )
    return folder


def add_python(app: Path) -> Path:
    """Leave a Python in the slug as heroku/python does for an app that has no use for pip."""
    folder = app / ".heroku/python"
    venv.create(folder, with_pip=False, symlinks=True, clear=True)
    return folder / "bin/python3"


def add_python_script(app: Path, text: str) -> Path:
    """Leave a shell script in the interpreter's place; `$REAL` in it is the interpreter."""
    python = add_python(app)
    python.rename(python.with_name("real"))
    python.write_text(f'#!/bin/sh\nREAL="${{0%/*}}/real"\n{text}\n')
    python.chmod(0o755)
    return python


def copy_buildpack(folder: Path) -> Path:
    """Copy what a platform gets of the repository."""
    folder.mkdir()
    for name in ("bin", "lib", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Procfile.template", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


SMALL_MAIN = """\
import json, os, pathlib, sys
told = json.dumps({
    "arguments": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ),
    "executable": sys.executable, "isolated": sys.flags.isolated, "no_site": sys.flags.no_site,
    "path": sys.path, "pid": os.getpid(), "program": __file__, "utf8": sys.flags.utf8_mode,
})
if sys.argv[1:] == ["services"]:
    print("lambda", "s3", "sts", sep="\\n")
elif sys.argv[1:2] == ["build"]:
    pathlib.Path(f"{sys.argv[2]}.told.json").write_text(told)
    print("-----> Making the base")
else:
    print(told)
"""

# What the scripts use of the deploy package before it runs.
SMALL_PARTS = """
build/__init__.py artifact/kinds.txt build/python/__init__.py build/python/pip.lock build/python/pip_wheel.py
target/pip.txt
""".split()

# A member of a shape that is called documentation is no documentation.
SMALL_MODEL = {
    "documentation": "<p>Long.</p>",
    "shapes": {"Tag": {"members": {"documentation": {"shape": "Text", "documentation": "<p>Longer.</p>"}}}},
}

SMALL_SERVICE = gzip.compress(json.dumps({"shapes": {}}).encode(), mtime=0)

SMALL_DEPENDENCY: dict[str, str | bytes] = {
    "deflate/__init__.py": "",
    "boto3/__init__.py": "",
    "boto3/data/resources.json": "{}",
    "boto3/examples/example.rst": "",
    "botocore/__init__.py": "",
    "botocore/cacert.pem": "-" * 200_000,
    "botocore/data/endpoints.json": json.dumps({"partitions": [{"services": {"ec2": {}, "lambda": {}}}]}),
    "botocore/data/ec2/2016-11-15/service-2.json.gz": "",
    "botocore/data/lambda/2014-11-11/service-2.json.gz": "",
    "botocore/data/lambda/2015-03-31/examples-1.json": "{}",
    "botocore/data/lambda/2015-03-31/service-2.json.gz": gzip.compress(
        json.dumps(SMALL_MODEL).encode(), mtime=0
    ),
    "botocore/data/s3/2006-03-01/service-2.json.gz": SMALL_SERVICE,
    "botocore/data/sts/2011-06-15/service-2.json.gz": SMALL_SERVICE,
    "boto3-1.0.dist-info/entry_points.txt": "[console_scripts]\nboto = boto3:main\n",
}


def make_small_buildpack(folder: Path) -> Path:
    """Make a buildpack of the real scripts whose only dependency lies in its folder `wheels`."""
    copy_buildpack(folder)
    shutil.rmtree(folder / "deploy")
    (folder / "deploy").mkdir()
    (folder / "deploy/__init__.py").touch()
    (folder / "deploy/__main__.py").write_text(SMALL_MAIN)
    for name in SMALL_PARTS:
        (folder / "deploy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "deploy" / name, folder / "deploy" / name)

    (folder / "wheels").mkdir()
    lock_wheel(folder, SMALL_DEPENDENCY)
    return folder


def lock_wheel(
    buildpack: Path, files: Mapping[str, str | bytes], *, name: str = "boto3", tag: str = "py3-none-any"
) -> None:
    """Make a wheel of version 1.0 the small buildpack's only dependency."""
    wheel = buildpack / f"wheels/{name}-1.0-{tag}.whl"
    metadata = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        record = f"{name}-1.0.dist-info/RECORD,,\n"
        for path, text in {**files, **metadata}.items():
            content = text.encode() if isinstance(text, str) else text
            sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            record += f"{path},sha256={sha256.rstrip('=')},{len(content)}\n"
            archive.writestr(zipfile.ZipInfo(path), content)
        archive.writestr(zipfile.ZipInfo(f"{name}-1.0.dist-info/RECORD"), record)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (buildpack / "requirements.lock").write_text(f"{name}==1.0 --hash=sha256:{digest}\n")


def small_build(folder: Path) -> Build:
    """Prepare a first build of a Node.js app with the small buildpack, and a quick pip."""
    folder.mkdir(exist_ok=True)
    buildpack = make_small_buildpack(folder / "buildpack")
    app = make_nodejs_app(folder / "app")
    add_python_script(app, f'exec "{sys.executable}" "$@"')
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(buildpack / "wheels")}
    return Build(buildpack, app, folder / "cache", folder / "env", platform(folder, **index))


def warm_build(folder: Path, cache: Path) -> Build:
    """Prepare a build of a Node.js app with the real buildpack, a warm cache and no network."""
    app = make_nodejs_app(folder / "app")
    add_python(app)
    return Build(ROOT, app, cache, folder / "env", platform(folder, **UNREACHABLE))


def contents(folder: Path) -> dict[str, str]:
    """Describe a tree: the mode of each entry, and what is in it."""
    described = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            what = f"-> {path.readlink()}"
        elif path.is_file():
            what = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            what = ""
        mode = stat.filemode(path.lstat().st_mode)
        described[str(path.relative_to(folder))] = f"{mode} {what}"
    return described
