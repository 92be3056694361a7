"""`deploy logs`: follows the function's log, without the values of its config."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from deploy.cancel import Cancelled
from deploy.commands.invoke import read_only_target
from deploy.config.redaction import Redactor
from deploy.config.variables import secrets
from deploy.errors import InputError
from deploy.release.deploy import connect
from deploy.target.parsers import interval

if TYPE_CHECKING:
    import argparse

    from deploy.aws.log import Event
    from deploy.commands import Context
    from deploy.output import Report

EXAMPLE = "logs --since 1h --no-follow"
SINCE = "10m"
PAUSE = 2.0  # seconds between two looks; CloudWatch takes 5 calls a second of all in an account


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to begin, and whether to go on."""
    parser.add_argument(
        "--since", metavar="TIME", default=SINCE, help=f"begin so long ago: 30s, 10m, 6h; {SINCE} by default"
    )
    parser.add_argument(
        "--no-follow", action="store_true", help="end after what is there, and do not wait for more"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Show the log until a signal comes. Needs lambda:GetFunctionConfiguration and logs:FilterLogEvents."""
    report, cancellation = context.report, context.cancellation
    try:
        seconds = interval(options.since)
    except ValueError as error:
        raise InputError(f"--since {error}.") from None
    target = read_only_target(context)
    redactor = Redactor(secrets(target.variables))
    function = connect(target, cancellation)
    from deploy.aws.log import Log, group_of

    group = group_of(function.configuration(), function.name)
    log = Log(function.session, group, int((time.time() - seconds) * 1000), cancellation)
    report.stay()
    if not report.as_json:
        report.step(f"Log of {function.name}: {group}")
    try:
        while True:
            for event in log.read():
                _show(event, redactor, report)
            if options.no_follow:
                return 0
            cancellation.wait_between_steps(PAUSE)
    except Cancelled:  # which is how one ends reading
        return 0


def _show(event: Event, redactor: Redactor, report: Report) -> None:
    when = dt.datetime.fromtimestamp(event.milliseconds / 1000, dt.timezone.utc).isoformat(
        timespec="milliseconds"
    )
    message = redactor.redact(event.message).rstrip("\n")
    if report.as_json:
        report.document({"time": when, "message": message})
        return
    for line in message.splitlines() or [""]:
        report.detail(f"{when[:19]}  {line}".replace("\t", "  ").rstrip())
