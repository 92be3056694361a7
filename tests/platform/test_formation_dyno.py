"""The formation dyno as a platform starts it: real processes against the embedded AWS.

What has to do with the platform runs in a dyno of a whole slug. The other tests start the same command line
without launcher and shell, and let a second pass in 25 ms.
"""

import io
import json
import os
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

import pytest

import in_process
from command import command, make_slug
from deploy.release import watch
from embedded_aws import EmbeddedAWS, Function
from outage import Outage
from paths import REPOSITORY
from simulated import Slug

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 30.0  # seconds
EVERY_SECOND = {"_LAMBDA_RECONCILE_INTERVAL": "1s"}
ALIAS = {"_LAMBDA_ALIAS": "live"}
DEPLOY_1 = {"DYNO": "deploy.1"}
CONFIG = {"GREETING": "hello"}


class Dyno:
    """The `deploy` process of an app in a formation dyno, from its start on."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._said = {"stdout": "", "stderr": ""}

    def __enter__(self) -> "Self":
        pipes = {"stdout": self.process.stdout, "stderr": self.process.stderr}
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in pipes.items()
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def stdout(self) -> str:
        """Return what it has said so far."""
        return self._said["stdout"]

    @property
    def stderr(self) -> str:
        """Return what it has complained of so far."""
        return self._said["stderr"]

    def says(self, text: str) -> None:
        """Wait until it has said something."""
        until(lambda: text in self.stdout or text in self.stderr, lambda: f"{self.stdout}\n{self.stderr}")

    def ends(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit status, and how many seconds it took to end."""
        started = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=PATIENCE)
        took = time.monotonic() - started
        for reader in self._readers:
            reader.join()
        return status, took

    def _read(self, name: str, pipe: IO[str]) -> None:
        for line in pipe:
            self._said[name] += line


def until(condition: Callable[[], bool], explain: Callable[[], str] = lambda: "") -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.01)


Start = Callable[..., Dyno]


