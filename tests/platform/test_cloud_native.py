"""The Cloud Native Buildpack, by a lifecycle of our own: detect, build, layers, processes in the image."""

import io
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import deploy
import simulated
from buildpack import (
    ROOT,
    Result,
    contents,
    copy_buildpack,
    make_maven_app,
    make_nodejs_app,
    make_small_buildpack,
)
from deploy.config.variables import select
from embedded_aws import Function
from image_launcher import read_toml
from lifecycle import USER, Image, Lifecycle
from tools import require

BASE_PYTHON = Path(sysconfig.get_config_var("BINDIR")) / f"python{sysconfig.get_python_version()}"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Return a folder that another user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def python() -> str:
    """Return a Python that the user of a build can start."""
    user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups") if os.geteuid() == 0 else ()
    if user:
        require("setpriv")
    for candidate in (str(BASE_PYTHON), "/usr/bin/python3"):
        command = [
            *user,
            candidate,
            "-c",
            "import os, sys; os.stat(sys.executable); sys.exit(sys.version_info < (3, 10))",
        ]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return candidate
    pytest.fail("there is no Python that another user can start")


# The small deploy package makes a base, too.
WRITE_BASE = """
if sys.argv[1:2] == ["build"]:
    folder = pathlib.Path(sys.argv[2], ".lambda-deploy")
    (folder / "base.zip").write_bytes(b"base")
    (folder / "build.json").write_text('{"base": ".lambda-deploy/base.zip"}')
"""


@pytest.fixture(scope="module")
def small_build(home: Path, python: str) -> Iterator[tuple[Result, Image]]:
    """Return the first build with the small buildpack, whose `deploy` tells how it was started."""
    for lifecycle in make_small(home, python):
        yield lifecycle.build(make_nodejs_app(lifecycle.folder / "app"), **index(lifecycle))


@pytest.fixture
def small(home: Path, python: str) -> Iterator[Lifecycle]:
    """Return a lifecycle with the small buildpack."""
    yield from make_small(home, python)


def make_small(home: Path, python: str) -> Iterator[Lifecycle]:
    """Make a lifecycle with the small buildpack."""
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        folder.chmod(0o755)
        buildpack = make_small_buildpack(folder / "buildpack")
        shutil.copy(ROOT / "buildpack.toml", buildpack)
        with (buildpack / "deploy/__main__.py").open("a") as main:
            main.write(WRITE_BASE)
        yield Lifecycle(buildpack, folder, python)


@pytest.fixture
def app(small: Lifecycle) -> Path:
    """Return an app for the small buildpack."""
    return make_nodejs_app(small.folder / "app")


