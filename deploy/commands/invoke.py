"""`deploy invoke [PAYLOAD]`: invokes the deployed function, or with --local the package on this machine."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.config.redaction import Redactor
from deploy.config.variables import secrets
from deploy.errors import DeployError, InputError
from deploy.release.deploy import connect
from deploy.target.environment import read_app, read_targets
from deploy.target.version import is_number, parse_name
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.aws.answers import Invocation
    from deploy.commands import Context
    from deploy.local.function import LocalFunction
    from deploy.output import Report
    from deploy.target.environment import App, Target

EXAMPLE = "invoke --local @event.json"
STDIN = Path("/dev/stdin")
NO_PAYLOAD = b"{}"  # what AWS Lambda makes of none
LATEST = "$LATEST"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the payload, and what is invoked."""
    parser.add_argument(
        "payload", metavar="PAYLOAD", nargs="?", help="JSON, @FILE, or - for stdin; {} by default"
    )
    parser.add_argument(
        "--version", metavar="VERSION", help="a version by number or by name, or another alias"
    )
    parser.add_argument("--local", action="store_true", help="run the package on this machine instead")
    add_local_arguments(parser, only="with --local: ")


def add_local_arguments(parser: argparse.ArgumentParser, *, only: str = "") -> None:
    """Add what AWS is asked for if it is not given: how the package is run."""
    parser.add_argument(
        "--handler",
        metavar="NAME",
        help=f"{only}the handler; the function's own by default, which is read from AWS",
    )
    parser.add_argument(
        "--runtime",
        metavar="NAME",
        help=f"{only}such as nodejs22.x; the function's own, or the app's language",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=int,
        help=f"{only}the function's own by default; 3 if --handler is given",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Invoke it; return 1 if the function failed."""
    if options.local and options.version:
        raise InputError("--version names what is deployed, and --local runs what is not.")
    for name in ("handler", "runtime", "timeout"):
        if getattr(options, name) and not options.local:
            raise InputError(f"--{name} needs --local: the deployed function has its own.")
    payload = _read_payload(options.payload)
    return (
        _invoke_here(payload, options, context) if options.local else _invoke_there(payload, options, context)
    )


def _invoke_there(payload: bytes, options: argparse.Namespace, context: Context) -> int:
    report, cancellation = context.report, context.cancellation
    target = read_only_target(context)
    qualifier = _qualifier(options.version) or target.settings.alias or LATEST
    function, seconds = connect(target, cancellation), target.settings.timeout
    report.step(f"Invoking {function.name}, {printable(qualifier)}")
    with cancellation.leaving("The function may have been invoked."):
        try:
            invocation = function.invoke(qualifier, payload, seconds)
        except TimeoutError:
            raise DeployError(
                f"{function.name} did not answer in {seconds} seconds.",
                why="It may still be running.",
                todo="_LAMBDA_TIMEOUT says how long to wait.",
            ) from None
        return _report(invocation, Redactor(secrets(target.variables)), report)


def _invoke_here(payload: bytes, options: argparse.Namespace, context: Context) -> int:
    from deploy.local.session import open_sandbox

    report, cancellation = context.report, context.cancellation
    app, function = describe_function(options, context)
    with open_sandbox(app, function, report, cancellation) as sandbox:
        report.step(f"Invoking {printable(function.handler)}")
        invocation = sandbox.invoke(payload)
    return _report(invocation, local_redactor(app, function), report)


def describe_function(options: argparse.Namespace, context: Context) -> tuple[App, LocalFunction]:
    """Return the app, and its function as it is here; AWS is asked if no handler is named."""
    from deploy.local.function import describe

    given = {
        "handler": options.handler or "",
        "runtime": options.runtime or "",
        "timeout": options.timeout,
    }
    if options.handler:
        app = read_app(context.variables, context.slug, ["config"])
        return app, describe(app, None, **given)
    if read_app(context.variables, context.slug, ["config"]).settings.function is None:
        raise InputError(
            "It is not known which handler to call.",
            todo="Name it, --handler index.handler for example, or the function that has it, in "
            "_LAMBDA_FUNCTION_ARN.",
        )
    target = read_only_target(context)
    context.report.step(f"Reading how {target.function.name} is configured")
    configuration = connect(target, context.cancellation).configuration()
    function = describe(target, configuration, **given)
    if not function.handler:
        raise InputError(
            f"{target.function.name} has no handler.",
            why="AWS names one for each function but those of container images.",
            todo="Name one: --handler index.handler",
        )
    context.report.detail(f"{printable(function.handler)}, {printable(function.runtime)}")
    return target, function


def local_redactor(app: App, function: LocalFunction) -> Redactor:
    """Return what takes config values, and the function's own variables, out of what is shown."""
    from deploy.local.function import WRAPPER

    own = {name: value for name, value in function.variables.items() if name != WRAPPER}
    return Redactor({**own, **secrets(app.variables)})


def show(invocation: Invocation, redactor: Redactor, report: Report) -> dict[str, object]:
    """Show log and answer without secrets, and return the document of an invocation."""
    log = redactor.redact_tail(invocation.log)
    answer = redactor.redact(invocation.payload)
    for line in log.rstrip().splitlines():
        report.detail(line.replace("\t", "  "))
    report.detail(answer)
    content: object = answer
    with contextlib.suppress(ValueError):  # a function may answer with anything
        content = json.loads(answer)
    return {"answer": content, "error": invocation.error or None, "version": invocation.version, "log": log}


def _report(invocation: Invocation, redactor: Redactor, report: Report) -> int:
    report.document(show(invocation, redactor, report))
    if not invocation.error:
        return 0
    report.error(DeployError(f"The function failed ({printable(invocation.error)})."))
    return 1


def read_only_target(context: Context) -> Target:
    """Return the function of a command that is for one; raise InputError if there are several."""
    first, *others = read_targets(context.variables, context.slug)
    if others:
        raise InputError(
            "There are several functions here, and one is invoked.",
            todo="Name one of them in _LAMBDA_FUNCTION_ARN for this command (on Heroku: `heroku run -e "
            "_LAMBDA_FUNCTION_ARN=NAME -- deploy …`).",
        )
    return first


def _qualifier(version: str | None) -> str:
    """Return what AWS calls a version that is given by number or by name, or an alias; empty if none is."""
    if version is None or version == LATEST or is_number(version):
        return version or ""
    try:
        return parse_name(version).alias
    except ValueError as error:
        raise InputError(f"The version {error}.") from None


def _read_payload(text: str | None) -> bytes:
    """Return the payload that is given; raise InputError if it is not JSON."""
    if text is None:
        return NO_PAYLOAD
    path = STDIN if text == "-" else Path(text[1:]) if text.startswith("@") else None
    try:
        content = path.read_bytes() if path else text.encode("utf-8", "surrogateescape")
        json.loads(content)
    except OSError as error:
        raise InputError(
            f"The payload can't be read from {printable(str(path))}: {error.strerror}."
        ) from None
    except ValueError:
        raise InputError(
            "The payload is not JSON.", todo="Give it as JSON, as @FILE, or as - to read it from stdin."
        ) from None
    return content
