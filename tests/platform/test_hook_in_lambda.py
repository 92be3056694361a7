"""The CodeDeploy hook as Lambda runs it: the package that `deploy tools` writes, under AWS's own client."""

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from embedded_aws import EmbeddedAWS, Function
from hooks import HookOfTests
from installation import Installation
from lifecycle_events import Lifecycle
from runtime_api import HandlerError, run_in_lambda

HANDLER = "deploy.hook.handler"
ASKS = {"VERIFY_PAYLOAD": '{"ask": "canary"}', "VERIFY_EXPECT": "yes"}


def test_the_package_of_an_installation_runs_in_lambda(
    installation: Installation,
    python_runtime_client: Path,
    aws: EmbeddedAWS,
    function: Function,
    tmp_path: Path,
) -> None:
    """It reports either status and logs no payload, and what it can't report is an error for Lambda."""
    written = installation.run("tools", "-o", "tools.zip", cwd=tmp_path)
    assert (written.status, HANDLER in written.stdout) == (0, True), written.stderr
    task_root = tmp_path / "task"
    with ZipFile(tmp_path / "tools.zip") as archive:
        archive.extractall(task_root)
    function.client.publish_version(FunctionName=function.name)
    aws.answers(function, lambda payload, _version: f"yes, {payload}")
    with Lifecycle() as lifecycle, (tmp_path / "log").open("w+b") as log:

        def run(event: dict[str, str], **variables: str) -> object:
            return run_in_lambda(
                [sys.executable, "-S", "-m", "awslambdaric", HANDLER],
                task_root,
                HANDLER,
                event,
                {
                    **HookOfTests(aws, lifecycle).environment,
                    "LAMBDA_TASK_ROOT": str(task_root),
                    "PYTHONPATH": f"{task_root}:{python_runtime_client}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    # All that libraries have to say is to be logged.
                    "AWS_LAMBDA_LOG_FORMAT": "JSON",
                    "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
                    **variables,
                },
                timeout=60,
                log=log,
            )

        good, bad = (lifecycle.start(function.name, target="1") for _ in range(2))
        assert run(good.event, **ASKS) == {"status": "Succeeded", "message": ""}
        run(bad.event, VERIFY_PAYLOAD='"canary"', VERIFY_EXPECT="no")
        assert (good.statuses, bad.statuses) == (["Succeeded"], ["Failed"])
        lifecycle.refuses = {"PutLifecycleEventHookExecutionStatus"}
        with pytest.raises(HandlerError, match="NotReported"):
            run(bad.event, **ASKS)
        log.seek(0)
        written_log = log.read().decode()
    assert "VERIFY_EXPECT does not match" in written_log
    assert "canary" not in written_log
    assert "deployer-secret" not in written_log