def index(lifecycle: Lifecycle) -> dict[str, str]:
    """Return what has pip take the small buildpack's wheel."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(lifecycle.buildpack / "wheels")}


@pytest.fixture(scope="module")
def real(home: Path, python: str, warm_cache: Path) -> Lifecycle:
    """Return a lifecycle with the real buildpack, whose cache has the dependencies already."""
    folder = home / "real"
    folder.mkdir()
    buildpack = copy_buildpack(folder / "buildpack")
    shutil.copy(ROOT / "buildpack.toml", buildpack)
    lifecycle = Lifecycle(buildpack, folder, python)
    layers = folder / "layers" / lifecycle.id.replace("/", "_")
    layers.mkdir(parents=True)
    shutil.copytree(warm_cache, layers / "cache")
    (layers / "cache.toml").write_text("[types]\ncache = true\n")
    key = layers / "cache/lambda-deploy/key"
    key.write_text(re.sub("stack=.*", "stack=ubuntu-24.04", key.read_text()))
    return lifecycle


SECRETS = {
    "DATABASE_URL": "postgres://canary-1",
    "_AWS_SECRET_ACCESS_KEY": "canary-2",
    "LD_PRELOAD": "canary-3",
}


@pytest.fixture(scope="module")
def built(real: Lifecycle) -> tuple[Result, Image]:
    """Return the first build of a Node.js app."""
    real.config = SECRETS
    machine = {name: value for name, value in os.environ.items() if simulated._MACHINE.fullmatch(name)}
    return real.build(make_nodejs_app(real.folder / "app"), **machine)


# --- buildpack.toml -------------------------------------------------------------------------------


def test_the_descriptor_is_that_of_this_version() -> None:
    """One buildpack.toml serves both APIs: the lifecycle's keys, and those of Heroku's registry."""
    descriptor = read_toml(ROOT / "buildpack.toml")

    assert descriptor["api"] == "0.10"
    assert descriptor["buildpack"]["version"] == deploy.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", descriptor["buildpack"]["version"])
    assert re.fullmatch(r"[A-Za-z0-9./-]+", descriptor["buildpack"]["id"])
    assert descriptor["buildpack"]["clear-env"] is True
    assert descriptor["targets"] == [{"os": "linux"}]
    assert "tests/" in descriptor["publish"]["Ignore"]["files"]


# --- detect ---------------------------------------------------------------------------------------


def test_detects_the_app_in_the_current_folder(real: Lifecycle) -> None:
    """Whatever the arguments are, which an older API has passed."""
    assert real.detect(make_nodejs_app(real.folder / "detected")) == Result(0, "AWS Lambda (Node.js)\n", "")


def test_an_app_of_another_kind_is_not_ours(real: Lifecycle) -> None:
    """Exit status 100 lets the lifecycle go on with other buildpacks; any other would be an error."""
    (real.folder / "other").mkdir()
    (real.folder / "other/Gemfile").touch()

    result = real.detect(real.folder / "other")

    assert (result.status, result.stdout) == (100, "")
    assert "Gemfile" in result.stderr


# --- build ----------------------------------------------------------------------------------------


def test_tells_the_story_of_a_first_build(small_build: tuple[Result, Image]) -> None:
    """The log of a first build, and what it declares: layers of these types, and a process type."""
    result, image = small_build

    assert (result.status, result.stderr) == (0, "")
    steps = [line.removeprefix("-----> ") for line in result.stdout.splitlines() if line.startswith("----")]
    assert steps == [
        "Finding Python",
        "Installing the deploy runtime",
        "Copying Python, which is not there when the app runs",
        "Making the base",
        "Writing the layers",
        "Registering the deploy process",
    ]
    types = {path.stem: image.toml(path.name).get("types") for path in image.folder.glob("*.toml")}
    assert types == {
        "cache": {"cache": True},
        "interpreter": {"launch": True},
        "runtime": {"launch": True},
        "base": {"launch": True},
        "launch": None,
    }
    assert image.processes == {"deploy": {"type": "deploy", "command": ["deploy"]}}


def test_leaves_the_app_as_it_was(small_build: tuple[Result, Image], tmp_path: Path) -> None:
    """What the app needs to deploy itself is in the layers alone."""
    assert contents(small_build[1].app) == contents(make_nodejs_app(tmp_path / "app"))


def test_reuses_layers_that_are_unchanged(small: Lifecycle, app: Path) -> None:
    """A second build of the same app needs neither pip nor the network, and makes no new layer."""
    _, image = small.build(app, **index(small))
    first = {path.stem: image.toml(path.name) for path in image.folder.glob("*.toml")}
    files = contents(image.folder / "base")

    result, image = small.build(app)

    assert (result.status, result.stderr) == (0, "")
    assert "Using the dependencies in the cache" in result.stdout
    assert "Using the copy of Python in the cache" in result.stdout
    assert sorted(image.reused) == ["base", "interpreter", "runtime"]
    assert {path.stem: image.toml(path.name) for path in image.folder.glob("*.toml")} == first
    assert contents(image.folder / "base") == files


def test_makes_a_layer_that_has_changed(small: Lifecycle, app: Path) -> None:
    """Another version of the app is another base, and nothing else."""
    small.build(app, **index(small))
    (small.buildpack / "deploy/new.py").write_text("")

    _, image = small.build(app)

    assert sorted(image.reused) == ["base", "interpreter"]
    assert (image.folder / "runtime/runtime/deploy/new.py").exists()


def test_registers_the_release_phase(small: Lifecycle, app: Path) -> None:
    """With the setting, there is the process type of the release phase; the app's own stays."""
    small.config["_LAMBDA_RELEASE_PHASE"] = "true"
    (app / "Procfile").write_text("deploy: .lambda-deploy/bin/deploy\n")

    first, image = small.build(app, **index(small))
    registered = image.processes
    (app / "Procfile").write_text("release: ./migrate\n")
    second, image = small.build(app)

    assert (first.status, first.stderr, second.status) == (0, "", 0)
    assert {name: process["command"] for name, process in registered.items()} == {
        "deploy": ["deploy"],
        "release": ["deploy"],
    }
    assert list(image.processes) == ["deploy"]
    assert " !       release: ./migrate && deploy\n" in second.stderr


