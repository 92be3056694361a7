"""A CodeDeploy hook on this machine: it runs as in Lambda, and what it calls of AWS is on loopback."""

from __future__ import annotations

import contextlib
import sys
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.artifact.tools import write_tools
from deploy.local.codedeploy import CodeDeploy, Deployment
from deploy.local.function import WITHOUT_CREDENTIALS
from deploy.local.invoke_api import InvokeApi
from deploy.local.runtimes import CLIENTS, search_path
from deploy.local.session import start
from deploy.local.worker import Launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from deploy.aws.answers import Invocation
    from deploy.cancel import Cancellation
    from deploy.local.function import LocalFunction

OURS = "deploy.hook.handler"
TIMEOUT = 60  # seconds that a hook has
# Whose they are does not matter: nobody checks them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Outcome:
    """What a hook did: the status that it reported, empty if none, and what it was refused."""

    status: str
    refused: tuple[str, ...]
    invocation: Invocation


@dataclass(frozen=True)
class Loopback:
    """What stands for AWS while a hook runs."""

    codedeploy: CodeDeploy
    invoke_api: InvokeApi

    def function(self, function: LocalFunction, handler: str, own: Mapping[str, str]) -> LocalFunction:
        """Return the hook's function: beside the one that it checks, with variables of its own.

        Whatever they say, the SDKs in it find this machine's endpoints and no others.
        """
        kept = {name: text for name, text in own.items() if not name.startswith(ENDPOINTS)}
        kept = {name: text for name, text in kept.items() if name.upper() not in PROXIES}
        codedeploy = f"http://{self.codedeploy.host}"
        endpoints = {
            "AWS_ENDPOINT_URL": codedeploy,  # which refuses what is not CodeDeploy's
            "AWS_ENDPOINT_URL_CODEDEPLOY": codedeploy,
            "AWS_ENDPOINT_URL_LAMBDA": f"http://{self.invoke_api.host}",
        }
        variables = {**CREDENTIALS, **kept, **WITHOUT_CREDENTIALS, **endpoints}
        return replace(function, name="hook", handler=handler, timeout=TIMEOUT, variables=variables)


@contextlib.contextmanager
def serve(
    function: LocalFunction, deployment: Deployment, invoke: Callable[[bytes, str], Invocation]
) -> Iterator[Loopback]:
    """Serve what a hook calls until the block ends; `invoke` runs the function."""
    with (
        InvokeApi(function, invoke, 0, deployment.target) as invoke_api,
        CodeDeploy(deployment) as codedeploy,
    ):
        yield Loopback(codedeploy, invoke_api)


def run(loopback: Loopback, launch: Launch, hook: LocalFunction, cancellation: Cancellation) -> Outcome:
    """Run a hook on its event, and return what came of it."""
    codedeploy = loopback.codedeploy
    with start(launch, hook, cancellation) as sandbox:
        invocation = sandbox.invoke(codedeploy.deployment.hook_event())
    return Outcome(codedeploy.status, tuple(codedeploy.refused), invocation)


def our_launch(hook: LocalFunction, folder: Path, services: Iterable[str], libraries: str) -> Launch:
    """Return how our own hook is started: by this Python, from the package that `deploy tools` writes.

    `libraries` are where this Python finds its shared libraries, if they are in no usual place.
    """
    package, task_root = folder / "tools.zip", folder / "hook"
    write_tools(package, services)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(task_root)
    variables = {**hook.process_variables(task_root, search_path()), "PYTHONDONTWRITEBYTECODE": "1"}
    variables["LD_LIBRARY_PATH"] = ":".join(filter(None, (libraries, variables["LD_LIBRARY_PATH"])))
    return Launch((sys.executable, "-s", "-u", str(CLIENTS / "python_client.py")), task_root, variables)
