"""`deploy open`: shows the function in the AWS console, or its address where there is no browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.commands.invoke import read_only_target
from deploy.target.console import address_of

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "open"


def run(_options: argparse.Namespace, context: Context) -> int:
    """Open the browser if a person is at a machine that has one, and print the address in any case."""
    report = context.report
    target = read_only_target(context)
    address = address_of(target)
    report.step(f"{target.function.name} in the AWS console")
    report.detail(address)
    report.document({"function": target.function.name, "address": address})
    if report.console.is_terminal and "DYNO" not in context.variables:
        import webbrowser

        webbrowser.open(address)
    return 0
