"""A small function with a compiled dependency: it answers with the config that was baked into its package."""

import json
from pathlib import Path

import markupsafe
from markupsafe import _speedups  # compiled for one version of Python and one architecture

CONFIG = json.loads(Path(__file__).with_name("env.json").read_text(encoding="utf-8"))


def handler(event: dict[str, str], _context: object) -> dict[str, object]:
    """Greet somebody."""
    name = markupsafe.escape(event.get("name", "<world>"))
    return {"config": CONFIG, "greeting": f"Hello, {name}.", "compiled": Path(_speedups.__file__).name}
