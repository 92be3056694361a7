"""Each fault at each call of each plan: nothing is ever lost, and nobody is told anything wrong.

The table at the end of the test run counts the cases: survived at once (exit status 0, and it is so),
survived by the second run (exit status 1, what serves traffic is as it was or verified, and the next
deploy brings it home), lost (anything else; must be 0).
"""

import base64
import functools
import hashlib
import os
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from botocore.retries.standard import ExponentialBackoff

import deploy.artifact.limits
import deploy.aws.wait
from command import command, make_slug
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from in_process import Outcome
from in_process import deploy as run
from paths import REPOSITORY

CONFIG = {"DATABASE_URL": "postgres://a-canary-of-the-config"}
ALIAS = {
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}',
    "_LAMBDA_VERIFY_EXPECT": "pong",
}
FAULTS = [
    Fault(409, "ResourceConflictException"),
    Fault(429, "TooManyRequestsException"),
    Fault(500, "ServiceException"),
    Fault(503, "ServiceUnavailableException"),
    Fault(at="before the body"),
    Fault(at="within the body"),
    Fault(at="before the answer"),
    Fault(at="within the answer"),
    Fault(at="before the answer", stalls=True, seconds=0.05),
]
# Where the SDK tries again by itself, what counts is that AWS may have done it the first time.
CASES = [(fault, 1) for fault in FAULTS] + [(fault, 3) for fault in (FAULTS[3], FAULTS[6], FAULTS[7])]
FOR_LARGE = [Fault(503, "SlowDown"), Fault(at="within the body"), Fault(at="within the answer")]
_load_file = JSONFileLoader.load_file
_read_model = functools.cache(lambda path: _load_file(JSONFileLoader(), path))


State = tuple[str, list[str], str | None]


# --- the plans -------------------------------------------------------------------------------------


@dataclass
class Scene:
    """A function in the state that a plan begins with, and what is there to be compared afterwards."""

    aws: EmbeddedAWS
    proxy: FaultProxy
    slug: Path
    package: bytes
    code_sha256: str
    function: Function
    bucket: str
    settings: dict[str, str] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)

    def deploy(self, *arguments: str, attempts: int = 1) -> Outcome:
        """Run a command through the proxy, with so many tries of the SDK's."""
        return run(self.slug, *arguments, env=self.environment(attempts))

    def environment(self, attempts: int) -> dict[str, str]:
        """Give the environment of a deploy."""
        return {
            **CONFIG,
            **self.aws.settings(self.function),
            "_AWS_ENDPOINT_URL": self.proxy.url,
            "_AWS_MAX_ATTEMPTS": str(attempts),
            **self.settings,
        }

    def publish(self, *packages: bytes) -> None:
        """Publish versions, as the administrator."""
        client = self.aws.client()
        for package in packages:
            client.update_function_code(FunctionName=self.function.name, ZipFile=package)
            client.publish_version(FunctionName=self.function.name)

    def point(self, version: str, description: str = "") -> None:
        """Make the alias, as the administrator."""
        self.aws.client().create_alias(
            FunctionName=self.function.name, Name="live", FunctionVersion=version, Description=description
        )

    def answer(self, _payload: Any, version: str) -> str:
        """Answer an invocation, and note the version that has proved itself with it."""
        self.verified.append(version)
        return "pong"

    @property
    def left(self) -> list[str]:
        """Return what is left in the bucket."""
        return self.aws.left_in(self.bucket) if "_LAMBDA_S3_BUCKET" in self.settings else []

    @property
    def state(self) -> State:
        """Return all that a deploy may change."""
        return (self.function.code_sha256(), self.function.versions(), self.function.alias())


@dataclass(frozen=True)
class Plan:
    """How it begins, what is run, what is run again, and what the function has to be in the end."""

    prepare: Callable[[Scene], None]
    is_home: Callable[[Scene], bool]
    arguments: tuple[str, ...] = ()
    again: tuple[str, ...] = ()


def _nothing(_scene: Scene) -> None:
    pass


def _bucket(scene: Scene) -> None:
    scene.settings |= {"_LAMBDA_S3_BUCKET": scene.bucket, "_LAMBDA_S3_PREFIX": "deploys/"}


def _first(scene: Scene) -> None:
    scene.settings |= ALIAS


def _next(scene: Scene) -> None:
    scene.settings |= {**ALIAS, "_LAMBDA_KEEP_VERSIONS": "2"}
    scene.publish(_zip("one"), _zip("two"), _zip("three"))
    scene.point("3", "points at production [previous version: 2]")


def _back(scene: Scene) -> None:
    scene.settings |= ALIAS
    scene.publish(scene.package, _zip("two"))
    scene.point("2", "[previous version: 1]")


def _is_latest(scene: Scene) -> bool:
    return scene.function.code_sha256() == scene.code_sha256


