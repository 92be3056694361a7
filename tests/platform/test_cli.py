"""The command line: commands, exit status, and what never happens, a traceback or a secret."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aws_answers import Answer, Answers
from command import command, deploy, make_slug
from deploy import __version__, cli
from embedded_aws import EmbeddedAWS
from paths import REPOSITORY

PATH_REASON = "set by the language buildpacks: where programs and libraries lie in the dyno"
SETTINGS = {
    "_LAMBDA_FUNCTION_ARN": "arn:aws:lambda:eu-west-1:123456789012:function:my-function",
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key",
    "_AWS_MAX_ATTEMPTS": "1",
}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Node.js app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


# --- help and version ------------------------------------------------------------------------------


def test_help_tells_commands_options_and_exit_status(slug: Path) -> None:
    """`heroku run deploy --help` is the first thing that people try; nothing is forgotten in it."""
    parser = cli._parser([])
    options = {option for action in parser._actions for option in action.option_strings}
    assert len(options) > 5
    for arguments in (["--help"], ["-h"], ["--help", "--json"]):
        result = deploy(slug, *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        shown = set(re.findall(r"^  ([a-z]+)  |(-[-a-z]+)", result.stdout, re.MULTILINE))
        commands = {command for command, _ in shown if command}
        assert commands == set(cli.COMMANDS)
        assert options <= {option for _, option in shown}
        assert "exit status: 0 done;" in result.stdout


@pytest.mark.parametrize(
    ("command_line", "status"),
    [
        ("--help >/dev/full", 1),
        ("--help >&-", 1),
        ("plan --help >/dev/full", 0),
        ("--version >/dev/full", 0),
    ],
)
def test_help_that_nobody_can_read_ends_quietly(command_line: str, status: int) -> None:
    """On a full disk or a closed stream there is no traceback: none could explain anything."""
    main = REPOSITORY / "deploy/__main__.py"
    result = subprocess.run(
        ["sh", "-c", f'"$0" -I -S -X utf8 "$1" {command_line}', sys.executable, main],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (status, "")


def test_no_core_file_is_left(slug: Path) -> None:
    """It would hold the config: a deploy forbids it, whatever the limit was."""
    program = command(slug, "config")
    program[program.index("-c") + 1] = (
        "import os, pathlib, signal, sys, deploy.cli\n"
        "deploy.cli.main(sys.argv[2:], slug=pathlib.Path(sys.argv[1]))\n"
        "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0], file=sys.stderr)\n"
    )
    result = subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stderr.splitlines()[-1] == "0"


def test_each_command_has_help_of_its_own(slug: Path) -> None:
    """Its options, with a sentence each."""
    for name in cli.COMMANDS:
        result = deploy(slug, name, "--help")
        assert result.returncode == 0
        assert result.stdout.startswith(f"usage: deploy {name}")
        assert "--env-file FILE" in result.stdout


def test_what_calls_no_aws_does_not_import_boto3(slug: Path, tmp_path: Path) -> None:
    """Its import takes longer than all the rest; --help imports nothing but its text."""
    package = str(tmp_path / "package.zip")
    for arguments, most in (
        (["--help"], {"deploy", "deploy.help"}),
        (["package", "-o", package], None),
        (["plan", "--offline"], None),
        (["config"], None),
    ):
        imported = _modules_of(slug, *arguments)
        assert not {module for module in imported if module.split(".")[0] in {"boto3", "botocore"}}, arguments
        assert most is None or {name for name in imported if name.startswith("deploy")} == most
        assert most is None or not {"argparse", "dataclasses", "pathlib"} & imported


def _modules_of(slug: Path, *arguments: str) -> set[str]:
    """Run the entry point as the launcher does, and give what was imported on the way."""
    runtime = slug / ".lambda-deploy/runtime"
    if not runtime.exists():
        shutil.copytree(REPOSITORY / "deploy", runtime / "deploy")
    main = runtime / "deploy/__main__.py"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", "-X", "importtime", main, *arguments],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_version_is_the_packages(slug: Path) -> None:
    """The version that build.json keeps as well."""
    assert deploy(slug, "--version").stdout == f"lambda-deploy {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--nonsense"], ["package"], ["--env-file"], ["config", "more"]]
)
def test_wrong_arguments_have_exit_status_2(slug: Path, arguments: list[str]) -> None:
    """A typo deploys nothing."""
    result = deploy(slug, *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(" !     deploy")
    assert "--help` tells what it takes." in result.stderr
    assert "base" not in result.stderr  # which bin/compile runs
    document = json.loads(deploy(slug, "--json", *arguments).stdout)
    assert document["error"]["what"].startswith("deploy")


# --- deploy ----------------------------------------------------------------------------------------


def test_a_deploy_tells_its_story_and_ends_with_the_outcome(slug: Path, aws: EmbeddedAWS) -> None:
    """The whole output of a plain deploy, as it stands in a release log."""
    function = aws.create_function()
    result = deploy(slug, env={**aws.settings(function), "NAME": "canary", "PORT": "5000"})
    code_sha256 = function.get()["Configuration"]["CodeSha256"]
    size = len(function.code())
    assert result.stderr == ""
    assert result.stdout == (
        "-----> Reading the config\n"
        "       1 config var to bake (`deploy config` lists them)\n"
        "-----> Making the package\n"
        f"       .lambda-deploy/base.zip + env.properties: {size} bytes\n"
        f"-----> Updating {function.name} in eu-west-1\n"
        f"       Uploading {size} bytes\n"
        f"-----> Deployed {function.name}: CodeSha256 {code_sha256}\n"
    )
    assert result.returncode == 0


def test_json_gives_a_program_the_outcome(slug: Path, aws: EmbeddedAWS) -> None:
    """Names, digests and sizes, and no value."""
    function = aws.create_function()
    result = deploy(slug, "--json", env={**aws.settings(function), "NAME": "canary"})
    document = json.loads(result.stdout)
    assert document["function"] == function.name
    assert document["region"] == "eu-west-1"
    assert document["code_sha256"] == function.get()["Configuration"]["CodeSha256"]
    assert document["size"] == len(function.code())
    assert document["base_sha256"] == json.loads((slug / ".lambda-deploy/build.json").read_text())["sha256"]
    assert document["config"]["baked"] == ["NAME"]
    assert "canary" not in result.stdout + result.stderr


def test_wrong_settings_end_with_status_2_before_anything_is_done(slug: Path) -> None:
    """Everything that is missing in one page, and no step before it."""
    result = deploy(slug)
    assert (result.returncode, result.stdout) == (2, "")
    assert "3 settings are missing or wrong. Nothing was changed." in result.stderr


def test_a_refusal_of_aws_ends_with_status_1(slug: Path) -> None:
    """The page on stderr, and the same as JSON for a program."""
    with Answers([Answer(403, "UnrecognizedClientException", "invalid")]) as server:
        result = deploy(slug, "--json", env={**SETTINGS, "_AWS_ENDPOINT_URL": server.url})
    assert result.returncode == 1
    assert " !     AWS does not know the access key" in result.stderr
    assert json.loads(result.stdout)["error"]["what"].startswith("AWS does not know the access key")


def test_in_the_release_phase_the_last_line_tells_the_outcome(slug: Path) -> None:
    """People read the end of the log, where otherwise the end of the advice stands."""
    result = deploy(slug, env={"DYNO": "release.1234"})
    assert result.stderr.splitlines()[-1] == (
        " !     Not released: 3 settings are missing or wrong. Nothing was changed."
    )


def test_a_package_over_the_limit_never_reaches_aws(tmp_path: Path) -> None:
    """The app is a byte below 250 MB unzipped, and the config takes it over: counted before any call."""
    slug = make_slug(tmp_path, {"index.js": b"", "zeros": bytes(250 * 1024 * 1024 - len(b"{}") - 1)})
    with Answers([Answer(500)]) as server:
        result = deploy(slug, env={**SETTINGS, "_AWS_ENDPOINT_URL": server.url, "NAME": "value"})
        assert server.requests == []
    assert result.returncode == 2
    assert "over the 250 MB that Lambda takes" in result.stderr
    assert "250.0 MB  zeros" in result.stderr


def test_a_mistyped_setting_is_pointed_out(slug: Path) -> None:
    """It would have had no effect without a word."""
    result = deploy(slug, "config", env={"_LAMBDA_CONFIG_FILE": "env.json"})
    assert "_LAMBDA_CONFIG_FILE is not a setting of this version" in result.stderr
    assert "Was _LAMBDA_CONFIG_FILES meant?" in result.stderr
    assert result.returncode == 0


# --- config ----------------------------------------------------------------------------------------


def test_config_lists_names_and_reasons_but_no_value(slug: Path) -> None:
    """What would be baked, what would not, and why."""
    env = {"B": "canary", "A": "canary", "PORT": "canary", "_SECRET": "canary", "EXCLUDED": "canary"}
    result = deploy(slug, "config", env={**env, "_LAMBDA_CONFIG_EXCLUDE": "EX*"})
    # Python itself adds LC_CTYPE where there is no locale (PEP 538).
    assert result.stdout.replace("       LC_CTYPE                set by the shell or the terminal\n", "") == (
        "-----> Baked into env.properties\n"
        "       A\n"
        "       B\n"
        "-----> Left out\n"
        "       EXCLUDED                excluded by _LAMBDA_CONFIG_EXCLUDE\n"
        f"       PATH                    {PATH_REASON}\n"
        "       PORT                    set by the platform for each dyno\n"
        "       _LAMBDA_CONFIG_EXCLUDE  a setting of the deploy: its name starts with _\n"
        "       _SECRET                 a setting of the deploy: its name starts with _\n"
    )
    document = json.loads(deploy(slug, "--json", "config", env=env).stdout)
    assert document["config"]["baked"] == ["A", "B", "EXCLUDED"]
    assert {"name": "PORT", "reason": "set by the platform for each dyno"} in document["config"]["left_out"]


def test_reserved_names_of_a_shell_file_are_told(slug: Path) -> None:
    """They are baked elsewhere, but the Lambda runtime keeps its own in the environment."""
    env = {"AWS_REGION": "canary", "_LAMBDA_CONFIG_FILES": "env.sh,env.json"}
    result = deploy(slug, "config", env=env)
    assert (
        "env.sh does not export AWS_REGION: the Lambda runtime has values of its own for that."
        in result.stderr
    )


def test_names_that_would_move_the_cursor_are_spelled_out(slug: Path) -> None:
    """A name is shown on one line, whatever it holds."""
    result = deploy(slug, "config", env={"BAD\x1b[2J\nNAME": "x"})
    assert "       BAD\\x1b[2J\\nNAME\n" in result.stdout


def test_bytes_that_are_no_utf_8_are_an_error_that_names_the_variable(slug: Path) -> None:
    """No format can hold them; the value is not shown."""
    done = subprocess.run(
        [os.fsencode(part) for part in command(slug, "config")],
        env={b"BINARY": b"canary\xff", b"PATH": os.environb[b"PATH"]},
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"The value of the config var BINARY is not valid UTF-8." in done.stderr
    assert b"canary" not in done.stderr


# --- .env files ------------------------------------------------------------------------------------


def test_an_env_file_takes_the_place_of_the_environment(slug: Path, tmp_path: Path) -> None:
    """A laptop's own variables are not config; its `_…` settings win over the file's."""
    path = tmp_path / ".env"
    path.write_text(
        "# a comment\n"
        "A=plain\n"
        "export B='two\nlines'\n"
        'C="${A} $(id) stays"\n'
        "EMPTY=\n"
        "_LAMBDA_CONFIG_EXCLUDE=A\n"
    )
    target = tmp_path / "package.zip"
    env = {"EDITOR": "vi", "_LAMBDA_CONFIG_EXCLUDE": "B"}
    result = deploy(slug, "package", "-o", target, "--env-file", path, env=env)
    assert result.returncode == 0, result.stderr
    import zipfile

    with zipfile.ZipFile(target) as file:
        assert file.read("env.properties") == b"A=plain\nC=${A} $(id) stays\nEMPTY=\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "can't be read: No such file"),
        (b"A=1\nB\n", "Line 2."),
        (b"A=1\n'x\n=\n", "not NAME=value"),
        (b"A=\xff\n", "is not UTF-8"),
    ],
)
def test_a_broken_env_file_is_explained(
    slug: Path, tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """The line's number, never its content."""
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    result = deploy(slug, "config", "--env-file", path)
    assert result.returncode == 2
    assert expected in result.stderr


