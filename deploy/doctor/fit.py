"""Checks of whether the function can run what is deployed, and finds its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError
from deploy.release.fit import WRAPPER, baked_scripts, find_misfits, find_wrapper, is_of_the_app
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.artifact.base import Base
    from deploy.target.environment import Target


def check_fit(
    latest: Mapping[str, Any], serving: Mapping[str, Any], target: Target, base: Base
) -> Iterator[Check]:
    """Check that the function runs this base, and finds the config files.

    `latest` is the configuration that the next version gets, `serving` that of the version which an alias
    points at, empty if there is none.
    """
    names = set()
    for misfit in find_misfits(latest, target, base):
        names.add(misfit.name)
        if misfit.runs:
            yield failed(misfit.name, misfit.error, needed=False)
        else:
            yield failed(misfit.name, misfit.error, stops=False)
    wrapper, scripts = find_wrapper(latest, target), baked_scripts(target)
    if "wrapper" in names or wrapper is None or not scripts:
        return
    if is_of_the_app(wrapper) and wrapper not in scripts:
        yield unknown("wrapper", f"{printable(wrapper)}, a script of the app, has to source {scripts[0]}")
    elif serving and find_wrapper(serving, target) not in {wrapper, None}:
        yield failed("wrapper", _not_served(wrapper, target), needed=False)
    else:
        yield ok("wrapper", f"{WRAPPER} is {printable(wrapper)}")


def _not_served(wrapper: str, target: Target) -> DeployError:
    return DeployError(
        f"The function's {WRAPPER} is {printable(wrapper)}, but not that of the version which "
        f"{target.settings.alias} points at.",
        why="A version keeps the environment variables that it was published with.",
        todo="Run `deploy`: it publishes a version that has it.",
    )
