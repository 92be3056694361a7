"""`deploy hook test`: our own hook and an app's, as processes of their own, against the package."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import in_process
from command import command, deploy, make_slug
from paths import REPOSITORY
from tools import require

INDEX = b"""
const http = require('node:http')
exports.handler = async event => ({ ok: event.ask === 1, secret: process.env.SECRET, pid: process.pid })

const call = (endpoint, path, headers, body) => new Promise((resolve, reject) => {
  const request = http.request(endpoint + path, { method: 'POST', headers }, response => {
    const chunks = []
    response.on('data', chunk => chunks.push(chunk))
    response.on('end', () => resolve([response.statusCode, Buffer.concat(chunks).toString()]))
  })
  request.on('error', reject)
  request.end(JSON.stringify(body))
})
const codedeploy = (operation, body) => call(process.env.AWS_ENDPOINT_URL_CODEDEPLOY, '/',
  { 'X-Amz-Target': `CodeDeploy_20141006.${operation}` }, body)

exports.sleep = async () => {
  require('node:fs').writeFileSync(process.env.LAMBDA_TASK_ROOT + '/../../asleep', '')
  await new Promise(resolve => setTimeout(resolve, 60000))
}
exports.hook = async event => {
  const { DeploymentId: deploymentId, LifecycleEventHookExecutionId: lifecycleEventHookExecutionId } = event
  const [, target] = await codedeploy('GetDeploymentTarget', { deploymentId, targetId: process.env.FUNCTION })
  const info = JSON.parse(target).deploymentTarget.lambdaTarget.lambdaFunctionInfo
  const path = `/2015-03-31/functions/${info.functionName}/invocations?Qualifier=${info.targetVersion}`
  const payload = { ask: Number(process.env.ASK) }
  const [, answer] = await call(process.env.AWS_ENDPOINT_URL_LAMBDA, path, {}, payload)
  console.log('answer', answer, process.env.OWN)
  await call(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL, '/bucket', {}, {})
  const status = JSON.parse(answer).ok ? 'Succeeded' : 'Failed'
  if (process.env.SILENT) return 'forgot it'
  await codedeploy('PutLifecycleEventHookExecutionStatus',
    { deploymentId, lifecycleEventHookExecutionId, status })
  if (process.env.THROWS) throw new Error('after all')
}
"""
SETTINGS = {
    "SECRET": "canary of the config",
    "_LAMBDA_CONFIG_FILES": "env.sh",
    "_LAMBDA_VERIFY_PAYLOAD": '{"ask": 1}',
    "_LAMBDA_VERIFY_EXPECT": '"ok": *true',
}
ASKS_WRONGLY: dict[str, Any] = {"_LAMBDA_VERIFY_PAYLOAD": '{"ask": 2}'}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with a handler and a hook."""
    require("node")
    return make_slug(tmp_path_factory.mktemp("slug"), {"index.js": INDEX})


def run(slug: Path, folder: Path, *arguments: str | Path, status: int = 0, **env: str) -> Any:
    """Run `deploy hook test`, and return its document; nothing is left of it."""
    temporary = folder / "temporary"
    temporary.mkdir()
    every = ("hook", "test", "--json", "--handler", "index.handler")
    result = deploy(slug, *every, *arguments, env={**SETTINGS, **env, "TMPDIR": str(temporary)})
    assert (result.returncode, list(temporary.iterdir())) == (status, []), result.stderr
    assert "canary" not in result.stdout + result.stderr
    temporary.rmdir()
    return json.loads(result.stdout), result.stderr


def test_our_hook_passes_and_fails(slug: Path, tmp_path: Path) -> None:
    """With what a deploy verifies with, from the package that `deploy tools` writes, in Lambda's own way."""
    found, story = run(slug, tmp_path)
    assert (found["status"], found["passed"], found["event"]) == ("Succeeded", True, "BeforeAllowTraffic")
    assert (found["hook"], found["refused"], found["error"]) == ("deploy.hook.handler", [], None)
    assert '"secret":"[SECRET]"' in story
    assert "It would report Succeeded: traffic would begin to shift" in story
    found, story = run(slug, tmp_path, "--after", status=1, **ASKS_WRONGLY)
    assert (found["status"], found["passed"], found["event"]) == ("Failed", False, "AfterAllowTraffic")
    assert "an answer that VERIFY_EXPECT does not match" in found["log"]
    assert "It would report Failed: the deployment would fail" in story


