"""Artifacts of each kind: built by the buildpack, deployed from a dyno, and run by their runtimes."""

import io
import json
import platform as machine
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simulated
from deploy.build.elf import architecture_of
from embedded_aws import EmbeddedAWS, Function
from lambda_runtime import invoke_java, unpack
from paths import APPS
from runtime_api import HandlerError, run_in_lambda
from simulated import Slug
from tools import require
from zips import zip_of

CONFIG = {"GREETING": 'Grüße\n"it\'s"', "EMPTY": "", "dotted.name": "a"}
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[machine.machine()]

# What Node.js's runtime does with an ES module, as far as a handler notices.
NODEJS = """
const [file, name] = process.env._HANDLER.split('.')
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`
const handler = (await import(`${process.env.LAMBDA_TASK_ROOT}/${file}.mjs`))[name]
const event = await fetch(`${api}next`)
const answer = await handler(await event.json(), {})
const id = event.headers.get('lambda-runtime-aws-request-id')
await fetch(`${api}${id}/response`, { method: 'POST', body: JSON.stringify(answer) })
process.exit()
"""

Build = Callable[..., Slug]


@pytest.fixture
def build(tmp_path: Path, warm_cache: Path) -> Build:
    """Build an app with the buildpack, in a folder of its own."""

    def build(app: Path, **settings: str) -> Slug:
        shutil.copytree(warm_cache, tmp_path / "cache", symlinks=True, dirs_exist_ok=True)
        return simulated.build(app, tmp_path / "slug", cache=tmp_path / "cache", config=settings)

    return build


def deployed(slug: Slug, aws: EmbeddedAWS, runtime: str) -> bytes:
    """Deploy to a new function from a dyno, the config in env.json, and fetch back what was deployed."""
    function = aws.create_function(runtime=runtime)
    settings = {**aws.settings(function), "_LAMBDA_CONFIG_FILES": "env.json"}
    result = slug.run("deploy", config={**CONFIG, **settings})
    assert (result.returncode, result.stderr) == (0, "")
    return function.code()


def build_json(slug: Slug) -> Any:
    return json.loads((slug.path / ".lambda-deploy/build.json").read_text())


def test_a_go_program_starts_as_an_os_only_runtime(
    build: Build, go_app: Path, aws: EmbeddedAWS, tmp_path: Path
) -> None:
    """The repository says what to deploy; the program finds its config beside it."""
    app = shutil.copytree(go_app, tmp_path / "app")
    (app / ".lambda-artifact").write_text("# go build makes it\nbootstrap\n")
    slug = build(app)
    assert "AWS Lambda (artifact)" in slug.build_log
    assert (build_json(slug)["kind"], build_json(slug)["architecture"]) == ("other", ARCHITECTURE)
    task_root = unpack(deployed(slug, aws, "provided.al2023"), tmp_path / "task")
    assert sorted(path.name for path in task_root.iterdir()) == ["bootstrap", "env.json"]
    answer = run_in_lambda([str(task_root / "bootstrap")], task_root, "any")
    assert answer == {"config": CONFIG, "handler": "any"}


def test_a_function_zip_with_a_program_is_deployed_unchanged(
    build: Build, go_app: Path, aws: EmbeddedAWS, tmp_path: Path
) -> None:
    """As Quarkus's native build makes it: every byte of its entries arrives, and it starts."""
    program = (go_app / "bootstrap").read_bytes()
    (tmp_path / "app/target").mkdir(parents=True)
    (tmp_path / "app/pom.xml").touch()
    (tmp_path / "app/target/function.zip").write_bytes(zip_of({"bootstrap": program}, mode=0o100755))
    slug = build(tmp_path / "app", _LAMBDA_ARTIFACT="target/function.zip")
    assert (build_json(slug)["kind"], build_json(slug)["base"]) == ("java", "target/function.zip")
    task_root = unpack(deployed(slug, aws, "provided.al2023"), tmp_path / "task")
    assert run_in_lambda([str(task_root / "bootstrap")], task_root, "h")["config"] == CONFIG


