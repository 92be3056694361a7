"""The package on this machine: `deploy invoke --local` and `deploy local`, as processes of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

import in_process
from command import command, deploy, make_slug
from paths import REPOSITORY
from tools import require

PATIENCE = 30.0  # seconds
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
CONFIG = {"GREETING": 'canary Grüße\n"it\'s"', "_LAMBDA_CONFIG_FILES": "env.json,env.sh"}
SETTINGS = {"_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "_AWS_SECRET_ACCESS_KEY": "canary-of-the-key"}

INDEX = b"""
exports.handler = async (event, context) => {
  console.log('event', event, process.env.GREETING)
  if (event.exit) process.exit(event.exit)
  if (event.sleep) await new Promise(resolve => setTimeout(resolve, event.sleep))
  return { event, greeting: process.env.GREETING, names: Object.keys(process.env), pid: process.pid }
}
"""
MAIN = b"""
import json, os, pathlib

def handler(event, context):
    baked = json.loads(pathlib.Path("env.json").read_text(encoding="utf-8"))
    is_same = baked["GREETING"] == os.environ["GREETING"]
    return [event, is_same, context.function_name, os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]]
"""
# A runtime of its own, in a shell that Lambda has, too.
BOOTSTRAP = b"""#!/usr/bin/env python3
import os, urllib.request as http
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
while True:
    event = http.urlopen(f"{api}next")
    answer = http.Request(f"{api}{event.headers['Lambda-Runtime-Aws-Request-Id']}/response", event.read())
    http.urlopen(answer)
"""


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with handlers in two languages."""
    require("node")
    return make_slug(tmp_path_factory.mktemp("slug"), {"index.js": INDEX, "main.py": MAIN})


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Return the folder that is the process's temporary one."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def variables(temporary: Path) -> dict[str, str]:
    return {**CONFIG, **SETTINGS, "TMPDIR": str(temporary)}


def answer(slug: Path, temporary: Path, *arguments: str) -> Any:
    """Return what `deploy invoke --local` says the handler answered."""
    result = deploy(slug, "invoke", "--local", "--json", *arguments, env=variables(temporary))
    assert (result.returncode, list(temporary.iterdir())) == (0, []), result.stderr
    assert "canary" not in result.stdout + result.stderr
    return json.loads(result.stdout)["answer"]


def test_a_nodejs_package_runs_through_its_wrapper(slug: Path, temporary: Path) -> None:
    """With the config in its environment, as Lambda starts it, and with nothing of the deploy's."""
    found = answer(slug, temporary, "--handler", "index.handler", '{"a": 1}')
    assert found["event"] == {"a": 1}
    assert found["greeting"] == "[GREETING]"
    names = set(found["names"])
    assert {"GREETING", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_FUNCTION_NAME", "_HANDLER"} <= names
    assert not {name for name in names if name.startswith(("_AWS", "_LAMBDA", "DYNO"))}
    assert not names & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "HOME", "AWS_PROFILE"}


def test_a_python_package_runs(slug: Path, temporary: Path) -> None:
    """In its folder, with both baked files."""
    arguments = ("--handler", "main.handler", "--runtime", PYTHON, "[1]")
    assert answer(slug, temporary, *arguments) == [[1], True, "function", True]


def test_a_java_package_runs(java_app: Path, tmp_path: Path, temporary: Path) -> None:
    """A fat JAR, with a RequestHandler, from Maven."""
    shutil.copytree(java_app, tmp_path / "app")
    assert in_process.deploy(tmp_path / "app", "build", str(tmp_path / "app"), env={}).status == 0
    env = {**variables(temporary), "_LAMBDA_CONFIG_FILES": "env.properties"}
    arguments = ("--handler", "com.example.greeter.Handler", "--timeout", "20", "--json")
    result = deploy(tmp_path / "app", "invoke", "--local", *arguments, env=env)
    assert result.returncode == 0, result.stderr
    found = json.loads(json.loads(result.stdout)["answer"])
    assert found["greeting"] == "Hello, world!"
    assert found["config"]["GREETING"] == "[GREETING]"


def test_a_bootstrap_runs(tmp_path: Path, temporary: Path) -> None:
    """A package for an OS-only runtime brings its own client."""
    app = tmp_path / "app"
    (app / "dist").mkdir(parents=True)
    (app / ".lambda-artifact").write_text("dist\n")
    (app / "dist/bootstrap").write_bytes(BOOTSTRAP)
    (app / "dist/bootstrap").chmod(0o755)
    assert in_process.deploy(app, "build", str(app), env={}).status == 0
    assert answer(app, temporary, "--handler", "any", '{"a": [1]}') == {"a": [1]}


def test_the_payload_comes_from_stdin(slug: Path, temporary: Path) -> None:
    """For what is in no file, and should be on no command line."""
    result = subprocess.run(
        [*command(slug, "invoke", "--local", "--json", "--handler", "index.handler", "-")],
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **variables(temporary)},
        cwd=REPOSITORY,
        input='{"from": "stdin"}',
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout)["answer"]["event"] == {"from": "stdin"}


