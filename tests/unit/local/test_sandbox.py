"""The sandbox: invocations one after the other, and what becomes of those that fail."""

import json
import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from deploy.cancel import Cancellation, Cancelled
from deploy.errors import DeployError
from deploy.local import sandbox as module
from deploy.local.function import LocalFunction
from deploy.local.runtimes import CLIENTS
from deploy.local.sandbox import Sandbox
from deploy.local.worker import Launch

CLIENT = (sys.executable, "-s", "-u", str(CLIENTS / "python_client.py"))
Start = Callable[..., Sandbox]

HANDLER = """
    import os, sys, time

    started = os.getpid()
    print("loaded")

    def handler(event, context):
        print("event", event)
        if "exit" in event:
            os._exit(event["exit"])
        if "signal" in event:
            os.kill(os.getpid(), event["signal"])
        time.sleep(event.get("sleep", 0))
        return started if event.get("pid") else "x" * event.get("size", 1)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a sandbox with a handler, and ends it with the test."""
    with ExitStack() as stack:

        def start(
            code: str = HANDLER,
            *,
            timeout: int = 20,
            command: tuple[str, ...] = CLIENT,
            cancellation: Cancellation | None = None,
        ) -> Sandbox:
            (tmp_path / "main.py").write_text(textwrap.dedent(code))
            function = LocalFunction("f", handler="main.handler", timeout=timeout)
            launch = Launch(command, tmp_path, function.process_variables(tmp_path, os.defpath))
            return stack.enter_context(closing(Sandbox(launch, function, cancellation or Cancellation())))

        yield start


def invoke(sandbox: Sandbox, **event: object) -> tuple[object, str, str]:
    """Return answer, error and log of an invocation."""
    invocation = sandbox.invoke(json.dumps(event).encode())
    assert invocation.version == "$LATEST"
    return json.loads(invocation.payload), invocation.error, invocation.log


def lines(log: str) -> list[str]:
    """Return what a log's lines begin with."""
    return [line.split(" RequestId")[0] for line in log.splitlines()]


def test_one_process_runs_all_invocations(start: Start) -> None:
    """Its start is in the first one's log alone, and each log is as Lambda's."""
    sandbox = start()
    first, error, log = invoke(sandbox, pid=True)
    assert error == ""
    assert lines(log) == ["loaded", "START", "event {'pid': True}", "END", "REPORT"]
    assert "Init Duration" in log
    second, _, log = invoke(sandbox, pid=True)
    assert second == first != os.getpid()
    assert lines(log) == ["START", "event {'pid': True}", "END", "REPORT"]
    assert "Init Duration" not in log


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"exit": 3}, "Runtime exited with error: exit status 3"),
        ({"exit": 0}, "Runtime exited without providing a reason"),
        ({"signal": 9}, "Runtime exited with error: signal: killed"),
    ],
)
def test_a_crash_is_reported_and_the_next_one_starts_again(
    start: Start, event: dict[str, int], message: str
) -> None:
    """In Lambda's words, in the answer and in the log."""
    sandbox = start()
    answer, error, log = invoke(sandbox, **event)
    assert error == "Unhandled"
    assert isinstance(answer, dict)
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith(f" Error: {message}")
    assert answer["errorMessage"] in log
    assert invoke(sandbox)[:2] == ("x", "")


def test_a_timeout_is_reported_and_the_next_one_starts_again(start: Start) -> None:
    """What takes too long is killed, and its answer never comes."""
    sandbox = start(timeout=1)
    before = invoke(sandbox, pid=True)[0]
    answer, error, log = invoke(sandbox, sleep=60)
    assert (error, answer["errorType"]) == ("Unhandled", "Sandbox.Timedout")  # type: ignore[index]
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")  # type: ignore[index]
    assert "Task timed out after 1.00 seconds" in log
    after = invoke(sandbox, pid=True)[0]
    assert after != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)  # type: ignore[arg-type]


