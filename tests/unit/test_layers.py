"""The runtime's modules stand in layers, and imports go down only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from paths import REPOSITORY

# The order of the house: imports go down this list and never back up.
LAYERS = (
    "__main__",
    "cli help",
    "commands",
    "fleet",
    "doctor",
    "infrastructure",
    "release",
    "build",
    "aws",
    "artifact",
    "config",
    "target",
    "output cancel files text errors",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}

PACKAGE = REPOSITORY / "deploy"


def imports(node: ast.AST) -> Iterator[str]:
    """Give the names of modules that running this code may import; those for type checkers it does not."""
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


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def folder_or_module(name: str) -> str:
    return name.partition(".")[0]


IMPORTS = {
    module_name(path): set(imports(ast.parse(path.read_text(encoding="utf-8"))))
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}
OURS = {
    name: {other.removeprefix("deploy.") for other in found if other.startswith("deploy.")}
    for name, found in IMPORTS.items()
}


def reachable(name: str) -> set[str]:
    """Give all modules of ours that importing one may import in the end."""
    found, waiting = set[str](), [name]
    while waiting:
        new = OURS[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_each_module_has_a_layer() -> None:
    """A new module or folder is put into the list on purpose."""
    assert {folder_or_module(name) for name in IMPORTS} <= set(LAYER)


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_imports_go_down(name: str) -> None:
    """From a layer to one below it, or within it without coming back."""
    layer = LAYER[folder_or_module(name)]
    assert [other for other in OURS[name] if LAYER[folder_or_module(other)] < layer] == []
    assert name not in reachable(name)


def knows_the_sdk(name: str) -> bool:
    return any(each.startswith(("boto", "urllib3")) for each in IMPORTS[name])


def test_aws_alone_knows_the_sdk() -> None:
    """All other folders can be imported, and tested, without AWS."""
    users = {folder_or_module(name) for name in IMPORTS if knows_the_sdk(name)}
    assert users == {"aws", "doctor"}


@pytest.mark.parametrize("name", ["release.plan", "infrastructure.policy"])
def test_who_decides_can_not_act(name: str) -> None:
    """The plan and the policy reach nothing that calls AWS, so a dry run is the real plan."""
    assert not [other for other in reachable(name) if knows_the_sdk(other)]


def test_a_deploy_does_without_what_builds_need() -> None:
    """What makes and checks a base is loaded by the build alone; its libraries are not in the slug."""
    for command in {name for name in IMPORTS if name.startswith("commands.")} - {"commands.base"}:
        assert not [other for other in reachable(command) if other.startswith("build.")], command
