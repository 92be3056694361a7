"""`deploy services`: the services whose API models the slug needs. bin/compile runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.infrastructure.policy import services

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context


def run(_options: argparse.Namespace, context: Context) -> int:
    """List them, one a line."""
    context.report.console.document("\n".join(sorted(services())))
    return 0
