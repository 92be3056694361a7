"""docs/automatic-deploys.md, held against the code."""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import in_process
from command import make_slug
from deploy import cli
from deploy.release import plan as release
from deploy.release import watch
from deploy.target.settings import SETTINGS, read_release_settings
from documents import README, names, table
from embedded_aws import Function
from paths import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "automatic-deploys.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
METADATA = {"HEROKU_RELEASE_VERSION": "v42"}
PROCESS = (REPOSITORY / "Procfile.template").read_text(encoding="utf-8").partition(": ")[2].strip()


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


def commands() -> Iterator[str]:
    """Yield what follows each `deploy` that stands as a command in the document."""
    blocks = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    code = [*names(blocks.sub("", TEXT)), *blocks.findall(TEXT)]
    for line in "\n".join(code).splitlines():
        for found in re.finditer(r"(?:^|/bin/|&& )deploy((?: [\w./-]+)*)$", line):
            yield found[1].strip()


def test_every_setting_exists() -> None:
    """The README's table has each one that the document names."""
    known = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"_LAMBDA_\w+", TEXT)) <= known
    assert {"_LAMBDA_RELEASE_PHASE", "_LAMBDA_RECONCILE_INTERVAL", "_LAMBDA_RECONCILE"} <= known


def test_every_value_is_taken() -> None:
    """The intervals and modes in the examples are valid, and the default is the one that is named."""
    for interval, seconds in (("30s", 30), ("10m", 600), ("6h", 21_600)):
        assert f"`{interval}`" in TEXT or f"={interval}`" in TEXT
        settings, _ = read_release_settings({"_LAMBDA_RECONCILE_INTERVAL": interval})
        assert settings.reconcile_interval == seconds
    assert read_release_settings({})[0].reconcile_interval == 600
    assert "every 10 minutes\n(`_LAMBDA_RECONCILE_INTERVAL" in TEXT
    assert not read_release_settings({"_LAMBDA_RECONCILE": "report"})[0].reconcile_repairs


def test_every_command_is_taken() -> None:
    """The command line knows each `deploy …` of the document, and the crontab's."""
    found = set(commands())
    assert {"", "--watch", "--once", "--force", "rollback"} <= found
    assert "--once --env-file /srv/my-app.env" in found
    for arguments in found:
        parsed = cli._parser([]).parse_args(arguments.split(), argparse.Namespace())
        assert parsed is not None


def test_the_numbers_are_those_of_the_code() -> None:
    """Backoff, grace, pause and jitter as they are told."""
    assert (watch.FIRST_BACKOFF, "tried again after 30 seconds" in TEXT) == (30, True)
    assert (watch.GRACE, "for 25 seconds at most" in TEXT) == (25, True)
    assert (watch.BEFORE_THE_END, "a pause of a minute" in TEXT) == (60, True)
    assert (watch.JITTER, "give or take a tenth" in TEXT) == (0.1, True)
    assert f"`{release.RELEASE_TAG}`" in TEXT


def test_the_dynos_that_end_are_those_of_the_code() -> None:
    """Each type that the document names deploys once; the process type `deploy` stays."""
    (line,) = re.findall(r"Dynos called (.*?) deploy once and end", TEXT)
    types = [name.removesuffix(".…") for name in names(line)]
    assert types == ["run", "release", "scheduler", "cron"]
    assert not any(watch.is_formation_dyno({"DYNO": f"{each}.1234"}) for each in types)
    assert watch.is_formation_dyno({"DYNO": "deploy.1"})


def test_the_process_is_the_one_that_the_build_registers() -> None:
    """In Procfile lines, in Dokku's app.json, and in a crontab."""
    assert f"`release: {PROCESS}`" in TEXT
    assert f"release: npm run migrate && {PROCESS}\n" in TEXT
    (cron,) = re.findall(r"^<!-- cron -->\n```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (task,) = json.loads(cron)["cron"]
    assert task["command"] == PROCESS
    assert len(task["schedule"].split()) == 5


def test_the_readme_leads_here() -> None:
    """Its section names the same three commands, and this document."""
    readme = README.read_text(encoding="utf-8")
    section = readme.partition("\n## Automatic deploys\n")[2].partition("\n## ")[0]
    for what in (
        "docs/automatic-deploys.md",
        "heroku config:set _LAMBDA_RELEASE_PHASE=true",
        "heroku ps:scale deploy=1",
        "heroku labs:enable runtime-dyno-metadata",
    ):
        assert what in section
        assert what in TEXT or what.startswith("docs/")


@pytest.mark.parametrize("alias", [False, True], ids=["latest", "alias"])
def test_the_calls_are_those_that_are_made(
    slug: Path, function: Function, monkeypatch: pytest.MonkeyPatch, alias: bool
) -> None:
    """Where nothing has changed: counted for each row of the table."""
    rows = {row[0]: names(row[2 if alias else 1]) for row in table(DOCUMENT, "calls")}
    env = {**function.aws.settings(function), **({"_LAMBDA_ALIAS": "live"} if alias else {})}

    def calls(environment: dict[str, str], *arguments: str) -> tuple[str, ...]:
        before = len(function.deploy_calls)
        in_process.deploy(slug, *arguments, env={**env, **environment})
        return tuple(call.operation for call in function.deploy_calls[before:])

    def one_round(attempt: object, drift: object, *_arguments: object, **_named: object) -> None:
        assert callable(attempt)
        assert callable(drift)
        deployed = attempt()
        function.aws.calls.clear()
        assert drift(deployed) is None

    calls(METADATA)
    assert rows["a deploy"] == calls({})
    assert rows["a deploy with dyno metadata on"] == calls(METADATA)
    monkeypatch.setattr(watch, "stay", one_round)
    in_process.deploy(slug, "--watch", env=env)
    assert rows["a round of the formation dyno"] == tuple(call.operation for call in function.deploy_calls)
