"""docs/infrastructure.md: from nothing to an answering URL, on a server that is not ours."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents import recipes
from in_process import deploy as run
from ministack import REGION, Ministack, serve
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


def answer(server: Ministack, url: str) -> tuple[int, str]:
    """Return what an API answers; here all of them are below one address."""
    host, _, path = url.removeprefix("https://").partition("/")
    here = f"{server.url}/_aws/execute-api/{host.partition('.')[0]}/{path}"
    with urllib.request.urlopen(here, timeout=20) as answered:  # noqa: S310 - http, on loopback
        return answered.status, answered.read().decode()


@pytest.mark.parametrize("name", ["api-swagger", "api-openapi"])
def test_an_app_s_api_answers(name: str, server: Ministack, tmp_path: Path) -> None:
    """The one that older articles show, and one of several functions with parameters in its paths."""
    app = tmp_path / name
    shutil.copytree(REPOSITORY / "tests/apps" / name, app)
    (app / "package.json").write_text("{}")
    service = json.loads((app / "service.json").read_text())
    for function in service["functions"].values():
        function.pop("shift", None)  # this server has no CodeDeploy
    (app / "service.json").write_text(json.dumps(service))
    settings = {
        "_AWS_DEFAULT_REGION": REGION,
        "_AWS_ACCESS_KEY_ID": ACCOUNT,
        "_AWS_SECRET_ACCESS_KEY": "any",
        "_AWS_ENDPOINT_URL": server.url,
        "_LAMBDA_STACK": name,
        "_LAMBDA_FUNCTION_ARN": ",".join(service["functions"]),
        "_LAMBDA_ALIAS": "live",
    }
    outcomes = [
        run(app, *command, env=settings)
        for command in (("build", str(app)), ("stack", "apply", "--json"), ())
    ]
    assert [outcome.status for outcome in outcomes] == [0, 0, 0], outcomes
    url = json.loads(outcomes[1].stdout)["outputs"]["ApiUrl"]
    if name == "api-swagger":  # whose request template this server does not carry out
        assert answer(server, f"{url}/greeting") == (200, '{"text": "Hello, world!"}')
        return
    for path, function, parameters in (
        ("users/7", "users", {"user": "7"}),
        ("users/7/orders/9", "orders", {"user": "7", "order": "9"}),
    ):
        status, text = answer(server, f"{url}/{path}")
        assert (status, json.loads(text)) == (200, {"function": function, "parameters": parameters})


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
