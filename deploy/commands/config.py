"""`deploy config`: the names that are baked, those that are left out, and why. Never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.commands.app import read_configured_app
from deploy.config.bake import bake
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "config --json"


def run(_options: argparse.Namespace, context: Context) -> int:
    """List the names."""
    report = context.report
    baked = bake(read_configured_app(context), report, quietly=True)
    config = baked.config
    if not report.as_json:
        width = max((len(printable(left.name)) for left in config.left_out), default=0)
        report.step(f"Baked into {baked.file_names}")
        for name in config.baked:
            report.detail(printable(name))
        if not config.baked:
            report.detail("nothing")
        report.step("Left out")
        for left in config.left_out:
            report.detail(f"{printable(left.name):{width}}  {left.reason}")
    report.document({"config": baked.to_dict()})
    return 0
