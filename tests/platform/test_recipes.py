"""The documents' recipes for reading the config, run as they stand there.

A recipe is a whole file whose handler answers with the config var GREETING, or with the whole config.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import documents
from deploy.config.formats import encode
from documents import Recipe
from read_back import JAVA
from tools import require

pytest_plugins = ["reader_fixtures"]

pytestmark = pytest.mark.xdist_group("readers")

GREETING = "  Grüß dich,\n\t'Welt' & \"alle\"! 👋 \\o/ $(id) = 100% #1\r\n"
ORDINARY_GREETING = 'Hello, world: it\'s "us" = #1!\nSecond line'

RECIPES = [
    recipe
    for document in (documents.README, documents.CONFIG)
    if document.exists()
    for recipe in documents.recipes(document)
]

CALL_NODEJS = """
import(process.argv[1])
  .then(({ handler }) => handler({}, {}))
  .then(answer => console.log(JSON.stringify(answer)))
"""
CALL_PYTHON = """
import json, sys
sys.path.insert(0, sys.argv[1])
from main import handler
print(json.dumps(handler({}, None)))
"""


def test_every_recipe_is_there() -> None:
    """docs/config.md has a recipe for each language and each way."""
    assert {recipe.name for recipe in RECIPES if recipe.document == documents.CONFIG} == {
        "java-environment",
        "java-properties",
        "nodejs-environment",
        "nodejs-json",
        "nodejs-json-module",
        "nodejs-properties",
        "nodejs-properties-reader",
        "python-environment",
        "python-json",
    }


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.document.name}: {recipe.name}")
def test_a_recipe_works_as_it_stands(recipe: Recipe, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In a folder like /var/task the handler answers with the very values that were set on the app."""
    language, way = recipe.name.split("-", 1)
    greeting = ORDINARY_GREETING if way == "properties-reader" else GREETING
    config = {"ANOTHER": "value", "GREETING": greeting}
    for name in ("env.properties", "env.json", "env.sh"):
        file = encode(name, config)
        (tmp_path / name).write_bytes(file.content)
        (tmp_path / name).chmod(file.mode)
    wrapper = [tmp_path / "env.sh"] if way == "environment" else []
    start = {"nodejs": start_nodejs, "java": start_java, "python": start_python}[language]
    result = subprocess.run(
        [*wrapper, *start(recipe, tmp_path, request.getfixturevalue)],
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(result.stdout) in (greeting, config)


def start_nodejs(recipe: Recipe, task_root: Path, fixture: Callable[[str], Path]) -> list[str | Path]:
    require("node")
    index = task_root / ("index.mjs" if "\nexport " in recipe.code else "index.js")
    index.write_text(recipe.code, encoding="utf-8")
    if "properties" in recipe.name:
        (task_root / "node_modules").symlink_to(fixture("node_modules") / "node_modules")
    return ["node", "--input-type=module", "-e", CALL_NODEJS, index]


def start_java(recipe: Recipe, task_root: Path, fixture: Callable[[str], Path]) -> list[str | Path]:
    require("java", "javac")
    source = task_root / "Handler.java"
    source.write_text(recipe.code, encoding="utf-8")
    # The oldest Java that Lambda runs.
    subprocess.run(["javac", "--release", "8", "-Xlint:-options", "-d", task_root, source], check=True)
    package = re.search(r"^package ([\w.]+);", recipe.code, re.MULTILINE)
    handler = f"{package[1]}.Handler" if package else "Handler"
    class_path = f"{task_root}:{fixture('java_classes')}"
    return [*JAVA, "-cp", class_path, "CallHandler", handler]


def start_python(recipe: Recipe, task_root: Path, _fixture: Callable[[str], Path]) -> list[str | Path]:
    (task_root / "main.py").write_text(recipe.code, encoding="utf-8")
    return [sys.executable, "-I", "-c", CALL_PYTHON, task_root]
