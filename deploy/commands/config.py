"""`deploy config`: the names that are baked, those that are left out, and why. Never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.output import Output


def run(_options: argparse.Namespace, environment: Mapping[str, str], _slug: Path, output: Output) -> int:
    """List the names."""
    from deploy.config.bake import bake
    from deploy.target.settings import read_config_settings

    baked = bake(environment, read_config_settings(environment), output, quietly=True)
    config = baked.config
    if not output.as_json:
        width = max((len(printable(left.name)) for left in config.left_out), default=0)
        output.step(f"Baked into {baked.file_names}")
        for name in config.baked:
            output.detail(printable(name))
        output.step("Left out")
        for left in config.left_out:
            output.detail(f"{printable(left.name):{width}}  {left.reason}")
    output.document({"config": baked.document()})
    return 0
