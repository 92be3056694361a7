"""The sandbox: invokes the handler as Lambda does, and starts it again after a crash or a timeout."""

from __future__ import annotations

import datetime as dt
import json
import math
import secrets
import threading
import time
import uuid
from typing import TYPE_CHECKING, NamedTuple

from deploy.aws.answers import Invocation
from deploy.cancel import Cancelled
from deploy.local.log import Log
from deploy.local.runtime_api import Work
from deploy.local.worker import Worker

if TYPE_CHECKING:
    from deploy.cancel import Cancellation
    from deploy.local.function import LocalFunction
    from deploy.local.worker import Launch

INIT_SECONDS = 10.0  # that a start may take before it counts against the timeout
GLANCE = 0.1  # seconds between two looks at whether the command has to end
LARGEST_ANSWER = 6 * 1024 * 1024 + 100  # bytes
UNHANDLED = "Unhandled"


class _Answer(NamedTuple):
    payload: bytes
    error: str = ""


class Sandbox:
    """Runs one invocation at a time; the others wait for their turn. `close` it."""

    def __init__(self, launch: Launch, function: LocalFunction, cancellation: Cancellation) -> None:
        self._launch = launch
        self._function = function
        self._cancellation = cancellation
        self._turn = threading.Lock()
        self._log = Log()
        self._start_or_end = threading.Lock()
        self._worker: Worker | None = None
        self._is_ready = False
        self._is_closed = False
        self._init = 0.0  # seconds that the last start took, until they are reported

    def invoke(self, payload: bytes, client_context: str = "") -> Invocation:
        """Invoke the handler; `client_context` is JSON. The log is what was written since the last one."""
        with self._turn:
            request = str(uuid.uuid4())
            answer = self._get_ready(request)
            self._log.add(f"START RequestId: {request} Version: $LATEST")
            started = time.monotonic()
            if answer is None:
                answer = self._run(request, payload, client_context)
            duration = (time.monotonic() - started) * 1000
            if len(answer.payload) > LARGEST_ANSWER:
                answer = _too_large(len(answer.payload))
            self._log.add(f"END RequestId: {request}\n{self._report(request, duration)}")
            content = answer.payload.decode("utf-8", "replace")
            log = self._log.take().decode("utf-8", "replace")
            return Invocation(content, answer.error, log, "$LATEST")

    def close(self) -> None:
        """End the worker; nothing can be invoked any more."""
        with self._start_or_end:
            if self._is_closed:
                return
            self._is_closed = True
        self._stop()
        self._log.close()

    def _get_ready(self, request: str) -> _Answer | None:
        """Wait until a worker asks for work; return the answer if it fails to start."""
        if self._worker and not self._is_ready:
            # It may have answered and be about to exit.
            self._is_ready = self._wait(self._worker, INIT_SECONDS, {"ready"}) == ("ready", b"")
        if self._worker and self._is_ready and self._worker.runs:
            return None
        self._stop()
        started = time.monotonic()
        worker = self._start()
        seconds = INIT_SECONDS + self._function.timeout
        kind, content = self._wait(worker, seconds, {"ready", "init error"})
        self._init = time.monotonic() - started
        self._is_ready = kind == "ready"
        if self._is_ready:
            return None
        if kind == "init error":
            self._wait(worker, GLANCE, set())  # its last words
            answer = _Answer(content, UNHANDLED)
        else:
            answer = self._failed(request, kind, content)
        self._stop()
        return answer

    def _run(self, request: str, payload: bytes, client_context: str) -> _Answer:
        """Have the worker that is ready run an invocation."""
        worker = self._worker
        if worker is None:
            raise RuntimeError("no worker is ready")
        headers = {
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": _trace_id(),
        }
        if client_context:
            headers["Lambda-Runtime-Client-Context"] = client_context
        self._is_ready = False
        worker.hand_out(Work(request, payload, headers))
        kind, content = self._wait(worker, self._function.timeout, {"response", "error"})
        if kind == "response":
            return _Answer(content)
        if kind == "error":
            return _Answer(content, UNHANDLED)
        self._stop()
        return self._failed(request, kind, content)

    def _wait(self, worker: Worker, seconds: float, wanted: set[str]) -> tuple[str, bytes]:
        """Return what is wanted of a worker, or that it exited; an empty kind if that takes longer."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            event = worker.next(min(GLANCE, left))
            self._cancellation.check()
            if event and (event.kind in wanted or event.kind == "exited"):
                return event.kind, event.content
        return "", b""

    def _failed(self, request: str, kind: str, how: bytes) -> _Answer:
        """Return how Lambda answers, and logs, that the worker exited or took too long."""
        if kind == "exited":
            why = f"with error: {how.decode()}" if how else "without providing a reason"
            message, error_type = f"Runtime exited {why}", "Runtime.ExitError"
            self._log.add(f"RequestId: {request} Error: {message}\n{error_type}")
        else:
            message = f"Task timed out after {self._function.timeout:.2f} seconds"
            error_type = "Sandbox.Timedout"
            now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
            self._log.add(f"{now.replace('+00:00', 'Z')} {request} {message}\n")
        return _error(error_type, f"RequestId: {request} Error: {message}")

    def _report(self, request: str, duration: float) -> str:
        billed = f"{math.ceil(duration)} ms\tMemory Size: {self._function.memory} MB"
        init = f"\tInit Duration: {self._init * 1000:.2f} ms" if self._init else ""
        self._init = 0.0
        return f"REPORT RequestId: {request}\tDuration: {duration:.2f} ms\tBilled Duration: {billed}{init}"

    def _start(self) -> Worker:
        with self._start_or_end:
            if self._is_closed:
                raise Cancelled
            self._worker = Worker(self._launch, self._log)
            return self._worker

    def _stop(self) -> None:
        worker, self._worker, self._is_ready = self._worker, None, False
        if worker:
            worker.end()


def _too_large(size: int) -> _Answer:
    limit = f"maximum allowed payload size ({LARGEST_ANSWER} bytes)"
    message = f"Response payload size ({size} bytes) exceeded {limit}."
    return _error("Function.ResponseSizeTooLarge", message)


def _error(error_type: str, message: str) -> _Answer:
    return _Answer(
        json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode(),
        UNHANDLED,
    )


def _trace_id() -> str:
    """Return an X-Ray trace ID of a trace that is not sampled."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
