"""The Lambda Runtime API on loopback, for one event: what runs a handler in Lambda asks it for work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Self

PREFIX = "/2018-06-01/runtime"
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
SECONDS = 30.0  # for a handler to answer


class HandlerError(Exception):
    """What a runtime reported in place of an answer."""


class RuntimeAPI:
    """A server that hands out one event, and keeps what is answered."""

    def __init__(self, event: Mapping[str, Any], timeout: float = SECONDS) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.event = json.dumps(event).encode()  # type: ignore[attr-defined]
        self._server.timeout_of_function = timeout  # type: ignore[attr-defined]
        self._server.taken = threading.Lock()  # type: ignore[attr-defined]
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._server.answers = self.answers  # type: ignore[attr-defined]
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Self":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == f"{PREFIX}/invocation/next"
        if not self.server.taken.acquire(blocking=False):  # type: ignore[attr-defined]
            threading.Event().wait()  # there is no second event
        event = self.server.event  # type: ignore[attr-defined]
        deadline = int((time.time() + self.server.timeout_of_function) * 1000)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", REQUEST_ID)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f"
        )
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.answers.put((self.path.removeprefix(PREFIX), content))  # type: ignore[attr-defined]
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""


def _answer(api: RuntimeAPI, process: subprocess.Popen[bytes]) -> tuple[str, bytes]:
    """Wait for an answer. Raise HandlerError if the process ends without one."""
    end = time.monotonic() + SECONDS
    while True:
        has_ended = process.poll() is not None
        try:
            return api.answers.get(timeout=0.1)
        except queue.Empty:
            if has_ended:
                raise HandlerError(f"the runtime ended: {process.returncode}") from None
            if time.monotonic() > end:
                raise


def run_in_lambda(
    command: list[str],
    task_root: Path,
    handler: str,
    event: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    timeout: float = SECONDS,
    log: BinaryIO | None = None,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _process: None,
) -> Any:
    """Run a runtime on an unpacked package until it has answered one event, and return the answer.

    `timeout` is what the handler is told; what it writes goes into `log`. `started` is given the process.
    """
    with RuntimeAPI(event or {}, timeout) as api:
        variables = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "LAMBDA_TASK_ROOT": str(task_root),
            "_HANDLER": handler,
            "AWS_LAMBDA_RUNTIME_API": api.host,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "f",
            "AWS_REGION": "eu-west-1",
            "TZ": os.environ.get("TZ", "UTC"),
            **(environment or {}),
        }
        with subprocess.Popen(
            command, cwd=task_root, env=variables, stdout=log, stderr=subprocess.STDOUT if log else None
        ) as process:
            started(process)
            try:
                path, content = _answer(api, process)
            finally:
                process.kill()
    if path != f"/invocation/{REQUEST_ID}/response":
        raise HandlerError(f"{path}: {content.decode(errors='replace')}")
    return json.loads(content)