def test_a_failed_start_is_reported_with_the_runtimes_own_words(start: Start) -> None:
    """And tried again with the next invocation."""
    sandbox = start("raise ValueError('no start')")
    for _ in range(2):
        answer, error, log = invoke(sandbox)
        assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "ValueError", "no start")  # type: ignore[index]
        assert "[ERROR] ValueError: no start" in log


def test_a_start_that_exits_is_reported(start: Start) -> None:
    """There are no words of the runtime's then."""
    answer, error, _ = invoke(start("import os; os._exit(5)"))
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ExitError")  # type: ignore[index]
    assert "exit status 5" in answer["errorMessage"]  # type: ignore[index]


def test_a_start_may_take_long(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds in Lambda; what it takes beyond them counts against the timeout."""
    monkeypatch.setattr(module, "INIT_SECONDS", 0.2)
    slow = "import time; time.sleep(0.6)\ndef handler(event, context): return 1"
    assert invoke(start(slow, timeout=20))[:2] == (1, "")
    stuck = "import time; time.sleep(60)"
    answer, error, _ = invoke(start(stuck, timeout=1))
    assert (error, answer["errorType"]) == ("Unhandled", "Sandbox.Timedout")  # type: ignore[index]


def test_a_process_that_ends_between_invocations_is_started_again(start: Start) -> None:
    """It was not the next invocation that ended it."""
    sandbox = start()
    before = invoke(sandbox, pid=True)[0]
    os.kill(before, 9)  # type: ignore[arg-type]
    time.sleep(0.2)
    after, error, _ = invoke(sandbox, pid=True)
    assert error == ""
    assert after != before


def test_an_answer_that_is_too_large_is_refused(start: Start) -> None:
    """As Lambda refuses it, and the next one is served."""
    sandbox = start()
    answer, error, _ = invoke(sandbox, size=6 * 1024 * 1024 + 101)
    assert (error, answer["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")  # type: ignore[index]
    assert invoke(sandbox)[1] == ""


def test_a_log_has_an_end(start: Start) -> None:
    """However much is printed, all of it is read, and its end is kept."""
    noisy = """
        def handler(event, context):
            for number in range(100_000):
                print("line", number)
            return 1
    """
    answer, _, log = invoke(start(noisy))
    assert answer == 1
    assert len(log) < 300 * 1024
    assert lines(log)[-3:] == ["line 99999", "END", "REPORT"]


def test_invocations_wait_for_their_turn(start: Start) -> None:
    """Two at once are run one after the other."""
    sandbox = start()
    answers: list[tuple[object, str, str]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(invoke(sandbox, sleep=0.2, pid=True)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer for answer, _, _ in answers}) == 1
    assert all(log.count("START") == 1 for _, _, log in answers)


def test_what_a_handler_has_started_ends_with_it(start: Start) -> None:
    """A child that would outlive it is killed, too."""
    parent = """
        import subprocess, os
        def handler(event, context):
            return subprocess.Popen(["sleep", "60"]).pid
    """
    sandbox = start(parent)
    child = invoke(sandbox)[0]
    sandbox.close()
    assert is_gone(child)  # type: ignore[arg-type]


def is_gone(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
            return True  # nobody has waited for it
        time.sleep(0.02)
    return False


def test_the_command_may_end_meanwhile(start: Start) -> None:
    """It waits for no handler."""
    cancellation = Cancellation()
    sandbox = start(cancellation=cancellation)
    invoke(sandbox)
    threading.Timer(0.2, cancellation.cancel).start()
    with pytest.raises(Cancelled):
        sandbox.invoke(b'{"sleep": 60}')


def test_nothing_is_started_after_the_end(start: Start) -> None:
    """Also not by an invocation that waited for its turn."""
    sandbox = start()
    sandbox.close()
    with pytest.raises(Cancelled):
        sandbox.invoke(b"{}")


def test_a_wrapper_that_can_not_be_started_is_named(start: Start, tmp_path: Path) -> None:
    """By its place, and why it is started at all."""
    with pytest.raises(DeployError, match=r"env\.sh can't be started") as raised:
        start(command=(str(tmp_path / "env.sh"), *CLIENT)).invoke(b"{}")
    assert "AWS_LAMBDA_EXEC_WRAPPER" in raised.value.todo
