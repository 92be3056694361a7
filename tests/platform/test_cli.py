"""The command line: commands, exit status, and what never happens, a traceback or a secret."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import in_process
from aws_answers import Answer, Answers
from command import command, deploy, make_slug
from deploy import __version__
from deploy.artifact import base, limits
from deploy.help import commands
from deploy.help import page as help_page
from deploy.target.sdk import SDK_SETTINGS
from deploy.target.settings import SETTINGS
from embedded_aws import EmbeddedAWS
from paths import REPOSITORY
from targets import ARN

NAMES = commands(is_in_slug=True)

REQUIRED = {
    "_LAMBDA_FUNCTION_ARN": ARN,
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key",
    "_AWS_MAX_ATTEMPTS": "1",
}


# --- help and version ------------------------------------------------------------------------------


def printed(slug: Path, *arguments: str) -> str:
    """Return what a command prints that can't fail."""
    result = in_process.deploy(slug, *arguments, env={})
    assert (result.status, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize("arguments", ["--help", "-h", "help"])
def test_help_fits_a_terminal(slug: Path, arguments: str) -> None:
    """`heroku run deploy --help` is the first thing that people try; it names each command that there is."""
    shown = printed(slug, arguments)
    assert all(re.search(rf"^  ([a-z, ]+ )?{name}[ ,]", shown, re.MULTILINE) for name in NAMES)
    assert "Exit status: 0 done" in shown
    for page in (shown, help_page(is_in_slug=False)):
        assert max(map(len, page.splitlines())) <= 79
        assert len(page.splitlines()) <= 24


def test_each_command_is_in_the_help() -> None:
    """A module is a command, except one for the build alone, and those that belong to others."""
    modules = {path.stem for path in (REPOSITORY / "deploy/commands").glob("*.py")}
    assert modules - {"__init__", "app", "policies", "services"} == set(commands(is_in_slug=False)) - {
        "version"
    }


@pytest.mark.parametrize("name", [name for name in NAMES if name != "version"])
def test_each_command_has_help_of_its_own(slug: Path, name: str) -> None:
    """`deploy COMMAND --help` and `deploy help COMMAND` are the same, and end with an example."""
    shown = printed(slug, name, "--help")
    assert shown.startswith(f"usage: deploy {name} ")
    assert ("--env-file FILE" in shown) == (name not in {"help", "init", "completion"})
    assert shown.splitlines()[-1].startswith(f"example: deploy {name}")
    assert printed(slug, "help", name) == shown


def test_help_explains_all_settings(slug: Path) -> None:
    """Each one's name, meaning and example, on a terminal of 80 columns."""
    shown = printed(slug, "help", "settings")
    assert max(map(len, shown.splitlines())) <= 79
    blocks = [" ".join(block.split()) for block in shown.split("\n\n")]
    settings = [*SETTINGS.values(), *SDK_SETTINGS]
    assert blocks == [f"{each.name} {each.meaning} Example: {each.example}" for each in settings]


def test_a_program_can_read_the_settings(slug: Path) -> None:
    """With --json stdout is one document, here as everywhere."""
    document = json.loads(printed(slug, "help", "settings", "--json"))
    first = next(iter(SETTINGS.values()))
    described = {"name": first.name, "meaning": first.meaning, "example": first.example}
    assert document["settings"][0] == described


@pytest.mark.parametrize("arguments", ["--version", "version"])
def test_version_is_the_packages(slug: Path, arguments: str) -> None:
    """The version that build.json keeps as well."""
    assert printed(slug, arguments) == f"lambda-deploy {__version__}\n"


@pytest.mark.parametrize(
    ("command_line", "status"),
    [
        ("--help >/dev/full", 1),
        ("--help >&-", 1),
        ("plan --help >/dev/full", 1),
        ("--version >/dev/full", 1),
    ],
)
def test_help_that_nobody_can_read_ends_quietly(command_line: str, status: int) -> None:
    """If the disk is full or the stream is closed there is no traceback: none could explain anything."""
    main = REPOSITORY / "deploy/__main__.py"
    result = subprocess.run(
        ["sh", "-c", f'"$0" -I -S -X utf8 "$1" {command_line}', sys.executable, main],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (status, "")


@pytest.mark.parametrize("line", ["config", "help settings", "plan --offline", "doctor --policy"])
def test_output_that_is_lost_is_an_error(slug: Path, line: str) -> None:
    """`deploy doctor --policy > policy.json` on a full disk would leave an empty file and status 0."""
    words = command(slug, *line.split())
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            words,
            cwd=REPOSITORY,
            env={**REQUIRED, "DYNO": "run.1"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert " !     The output could not be written to stdout: No space left on device.\n" in result.stderr


# --- what is imported ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(slug: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slug with a runtime that consists of the deploy package alone, as if no library were installed."""
    copy = shutil.copytree(slug, tmp_path_factory.mktemp("installed") / "app")
    shutil.copytree(REPOSITORY / "deploy", copy / ".lambda-deploy/runtime/deploy")
    return copy


def run_alone(installed: Path, *arguments: str) -> tuple[str, set[str]]:
    """Run the entry point as the launcher does; return what it prints, and what was imported on the way."""
    main = installed / ".lambda-deploy/runtime/deploy/__main__.py"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", "-X", "importtime", main, *arguments],
        env={"PATH": os.environ["PATH"], "DYNO": "run.1"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in ran.stderr.splitlines() if line.startswith("import time:"))
    return ran.stdout, {line.rpartition("|")[2].strip() for line in lines}


def test_help_imports_nothing_but_its_text(installed: Path) -> None:
    """It answers at once."""
    _, imported = run_alone(installed, "--help")
    assert {name for name in imported if name.startswith("deploy")} == {"deploy", "deploy.help"}
    assert not {"argparse", "dataclasses", "pathlib"} & imported


@pytest.mark.parametrize("arguments", ["package -o package.zip", "plan --offline", "config", "help settings"])
def test_what_calls_no_aws_needs_no_library(installed: Path, tmp_path: Path, arguments: str) -> None:
    """Importing the SDK takes longer than all the rest; and no command imports another one."""
    words = arguments.replace("package.zip", str(tmp_path / "package.zip")).split()
    _, imported = run_alone(installed, *words)
    shared = {"deploy.commands.app"}  # no command, but what several read the app with
    commands = {name for name in imported if name.startswith("deploy.commands.")} - shared
    assert commands <= {f"deploy.commands.{words[0]}"}


def test_the_build_asks_which_services_the_slug_needs(installed: Path) -> None:
    """One a line, with the standard library alone: bin/compile asks before anything is installed."""
    listed, _ = run_alone(installed, "services")
    assert listed == "codedeploy\ncodepipeline\niam\nlambda\nlogs\ns3\nssm\nsts\n"


# --- wrong arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("statsu", "deploy: there is no command statsu.\n !\n !     Did you mean `status`? "),
        ("nonsense", "deploy: there is no command nonsense."),
        ("base.zip", "deploy: there is no command base.zip."),
        ("--nonsense", "deploy: there is no option --nonsense."),
        ("--force plan", "deploy: options come after the command: `deploy plan …`."),
        ("--json status", "deploy: options come after the command: `deploy status …`."),
        ("deploy plan", "deploy: options come after the command: `deploy plan …`."),
        ("deploy --onc", "deploy deploy: there is no option --onc."),
        ("--env-file", "deploy: argument --env-file: expected one argument."),
        ("package", "deploy package: the following arguments are required: -o/--output."),
        ("config more", "deploy config: there is no argument more."),
        ("config --forc", "deploy config: there is no option --forc."),
        ("--onc", "deploy: there is no option --onc.\n !\n !     Did you mean `--once`? "),
        ("--once --watch", "deploy: argument --watch: not allowed with argument --once."),
        ("help nonsense", "deploy: there is no command nonsense."),
        ("build --env-from-process", "deploy build: there is no option --env-from-process."),
        ("build --env-file=.env", "deploy build: there is no option --env-file."),
        ("build --aws-profile=me", "deploy build: there is no option --aws-profile."),
        ("help settings --env-file=.env", "deploy help: there is no option --env-file."),
    ],
)
def test_wrong_arguments_have_exit_status_2(slug: Path, arguments: str, complaint: str) -> None:
    """A typo deploys nothing, and a program can read what is wrong."""
    result = in_process.deploy(slug, *arguments.split(), "--json", env=REQUIRED)
    assert result.status == 2
    assert result.stderr.startswith(f" !     {complaint}")
    assert json.loads(result.stdout)["error"]["what"].startswith(complaint.partition("\n")[0])
    assert re.search("`(deploy.*) --help` shows (what it takes|all commands)", result.stderr)
    assert " base" not in result.stderr.replace(complaint, "")  # which bin/compile runs


# --- deploy ----------------------------------------------------------------------------------------


def test_the_deploy_may_be_called_by_its_name(slug: Path, aws: EmbeddedAWS) -> None:
    """`lambda-deploy deploy --env-file …` is what people try first; so is `deploy deploy --help`."""
    function = aws.create_function()
    result = in_process.deploy(slug, "deploy", "--json", env=aws.settings(function))
    assert (result.status, json.loads(result.stdout)["changed"]) == (0, True)
    assert printed(slug, "deploy", "--help") == printed(slug, "help", "deploy")


def test_a_deploy_tells_its_story_and_ends_with_the_outcome(slug: Path, aws: EmbeddedAWS) -> None:
    """The whole output of a plain deploy, as it stands in a release log."""
    function = aws.create_function()
    result = deploy(slug, env={**aws.settings(function), "NAME": "canary", "PORT": "5000"})
    code_sha256 = function.get()["Configuration"]["CodeSha256"]
    size = len(function.code())
    assert result.stderr == ""
    assert re.sub(r" in [0-9.]+ s: ", " in … s: ", result.stdout) == (
        "-----> Reading the config\n"
        "       1 config var to bake (`deploy config` lists them)\n"
        "-----> Making the package\n"
        f"       .lambda-deploy/base.zip + env.properties: {size} bytes\n"
        f"-----> Updating {function.name} in eu-west-1\n"
        f"       Uploading {size} bytes\n"
        f"-----> Deployed {function.name} in … s: CodeSha256 {code_sha256}\n"
    )
    assert result.returncode == 0


def test_json_gives_a_program_the_outcome(slug: Path, aws: EmbeddedAWS) -> None:
    """Names, digests and sizes, and no value."""
    function = aws.create_function()
    result = in_process.deploy(slug, "--json", env={**aws.settings(function), "NAME": "canary"})
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
    result = in_process.deploy(slug, env={})
    assert (result.status, result.stdout) == (2, "")
    assert "3 settings are missing or wrong." in result.stderr


def test_a_refusal_of_aws_ends_with_status_1(slug: Path) -> None:
    """The page on stderr, and the same as JSON for a program."""
    with Answers([Answer(403, "UnrecognizedClientException", "invalid")]) as server:
        result = in_process.deploy(slug, "--json", env={**REQUIRED, "_AWS_ENDPOINT_URL": server.url})
    assert result.status == 1
    assert " !     AWS does not know the access key" in result.stderr
    assert json.loads(result.stdout)["error"]["what"].startswith("AWS does not know the access key")


def test_in_the_release_phase_the_last_line_tells_the_outcome(slug: Path) -> None:
    """People read the end of the log, where otherwise the end of the advice stands."""
    result = in_process.deploy(slug, env={"DYNO": "release.1234"})
    assert result.stderr.splitlines()[-1] == (" !     Not released: 3 settings are missing or wrong.")


def test_a_package_over_the_limit_never_reaches_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is a byte below the limit for unzipped code, and the config takes it over."""
    zeros = b"0" * 2_000_000
    slug = make_slug(tmp_path, {"index.js": b"", "zeros": zeros})
    monkeypatch.setattr(limits, "UNZIPPED_LIMIT", len(zeros) + len(b"{}") + 1)
    with Answers([Answer(500)]) as server:
        result = in_process.deploy(slug, env={**REQUIRED, "_AWS_ENDPOINT_URL": server.url, "NAME": "value"})
        assert server.requests == []
    assert result.status == 2
    assert "over the 250 MiB that Lambda takes" in result.stderr
    assert "1.9 MiB  zeros" in result.stderr


def test_a_mistyped_setting_is_an_error(slug: Path) -> None:
    """It would have had no effect, and nobody would have noticed."""
    result = in_process.deploy(slug, "config", env={"_LAMBDA_CONFIG_FILE": "env.json"})
    assert result.status == 2
    assert "_LAMBDA_CONFIG_FILE is not a setting (did you mean _LAMBDA_CONFIG_FILES?)" in result.stderr


# --- config ----------------------------------------------------------------------------------------


def test_config_lists_names_and_reasons_but_no_value(slug: Path) -> None:
    """What would be baked, what would not, and why."""
    env = {"B": "canary", "A": "canary", "PORT": "canary", "_SECRET": "canary", "EXCLUDED": "canary"}
    result = deploy(slug, "config", env={**env, "_LAMBDA_CONFIG_EXCLUDE": "EX*"})
    # Python itself adds LC_CTYPE where there is no locale (PEP 538).
    coerced = "       LC_CTYPE                set by Python, which runs the deploy\n"
    assert result.stdout.replace(coerced, "") == (
        "-----> Baked into env.properties\n"
        "       A\n"
        "       B\n"
        "-----> Left out\n"
        "       DYNO                    set by the platform for each dyno\n"
        "       EXCLUDED                excluded by _LAMBDA_CONFIG_EXCLUDE\n"
        "       PATH                    set by the platform for each dyno\n"
        "       PORT                    set by the platform for each dyno\n"
        "       _LAMBDA_CONFIG_EXCLUDE  a setting of the deploy: its name starts with _\n"
        "       _SECRET                 a setting of the deploy: its name starts with _\n"
    )
    document = json.loads(in_process.deploy(slug, "config", "--json", env=env).stdout)
    assert document["config"]["baked"] == ["A", "B", "EXCLUDED"]
    assert {"name": "PORT", "reason": "set by the platform for each dyno"} in document["config"]["left_out"]


def test_config_says_if_there_is_none(slug: Path) -> None:
    """A heading with nothing below it would look cut; and `_`, which each shell sets, is no setting."""
    shown = in_process.deploy(slug, "config", env={"_": "/usr/bin/env", "_LAMBDA_TIMEOUT": "5"}).stdout
    assert shown.startswith("-----> Baked into env.properties\n       nothing\n-----> Left out\n")
    assert re.search(r"^ +_ +set by the shell$", shown, re.MULTILINE)


def test_reserved_names_are_not_repeated_where_nothing_changes(slug: Path, aws: EmbeddedAWS) -> None:
    """A scheduler's deploy that has nothing to do is one line in the log."""
    function = aws.create_function(runtime="provided.al2023")
    env = {**aws.settings(function), "AWS_REGION": "canary", "_LAMBDA_CONFIG_FILES": "env.sh"}
    assert "env.sh does not export AWS_REGION" in in_process.deploy(slug, env=env).stderr
    again = in_process.deploy(slug, env=env)
    assert (again.stderr, again.stdout.count("\n")) == ("", 1)


def test_reserved_names_of_a_shell_file_are_pointed_out(slug: Path) -> None:
    """They are baked elsewhere, but the Lambda runtime keeps its own in the environment."""
    env = {"AWS_REGION": "canary", "_LAMBDA_CONFIG_FILES": "env.sh,env.json"}
    result = in_process.deploy(slug, "config", env=env)
    assert "env.sh does not export AWS_REGION: the Lambda runtime sets its own." in result.stderr


def test_names_that_would_move_the_cursor_are_spelled_out(slug: Path) -> None:
    """A name is shown on one line, whatever it holds."""
    result = in_process.deploy(slug, "config", env={"BAD\x1b[2J\nNAME": "x"})
    assert "       BAD\\x1b[2J\\nNAME\n" in result.stdout


def test_bytes_that_are_not_utf_8_are_an_error_that_names_the_variable(slug: Path) -> None:
    """No format can hold them; the value is not shown."""
    done = subprocess.run(
        [os.fsencode(part) for part in command(slug, "config")],
        env={b"BINARY": b"canary\xff", b"DYNO": b"run.1", b"PATH": os.environb[b"PATH"]},
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
    result = in_process.deploy(slug, "package", "-o", str(target), "--env-file", str(path), env=env)
    assert result.status == 0, result.stderr
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
    result = in_process.deploy(slug, "config", "--env-file", str(path), env={})
    assert result.status == 2
    assert expected in result.stderr


# --- faults ----------------------------------------------------------------------------------------


def test_debug_shows_where_it_failed_without_a_secret(slug: Path) -> None:
    """A traceback of the SDK's exception, without the environment's values and control characters."""
    message = f"canary-of-the-config {REQUIRED['_AWS_SECRET_ACCESS_KEY']} \x1b[2J"
    with Answers([Answer(400, "StrangeException", message)]) as server:
        env = {**REQUIRED, "NAME": "canary-of-the-config", "_AWS_ENDPOINT_URL": server.url}
        plain = in_process.deploy(slug, env=env)
        debug = in_process.deploy(slug, "--debug", env=env)
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert "StrangeException" in debug.stderr
    assert REQUIRED["_AWS_SECRET_ACCESS_KEY"] not in plain.stderr + debug.stderr
    assert "canary-of-the-config" not in debug.stderr.partition("Traceback")[2]
    assert "\x1b" not in plain.stderr + debug.stderr


def test_an_unforeseen_fault_is_explained_without_a_traceback(
    slug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a bug of our own ends in a page, with exit status 1."""
    monkeypatch.setattr(base, "read", lambda _slug: 1 / 0)
    result = in_process.deploy(slug, env=REQUIRED)
    assert result.status == 1
    assert "internal error (ZeroDivisionError)" in result.stderr
    assert "Traceback" not in result.stderr


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


def test_a_reader_that_goes_away_is_no_fault(slug: Path) -> None:
    """`deploy config | head -1` ends quietly."""
    line = " ".join(f"'{part}'" for part in command(slug, "config"))
    env = {f"NAME_{number}": "x" for number in range(5000)} | {"PATH": os.environ["PATH"], "DYNO": "run.1"}
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
