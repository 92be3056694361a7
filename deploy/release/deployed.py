"""What a deploy left behind, and how it is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.cancel import NOTHING_CHANGED
from deploy.target.console import address_of
from deploy.target.record import parse_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.output import Report
    from deploy.release.deploy import Assessment
    from deploy.release.state import State
    from deploy.release.steps.step import Execution
    from deploy.target.environment import Target

DONE = "The deploy itself is done: the function runs this package."
SHIFTED_BY_CODEDEPLOY = "CodeDeploy carries on with the shift; `deploy status` shows how far it is."


@dataclass(frozen=True)
class Deployed:
    """What a deploy left behind: what the function should run from now on.

    `before` and `after` tell a reader what it ran and runs, `outcome` what was done.
    """

    code_sha256: str
    alias: str | None
    version: str | None
    is_older: bool
    before: str
    changed: bool
    document: Mapping[str, object] = field(repr=False)
    is_shifting: bool = False
    changes: str = ""

    @property
    def after(self) -> str:
        """What the function runs now."""
        return self.before if self.is_older else self.version or short(self.code_sha256)

    @property
    def outcome(self) -> str:
        """What became of the deploy, in a word or two."""
        if self.is_older:
            return "skipped: a newer release is live"
        if self.is_shifting:
            return "shifting"
        return "deployed" if self.changed else "unchanged"

    @property
    def leaves(self) -> str:
        """What an end after the deploy leaves."""
        if self.is_shifting:
            return SHIFTED_BY_CODEDEPLOY
        return NOTHING_CHANGED if self.is_older else DONE


def conclude(
    target: Target, first: Assessment, last: Assessment, execution: Execution, seconds: float
) -> Deployed:
    """Return what a deploy left behind that saw at first what ran, and at last what it made of it."""
    assessment, before = last, running(first)
    plan, name = assessment.plan, assessment.candidate.name
    alias = assessment.state.alias or assessment.state.named
    version = execution.version or (alias.version if alias else None)
    document = {
        "function": target.function.name,
        "region": target.region,
        "changed": plan.changes,
        "stepped_back": plan.is_older,
        "steps": [str(step) for step in plan.steps],
        "alias": target.settings.alias,
        "version": version,
        "name": name.text if name and not plan.is_older else None,
        "previous_version": before if first.state.alias or first.state.named else None,
        "shifting": execution.is_shifting,
        "duration_seconds": round(seconds, 3),
        **assessment.candidate.to_dict(),
    }
    code_sha256, moved = assessment.candidate.package.code_sha256, target.settings.alias
    moved = moved or (name.alias if name else None)
    return Deployed(
        code_sha256,
        moved,
        version,
        plan.is_older,
        before,
        plan.changes,
        document,
        execution.is_shifting,
        _changes(first),
    )


def _changes(first: Assessment) -> str:
    """Return whether config and code differ from what ran, as far as it is recorded there."""
    serving, new = first.state.serving, first.candidate.record
    old = parse_record(serving.description) if serving else None
    if old is None or not old.config:
        return ""
    code = "unchanged" if old.is_of(new.base_sha256) else "changed"
    return f"config {'unchanged' if old.config == new.config else 'changed'}, code {code}"


def running(assessment: Assessment) -> str:
    """Return what runs, for a table: the version, or without one the CodeSha256; a dash if not known."""
    state = assessment.state
    if assessment.function.session.target.settings.publishes:
        alias = state.alias or state.named
        return alias.version if alias else "-"
    return short(state.latest.code_sha256) if state.latest else "-"


def short(code_sha256: str) -> str:
    """Return the part of a CodeSha256 that a reader compares."""
    return code_sha256[:8]


def report_deployed(deployed: Deployed, target: Target, state: State, report: Report) -> None:
    """Report what a deploy left behind, in a line."""
    name = target.function.name
    if deployed.is_older and state.recorded:
        report.notice(
            f"Release v{state.recorded.release} is live on {name}, and this is the older "
            f"v{target.provenance.release}.\n`deploy --force` deploys it nevertheless."
        )
        report.step(f"Skipped: a newer release is live on {name}, v{state.recorded.release}")
        return
    where = f"CodeSha256 {deployed.code_sha256}"
    if deployed.alias:
        where = f"{deployed.alias} is version {deployed.version}"
        if deployed.changed and deployed.before not in {"-", deployed.version}:
            where = f"{deployed.alias} {deployed.before} → {deployed.version}"
        if target.settings.alias and deployed.document["name"]:
            where = f"{where}, {deployed.document['name']}"
    if deployed.is_shifting:
        report.step(
            f"Shifting {deployed.alias} of {name} to version {deployed.version}: CodeDeploy carries on, and "
            "`deploy status` shows how far it is"
        )
    elif deployed.changed:
        changes = f" ({deployed.changes})" if deployed.changes else ""
        report.step(f"Deployed {name} in {deployed.document['duration_seconds']:.1f} s: {where}{changes}")
        if report.console.is_terminal:
            report.detail(address_of(target))
    else:
        report.step(f"Nothing to do: {name} runs this package already ({where})")
