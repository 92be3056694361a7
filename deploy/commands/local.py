"""`deploy local`: serves Lambda's Invoke API on this machine, for the package as it would be deployed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from deploy.commands.invoke import add_local_arguments, describe_function, local_redactor, show
from deploy.errors import InputError
from deploy.local.invoke_api import InvokeApi
from deploy.local.session import open_sandbox

if TYPE_CHECKING:
    import argparse

    from deploy.aws.answers import Invocation
    from deploy.commands import Context

EXAMPLE = "local --handler index.handler"
PORT = 3001
GRACE = 1.0  # seconds that the end may take
FOREVER = 3600.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the port, and how the package is run."""
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"the port on 127.0.0.1; {PORT} by default, 0 for a free one"
    )
    add_local_arguments(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Serve until a signal comes."""
    report, cancellation = context.report, context.cancellation
    if not 0 <= options.port <= 65535:  # noqa: PLR2004 - the largest port
        raise InputError("--port is not a number from 0 to 65535.")
    app, function = describe_function(options, context)
    redactor = local_redactor(app, function)
    cancellation.grace = GRACE
    report.stay()
    turn = threading.Lock()
    with open_sandbox(app, function, report, cancellation) as sandbox:

        def invoke(payload: bytes, client_context: str) -> Invocation:
            invocation = sandbox.invoke(payload, client_context)
            with turn:  # the lines of one invocation stay together
                report.step("It failed" if invocation.error else "It answered")
                report.document(show(invocation, redactor, report))
            return invocation

        with InvokeApi(function, invoke, options.port) as api:
            report.step(f"Serving {function.name} at http://{api.host}")
            report.detail(f"AWS_ENDPOINT_URL_LAMBDA=http://{api.host} aws lambda invoke …")
            report.document({"function": function.name, "endpoint": f"http://{api.host}"})
            while True:
                cancellation.wait_between_steps(FOREVER)
