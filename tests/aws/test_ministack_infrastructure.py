"""docs/infrastructure.md: from nothing to an answering URL, on a server that is not ours."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents import recipes
from ministack import Ministack, serve
from paths import REPOSITORY

pytestmark = pytest.mark.xdist_group("ministack")  # one server, not one for each of xdist's workers

RECIPES = {recipe.name: recipe.code for recipe in recipes(REPOSITORY / "docs/infrastructure.md")}
FILES = ("index.js", "package.json", "service.json", "openapi.json")
ACCOUNT = "000000000000"  # whose APIs answer
INSTALL = "pipx install"

# What is on PATH in place of the installed command, and of what reaches a host of AWS's.
COMMAND = """#!/bin/sh
exec {python} -I -X utf8 {program} "$@"
"""
CURL = """#!/bin/sh
exec {python} -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end="")' \\
  "$(echo "$1" | sed -E 's|https://([a-z0-9]+)[.][^/]*|{url}/_aws/execute-api/\\1|')"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Ministack]:
    """Start ministack."""
    with serve() as server:
        yield server


def test_each_command_of_the_document_does_what_it_says(server: Ministack, tmp_path: Path) -> None:
    """Ten of them; the API answers with what is deployed, and then with what is deployed next."""
    programs, app = tmp_path / "bin", tmp_path / "app"
    programs.mkdir()
    app.mkdir()
    scripts = {
        "lambda-deploy": COMMAND.format(python=sys.executable, program=REPOSITORY / "deploy/__main__.py"),
        "curl": CURL.format(python=sys.executable, url=server.url),
    }
    for name, text in scripts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in FILES:
        (app / name).write_text(RECIPES[name])
    variables = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "any",
        "_AWS_ENDPOINT_URL": server.url,
    }
    (tmp_path / "greeting.env").write_text(RECIPES["greeting.env"])
    commands = RECIPES["commands"].splitlines()
    assert len(commands) == 10
    assert commands[0].startswith(INSTALL)
    identifier, answers = "", []
    for command in commands[1:]:
        ended = subprocess.run(
            ["sh", "-c", command.replace("//ID.", f"//{identifier}.")],
            cwd=app,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}"
        if found := re.search(r"https://([a-z0-9]+)\.execute-api", ended.stdout):
            identifier = found[1]
        if command.startswith("curl"):
            answers.append(ended.stdout)
    assert answers == ["Hello, world!\n", "Welcome, world!\n"]
