"""`deploy logs`, `deploy open` and `deploy init`: what a person asks for around a deploy."""

import json
import stat
import time
from pathlib import Path

import pytest

import in_process
from command import deploy
from deploy.target.settings import SETTINGS
from embedded_aws import EmbeddedAWS

NAMES = {setting.name for setting in SETTINGS.values()}
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"


def test_the_log_is_shown_without_the_config(slug: Path, aws: EmbeddedAWS) -> None:
    """In the order of time, lines that are older than asked for left out; the values are redacted."""
    function = aws.create_function()
    now = int(time.time() * 1000)
    aws.put_log_events(
        f"/aws/lambda/{function.name}",
        [
            (now - 7_200_000, "too old"),
            (now - 1000, "ready"),
            (now - 2000, "connected to canary-database\n"),
            (now - 500, "done"),
        ],
    )
    env = {**aws.settings(function), "DATABASE": "canary-database"}
    shown = deploy(slug, "logs", "--no-follow", "--since", "1h", env=env).stdout
    lines = [line.split("  ")[-1] for line in shown.splitlines()[1:]]
    assert lines == ["connected to [DATABASE]", "ready", "done"]
    documents = deploy(slug, "logs", "--no-follow", "--json", env=env).stdout.splitlines()
    assert [json.loads(each)["message"] for each in documents] == lines


def test_a_function_that_never_ran_has_no_log(slug: Path, aws: EmbeddedAWS) -> None:
    """Lambda makes the log group at the first invocation."""
    shown = deploy(slug, "logs", "--no-follow", env=aws.settings(aws.create_function()))
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 1)


def test_a_time_that_is_none_is_explained(slug: Path) -> None:
    """Before any call."""
    result = in_process.deploy(slug, "logs", "--since", "yesterday", env={})
    assert (result.status, result.stderr) == (
        2, " !     --since is not a time such as 30s, 10m or 6h.\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arn", "alias", "address"),
    [
        (
            ARN.replace("my-function", "f"),
            "live",
            "https://eu-west-1.console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/f/aliases/live",
        ),
        (
            ARN.replace("aws", "aws-cn", 1).replace("eu-west", "cn-north"),
            "",
            "https://cn-north-1.console.amazonaws.cn/lambda/home?region=cn-north-1#/functions/my-function",
        ),
    ],
)
def test_open_prints_the_address_where_there_is_no_browser(
    slug: Path, arn: str, alias: str, address: str
) -> None:
    """No call is made."""
    env = {"_LAMBDA_FUNCTION_ARN": arn, "_AWS_ACCESS_KEY_ID": "a", "_AWS_SECRET_ACCESS_KEY": "b"}
    shown = in_process.deploy(slug, "open", env={**env, **({"_LAMBDA_ALIAS": alias} if alias else {})})
    assert shown.stdout.splitlines()[1].strip() == address


def test_init_writes_a_file_that_doctor_takes(
    slug: Path, aws: EmbeddedAWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else can read it, all settings are in it as comments, and the policy lies beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    settings = aws.settings(aws.create_function())
    result = in_process.deploy(slug, "init", settings["_LAMBDA_FUNCTION_ARN"], env={})
    file = tmp_path / ".env"
    assert (result.status, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    assert "Add this line: /.env" in result.stderr
    text = file.read_text()
    assert all(f"{name}=" in text for name in NAMES)
    statement = json.loads((tmp_path / "deploy-policy.json").read_text())["Statement"][0]
    assert statement["Resource"] == [settings["_LAMBDA_FUNCTION_ARN"]]
    for name in ("_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"):
        text = text.replace(f"\n{name}=\n", f"\n{name}={settings.pop(name)}\n")
    file.write_text(text)
    assert deploy(slug, "doctor", "--env-file", str(file), env=settings).returncode == 0
    again = in_process.deploy(slug, "init", ARN, env={})
    assert (again.status, file.read_text()) == (2, text)
    assert in_process.deploy(slug, "init", ARN, "-o", "other.env", env={}).status == 2
    assert not (tmp_path / "other.env").exists()  # the policy is there


def test_all_that_init_writes_as_a_comment_is_valid(
    slug: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting's example is taken if the sign before it is removed; together some contradict."""
    monkeypatch.chdir(tmp_path)
    assert in_process.deploy(slug, "init", "-o", "my.env", env={}).status == 0
    lines = (tmp_path / "my.env").read_text().splitlines()
    commented = [line[1:] for line in lines if line.startswith("#_")]
    assert len(commented) > len(NAMES)
    assert {line.partition("=")[0] for line in commented} >= NAMES
