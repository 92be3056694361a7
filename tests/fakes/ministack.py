"""A second opinion on AWS: ministack, a server that is not ours, with a virtual environment of its own.

It keeps versions, aliases and revisions, and has Node.js run the code of each version. `make test` makes
its environment, `.venv-ministack`. Unlike AWS it carries out dry runs, so `deploy doctor` breaks functions
there; it ignores the CodeSha256 of PublishVersion, and serves the code of $LATEST for every version.

with serve() as server:
    function = server.create_function("111111111111", "my-function", code)
    ...  # deploy with function.settings in the environment
    answer = function.invoke()
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from paths import REPOSITORY
from tools import require

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

PROGRAMS = REPOSITORY / ".venv-ministack/bin"
HOST = "127.0.0.1"
REGION = "eu-west-1"
START_UP = 30  # seconds

# The server's process group ends with the server, and with the process that started it, which may be killed.
_GUARD = '{ "$@"; kill -KILL 0; } & read -r _; kill -KILL 0'


@dataclass(frozen=True)
class Function:
    """A function, as root of its account sees it; `settings` is what a deploy to it needs."""

    client: "LambdaClient"
    arn: str
    settings: Mapping[str, str]

    def invoke(self, qualifier: str = "$LATEST") -> Any:
        """Return what the code itself answers; raise AssertionError if it fails."""
        answer = self.client.invoke(FunctionName=self.arn, Qualifier=qualifier)
        payload = json.load(answer["Payload"])
        assert "FunctionError" not in answer, payload
        return payload

    def configuration(self) -> "FunctionConfigurationResponseTypeDef":
        """Return the configuration of $LATEST."""
        return self.client.get_function_configuration(FunctionName=self.arn)

    def code(self) -> bytes:
        """Download the package of $LATEST."""
        location = self.client.get_function(FunctionName=self.arn)["Code"]["Location"]
        with urllib.request.urlopen(location) as answer:  # noqa: S310 - http, on loopback
            package: bytes = answer.read()
        return package

    def versions(self) -> dict[str, str]:
        """Return the CodeSha256 of each published version."""
        listed = self.client.list_versions_by_function(FunctionName=self.arn)["Versions"]
        return {each["Version"]: each["CodeSha256"] for each in listed if each["Version"] != "$LATEST"}

    def alias(self, name: str) -> str:
        """Return the version that an alias points at."""
        return self.client.get_alias(FunctionName=self.arn, Name=name)["FunctionVersion"]


@dataclass(frozen=True)
class Ministack:
    """The running server."""

    url: str

    def create_function(
        self, account: str, name: str, code: bytes, runtime: Any = "nodejs22.x", **others: Any
    ) -> Function:
        """Create a function in an account. It is active within a second; a deploy waits for that."""
        client: LambdaClient = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=account,  # twelve digits: root of the account with this number
            aws_secret_access_key="any",
        )
        answer = client.create_function(
            FunctionName=name,
            Role=f"arn:aws:iam::{account}:role/function",
            Runtime=runtime,
            Code={"ZipFile": code},
            **{"Handler": "index.handler", **others},
        )
        settings = {
            "_LAMBDA_FUNCTION_ARN": answer["FunctionArn"],
            "_AWS_ACCESS_KEY_ID": account,
            "_AWS_SECRET_ACCESS_KEY": "any",
            "_AWS_ENDPOINT_URL": self.url,
        }
        return Function(client, answer["FunctionArn"], settings)


@contextlib.contextmanager
def serve(*, enforces: bool = False) -> Iterator[Ministack]:
    """Run the server on a free port of the loopback interface; skip the test where it can't be run.

    If it `enforces` them, signatures, policies and the trust of roles count; root may do anything.
    All that it starts and writes is gone afterwards.
    """
    require("node", str(PROGRAMS / "ministack"))
    with tempfile.TemporaryDirectory(prefix="ministack-") as folder:
        log = Path(folder, "server.log")
        # It takes over a socket that listens already: nobody else can get the port, and requests wait for it.
        with socket.create_server((HOST, 0)) as listening, log.open("wb") as output:
            port = listening.getsockname()[1]
            server = [str(PROGRAMS / "hypercorn"), "--workers=0", f"--bind=fd://{listening.fileno()}"]
            process = subprocess.Popen(
                ["sh", "-c", _GUARD, "sh", *server, "ministack.app:app"],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": folder,
                    "TMPDIR": folder,
                    "MINISTACK_HOST": HOST,
                    "GATEWAY_PORT": str(port),
                    "IOT_MTLS_ENABLED": "0",
                    "SFTP_ENABLED": "0",
                    "AUTH": "true" if enforces else "false",
                },
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
        with process:  # closes its stdin in the end, and waits for it
            _wait_for_health(port, log)
            yield Ministack(f"http://{HOST}:{port}")


def _wait_for_health(port: int, log: Path) -> None:
    """Return once the server answers; raise RuntimeError with its log if it does not."""
    connection = http.client.HTTPConnection(HOST, port, timeout=START_UP)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/_ministack/health")
            status = connection.getresponse().status
        except OSError as error:
            raise RuntimeError(f"ministack did not start:\n{log.read_text(errors='replace')}") from error
    if status != HTTPStatus.OK:
        raise RuntimeError(f"ministack is not healthy: HTTP {status}")
