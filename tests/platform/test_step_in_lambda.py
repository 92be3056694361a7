"""The CodePipeline step as Lambda runs it: the package that `deploy tools` writes, under AWS's own client."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile

import pytest

from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from installation import Installation
from runtime_api import HandlerError, run_in_lambda
from simulated import Slug
from steps import StepOfTests, zipped

if TYPE_CHECKING:
    import subprocess

HANDLER = "deploy.step.handler"


@pytest.fixture
def step(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[StepOfTests]:
    """Return the step of a pipeline of this test alone."""
    yield StepOfTests(FleetOfTests(aws, tmp_path, f"l{uuid.uuid4().hex[:8]}-"))
    aws.reset()


@pytest.fixture
def orders(step: StepOfTests) -> Function:
    """Return a function at 1.0.0, with 1.1.0 in the lower account."""
    fleet = step.fleet
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    release(fleet.slug("old"), here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(fleet.slug("new"), there, "1.1.0", SOURCE_CONFIG)
    return here


def unpack(package: Path, folder: Path) -> Path:
    with ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def run(
    step: StepOfTests, client: Path, task_root: Path, event: Mapping[str, Any], **others: Any
) -> tuple[Any, str]:
    """Run the handler in a Python that has nothing but the package and the runtime client."""
    with (step.fleet.folder / "log").open("w+b") as log:
        try:
            answer = run_in_lambda(
                [sys.executable, "-S", "-m", "awslambdaric", HANDLER],
                task_root,
                HANDLER,
                event,
                {
                    **step.environment,
                    "PYTHONPATH": f"{task_root}:{client}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    # All that libraries have to say is to be logged.
                    "AWS_LAMBDA_LOG_FORMAT": "JSON",
                    "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
                },
                timeout=900,
                log=log,
                **others,
            )
        finally:
            log.seek(0)
            written = log.read().decode()
            step.check(written)
    return answer, written


@pytest.mark.xdist_group("installation")  # which is made once
def test_the_package_of_an_installation_runs_in_lambda(
    installation: Installation, python_runtime_client: Path, step: StepOfTests, orders: Function
) -> None:
    """It has all that it needs, the same bytes each time, nothing compiled, and nothing of a machine's."""
    folder = step.fleet.folder
    for name in ("a.zip", "b.zip"):
        written = installation.run("tools", "-o", name, cwd=folder)
        assert (written.status, written.stderr) == (0, ""), written
    assert HANDLER in written.stdout
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
    with ZipFile(folder / "a.zip") as archive:
        entries = archive.infolist()
    assert {entry.compress_type for entry in entries} == {ZIP_STORED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert not [entry.filename for entry in entries if entry.filename.endswith((".pyc", ".so"))]
    assert sum(entry.file_size for entry in entries) < 8_000_000
    task_root = unpack(folder / "a.zip", folder / "task")
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    answer, log = run(step, python_runtime_client, task_root, job.event)
    assert answer["result"] == "success"
    assert job.result["outputVariables"]["promoted"] == "1"
    assert names_of(orders) == {"live": "2", "1-0-0": "1", "1-1-0": "2"}
    assert "1 function: 1 promoted" in log
    step.aws.denied = {"sts:AssumeRole"}
    refused = step.job(zipped(fleet_json=step.wants(orders="1.2.0")))
    assert run(step, python_runtime_client, task_root, refused.event)[0]["result"] == "failure"
    assert refused.failure[0] == "PermissionError"
    assert run(step, python_runtime_client, task_root, {"no": "job"})[0]["result"] == "none"


def test_the_package_of_a_slug_runs_in_lambda(
    nodejs_slug: Slug, python_runtime_client: Path, step: StepOfTests, orders: Function, tmp_path: Path
) -> None:
    """A slug has the models that it needs."""
    slug = nodejs_slug.copy(tmp_path / "slug")
    written = slug.run("deploy", "tools", "-o", str(tmp_path / "tools.zip"))
    assert written.returncode == 0, written.stderr
    task_root = unpack(tmp_path / "tools.zip", tmp_path / "task")
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    answer, _ = run(step, python_runtime_client, task_root, job.event)
    assert answer["result"] == "success"
    assert orders.alias() == "2"


@pytest.mark.xdist_group("installation")  # which is made once
def test_a_crash_is_completed_by_the_event_that_lambda_runs_again(
    installation: Installation, python_runtime_client: Path, step: StepOfTests, orders: Function
) -> None:
    """The process is killed when the version is published; the job has one result in the end."""
    folder = step.fleet.folder
    assert installation.run("tools", "-o", "tools.zip", cwd=folder).status == 0
    task_root = unpack(folder / "tools.zip", folder / "task")
    running: list[subprocess.Popen[bytes]] = []

    def kill(_payload: object, _version: str) -> dict[str, bool]:
        running[-1].kill()
        return {"ok": True}

    step.aws.answers(orders, kill)
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")), verify_payload={"ping": 1})
    with pytest.raises(HandlerError, match="the runtime ended: -9"):
        run(step, python_runtime_client, task_root, job.event, started=running.append)
    assert (job.state, orders.alias(), orders.versions()) == ("in progress", "1", ["1", "2"])
    step.aws.answers(orders, lambda _payload, _version: {"ok": True})
    answer, _ = run(step, python_runtime_client, task_root, job.event)
    assert (answer["result"], job.state) == ("success", "succeeded")
    assert (orders.alias(), orders.versions()) == ("2", ["1", "2"])