def test_our_hook_takes_the_variables_of_its_function(slug: Path, tmp_path: Path) -> None:
    """From a file, which wins over the settings of a deploy."""
    checks = json.dumps({"function": {"payload": {"ask": 1}, "expect": "ok"}})
    (tmp_path / "hook.env").write_text(f"VERIFY_FUNCTIONS='{checks}'\n")
    found, _ = run(slug, tmp_path, "--hook-env", tmp_path / "hook.env", **ASKS_WRONGLY)
    assert found["status"] == "Succeeded"


def test_an_apps_own_hook_is_run_with_loopback_for_aws(slug: Path, tmp_path: Path) -> None:
    """Whatever endpoints its variables name: what is not CodeDeploy's or Invoke is refused, and shown."""
    env = "AWS_ENDPOINT_URL_S3=http://192.0.2.1\nAWS_ENDPOINT_URL=http://192.0.2.1\nFUNCTION=function\n"
    (tmp_path / "hook.env").write_text(f"{env}ASK=1\nOWN='canary of the hook'\n")
    arguments = ("--hook", "index.hook", "--hook-env", tmp_path / "hook.env")
    found, story = run(slug, tmp_path, *arguments)
    assert (found["status"], found["hook"]) == ("Succeeded", "index.hook")
    assert found["refused"] == ["a call of another service"]
    assert "answer" in found["log"]
    assert "[OWN]" in found["log"]
    assert "What the hook was refused: a call of another service." in story
    (tmp_path / "hook.env").write_text(f"{env}ASK=2\nTHROWS=1\n")
    found, story = run(slug, tmp_path, *arguments, status=1)
    assert (found["status"], found["error"]) == ("Failed", "Unhandled")
    assert "It failed after its report" in story


def test_a_hook_that_reports_nothing_has_not_passed(slug: Path, tmp_path: Path) -> None:
    """CodeDeploy would wait for an hour."""
    (tmp_path / "hook.env").write_text("ASK=1\nSILENT=1\nFUNCTION=function\n")
    arguments = ("--hook", "index.hook", "--hook-env", tmp_path / "hook.env")
    found, story = run(slug, tmp_path, *arguments, status=1)
    assert (found["status"], found["passed"], found["answer"]) == (None, False, "forgot it")
    assert "The hook reported nothing." in story


def test_wrong_arguments_are_explained(slug: Path, tmp_path: Path) -> None:
    """Before anything is run."""
    for arguments, message in (
        ((), "It is not known what the hook asks"),
        (("--hook-env", str(tmp_path / "missing.env")), "missing.env can't be read"),
        (("--before", "--after"), "not allowed with"),
    ):
        result = in_process.deploy(slug, "hook", "test", "--handler", "index.handler", *arguments, env={})
        assert (result.status, message in result.stderr) == (2, True), result.stderr
    result = in_process.deploy(slug, "hook", "test", env=SETTINGS)
    assert (result.status, "which handler to call" in result.stderr) == (2, True)


def test_nothing_is_left_when_a_signal_comes(slug: Path, tmp_path: Path) -> None:
    """Neither the folder, nor the handler, nor the hook that waits for it."""
    arguments = ("hook", "test", "--handler", "index.sleep", "--timeout", "60")
    env = {"PATH": os.environ["PATH"], "DYNO": "run.1", **SETTINGS, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command(slug, *arguments),
        env=env,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "asleep").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        process.terminate()
        story, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Interrupted by SIGTERM. Nothing was changed." in story
    assert [path.name for path in tmp_path.iterdir()] == ["asleep"]
    running = [path for path in Path("/proc").glob("[0-9]*/cwd") if str(tmp_path) in os.path.realpath(path)]
    assert running == []
