"""Signals: whenever they come and whatever hangs, the command ends soon, with a message and status 1."""

import array
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore
import pytest

from command import command, make_slug
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from paths import REPOSITORY

PATIENCE = 30.0  # seconds
# A command has less time to end by itself than the two seconds that a user has to wait.
SOON = "import deploy.cli; deploy.cli.UNWINDING = 0.3"
ALL_VIA_S3 = "import deploy.artifact.limits; deploy.artifact.limits.DIRECT_LIMIT = 1_000_000"
AT_ONCE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HANGS = Fault(at="before the answer", stalls=True, seconds=None)
ALIAS = {"_LAMBDA_ALIAS": "live"}
VERIFIED = {**ALIAS, "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_VERIFY_EXPECT": "pong"}
NOTHING_CHANGED = "Nothing was changed."
SITE_PACKAGES = Path(botocore.__file__).parents[1]
SDK = ("botocore", "jmespath", "six.py", "urllib3")  # and dateutil


@dataclass(frozen=True)
class Ended:
    """How a process ended after its signals."""

    status: int
    stdout: str
    stderr: str
    seconds: float

    def is_interrupted(self, left: str = "", prog: str = "deploy") -> bool:
        """Whether the message is the only one on stderr, and says what was left, if anything was."""
        names = "|".join(number.name for number in AT_ONCE)
        rest = rf".*{re.escape(left)}.* Run {prog} again\." if left else re.escape(NOTHING_CHANGED)
        message = rf" !     Interrupted by ({names})\. {rest}\n"
        return self.status == 1 and re.fullmatch(message, self.stderr) is not None


@pytest.fixture(autouse=True)
def signals_not_ignored() -> Iterator[None]:
    """Have processes start as a platform starts them: what is ignored here stays ignored in them."""
    ignored = [number for number in AT_ONCE if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def proxy(aws: EmbeddedAWS) -> Iterator[FaultProxy]:
    """Start what lets calls to AWS hang."""
    with FaultProxy(aws.url) as started:
        yield started


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(slug: Path, function: Function, proxy: FaultProxy) -> Iterator[Start]:
    """Return what starts a command against AWS behind the proxy; it is killed after the test."""
    with ExitStack() as stack:

        def start(
            *arguments: str, app: Path = slug, setup: str = SOON, **config: str
        ) -> "subprocess.Popen[str]":
            settings = {**function.aws.settings(function), "_AWS_ENDPOINT_URL": proxy.url}
            process = popen(
                command(app, *arguments, setup=setup),
                {**settings, "_AWS_MAX_ATTEMPTS": "1", **config},
            )
            stack.callback(process.kill)
            return process

        yield start


def popen(words: Sequence[str | Path], environment: Mapping[str, str], **how: Any) -> "subprocess.Popen[str]":
    """Start a process in a session of its own."""
    return subprocess.Popen(
        words,
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **environment},
        start_new_session=True,
        text=True,
        encoding="utf-8",
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
    )


def interrupt(process: "subprocess.Popen[str]", *numbers: signal.Signals, pause: float = 0.0) -> Ended:
    """Send signals, as long as the process is there, and wait for its end."""
    started = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(pause)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, stdout, stderr, time.monotonic() - started)


def until(condition: Callable[[], object]) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- which signals, and how many -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "pause"),
    [
        ([signal.SIGTERM], 0.0),
        ([signal.SIGINT], 0.0),
        ([signal.SIGHUP], 0.0),
        (AT_ONCE, 0.0),
        ([*AT_ONCE, *AT_ONCE], 0.03),
    ],
    ids=["SIGTERM", "SIGINT", "SIGHUP", "at once", "in succession"],
)
def test_signals_end_a_call_that_hangs(
    start: Start, proxy: FaultProxy, numbers: Sequence[signal.Signals], pause: float
) -> None:
    """One message, exit status 1, and no traceback, however many signals come."""
    proxy.arm(HANGS, number=1, operation="GetFunctionConfiguration")
    process = start()
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, *numbers, pause=pause)
    assert ended.is_interrupted(), ended
    assert numbers[0].name in ended.stderr or len(numbers) > 1


def test_a_program_reads_that_it_was_interrupted(start: Start, proxy: FaultProxy) -> None:
    """With --json the message is the document, too."""
    proxy.arm(HANGS, number=1, operation="GetFunctionConfiguration")
    process = start("plan", "--json")
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, signal.SIGTERM)
    assert ended.status == 1
    what = f"Interrupted by SIGTERM. {NOTHING_CHANGED}"
    assert json.loads(ended.stdout) == {"error": {"what": what, "why": "", "todo": ""}}


