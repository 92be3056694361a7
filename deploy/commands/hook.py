"""`deploy hook test`: runs a CodeDeploy hook on this machine, against the package as it would be deployed.

Exit status: 0 it would let traffic shift; 1 it would not, or says nothing; 2 the arguments, the settings or
the artifact are wrong.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.commands.invoke import add_local_arguments, describe_function, local_redactor, show
from deploy.errors import DeployError, InputError
from deploy.infrastructure.policy import services_of_tools
from deploy.local import hook as hooks
from deploy.local.codedeploy import AFTER, ALIAS, BEFORE, Deployment
from deploy.local.session import open_package, start
from deploy.target.hook import EXPECT, NAMES, PAYLOAD
from deploy.target.source import parse_env_file
from deploy.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from deploy.aws.answers import Invocation
    from deploy.commands import Context
    from deploy.config.redaction import Redactor
    from deploy.local.function import LocalFunction
    from deploy.output import Report
    from deploy.target.environment import App

EXAMPLE = "hook test --env-file .env --handler index.handler"
CONSEQUENCES = {
    ("Succeeded", BEFORE): "traffic would begin to shift",
    ("Succeeded", AFTER): "the deployment would succeed",
    ("Failed", BEFORE): "no traffic would shift",
    ("Failed", AFTER): "the deployment would fail",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which hook, at which event, and how the package is run."""
    parser.add_argument("action", choices=("test",), help="what to do")
    event = parser.add_mutually_exclusive_group()
    event.add_argument(
        "--before",
        dest="event",
        action="store_const",
        const=BEFORE,
        default=BEFORE,
        help="as CodeDeploy calls it before it shifts any traffic, which is the default",
    )
    event.add_argument(
        "--after",
        dest="event",
        action="store_const",
        const=AFTER,
        help="as CodeDeploy calls it after it has shifted all traffic",
    )
    parser.add_argument(
        "--hook",
        metavar="HANDLER",
        help=f"the handler of a hook of your own in the same package; by default {hooks.OURS}, which asks "
        "what _LAMBDA_VERIFY_PAYLOAD says",
    )
    parser.add_argument(
        "--hook-env",
        metavar="FILE",
        type=Path,
        help="a .env file with the hook's own environment variables",
    )
    add_local_arguments(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Run the hook; return 1 unless it reports that the version is right."""
    report, cancellation = context.report, context.cancellation
    own = parse_env_file(options.hook_env) if options.hook_env else {}
    app, function = describe_function(options, context)
    if not options.hook:
        own = {**_checks_of(app), **own}
        _check_that_it_asks(own)
    redactor = _redactor(app, function, own)
    deployment = Deployment(function.name, options.event, app.settings.alias or ALIAS)
    turn = threading.Lock()

    def invoke(payload: bytes, client_context: str) -> Invocation:
        invocation = sandbox.invoke(payload, client_context)
        with turn:
            report.step(f"The hook invoked {printable(function.handler)}")
            show(invocation, redactor, report)
        return replace(invocation, version=deployment.target)

    with (
        open_package(app, function, report, cancellation) as unpacked,
        start(unpacked.launch(function, report), function, cancellation) as sandbox,
        hooks.serve(function, deployment, invoke) as loopback,
    ):
        hook = loopback.function(function, options.hook or hooks.OURS, own)
        if options.hook:
            launch = unpacked.launch(hook, report)
        else:
            libraries = context.variables.get("LD_LIBRARY_PATH", "")
            launch = hooks.our_launch(hook, unpacked.folder, services_of_tools(), libraries)
        limit = f"at most {hook.timeout} seconds"
        report.step(f"Running the hook {printable(hook.handler)} for {deployment.event}, {limit}")
        outcome = hooks.run(loopback, launch, hook, cancellation)
    return _conclude(outcome, deployment.event, hook.handler, redactor, report)


def _checks_of(app: App) -> dict[str, str]:
    """Return what the settings of a deploy verify with, as variables of the hook."""
    settings = app.settings
    payload = (settings.verify_payload or b"").decode("utf-8", "surrogateescape")
    found = {PAYLOAD: payload, EXPECT: settings.verify_expect or ""}
    return {name: text for name, text in found.items() if text}


def _check_that_it_asks(own: Mapping[str, str]) -> None:
    if not any(own.get(name) for name in NAMES):
        raise InputError(
            "It is not known what the hook asks the new version.",
            todo="Set _LAMBDA_VERIFY_PAYLOAD, or name a file with the variables of the hook's function: "
            "--hook-env FILE",
        )


def _redactor(app: App, function: LocalFunction, own: Mapping[str, str]) -> Redactor:
    return local_redactor(app, replace(function, variables={**own, **function.variables}))


def _conclude(outcome: hooks.Outcome, event: str, handler: str, redactor: Redactor, report: Report) -> int:
    """Show what the hook would report, and why; return the exit status."""
    report.step("The hook failed" if outcome.invocation.error else "The hook ended")
    shown = show(outcome.invocation, redactor, report)
    document = {
        "hook": handler,
        "event": event,
        "status": outcome.status or None,
        "passed": outcome.status == "Succeeded",
        "refused": list(outcome.refused),
        **{name: shown[name] for name in ("answer", "error", "log")},
    }
    if outcome.refused:
        report.notice(f"What the hook was refused: {', '.join(outcome.refused)}.")
    if outcome.status:
        report.step(f"It would report {outcome.status}: {CONSEQUENCES[outcome.status, event]}")
    if outcome.status and outcome.invocation.error:
        report.notice("It failed after its report: Lambda would run it again, and the report counts.")
    report.document(document)
    if not outcome.status:
        error = outcome.invocation.error
        what = (
            f"The hook failed ({printable(error)}), and reported nothing."
            if error
            else "The hook reported nothing."
        )
        report.error(
            DeployError(
                what,
                why="CodeDeploy would wait for an hour, and then fail the deployment.",
                todo="Have the hook call PutLifecycleEventHookExecutionStatus in any case.",
            )
        )
    return 0 if outcome.status == "Succeeded" else 1
