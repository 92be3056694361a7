"""The rules of the house: imports go down, and what belongs to the process stays with the process."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paths import REPOSITORY

# The order of the house: imports go down this list and never back up.
LAYERS = (
    "__main__ console",
    "cli step hook handler",
    "arguments commands",
    "fleet",
    "stack",
    "doctor",
    "infrastructure",
    "local",
    "release",
    "build",
    "aws",
    "artifact",
    "config",
    "target",
    "output located cancel files progress terminal text errors help",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}

PACKAGE = REPOSITORY / "deploy"
SDK = ("boto", "s3transfer", "urllib3")
LONGEST = 300  # lines of a file
CLIENT = "local.clients.python_client"

# What belongs to the process, and which modules may use it. A runtime client is a process of its own.
OF_THE_PROCESS = {
    "os.environ": {"cli", "console", "step", "hook", CLIENT},
    "os.getenv": set[str](),
    "signal": {"cli", "__main__", "local.worker"},  # which handles none, and names them
    "sys.stdout": {"cli", "__main__", "step", "hook", CLIENT},
    "sys.stderr": {"cli", "__main__", "step", "hook"},
    "sys.argv": {"__main__", "console"},
}
# How an environment is called. Below commands/ the readers of a target take one, and what says which of it is
# config; the variables that others take are none of a deploy's: a pipeline's results, a build's pip and git.
ENVIRONMENTS = {"env", "environ", "environment", "variables"}
READERS = {"target", "config"}
OTHER_VARIABLES = {
    "aws.pipeline",
    "build.commit",
    "build.python.pip_errors",
    "build.python.pip_wheel",
    "build.python.wheels",
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def folder_or_module(name: str) -> str:
    return name.partition(".")[0]


MODULES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"))
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the names of modules that running this code may import; those for type checkers it does not."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            is_ours = (REPOSITORY / Path(*submodule.split("."))).with_suffix(".py").exists()
            yield submodule if is_ours else node.module
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


IMPORTS = {name: set(imports(tree)) for name, tree in MODULES.items()}
OURS = {
    name: {other.removeprefix("deploy.") for other in found if other.startswith("deploy.")}
    for name, found in IMPORTS.items()
}


def reachable(name: str) -> set[str]:
    """Return all modules of ours that importing one may import in the end."""
    found, waiting = set[str](), [name]
    while waiting:
        new = OURS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


# --- layers ----------------------------------------------------------------------------------------


def test_each_module_has_a_layer() -> None:
    """A new module or folder is put into the list on purpose."""
    assert {folder_or_module(name) for name in MODULES} <= set(LAYER)


def test_imports_go_down() -> None:
    """From a layer to one below it, or within it without coming back."""
    up = {
        (name, other)
        for name in MODULES
        for other in OURS[name]
        if LAYER[folder_or_module(other)] < LAYER[folder_or_module(name)]
    }
    assert up == set()
    assert {name for name in MODULES if name in reachable(name)} == set()


def knows_the_sdk(name: str) -> bool:
    return any(each.startswith(SDK) for each in IMPORTS[name])


def test_aws_alone_knows_the_sdk() -> None:
    """All other folders can be imported, and tested, without AWS."""
    assert {folder_or_module(name) for name in IMPORTS if knows_the_sdk(name)} == {"aws"}


def test_what_is_below_aws_does_not_reach_it() -> None:
    """Baking and packaging run without AWS, and so does reading a target."""
    below = [name for name in MODULES if LAYER[folder_or_module(name)] > LAYER["aws"]]
    assert {name: sdk for name in below if (sdk := set(filter(knows_the_sdk, reachable(name))))} == {}


DECIDING = """
import sys
for name in ("boto3", "botocore", "urllib3"):
    sys.modules[name] = None  # an import of it fails
from pathlib import Path
from deploy.infrastructure.policy import policy, services
from deploy.release.plan import decide
from targets import target
assert decide and services() and policy(target(_LAMBDA_ALIAS="live"))["Statement"]
"""


def test_who_decides_does_not_need_the_sdk() -> None:
    """The plan and the policy are made where it is not even installed, so a dry run is the real plan."""
    subprocess.run(
        [sys.executable, "-c", DECIDING],
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests/support'}"},
        check=True,
    )


def test_a_deploy_does_without_what_builds_need() -> None:
    """What makes and checks a base is loaded by the build alone; its libraries are not in the slug."""
    commands = {name for name in MODULES if name.startswith("commands.")}
    users = {name for name in commands if any(other.startswith("build.") for other in reachable(name))}
    assert users == {"commands.build"}


def test_a_deploy_does_without_what_runs_packages() -> None:
    """What serves and starts programs is loaded by the commands that are for it."""
    users = {name for name in MODULES if any(other.startswith("local.") for other in OURS[name])}
    assert {name for name in users if folder_or_module(name) != "local"} == {
        "commands.hook",
        "commands.invoke",
        "commands.local",
    }
    assert not any(other.startswith("local.") for other in reachable("commands.deploy"))


# --- the process -----------------------------------------------------------------------------------


def uses(tree: ast.AST) -> Iterator[str]:
    """Yield the modules and the attributes of modules that some code names, such as `os.environ`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module or ""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


USES = {name: set(uses(tree)) for name, tree in MODULES.items()}


@pytest.mark.parametrize(("what", "allowed"), OF_THE_PROCESS.items(), ids=OF_THE_PROCESS)
def test_the_process_belongs_to_the_command_line(what: str, allowed: set[str]) -> None:
    """Everything below it may run in a thread, twice at the same time, for two accounts."""
    assert {name for name in MODULES if what in USES[name]} <= allowed


def test_nobody_prints_past_the_report() -> None:
    """What is not reported has no name of a target, and would be mixed into a JSON document."""
    assert {name for name in MODULES if USES[name] & {"print", "input"}} == set()


@pytest.mark.parametrize("reader", ["read_app", "read_targets"])
def test_commands_alone_read_a_target(reader: str) -> None:
    """Below them a target goes in, and a result comes out."""
    users = {name for name in MODULES if reader in USES[name]}
    assert users
    assert {folder_or_module(name) for name in users} == {"commands"}


def test_nobody_takes_an_environment() -> None:
    """Below the commands a target goes in, for a fleet file has no environment to give."""
    takers = {
        name
        for name, tree in MODULES.items()
        if LAYER[folder_or_module(name)] > LAYER["commands"]
        if ENVIRONMENTS & {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    }
    assert {folder_or_module(name) for name in takers} >= READERS
    assert {name for name in takers if folder_or_module(name) not in READERS} == OTHER_VARIABLES


# --- size ------------------------------------------------------------------------------------------


def test_a_module_can_be_read_at_once() -> None:
    """Longer ones have a second subject."""
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert {module_name(path): lines for path, lines in lengths.items() if lines > LONGEST} == {}
