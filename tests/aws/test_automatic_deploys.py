"""docs/automatic-deploys.md: its settings, commands and calls are those of the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import in_process
from deploy.arguments import parse
from deploy.cancel import Cancelled
from deploy.release import watch
from deploy.target.environment import kind_of_dyno, read_app
from deploy.target.settings import NAMES
from documents import names, table
from embedded_aws import Function
from paths import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "automatic-deploys.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PROCESS = (REPOSITORY / "Procfile.template").read_text(encoding="utf-8").partition(": ")[2].strip()


def commands() -> Iterator[str]:
    """Yield what follows each `deploy` that stands as a command in the document."""
    blocks = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    code = [*names(blocks.sub("", TEXT)), *blocks.findall(TEXT)]
    for line in "\n".join(code).splitlines():
        for found in re.finditer(r"(?:^|/bin/|&& )deploy((?: [\w./-]+)*)$", line):
            yield found[1].strip()


def test_every_setting_exists_and_takes_the_values_shown() -> None:
    """The table of settings has each one that the document names."""
    assert set(re.findall(r"_LAMBDA_\w+", TEXT)) <= NAMES
    shown = re.findall(r"`(_LAMBDA_\w+)=([^`]+)`", TEXT)
    assert {name for name, _ in shown} >= {"_LAMBDA_RECONCILE_INTERVAL", "_LAMBDA_RECONCILE"}
    for name, value in shown:
        assert read_app({name: value}, Path())


def test_every_command_is_taken() -> None:
    """The command line knows each `deploy …` of the document, and the crontab's."""
    found = set(commands())
    assert {"", "--watch", "--once", "--force", "rollback"} <= found
    for arguments in found:
        assert parse(arguments.split(), is_in_slug=True)


def test_the_dynos_that_end_are_those_of_the_code() -> None:
    """Each type that the document names deploys once; the process type `deploy` keeps running."""
    types = re.findall(r"`(\w+)\.…`", TEXT)
    assert set(types) == {"run", "release", "scheduler", "cron"}
    assert not [each for each in types if kind_of_dyno({"DYNO": f"{each}.1234"}) == "formation"]
    assert kind_of_dyno({"DYNO": "deploy.1"}) == "formation"


def test_the_process_is_the_one_that_the_build_registers() -> None:
    """In Procfile lines, in Dokku's app.json, and in a crontab."""
    assert f"`release: {PROCESS}`" in TEXT
    assert f"release: npm run migrate && {PROCESS}\n" in TEXT
    (cron,) = re.findall(r"^<!-- cron -->\n```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (task,) = json.loads(cron)["cron"]
    assert task["command"] == PROCESS
    assert len(task["schedule"].split()) == 5


@pytest.mark.parametrize("alias", [False, True], ids=["latest", "alias"])
def test_the_calls_are_those_that_are_made(
    slug: Path, function: Function, monkeypatch: pytest.MonkeyPatch, alias: bool
) -> None:
    """If nothing has changed: counted for each row of the table."""
    rows = {row[0]: names(row[2 if alias else 1]) for row in table(DOCUMENT, "calls")}
    env = {**function.aws.settings(function), **({"_LAMBDA_ALIAS": "live"} if alias else {})}

    def calls(*arguments: str) -> tuple[str, ...]:
        before = len(function.deploy_calls)
        assert in_process.deploy(slug, *arguments, env=env).status == 0
        return tuple(call.operation for call in function.deploy_calls[before:])

    def one_round(attempt: object, drift: object, *_arguments: object, **_named: object) -> NoReturn:
        assert callable(attempt)
        assert callable(drift)
        deployed = attempt()
        function.aws.calls.clear()
        assert drift(deployed) is None
        raise Cancelled

    calls()
    assert rows["a deploy"] == calls()
    monkeypatch.setattr(watch, "keep_deployed", one_round)
    in_process.deploy(slug, "--watch", env=env)
    assert rows["a round of the formation dyno"] == tuple(call.operation for call in function.deploy_calls)