# --- faults and signals ----------------------------------------------------------------------------


def test_debug_shows_where_it_failed_without_a_secret(slug: Path) -> None:
    """A traceback of the SDK's exception, with the values of the environment taken out."""
    message = f"canary-of-the-config {SETTINGS['_AWS_SECRET_ACCESS_KEY']}"
    env = {**SETTINGS, "NAME": "canary-of-the-config"}
    with Answers([Answer(400, "StrangeException", message)]) as server:
        plain = deploy(slug, env={**env, "_AWS_ENDPOINT_URL": server.url})
        debug = deploy(slug, "--debug", env={**env, "_AWS_ENDPOINT_URL": server.url})
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert "StrangeException" in debug.stderr
    assert SETTINGS["_AWS_SECRET_ACCESS_KEY"] not in plain.stderr + debug.stderr


def test_an_unforeseen_fault_is_told_without_a_traceback(slug: Path) -> None:
    """Even a bug of our own ends in a page, with exit status 1."""
    program = command(slug)
    program[-2] = (
        "import deploy.artifact.base; deploy.artifact.base.read = lambda slug: 1 / 0; " + program[-2]
    )
    env = {**SETTINGS, "PATH": os.environ["PATH"]}
    result = subprocess.run(program, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "a fault of its own (ZeroDivisionError)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_within_an_upload_ends_it_cleanly(
    slug: Path, number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    """A clear last line, exit status 1, and no file left in the temporary folder."""
    # Where the tests run under nohup, SIGHUP is ignored, and an ignored signal stays so.
    before = signal.signal(number, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(number, before))
    configuration = Answer(body={"CodeSha256": "another", "RevisionId": "r"})
    with Answers([configuration, Answer(fault="stall", at="after the body")]) as server:
        env = {**SETTINGS, "_AWS_ENDPOINT_URL": server.url, "PATH": os.environ["PATH"]}
        with subprocess.Popen(
            command(slug), cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert server.stalled.wait(20)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert stderr.splitlines()[-1].startswith(
        f" !     Interrupted by {number.name}. AWS may have taken the upload"
    )
    assert "Traceback" not in stderr


def test_a_reader_that_goes_away_is_no_fault(slug: Path) -> None:
    """`deploy config | head -1` ends quietly."""
    line = " ".join(f"'{part}'" for part in command(slug, "config"))
    env = {f"NAME_{number}": "x" for number in range(5000)} | {"PATH": os.environ["PATH"]}
    result = subprocess.run(
        ["bash", "-c", f"{line} | head -1"],
        cwd=REPOSITORY,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout == "-----> Baked into env.properties\n"