def test_nohup_is_respected(start: Start, proxy: FaultProxy) -> None:
    """A signal that is ignored when the process starts ends nothing."""
    proxy.arm(Fault(at="before the answer", stalls=True, seconds=0.5), number=1)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, signal.SIGHUP)
    assert "Interrupted" not in ended.stderr


# --- what hangs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "settings", "left"),
    [
        ("CreateAlias", ALIAS, "The alias live is where it was, or at version 1"),
        ("PublishVersion", ALIAS, "A version may have been published"),
        ("Invoke", VERIFIED, "alias was not moved"),
    ],
)
def test_the_end_says_what_a_step_leaves(
    start: Start, proxy: FaultProxy, operation: str, settings: dict[str, str], left: str
) -> None:
    """Three signals at once change nothing about it."""
    proxy.arm(HANGS, number=1, operation=operation)
    process = start(**settings)
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, *AT_ONCE)
    assert ended.is_interrupted(left), ended


@pytest.fixture(scope="module")
def large_slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app whose package is too large for any socket's buffer."""
    return make_slug(tmp_path_factory.mktemp("large"), {"data": os.urandom(16_000_000)})


def test_an_upload_ends(start: Start, large_slug: Path, proxy: FaultProxy, tmp_path: Path) -> None:
    """In the middle of it, in the two seconds that a user gets; no temporary file is left."""
    proxy.arm(
        Fault(at="within the body", stalls=True, seconds=None), number=1, operation="UpdateFunctionCode"
    )
    process = start(app=large_slug, setup="", TMPDIR=str(tmp_path))
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, *AT_ONCE)
    assert ended.is_interrupted("AWS may have taken the upload or not"), ended
    assert ended.seconds < 5
    assert list(tmp_path.iterdir()) == []


def test_a_killed_upload_leaves_no_secret(
    start: Start, large_slug: Path, proxy: FaultProxy, tmp_path: Path
) -> None:
    """Not even SIGKILL, which no program can answer, leaves a file with config on the disk."""
    proxy.arm(
        Fault(at="within the body", stalls=True, seconds=None), number=1, operation="UpdateFunctionCode"
    )
    process = start(app=large_slug, TMPDIR=str(tmp_path))
    assert proxy.struck.wait(PATIENCE)
    assert interrupt(process, signal.SIGKILL).status == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", ["within the body", "before the answer"])
def test_an_upload_via_s3_leaves_nothing_in_the_bucket(
    start: Start, large_slug: Path, proxy: FaultProxy, aws: EmbeddedAWS, at: str
) -> None:
    """Neither an object nor parts of one; the base, which holds no config, is there or not."""
    bucket = aws.create_bucket()
    proxy.arm(Fault(at=at, stalls=True, seconds=None), number=1, operation="PutObject")
    process = start(app=large_slug, setup=f"{SOON}; {ALL_VIA_S3}", _LAMBDA_S3_BUCKET=bucket)
    assert proxy.struck.wait(PATIENCE)
    assert aws.left_in(bucket)
    ended = interrupt(process, *AT_ONCE)
    assert ended.is_interrupted("$LATEST was not changed"), ended
    assert all(key.startswith("bases/") for key in aws.left_in(bucket))


def test_a_rollback_ends(start: Start, proxy: FaultProxy, function: Function) -> None:
    """What has to be run again is the rollback: a deploy would undo it."""
    for greeting in ("hello", "good day"):
        assert start(**ALIAS, GREETING=greeting).wait(PATIENCE) == 0
    proxy.arm(HANGS, number=1, operation="UpdateAlias")
    process = start("rollback", **ALIAS)
    assert proxy.struck.wait(PATIENCE)
    ended = interrupt(process, *AT_ONCE)
    assert ended.is_interrupted("The alias live is where it was, or at version 1", "deploy rollback"), ended
    assert function.alias() == "1"


def test_a_search_that_runs_away_ends_with_the_deploy(
    start: Start, proxy: FaultProxy, function: Function
) -> None:
    """The platform signals every process; none is left to search on, and none takes the end for a fault."""
    function.aws.answers(function, lambda _payload, _version: "a" * 40)
    process = start(**{**VERIFIED, "_LAMBDA_VERIFY_EXPECT": "(a+)+b"})
    until(lambda: "Invoke" in proxy.seen)
    until(lambda: children(process.pid))
    (search,) = children(process.pid)
    os.kill(search, signal.SIGTERM)
    ended = interrupt(process, *AT_ONCE)
    assert ended.is_interrupted("alias was not moved"), ended
    assert not Path(f"/proc/{search}").exists()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text().split()]