def test_a_person_reads_answer_and_log_without_secrets(slug: Path, temporary: Path) -> None:
    """And a failure is exit status 1."""
    env = variables(temporary)
    result = deploy(slug, "invoke", "--local", "--handler", "index.handler", '{"exit": 3}', env=env)
    assert result.returncode == 1
    assert result.stderr == " !     The function failed (Unhandled).\n"
    assert "       START RequestId: " in result.stdout
    assert "INFO  event { exit: 3 } [GREETING]" in result.stdout
    assert "Runtime exited with error: exit status 3" in result.stdout
    assert "canary" not in result.stdout
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "It is not known which handler to call."),
        (("--handler", "index.handler", "--timeout", "0.5"), "invalid int value"),
        (("--handler", "index.handler", "--timeout", "1000"), "--timeout is not a number of seconds"),
        (("--handler", "index.handler", "--runtime", "java21"), "Java is not installed here"),
    ],
)
def test_what_can_not_be_run_is_exit_status_2(
    slug: Path, temporary: Path, arguments: tuple[str, ...], message: str
) -> None:
    """With what is missing."""
    programs = temporary.parent / "programs"
    programs.mkdir()
    env = {**variables(temporary), "PATH": str(programs)}
    result = deploy(slug, "invoke", "--local", *arguments, env=env)
    assert result.returncode == 2
    assert message in result.stderr
    assert list(temporary.iterdir()) == []


def test_the_config_has_to_come_from_somewhere(slug: Path) -> None:
    """Outside of a dyno the variables of the process may not be the function's, here as well."""
    for arguments in (["invoke", "--local", "--handler", "a.b"], ["local", "--handler", "a.b"]):
        result = subprocess.run(
            command(slug, *arguments),
            env={"PATH": os.environ["PATH"]},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 2
        assert "--env-file" in result.stderr


# --- signals --------------------------------------------------------------------------------------


@contextmanager
def started(slug: Path, temporary: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command, and kill it if the test fails."""
    with subprocess.Popen(
        command(slug, *arguments),
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **variables(temporary)},
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def workers(temporary: Path) -> list[int]:
    """Return the processes that run in a package below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(temporary.resolve()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(condition: Any) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_when_a_signal_comes(slug: Path, temporary: Path, number: int) -> None:
    """Neither the folder that holds the config, nor the handler in the middle of its work."""
    arguments = ("invoke", "--local", "--handler", "index.handler", "--timeout", "60", '{"sleep": 60000}')
    with started(slug, temporary, *arguments) as process:
        wait_for(lambda: workers(temporary))
        process.send_signal(number)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert stderr.startswith(f" !     Interrupted by {signal.Signals(number).name}.")
    assert (list(temporary.iterdir()), workers(temporary)) == ([], [])


def client_of(process: "subprocess.Popen[str]") -> Any:
    """Return an SDK's client of what a process serves."""
    assert process.stdout
    for line in process.stdout:
        if served := re.search(r"Serving function at (http://127\.0\.0\.1:\d+)", line):
            return boto3.client(
                "lambda",
                endpoint_url=served[1],
                region_name="us-east-1",
                aws_access_key_id="any",
                aws_secret_access_key="any",
                config=Config(retries={"total_max_attempts": 1}),
            )
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_an_sdk_reaches_the_package(slug: Path, temporary: Path) -> None:
    """Answers, a timeout and a crash; each time the next invocation is served, and then it ends."""
    arguments = ("local", "--port", "0", "--handler", "index.handler", "--timeout", "1")

    def invoke(**event: int) -> tuple[Any, str]:
        found = client.invoke(FunctionName="function", Payload=json.dumps(event).encode())
        return json.loads(found["Payload"].read()), found.get("FunctionError", "")

    with started(slug, temporary, *arguments) as process:
        client = client_of(process)
        first, error = invoke(a=1)
        assert (first["event"], first["greeting"], error) == ({"a": 1}, CONFIG["GREETING"], "")
        assert invoke(a=2)[0]["pid"] == first["pid"]
        late, error = invoke(sleep=60_000)
        assert (late["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
        again, error = invoke(a=3)
        assert again["pid"] != first["pid"]
        assert error == ""
        crashed, error = invoke(exit=3)
        assert (crashed["errorType"], error) == ("Runtime.ExitError", "Unhandled")
        assert invoke(a=4)[1] == ""
        process.terminate()
        stdout, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stderr) == (0, "")
    assert stdout.endswith("-----> Stopped by SIGTERM\n")
    assert stdout.count("-----> It answered") == 4
    assert "canary" not in stdout
    assert (list(temporary.iterdir()), workers(temporary)) == ([], [])


def test_it_ends_in_the_middle_of_an_invocation(slug: Path, temporary: Path) -> None:
    """A handler that hangs keeps nothing from ending."""
    arguments = ("local", "--port", "0", "--handler", "index.handler", "--timeout", "60")
    with started(slug, temporary, *arguments) as process:
        client_of(process).invoke(
            FunctionName="function", InvocationType="Event", Payload=b'{"sleep": 60000}'
        )
        wait_for(lambda: workers(temporary))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    assert (process.returncode, stderr) == (0, "")
    assert (list(temporary.iterdir()), workers(temporary)) == ([], [])