def _is_live(scene: Scene) -> bool:
    version = scene.function.alias()
    return version in scene.verified and scene.function.code_sha256("live") == scene.code_sha256


PLANS = {
    "plain": Plan(_nothing, _is_latest),
    "by S3": Plan(_bucket, _is_latest),
    "alias, first": Plan(_first, _is_live),
    "alias, next": Plan(_next, _is_live),
    "alias, reuse": Plan(_back, _is_live),
    # Where a rollback failed, another one without a number could go back to where it came from.
    "rollback": Plan(_back, _is_live, ("rollback",), ("rollback", "1")),
}


# --- the cases -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture(scope="module")
def large_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app whose package takes two parts of an upload to S3."""
    return make_slug(tmp_path_factory.mktemp("large"), {"data.bin": os.urandom(9_000_000)})


@pytest.fixture(scope="module")
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start a proxy to this worker's AWS."""
    with FaultProxy(aws.url) as started:
        yield started


@pytest.fixture(scope="module")
def bucket(aws: EmbeddedAWS) -> str:
    """Create a bucket."""
    return aws.create_bucket()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the pauses, and read the SDK's models once."""
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _self, path: _read_model(path))
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    monkeypatch.setattr(deploy.aws.wait, "FIRST_PAUSE", 0.001)


@dataclass
class Stage:
    """Where scenes are made and played."""

    aws: EmbeddedAWS
    proxy: FaultProxy
    bucket: str
    folder: Path
    record: Callable[[str, object], None]
    patch: pytest.MonkeyPatch
    packages: dict[Path, bytes] = field(default_factory=dict)

    def scene(self, slug: Path, plan: Plan) -> Scene:
        """Make a function in the state that a plan begins with."""
        if slug not in self.packages:
            target = self.folder / "package.zip"
            assert run(slug, "package", "-o", str(target), env=CONFIG).status == 0
            self.packages[slug] = target.read_bytes()
        package = self.packages[slug]
        digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
        scene = Scene(self.aws, self.proxy, slug, package, digest, self.aws.create_function(), self.bucket)
        self.aws.answers(scene.function, scene.answer)
        plan.prepare(scene)
        if "_LAMBDA_S3_BUCKET" in scene.settings:
            self.patch.setattr(deploy.artifact.limits, "DIRECT_LIMIT", 0)
        self.proxy.reset()
        return scene

    def calls(self, slug: Path, plan: Plan) -> list[str]:
        """Carry out a plan without a fault, and give its calls."""
        scene = self.scene(slug, plan)
        outcome = scene.deploy(*plan.arguments)
        assert outcome.status == 0, outcome.stderr
        assert outcome.stderr == ""
        assert plan.is_home(scene)
        assert scene.left == []
        return list(self.proxy.seen)

    def play(self, name: str, cases: Iterable[Callable[[], bool]]) -> None:
        """Play cases, which tell whether they were survived at once; give the numbers to conftest.py."""
        survived, lost = [], []
        for case in cases:
            try:
                survived.append(case())
            except AssertionError as error:
                lost.append(str(error))
        at_once = sum(survived)
        tried = len(survived) + len(lost)
        self.record("faults", [name, [tried, at_once, len(survived) - at_once, len(lost)]])
        assert not lost, "\n\n".join(lost)