def test_a_pipe_that_nobody_reads_keeps_nothing_alive(start: Start) -> None:
    """The command hangs in its own output then; the message goes to stderr."""
    process = start("config", **{f"NAME_{number}_{'x' * 200}": "x" for number in range(1000)})
    assert process.stdout
    until(lambda: is_full(process.stdout))
    started = time.monotonic()
    for number in AT_ONCE:
        process.send_signal(number)
    assert process.wait(PATIENCE) == 1
    assert time.monotonic() - started < 5
    assert process.stderr
    assert process.stderr.read().endswith(f". {NOTHING_CHANGED}\n")


def test_two_pipes_that_nobody_reads_keep_nothing_alive(slug: Path) -> None:
    """A log drain that has stalled takes neither the story nor the error; the process ends all the same."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    process = subprocess.Popen(
        command(slug, "config"), cwd=REPOSITORY, env={"DYNO": "run.1"}, stdout=writer, stderr=writer
    )
    os.close(writer)
    time.sleep(1.0)  # it is stuck by then
    process.terminate()
    assert process.wait(PATIENCE) == 1
    os.close(reader)


def is_full(pipe: Any) -> bool:
    """Whether nothing more fits into a pipe, as far as its reader can see."""
    waiting = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    return waiting[0] > 60_000


# --- before a command runs -------------------------------------------------------------------------


@pytest.fixture
def runtime(slug: Path, tmp_path: Path) -> Path:
    """Make a slug with the runtime in it, for tests that slow a part of it down; return the runtime."""
    copy = shutil.copytree(slug, tmp_path / "app")
    runtime = copy / ".lambda-deploy/runtime"
    shutil.copytree(REPOSITORY / "deploy", runtime / "deploy")
    return runtime


# The libraries of these tests are found before those of Python.
SLOW = "import time\nprint('here', flush=True)\ntime.sleep({seconds})\n"


def start_runtime(runtime: Path, *arguments: str, function: Function) -> "subprocess.Popen[str]":
    """Start it as the launcher does, and wait until it is in the slow part."""
    main = str(runtime / "deploy/__main__.py")
    words: list[str | Path] = [sys.executable, "-I", "-S", "-X", "utf8", main, *arguments]
    process = popen(words, function.aws.settings(function))
    assert process.stdout
    while line := process.stdout.readline():
        if line == "here\n":
            return process
    raise AssertionError(process.communicate())


def test_a_signal_while_modules_are_imported(runtime: Path, function: Function) -> None:
    """Before the command line is even looked at."""
    (runtime / "resource.py").write_text(SLOW.format(seconds=60))
    ended = interrupt(start_runtime(runtime, function=function), *AT_ONCE)
    assert ended.is_interrupted(), ended


def test_a_signal_while_arguments_are_parsed(runtime: Path, function: Function) -> None:
    """The command does not begin."""
    (runtime / "deploy/commands/status.py").write_text(SLOW.format(seconds=0.3) + "run = print\n")
    ended = interrupt(start_runtime(runtime, "status", function=function), *AT_ONCE)
    assert ended.is_interrupted(), ended
    assert ended.stdout == ""


@pytest.mark.parametrize("seconds", [0.3, 60])
def test_a_signal_while_the_sdk_loads(runtime: Path, function: Function, seconds: float) -> None:
    """Whether that ends in time or not; and no call is made any more."""
    for name in SDK:
        (runtime / name).symlink_to(SITE_PACKAGES / name)
    shutil.copytree(SITE_PACKAGES / "dateutil", runtime / "dateutil")
    with (runtime / "dateutil/__init__.py").open("a") as module:
        module.write(SLOW.format(seconds=seconds))
    ended = interrupt(start_runtime(runtime, function=function), *AT_ONCE)
    assert ended.is_interrupted(), ended
    assert ended.seconds < 4
    assert function.deploy_calls == []


# --- a formation dyno ------------------------------------------------------------------------------


def test_an_idle_formation_dyno_is_stopped_by_many_signals(start: Start) -> None:
    """It is what a platform does each day: no error."""
    process = start(DYNO="deploy.1")
    assert process.stdout
    while "Looking for drift" not in process.stdout.readline():
        assert process.poll() is None
    ended = interrupt(process, *AT_ONCE)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith("-----> Stopped by SIG")
    assert ended.seconds < 2