def test_never_drops_a_release_command_of_the_app(small: Lifecycle, app: Path) -> None:
    """A line that runs our command among others is the app's own; it stays, and is not replaced by ours."""
    small.config["_LAMBDA_RELEASE_PHASE"] = "true"
    for own, advice in (
        ("./migrate && .lambda-deploy/bin/deploy", ["./migrate && deploy"]),
        ("./x .lambda-deploy/bin/deploy.sh", ["./x .lambda-deploy/bin/deploy.sh && deploy"]),
        ("./migrate && deploy", []),
    ):
        (app / "Procfile").write_text(f"release: {own}\n")

        result, image = small.build(app, **index(small))

        assert result.status == 0
        assert list(image.processes) == ["deploy"]
        assert re.findall(r"^ !       release: (.*)$", result.stderr, re.MULTILINE) == advice


def test_explains_that_there_is_no_python(small: Lifecycle, app: Path) -> None:
    """The words are those of Cloud Native Buildpacks."""
    programs = small.folder / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "env", "mkdir", "mktemp", "rm", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))

    result, _ = small.build(app, PATH=str(programs))

    assert result.status == 1
    assert "There is no python3 on the PATH of this build image (ubuntu-24.04)" in result.stderr
    assert "--buildpack heroku/python" in result.stderr
    assert "heroku buildpacks:add" not in result.stderr


def test_explains_that_no_lifecycle_has_started_it() -> None:
    """bin/build is not for people."""
    result = subprocess.run(
        [ROOT / "bin/build"], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )

    assert result.returncode == 2
    assert b"CNB_LAYERS_DIR is not set" in result.stderr


# --- The real one ---------------------------------------------------------------------------------


def test_no_secret_gets_anywhere(built: tuple[Result, Image]) -> None:
    """No variable of the platform is in a layer, in the app, in the cache or in the log."""
    result, image = built
    assert (result.status, result.stderr) == (0, "")
    assert "canary" not in result.stdout
    for folder in (image.layers, image.app):
        for path in folder.rglob("*"):
            assert "canary" not in path.name
            if path.is_file():
                assert b"canary-" not in path.read_bytes(), path


def test_the_base_is_that_of_the_classic_buildpack(
    built: tuple[Result, Image], tmp_path: Path, warm_cache: Path
) -> None:
    """The same app makes the same bytes, whichever API it was built by."""
    shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True)
    slug = simulated.build(built[1].app, tmp_path, cache=tmp_path / "cache")

    base = built[1].folder / "base/.lambda-deploy/base.zip"
    assert base.read_bytes() == (slug.path / ".lambda-deploy/base.zip").read_bytes()


def test_only_the_command_is_on_the_path(built: tuple[Result, Image]) -> None:
    """The app's own python3 and libraries are what they were: no layer has others at its top."""
    names = {
        path.name: {child.name for child in path.iterdir()}
        for path in built[1].folder.iterdir()
        if path.is_dir()
    }
    assert names == {
        "cache": {"lambda-deploy", "lambda-deploy-python"},
        "interpreter": {"python"},
        "runtime": {"runtime"},
        "base": {".lambda-deploy", "bin", "env.launch", "exec.d"},
    }
    assert [path.name for path in (built[1].folder / "base/bin").iterdir()] == ["deploy"]


def test_deploys_from_the_image(built: tuple[Result, Image], function: Function) -> None:
    """The process type deploys the config of the container, and so does the command on the PATH."""
    config = {"GREETING": "Grüße", "HOME": "/home/heroku", "HOSTNAME": "7f1c2d3e4a5b"}
    container = {**config, **function.aws.settings(function)}

    planned = built[1].launch("deploy", "plan", container=container)
    deployed = built[1].launch("deploy", container=container, cwd=Path("/"))

    assert (planned.status, planned.stderr) == (0, "")
    assert (deployed.status, deployed.stderr) == (0, "")
    with zipfile.ZipFile(io.BytesIO(function.code())) as package:
        assert package.read("env.properties") == b"GREETING=Gr\\u00fc\\u00dfe\n"


