"""One deploy from the environment to the report, as a command or as a round of the formation dyno."""

from __future__ import annotations

import contextlib
import importlib
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.aws.codes import REPLACED
from deploy.aws.wait import Deadline
from deploy.config.variables import secrets
from deploy.errors import DeployError, leaving
from deploy.release import plan as release
from deploy.release.candidate import prepare
from deploy.release.steps import Release, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from deploy.aws.function import Function
    from deploy.output import Output
    from deploy.release.candidate import Prepared
    from deploy.release.plan import Decision
    from deploy.target.provenance import Origin
    from deploy.target.settings import Settings

# Two releases that meet take turns in overtaking each other while they keep the same pace.
TRIES = 10
PAUSE = 0.1  # seconds at most before the second try, doubled each time up to LONGEST_PAUSE
LONGEST_PAUSE = 5.0  # seconds
DONE = "The deploy itself is done: the function runs this package."


@dataclass(frozen=True)
class Deployed:
    """What a deploy left behind: what the function should run from now on."""

    code_sha256: str
    alias: str | None
    version: str | None
    stepped_back: bool
    document: Mapping[str, object] = field(repr=False)


def deploy(
    environment: Mapping[str, str],
    settings: Settings,
    slug: Path,
    output: Output,
    *,
    function: Function | None = None,
    force: bool = False,
    checkpoint: Callable[[], None] = lambda: None,
) -> Deployed:
    """Bring the function to this slug and this config.

    `checkpoint` is called between two steps. Raises DeployError.
    """
    # Loading the SDK takes as long as hashing 50 MB, and another core can do it meanwhile.
    with contextlib.suppress(RuntimeError):  # there may be no room for a thread
        threading.Thread(target=_load_sdk, daemon=True).start()
    # An unchanged deploy, many times a day from a scheduler, is one line in the log.
    output.hold()
    with prepare(environment, settings.config, slug, output) as prepared:
        release.check_size(prepared.package, settings.release.bucket)
        from deploy.aws.function import connect

        function = function or connect(settings.function)
        deadline = Deadline(settings.release.timeout)
        for tried in range(TRIES):
            state = release.read_state(function, settings.release, prepared.origin, deadline, output)
            decision = release.decide(prepared, settings.release, state, force=force)
            if decision.steps:
                output.tell_held()
            else:
                output.drop_held()
            carrying_out = Release(
                function,
                deadline,
                output,
                package=prepared.package,
                secrets=secrets(environment),
                checkpoint=checkpoint,
            )
            try:
                version = apply(decision.steps, carrying_out)
                break
            except DeployError as error:
                # Of two releases that meet, the later one has to come out on top.
                if error.code != REPLACED or prepared.origin.release is None or tried == TRIES - 1:
                    raise
                output.detail("Another deploy came between: looking again which of the two is later")
                time.sleep(random.uniform(0, min(PAUSE * 2**tried, LONGEST_PAUSE)))  # noqa: S311 - no secret
        with leaving(DONE):
            version = version or (state.alias.version if state.alias else None)
            deployed = _deployed(prepared, decision, settings.release.alias, version, function)
            _report(deployed, function.name, prepared.origin, state.origin, output)
            return deployed


def _load_sdk() -> None:
    # What goes wrong here goes wrong again where it is asked for, and is told there.
    with contextlib.suppress(Exception):
        importlib.import_module("deploy.aws.function")


def _deployed(
    prepared: Prepared, decision: Decision, alias: str | None, version: str | None, function: Function
) -> Deployed:
    document = {
        "function": function.name,
        "region": function.region,
        "changed": decision.changed,
        "stepped_back": decision.stepped_back,
        "steps": [str(step) for step in decision.steps],
        "alias": alias,
        "version": version,
        **prepared.document(),
    }
    return Deployed(prepared.package.code_sha256, alias, version, decision.stepped_back, document)


def _report(deployed: Deployed, name: str, origin: Origin, recorded: Origin | None, output: Output) -> None:
    if deployed.stepped_back and recorded:
        output.notice(
            f"Release v{recorded.release} has been deployed to {name}, and this is the older "
            f"v{origin.release}.\n`deploy --force` deploys it all the same."
        )
        output.step(f"Stepped back: {name} keeps release v{recorded.release}")
        return
    where = f"CodeSha256 {deployed.code_sha256}"
    if deployed.alias:
        where = f"{deployed.alias} is version {deployed.version}"
    if deployed.document["changed"]:
        output.step(f"Deployed {name}: {where}")
    else:
        output.step(f"Nothing to do: {name} runs this package already ({where})")


def look_for_drift(function: Function, deployed: Deployed) -> str | None:
    """Compare by one read call what runs with what was deployed; says what differs, None where nothing.

    Needs lambda:GetFunctionConfiguration, with an alias lambda:GetAlias instead.
    """
    if deployed.stepped_back:
        return None
    if deployed.alias is not None:
        return _alias_drift(function, deployed.alias, deployed.version)
    latest = function.configuration()
    if not latest.is_settled:
        return None
    if latest.update_status == "Failed":
        return f"The last update of {function.name} failed: {latest.update_reason}"
    if latest.code_sha256 == deployed.code_sha256:
        return None
    return (
        f"{function.name} runs another package than the one that was deployed here. It was changed at "
        f"{latest.last_modified or 'an unknown time'}; CloudTrail tells by whom (UpdateFunctionCode)."
    )


def _alias_drift(function: Function, name: str, version: str | None) -> str | None:
    alias = function.alias(name)
    if alias is None:
        return f"The alias {name} of {function.name} is gone; CloudTrail tells by whom (DeleteAlias)."
    # Weights are a shift that someone else makes; a deploy would stop at it too.
    if alias.weights or alias.version == version:
        return None
    return (
        f"The alias {name} of {function.name} points at version {alias.version}, not at version {version}, "
        "which was deployed here; CloudTrail tells by whom and when (UpdateAlias)."
    )
