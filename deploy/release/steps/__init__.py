"""The steps of a deploy, one class each: what it does, what it needs to be allowed, and what it leaves.

A new step is a new class in a module of this folder, and a line in `deploy.release.plan` that asks for it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from deploy.release.steps.step import Step


def all_steps() -> list[type[Step]]:
    """Return every class of step, in the order in which a deploy may take them."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return sorted(Step.__subclasses__(), key=lambda step: step.order)