@pytest.mark.parametrize("where", [None, "bin/deploy", "env.launch/function.jar", "exec.d/deploy/notes"])
def test_deploys_a_jar_from_the_image(
    real: Lifecycle, built: tuple[Result, Image], tmp_path: Path, where: str | None
) -> None:
    """A base that is a file of the app's own is in the layer, too, wherever it lies, and stays in the app."""
    require("setpriv" if os.geteuid() == 0 else "env")
    other = Lifecycle(real.buildpack, real.folder / tmp_path.name, real.python)
    if where:
        other.config["_LAMBDA_ARTIFACT"] = where
    other.folder.mkdir()
    shutil.copytree(built[1].layers, other.folder / "layers", symlinks=True)
    app = make_maven_app(other.folder / "app")
    jar = app / (where or "target/function-1.0.jar")
    jar.parent.mkdir(parents=True, exist_ok=True)
    (app / "target/function-1.0.jar").rename(jar)

    result, image = other.build(app)
    package = image.launch("deploy", "package", "-o", str(tmp_path / "x.jar"), container={"NAME": "value"})

    assert (result.status, result.stderr) == (0, "")
    copied = image.folder / "base/.lambda-deploy/artifact" / jar.name
    assert copied.read_bytes() == jar.read_bytes()
    assert {path.name for path in (image.folder / "base").iterdir()} == {
        ".lambda-deploy",
        "bin",
        "env.launch",
        "exec.d",
    }
    assert (package.status, package.stderr) == (0, "")
    assert sorted(image.reused) == ["interpreter", "runtime"]


# --- Config ---------------------------------------------------------------------------------------

# What the layers of other buildpacks make of the container's environment.
OTHERS = {
    "NODE_ENV": "production",
    "WEB_CONCURRENCY": "4",
    "JAVA_TOOL_OPTIONS": "-Xmx300m -Downer=1",
    "NEW_TO_US": "1",
    "PATH": f"/layers/heroku_nodejs/dist/bin:{simulated.PATH}",
    "npm_config_update-notifier": "false",
    "MULTI": 'a\n"b"\\c\td',
}


def environment(image: Image, others: dict[str, str], **container: str) -> dict[str, str]:
    """Return what the process `deploy` finds in its environment."""
    result = image.launch("deploy", container=container, others=others)
    assert (result.status, result.stderr) == (0, "")
    told: dict[str, str] = json.loads(result.stdout)["environment"]
    return told


def test_bakes_what_the_container_was_given(small_build: tuple[Result, Image]) -> None:
    """What other buildpacks set is left out, and what they change is baked as the owner has set it."""
    _, image = small_build
    owners = {
        "JAVA_TOOL_OPTIONS": "-Downer=1",
        "NODE_ENV": "production",
        "DATABASE_URL": "postgres://u:p@h/d?a='b'&c=\"d\"",
        "MULTI": 'x\n"y"\\z\r',
        "MOTTO": "Grüße",
        "EMPTY": "",
    }

    variables = environment(image, OTHERS, **owners, HOME="/home/heroku", CNB_PLATFORM_API="0.12")

    assert select(variables).baked == owners


def test_a_container_is_a_platform(small_build: tuple[Result, Image]) -> None:
    """Nobody has to say that the variables of a container are the function's config."""
    _, image = small_build

    assert environment(image, {}, HOME="/home/heroku")["_DEPLOY_IMAGE"] == "1"


def test_notes_stop_no_process(small_build: tuple[Result, Image]) -> None:
    """Neither values nor names that TOML can't hold, nor a long environment, get in the way of a start."""
    _, image = small_build
    odd = {"log.level": "1", "a b": "2", "-x": "3", "ÜBER": "4", "LONG": "x" * 100_000, "BYTES": "\udcff\x01"}

    variables = environment(image, {**odd, "LONG": "y" * 100_000, "BYTES": "\udcfe"}, **odd)

    assert variables["_DEPLOY_SET_LONG"] == "y" * 4096
    assert variables["_DEPLOY_WAS_LONG"] == "x" * 100_000


# --- The bill of materials ------------------------------------------------------------------------


def test_the_bill_of_materials_lists_the_runtime(built: tuple[Result, Image]) -> None:
    """CycloneDX 1.5: each package of the lock file that is in the image, with its version and hashes."""
    bill: Any = json.loads((built[1].folder / "runtime.sbom.cdx.json").read_text())
    runtime = built[1].folder / "runtime/runtime"
    lock = (ROOT / "requirements.lock").read_text()

    assert {"bomFormat", "specVersion", "serialNumber", "version", "components"} == set(bill)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    packages = dict(re.findall(r"^([\w-]+)==(\S+)", lock, re.MULTILINE))
    for name in ("deflate", "packaging", "tomli"):
        assert packages.pop(name), "it is needed by the build alone"
    assert {each["name"]: each["version"] for each in bill["components"]} == packages
    for component in bill["components"]:
        assert component["type"] == "library"
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
        (reference,) = component["externalReferences"]
        assert reference["type"] == "distribution"
        assert reference["hashes"]
        assert all(each["alg"] == "SHA-256" and each["content"] in lock for each in reference["hashes"])
    assert (runtime / "botocore").is_dir()