@pytest.fixture
def start(small_slug: Path, function: Function) -> Iterator[Start]:
    """Return what starts the process with config vars beside the settings; it is killed after the test."""
    with ExitStack() as stack:

        def start(*arguments: str, **config: str) -> Dyno:
            settings = {**function.aws.settings(function), **EVERY_SECOND, **DEPLOY_1}
            process = subprocess.Popen(
                command(small_slug, *arguments, hurried=True),
                cwd=REPOSITORY,
                env={"PATH": os.environ["PATH"], **settings, **CONFIG, **config},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            return stack.enter_context(Dyno(process))

        yield start


@pytest.fixture
def start_on_platform(nodejs_slug: Slug, function: Function) -> Iterator[Start]:
    """Return what starts a dyno of the Node.js app, as the platform does."""
    with ExitStack() as stack:

        def start(*arguments: str, **config: str) -> Dyno:
            settings = {**function.aws.settings(function), **EVERY_SECOND, **CONFIG, **config}
            process = nodejs_slug.start("deploy", *arguments, config=settings, dyno=DEPLOY_1)
            return stack.enter_context(Dyno(process))

        yield start


@pytest.fixture(scope="module")
def small_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


def operations(function: Function) -> list[str]:
    return [call.operation for call in function.deploy_calls]


def upload_by_hand(function: Function) -> None:
    """Upload as somebody at a console does."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.js", "// by hand")
    function.aws.client().update_function_code(FunctionName=function.name, ZipFile=package.getvalue())


def rounds_pass(function: Function, number: int) -> None:
    """Wait until the dyno has looked so many times more."""
    before = len(function.deploy_calls)
    until(lambda: len(function.deploy_calls) >= before + number)


# --- keeps running -----------------------------------------------------------------------------------------


def test_it_deploys_once_and_keeps_running(start_on_platform: Start, function: Function) -> None:
    """One call a round if nothing has drifted, no more words, and SIGTERM ends it at once with 0."""
    dyno = start_on_platform()
    dyno.says("-----> Deployed ")
    dyno.says("Looking for drift every 1 seconds")
    said = dyno.stdout
    rounds_pass(function, 2)
    assert dyno.process.poll() is None
    assert (dyno.stdout, dyno.stderr) == (said, "")
    calls = operations(function)
    after = calls[calls.index("UpdateFunctionCode") + 1 :]
    assert set(after) == {"GetFunctionConfiguration"}
    # One to wait for the update, then one a round: the pauses are a second, give or take a tenth.
    assert len(after) >= 3
    status, took = dyno.ends()
    assert (status, dyno.stderr) == (0, "")
    assert took < 5
    assert dyno.stdout == f"{said}-----> Stopped by SIGTERM\n"


def test_a_restart_carries_on(start_on_platform: Start, function: Function) -> None:
    """Killed and started again, as a platform does each day: no word of the deploy, and no upload."""
    first = start_on_platform()
    first.says("-----> Deployed ")
    assert first.ends(signal.SIGKILL)[0] == -signal.SIGKILL
    again = start_on_platform(_LAMBDA_RECONCILE_INTERVAL="10m")
    again.says("-----> Nothing to do: ")
    again.says("       Looking for drift every 600 seconds")
    assert again.stdout.count("\n") == 2
    assert operations(function).count("UpdateFunctionCode") == 1
    status, took = again.ends()
    assert status == 0
    assert took < 5


# --- drift -----------------------------------------------------------------------------------------


def test_an_upload_by_hand_is_reported(start: Start, function: Function) -> None:
    """Once, with when it was changed and where to look for whom; without an alias it is left as it is."""
    dyno = start()
    dyno.says("-----> Deployed ")
    upload_by_hand(function)
    theirs = function.code_sha256()
    dyno.says("runs a different package from the one that was deployed here. It was changed at 20")
    assert "CloudTrail shows by whom (UpdateFunctionCode)" in dyno.stderr
    rounds_pass(function, 3)
    assert dyno.stderr.count("runs a different package") == 1
    assert function.code_sha256() == theirs
    assert operations(function).count("UpdateFunctionCode") == 1


def test_an_alias_that_was_moved_or_deleted_is_corrected(start: Start, function: Function) -> None:
    """By the version that is there already: nothing is uploaded or published."""
    dyno = start_with_alias(start, function)
    before = len(operations(function))
    move_by_hand(function)
    dyno.says("points at version 1, not at version 2")
    until(lambda: function.alias() == "2")
    function.aws.client().delete_alias(FunctionName=function.name, Name="live")
    dyno.says(f"The alias live of {function.name} is gone")
    until(lambda: function.alias() == "2")
    writes = {"UpdateFunctionCode", "PublishVersion", "UpdateAlias", "CreateAlias"}
    written = [operation for operation in operations(function)[before:] if operation in writes]
    assert written == ["UpdateAlias", "CreateAlias"]


def test_a_quiet_round_with_an_alias_is_one_call(start: Start, function: Function) -> None:
    """It reads what the alias serves, and nothing else."""
    start_with_alias(start, function)
    before = len(operations(function))
    rounds_pass(function, 3)
    assert set(operations(function)[before:]) == {"GetFunctionConfiguration"}


def test_a_shift_by_weights_is_left_alone(start: Start, function: Function) -> None:
    """Somebody who shifts traffic step by step is no drift, as long as the alias stays at our version."""
    dyno = start_with_alias(start, function)
    function.aws.client().update_alias(
        FunctionName=function.name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}}
    )
    rounds_pass(function, 3)
    assert (function.alias(), dyno.stderr) == ("2", "")


def test_drift_can_be_only_reported(start: Start, function: Function) -> None:
    """`_LAMBDA_RECONCILE=report`: reported once, and left as it is."""
    dyno = start_with_alias(start, function, _LAMBDA_RECONCILE="report")
    move_by_hand(function)
    dyno.says("points at version 1, not at version 2")
    rounds_pass(function, 3)
    assert function.alias() == "1"
    assert dyno.stderr.count("points at version 1") == 1


def test_a_failed_repair_is_tried_until_it_holds(start: Start, function: Function) -> None:
    """AWS's refusal is reported, and that it works again."""
    dyno = start_with_alias(start, function)
    function.aws.denied.add("CreateAlias")
    function.aws.client().delete_alias(FunctionName=function.name, Name="live")
    dyno.says("The deployer lacks the permission lambda:CreateAlias")
    assert function.alias() is None
    function.aws.denied.clear()
    dyno.says("It works again")
    assert function.alias() == "2"


def start_with_alias(start: Start, function: Function, **config: str) -> Dyno:
    """Start a dyno whose alias is at version 2, and wait until it has deployed."""
    function.aws.client().publish_version(FunctionName=function.name)
    dyno = start(**ALIAS, **config)
    dyno.says("Looking for drift")
    assert function.alias() == "2"
    return dyno


def move_by_hand(function: Function) -> None:
    """Move the alias as somebody at a console does."""
    function.aws.client().update_alias(FunctionName=function.name, Name="live", FunctionVersion="1")


def test_several_functions_are_kept_deployed_each_by_itself(start: Start, function: Function) -> None:
    """Drift of one is put right while nothing happens to the other, and a signal ends both."""
    other = function.aws.create_function()
    names = f"{function.arn} {other.arn}"
    for each in (function, other):
        each.aws.client().publish_version(FunctionName=each.name)
    dyno = start(**ALIAS, _LAMBDA_FUNCTION_ARN=names)
    until(lambda: dyno.stdout.count("Looking for drift") == 2)
    assert (function.alias(), other.alias()) == ("2", "2")
    move_by_hand(function)
    dyno.says(f"{function.name}: The alias live of {function.name} points at version 1")
    until(lambda: function.alias() == "2")
    assert other.alias() == "2"
    assert f"{other.name}: The alias" not in dyno.stderr
    dyno.process.terminate()
    assert dyno.process.wait(PATIENCE) == 0


# --- AWS is down -----------------------------------------------------------------------------------


def test_it_outlives_an_outage(start: Start, function: Function) -> None:
    """Of AWS or of the network, at the start and later on; drift meanwhile is corrected after it."""
    with Outage(function.aws.url) as network:
        network.down = True
        function.aws.client().publish_version(FunctionName=function.name)
        dyno = start(**ALIAS, _AWS_ENDPOINT_URL=network.url, _AWS_MAX_ATTEMPTS="1")
        until(lambda: dyno.stdout.count("Trying again in 1 seconds") >= 2)
        assert "did not answer" in dyno.stderr
        network.down = False
        dyno.says("-----> Deployed ")
        network.down = True
        move_by_hand(function)
        tries = dyno.stdout.count("Trying again")
        until(lambda: dyno.stdout.count("Trying again") >= tries + 2)
        network.down = False
        until(lambda: function.alias() == "2")
        assert dyno.process.poll() is None
        until(lambda: dyno.stdout.count("It works again") == 2)
        assert dyno.ends()[0] == 0


def test_a_permission_that_is_missing_is_named_and_waited_for(start: Start, function: Function) -> None:
    """Without the one to look drift can't be seen, which is said once; it is as soon as it is granted."""
    function.aws.allowed = {"lambda:UpdateFunctionCode"}
    dyno = start()
    dyno.says("-----> Deployed ")
    upload_by_hand(function)
    dyno.says("The deployer lacks the permission lambda:GetFunctionConfiguration")
    rounds_pass(function, 2)
    assert dyno.stderr.count("Drift can't be seen.") == 1
    function.aws.allowed = None
    dyno.says("runs a different package")


# --- wrong settings --------------------------------------------------------------------------------


def test_wrong_settings_end_it_after_a_pause(
    small_slug: Path, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clear error, a pause long enough not to be a crash loop, and exit status 2."""
    assert watch.BEFORE_THE_END >= 60
    monkeypatch.setattr(watch, "BEFORE_THE_END", 0.6)
    settings = function.aws.settings(function)
    wrong = {**settings, **DEPLOY_1, "_LAMBDA_RECONCILE_INTERVAL": "often", "_LAMBDA_RECONCILE": "maybe"}
    started = time.monotonic()
    outcome = in_process.deploy(small_slug, env=wrong)
    assert outcome.status == 2
    assert 0.6 <= time.monotonic() - started < PATIENCE
    assert "_LAMBDA_RECONCILE_INTERVAL is not a time such as 30s, 10m or 6h." in outcome.stderr
    assert "_LAMBDA_RECONCILE is neither repair nor report." in outcome.stderr
    assert outcome.stdout == "       Exiting in 1 seconds; a config change or a push starts it again\n"
    assert function.deploy_calls == []


def test_a_program_reads_a_line_for_each_deploy(start: Start, function: Function) -> None:
    """With --json: of the first one, and of one that corrected drift; all else goes to stderr."""
    function.aws.client().publish_version(FunctionName=function.name)
    dyno = start("--json", **ALIAS)
    until(lambda: dyno.stdout.count("\n") == 1)
    move_by_hand(function)
    until(lambda: dyno.stdout.count("\n") == 2)
    assert dyno.ends()[0] == 0
    for line in dyno.stdout.splitlines():
        document = json.loads(line)
        assert (document["function"], document["changed"]) == (function.name, True)
    assert "-----> Stopped by SIGTERM" in dyno.stderr


def test_what_aws_says_is_wrong_ends_it_too(
    small_slug: Path, aws: EmbeddedAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that is a container image stays one; a program reads it in the document."""
    monkeypatch.setattr(watch, "BEFORE_THE_END", 0.1)
    image = aws.create_function(package_type="Image")
    outcome = in_process.deploy(small_slug, "--json", env={**aws.settings(image), **DEPLOY_1})
    assert outcome.status == 2
    assert "is a container image" in json.loads(outcome.stdout)["error"]["what"]


def test_the_pause_after_wrong_settings_can_be_ended(start_on_platform: Start) -> None:
    """SIGTERM within it ends the process at once, without another error."""
    dyno = start_on_platform(_LAMBDA_FUNCTION_ARN="")
    dyno.says("Exiting in 60 seconds")
    complaint = dyno.stderr
    status, took = dyno.ends()
    assert (status, dyno.stderr) == (0, complaint)
    assert took < 5


# --- SIGTERM ---------------------------------------------------------------------------------------


def test_a_signal_within_a_deploy_lets_the_step_in_hand_finish(
    start_on_platform: Start, function: Function
) -> None:
    """The upload is waited for, and no version is published; the next dyno carries on without an upload."""
    function.aws.polls_per_update = 3
    dyno = start_on_platform(**ALIAS)
    until(lambda: "UpdateFunctionCode" in operations(function))
    status, took = dyno.ends()
    assert status == 1
    left = "$LATEST is the new package; no alias was moved."
    assert dyno.stderr == f" !     Interrupted by SIGTERM. {left} Run deploy again.\n"
    assert 0.5 < took < 25
    assert "PublishVersion" not in operations(function)
    assert function.get()["Configuration"]["LastUpdateStatus"] == "Successful"
    again = start_on_platform(**ALIAS)
    again.says("-----> Deployed ")
    assert function.alias() == "1"
    assert operations(function).count("UpdateFunctionCode") == 1


@pytest.mark.parametrize(
    ("stuck", "end"),
    [
        ("before anything", (0, "-----> Stopped by SIGTERM\n")),
        ("after the upload", (1, "AWS has taken the upload; $LATEST is the new package once")),
    ],
)
def test_a_step_that_takes_too_long_is_cut_off(
    small_slug: Path, function: Function, monkeypatch: pytest.MonkeyPatch, stuck: str, end: tuple[int, str]
) -> None:
    """When the grace is over it ends, and says what it leaves unless that is nothing."""
    assert 20 <= watch.GRACE <= 28
    monkeypatch.setattr(watch, "GRACE", 0.5)
    if stuck == "before anything":
        function.aws.is_pending(function, 10_000)
    else:
        function.aws.polls_per_update = 10_000

    def terminate() -> None:
        until(lambda: len(function.deploy_calls) > 3)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    started = time.monotonic()
    outcome = in_process.deploy(small_slug, env={**function.aws.settings(function), **DEPLOY_1})
    thread.join()
    status, told = end
    assert outcome.status == status
    assert told in outcome.stdout + outcome.stderr
    assert 0.5 < time.monotonic() - started < 20


# --- which dynos keep running ------------------------------------------------------------------------------


@pytest.mark.parametrize("dyno", ["run.1234", "release.1234", "scheduler.1234", "cron.1", ""])
def test_any_other_dyno_deploys_once_and_ends(small_slug: Path, function: Function, dyno: str) -> None:
    """One-off dynos, the release phase, the scheduler, and what is no dyno."""
    outcome = in_process.deploy(small_slug, env={**function.aws.settings(function), "DYNO": dyno})
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines()[-1].startswith("-----> Deployed ")


def test_once_overrides_a_formation_dyno(small_slug: Path, function: Function) -> None:
    """`deploy --once` ends wherever it runs."""
    env = {**function.aws.settings(function), **DEPLOY_1}
    assert in_process.deploy(small_slug, "--once", env=env).status == 0


def test_watch_overrides_any_other_dyno(start: Start) -> None:
    """`deploy --watch` keeps running wherever it runs."""
    dyno = start("--watch", DYNO="run.1234")
    dyno.says("-----> Deployed ")
    dyno.says("Looking for drift every 1 seconds")
    assert dyno.ends()[0] == 0