@pytest.fixture
def stage(
    aws: EmbeddedAWS, proxy: FaultProxy, bucket: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """Set the stage."""
    record, patch = (request.getfixturevalue(name) for name in ("record_property", "monkeypatch"))
    yield Stage(aws, proxy, bucket, tmp_path, record, patch)
    proxy.reset()


@pytest.mark.parametrize(("fault", "attempts"), CASES, ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_a_fault_is_survived(name: str, fault: Fault, attempts: int, slug: Path, stage: Stage) -> None:
    """At each call of the plan, with and without the SDK trying again by itself."""
    plan = PLANS[name]
    numbers = range(1, len(stage.calls(slug, plan)) + 1)
    cases = (partial(_survive, stage.scene(slug, plan), plan, fault, each, attempts) for each in numbers)
    stage.play(name, cases)


@pytest.mark.parametrize("fault", FOR_LARGE, ids=str)
def test_a_fault_within_an_upload_in_parts_is_survived(fault: Fault, large_slug: Path, stage: Stage) -> None:
    """At each call about the object; no part is left behind."""
    plan = PLANS["by S3"]
    calls = stage.calls(large_slug, plan)
    assert calls.count("UploadPart") == 2
    numbers = [number for number, call in enumerate(calls, 1) if "Upload" in call or "Object" in call]
    cases = (partial(_survive, stage.scene(large_slug, plan), plan, fault, each, 1) for each in numbers)
    stage.play("by S3, in parts", cases)


def _survive(scene: Scene, plan: Plan, fault: Fault, number: int, attempts: int) -> bool:
    """Carry out the plan with a fault at a call; tell whether it was survived at once."""
    before = scene.state
    scene.proxy.arm(fault, number=number)
    outcome = scene.deploy(*plan.arguments, attempts=attempts)
    assert scene.proxy.struck.is_set()
    where = f"{fault} at call {number} of {scene.proxy.seen}: {outcome}"
    scene.proxy.reset()

    assert outcome.status in {0, 1}, where
    said = outcome.stdout + outcome.stderr
    for untrue in ("Traceback", "The deploy stopped at a fault", "Another deploy or a person"):
        assert untrue not in said, where
    if "Nothing was changed" in said:
        assert scene.state == before, where
    version = scene.function.alias()
    assert version == before[2] or version in scene.verified, where
    if outcome.status == 0:
        assert plan.is_home(scene), where
    else:
        assert outcome.stderr.startswith(" !     "), where
    for key in scene.left:
        assert key in outcome.stderr, where  # it could not be deleted, and that is told
        scene.aws.s3().delete_object(Bucket=scene.bucket, Key=key)

    again = scene.deploy(*(plan.again or plan.arguments))
    assert again.status == 0, f"{where}, then {again}"
    assert plan.is_home(scene), where
    assert scene.left == []
    return outcome.status == 0


def _zip(text: str) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.js", text)
    return content.getvalue()


# --- signals ---------------------------------------------------------------------------------------

CALLS_OF_NEXT = 12


@pytest.mark.parametrize("number", range(1, CALLS_OF_NEXT + 1))
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def test_an_end_by_a_signal_is_survived(
    signal_number: signal.Signals, number: int, slug: Path, stage: Stage
) -> None:
    """AWS has carried out the call, its answer has not come: the hardest moment to be ended at."""
    plan = PLANS["alias, next"]
    scene = stage.scene(slug, plan)
    stage.play(signal_number.name, [lambda: _survive_signal(scene, plan, signal_number, number)])


def test_each_call_is_ended_at(slug: Path, stage: Stage) -> None:
    """The signals come at each call that there is."""
    assert len(stage.calls(slug, PLANS["alias, next"])) == CALLS_OF_NEXT


CALLS_OF_PARTS = ("HeadBucket", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")


@pytest.mark.parametrize("operation", [*CALLS_OF_PARTS, "UpdateFunctionCode"])
def test_an_interrupted_upload_in_parts_leaves_nothing(
    operation: str, large_slug: Path, stage: Stage
) -> None:
    """SIGTERM leaves the time to take the package, or its parts, out of the bucket again."""
    plan = PLANS["by S3"]
    scene = stage.scene(large_slug, plan)
    stalls = Fault(at="before the answer", stalls=True, seconds=1)
    scene.proxy.arm(stalls, number=1, operation=operation)
    status, stderr = _ended(scene, signal.SIGTERM)
    assert status == 1, stderr
    assert stderr.startswith(" !     Interrupted by SIGTERM. "), stderr
    assert scene.left == []


def _survive_signal(scene: Scene, plan: Plan, signal_number: signal.Signals, number: int) -> bool:
    """End a deploy at a call, and look at what it left and at what the next one makes of it."""
    before = scene.state
    scene.proxy.arm(Fault(at="before the answer", stalls=True, seconds=None), number=number)
    status, stderr = _ended(scene, signal_number)
    if signal_number == signal.SIGTERM:
        assert status == 1, stderr
        assert stderr.startswith(" !     Interrupted by SIGTERM. "), stderr
        assert "Traceback" not in stderr, stderr
        assert "Nothing was changed" not in stderr or scene.state == before, stderr
    else:
        assert status == -signal.SIGKILL
    assert scene.function.alias() in {before[2], *scene.verified}, stderr
    assert scene.function.alias() in scene.function.versions(), stderr
    again = scene.deploy()
    assert again.status == 0, f"{stderr}, then {again}"
    assert plan.is_home(scene)
    assert len(scene.function.versions()) <= 3, "a version was published twice"
    return False


def _ended(scene: Scene, signal_number: signal.Signals) -> tuple[int, str]:
    """Deploy in a process of its own, and send it a signal once the fault has come."""
    start = command(scene.slug)
    limit = deploy.artifact.limits.DIRECT_LIMIT
    start[-2] = f"import deploy.artifact.limits as limits; limits.DIRECT_LIMIT = {limit}; {start[-2]}"
    with subprocess.Popen(
        start,
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **scene.environment(attempts=1)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert scene.proxy.struck.wait(30)
        process.send_signal(signal_number)
        _, stderr = process.communicate(timeout=30)
    scene.proxy.reset()
    return process.returncode, stderr
