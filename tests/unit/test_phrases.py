"""Messages that are reworded for another reader: each phrase is one that some message has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import hook
from deploy.aws import cloudformation
from deploy.fleet import failure
from deploy.target import job
from paths import REPOSITORY

VALUE = "VALUE"  # stands for what a message shows


def literals(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that some code writes, except docstrings."""
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in tree.values)
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.value
    for child in ast.iter_child_nodes(tree):
        yield from literals(child)


PATTERNS = [
    *(pattern for pattern, _ in (*hook.PHRASES, *failure.PHRASES)),
    job.VARIABLE,
    *map(re.compile, map(re.escape, (cloudformation.OF_DOCTOR, cloudformation.DEPLOY))),
]
REWORDING = {Path(str(module.__file__)) for module in (hook, failure, job, cloudformation)}
LITERALS = [
    text
    for path in (REPOSITORY / "deploy").rglob("*.py")
    if path not in REWORDING
    for text in literals(ast.parse(path.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.pattern)
def test_each_phrase_is_one_of_a_message(pattern: re.Pattern[str]) -> None:
    """One that is written differently by now would be shown to a reader who can do nothing with it."""
    assert any(pattern.search(text) for text in LITERALS)