def test_a_function_zip_with_libraries_runs(
    build: Build, java_app: Path, function: Function, tmp_path: Path
) -> None:
    """As Quarkus makes it for the JVM: the app and its libraries in lib/, found without a setting."""
    (jar,) = (path for path in (java_app / "target").glob("*.jar") if not path.name.startswith("original-"))
    (tmp_path / "app/target").mkdir(parents=True)
    (tmp_path / "app/pom.xml").touch()
    content = {"lib/app.jar": jar.read_bytes()}
    (tmp_path / "app/target/function.zip").write_bytes(zip_of(content, method=zipfile.ZIP_STORED))
    slug = build(tmp_path / "app")
    result = slug.run("deploy", config={**CONFIG, **function.aws.settings(function)})
    assert result.returncode == 0, result.stderr
    task_root = unpack(function.code(), tmp_path / "task")
    assert invoke_java(task_root)["config"] == CONFIG


def test_an_output_folder_of_nitro_runs(build: Build, aws: EmbeddedAWS, tmp_path: Path) -> None:
    """Hidden, with chunks and its own node_modules: its root is the root of the package."""
    require("node")
    app, server = tmp_path / "app", tmp_path / "app/.output/server"
    (server / "chunks").mkdir(parents=True)
    (server / "node_modules/.nitro/hello@1.0.0").mkdir(parents=True)
    (app / "package.json").write_text('{"name": "app"}\n')
    (app / "server.ts").write_text("not for Lambda\n")
    (server / "node_modules/.nitro/hello@1.0.0/package.json").write_text(
        '{"name": "hello", "main": "i.js"}\n'
    )
    (server / "node_modules/.nitro/hello@1.0.0/i.js").write_text("module.exports = () => 'hello'\n")
    (server / "node_modules/hello").symlink_to(".nitro/hello@1.0.0")
    (server / "chunks/config.mjs").write_text(
        "import { readFileSync } from 'node:fs'\n"
        "export default JSON.parse(readFileSync(new URL('../env.json', import.meta.url)))\n"
    )
    (server / "index.mjs").write_text(
        "import config from './chunks/config.mjs'\nimport hello from 'hello'\n"
        "export const handler = async event => ({ config, hello: hello(), event })\n"
    )
    slug = build(app, _LAMBDA_ARTIFACT=".output/server")
    task_root = unpack(deployed(slug, aws, "nodejs20.x"), tmp_path / "task")
    command = ["node", "--input-type=module", "-e", NODEJS]
    answer = run_in_lambda(command, task_root, "index.handler", {"a": 1})
    assert answer == {"config": CONFIG, "hello": "hello", "event": {"a": 1}}


def test_a_python_function_runs_with_its_compiled_dependency(
    build: Build, aws: EmbeddedAWS, tmp_path: Path, python_runtime_client: Path
) -> None:
    """Under AWS's own runtime client; what stands there was installed for it, and is checked by hash."""
    slug = build(APPS / "python", _LAMBDA_RUNTIME=RUNTIME, _LAMBDA_ARCHITECTURE=ARCHITECTURE)
    assert "AWS Lambda (Python)" in slug.build_log
    assert f"Dependencies of requirements.txt, for {RUNTIME} on {ARCHITECTURE}" in slug.build_log
    task_root = unpack(deployed(slug, aws, build_json(slug)["runtime"]), tmp_path / "task")
    command = [sys.executable, "-m", "awslambdaric"]
    where = {"PYTHONPATH": str(python_runtime_client), "PYTHONDONTWRITEBYTECODE": "1"}
    answer = run_in_lambda([*command, "main.handler"], task_root, "main.handler", {"name": "<a&b>"}, where)
    assert answer["config"] == CONFIG
    assert answer["greeting"] == "Hello, &lt;a&amp;b&gt;."
    assert f"cpython-{RUNTIME.removeprefix('python').replace('.', '')}" in answer["compiled"]
    with pytest.raises(HandlerError, match="ImportModuleError"):
        run_in_lambda([*command, "gone.handler"], task_root, "gone.handler", {}, where)


@pytest.mark.parametrize(("architecture", "name"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_a_python_function_is_built_for_either_architecture(
    build: Build, architecture: str, name: str
) -> None:
    """Whatever the build runs on."""
    slug = build(APPS / "python", _LAMBDA_RUNTIME="python3.13", _LAMBDA_ARCHITECTURE=architecture)
    base = (slug.path / ".lambda-deploy/base.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(base)) as package:
        (compiled,) = (entry for entry in package.namelist() if entry.endswith(".so"))
        assert compiled == f"markupsafe/_speedups.cpython-313-{name}-linux-gnu.so"
        assert architecture_of(package.read(compiled)) == architecture
        assert not [
            entry for entry in package.namelist() if "__pycache__" in entry or entry.startswith("bin")
        ]
    assert (build_json(slug)["runtime"], build_json(slug)["architecture"]) == ("python3.13", architecture)
