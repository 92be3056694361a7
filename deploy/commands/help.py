"""`deploy help settings`: what can be set, what it means, and an example of each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from deploy.target.sdk import SDK_SETTINGS
from deploy.target.settings import SETTINGS

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context

EXAMPLE = "help settings"
WIDTH = 79  # columns
INDENT = " " * 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is explained."""
    parser.add_argument("topic", metavar="settings", choices=["settings"], help="explain all settings")


def run(_options: argparse.Namespace, context: Context) -> int:
    """Explain the settings; a program gets the same."""
    settings = (*SETTINGS.values(), *SDK_SETTINGS)
    if not context.report.as_json:
        context.report.console.document(
            "\n\n".join(_explain(each.name, each.meaning, each.example) for each in settings)
        )
    context.report.document(
        {
            "settings": [
                {"name": each.name, "meaning": each.meaning, "example": each.example} for each in settings
            ]
        }
    )
    return 0


def _explain(name: str, meaning: str, example: str) -> str:
    paragraphs = (
        textwrap.fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
        for text in (meaning, f"Example: {example}")
    )
    return "\n".join((name, *paragraphs))
