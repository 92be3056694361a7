"""An AWS on loopback: moto's server in a process of its own, behind a layer that counts.

The layer counts each call with the bytes of its body, by operation, and takes the time of moto's own work
on it. It adds what AWS's answers have and moto's lack: the RevisionId of $LATEST, which deploys need, the
SHA-256 of a part that is copied in S3, and an address for a function's code that can be fetched. Reads from
there are calls of "GetCode". Requests come to moto as they are.

    with Server() as aws:
        function = aws.create_function("nodejs20.x")
        ...  # deploy
        traffic = aws.take_traffic()
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import boto3
from moto.backends import get_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from aws_calls import ACCOUNT_ID, call_of, operation_of, with_source
from paths import REPOSITORY, TESTS
from s3_parts import tell_digest
from sigv4 import Authorization

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Self

REGION = "eu-west-1"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

_TRAFFIC_PATH = "/-bench/traffic"
_CODE_PATH = "/-bench/code/"
_LAST_CHARACTERS = 3000
_MODULES = (REPOSITORY, TESTS / "support", TESTS / "fakes", TESTS / "slow")


class ServerError(Exception):
    """A server that did not start, with what it said."""


@dataclass(frozen=True)
class Traffic:
    """What came in at the server: how many calls and how many bytes of their bodies, by operation.

    `work` are the seconds that moto took in all for its answers once it had read the bodies.
    """

    calls: Mapping[str, int]
    sent: Mapping[str, int]
    work: float

    @property
    def all_calls(self) -> int:
        """Return the number of all calls."""
        return sum(self.calls.values())

    @property
    def all_sent(self) -> int:
        """Return the bytes of all bodies."""
        return sum(self.sent.values())


class Server:
    """The process, and what the bench asks of it."""

    def __enter__(self) -> "Self":
        # A file and no pipe, since nobody reads it while the server runs.
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.server"],
                env={**os.environ, "PYTHONPATH": ":".join(map(str, _MODULES))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
            assert self._process.stdout is not None
            port = self._process.stdout.readline()
            if not port:
                status = self._process.wait()
                said.seek(0)
                end = said.read()[-_LAST_CHARACTERS:].decode(errors="replace")
                raise ServerError(f"moto's server did not start: exit status {status}\n{end}")
        self.url = f"http://127.0.0.1:{int(port)}"
        session = boto3.Session(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
        )
        self._functions = session.client("lambda", endpoint_url=self.url)
        self._buckets = session.client("s3", endpoint_url=self.url)
        role = session.client("iam", endpoint_url=self.url).create_role(
            RoleName="function", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
        )
        self.role = role["Role"]["Arn"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # it ends when nobody holds the other end of its stdin
        self._process.wait()

    def create_function(self, runtime: str) -> str:
        """Create a function that holds a stub and give its name."""
        stub = io.BytesIO()
        with zipfile.ZipFile(stub, "w") as archive:
            archive.writestr("index.js", "exports.handler = async () => 'a stub'\n")
        name = f"function-{uuid.uuid4().hex[:12]}"
        self._functions.create_function(
            FunctionName=name,
            Role=self.role,
            Runtime=runtime,  # type: ignore[arg-type]
            Handler="index.handler",
            Code={"ZipFile": stub.getvalue()},
        )
        return name

    def delete_function(self, name: str) -> None:
        """Delete a function, for moto keeps the code of all of them in memory."""
        self._functions.delete_function(FunctionName=name)

    def create_bucket(self) -> str:
        """Create a bucket and give its name."""
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        configuration: Any = {"LocationConstraint": REGION}
        self._buckets.create_bucket(Bucket=name, CreateBucketConfiguration=configuration)
        return name

    def baked_config(self, function: str) -> str:
        """Return the env.properties of the package that a function has."""
        with urllib.request.urlopen(f"{self.url}{_CODE_PATH}{function}") as answer:  # noqa: S310
            package = io.BytesIO(answer.read())
        with zipfile.ZipFile(package) as archive:
            return archive.read("env.properties").decode("latin-1")

    def take_traffic(self) -> Traffic:
        """Return what came in since the last time."""
        with urllib.request.urlopen(self.url + _TRAFFIC_PATH) as answer:  # noqa: S310
            return Traffic(**json.load(answer))


class CountingLayer:
    """A WSGI middleware that counts calls, and the bytes of their bodies as they are read."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._calls: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._work = 0.0
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request of the bench itself, or count it and have it answered."""
        path = environ["PATH_INFO"]
        if path == _TRAFFIC_PATH:
            return self._take_traffic()(environ, start_response)
        if path.startswith(_CODE_PATH):
            self._count("GetCode", 0, 0.0)
            return _code(Request(environ))(environ, start_response)
        operation = _operation(Request(environ))
        body = _CountedBody(environ["wsgi.input"])
        environ["wsgi.input"] = body
        response = Response.from_app(self._application, environ)
        self._count(operation, body.count, time.perf_counter() - body.last_read)
        if operation == "UploadPartCopy" and response.status_code == 200:
            call = call_of(Request(environ), b"")
            tell_digest(get_backend("s3")[ACCOUNT_ID]["aws"].buckets[call.bucket].multiparts, call, response)
        if operation == "GetFunction" and response.status_code == 200:
            _name_an_address(response, environ["HTTP_HOST"])
        if operation == "GetFunctionConfiguration" and response.status_code == 200:
            response.set_data(json.dumps({"RevisionId": "1", **response.get_json(force=True)}))
        return response(environ, start_response)

    def _count(self, operation: str, sent: int, work: float) -> None:
        with self._lock:
            self._work += work
            self._calls[operation] = self._calls.get(operation, 0) + 1
            self._sent[operation] = self._sent.get(operation, 0) + sent

    def _take_traffic(self) -> Response:
        with self._lock:
            taken = {"calls": self._calls, "sent": self._sent, "work": self._work}
            self._calls, self._sent, self._work = {}, {}, 0.0
        return Response(json.dumps(taken), content_type="application/json")


class _CountedBody(io.RawIOBase):
    """The body of a request, which counts what is read of it, and knows when something was read last.

    It never reads ahead: behind a body of known length nothing ends the stream.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0
        self.last_read = time.perf_counter()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self.count += len(data)
        self.last_read = time.perf_counter()
        return len(data)


def _operation(request: Request) -> str:
    authorization = Authorization.parse(request.headers.get("Authorization", ""))
    service = authorization.service if authorization else ""
    path, _, query = request.environ["REQUEST_URI"].partition("?")
    operation = operation_of(service, request.method, path, query, b"") or service or request.method
    return with_source(operation, is_copied="X-Amz-Copy-Source" in request.headers)


def _name_an_address(response: Response, host: str) -> None:
    answer = response.get_json(force=True)
    answer["Code"]["Location"] = f"http://{host}{_CODE_PATH}{answer['Configuration']['FunctionName']}"
    response.set_data(json.dumps(answer))


def _code(request: Request) -> Response:
    """Serve the code that a function has, in ranges too, as S3 does."""
    name = request.path.removeprefix(_CODE_PATH)
    code: bytes = get_backend("lambda")[ACCOUNT_ID][REGION].get_function(name, None).code_bytes
    response = Response(code, content_type="application/zip")
    return response.make_conditional(request, accept_ranges=True, complete_length=len(code))


class _QuietHandler(MotoRequestHandler):
    """Says nothing of each request on stderr, and sends its answers without delay."""

    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


def main() -> None:
    """Serve on a free port of loopback, print the port, and end when stdin does."""
    application = CountingLayer(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_QuietHandler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
