"""`deploy doctor`: whether a deploy with these settings would work, and what to do if it would not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy.doctor.app import check_base_of, check_config
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import InputError
from deploy.infrastructure.policy import policy
from deploy.target.environment import Target, read_app, read_target
from deploy.target.sdk import ROLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from deploy.commands import Context
    from deploy.output import Report

# Whose policy it is does not matter for what is in it.
NOBODY = {"_AWS_ACCESS_KEY_ID": "nobody", "_AWS_SECRET_ACCESS_KEY": "nobody"}
OF_THE_ROLE = (
    "This is the policy of the role {role}. Its trust policy has to name who assumes it; if that is a "
    "principal of another account, it needs a policy that allows sts:AssumeRole on the role, too."
)
SETTINGS_ARE_WRONG = "settings are wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the policy."""
    parser.add_argument(
        "--policy",
        action="store_true",
        help="print the IAM policy that these settings need, and no more, without asking AWS",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Check everything, as far as it can be checked."""
    report = context.report
    if options.policy:
        given = {name: value for name, value in context.variables.items() if value}
        deployer = read_target({**NOBODY, **given}, context.slug)
        report.console.document(json.dumps(policy(deployer), indent=2))
        if role := deployer.sdk.get(ROLE):
            report.notice(OF_THE_ROLE.format(role=role))
        return 0
    from deploy.doctor.aws import check_aws

    report.step("Checking the app")
    target, settings = _usable_target(context)
    base, base_check = check_base_of(context.slug)
    checks = _show([settings, base_check], report)
    try:
        checks += _show(check_config(read_app(context.variables, context.slug), base, report), report)
    except InputError:
        checks += _show([unknown(name, SETTINGS_ARE_WRONG) for name in ("config", "package")], report)
    if target:
        report.step(f"Checking {target.function.name} and what this deployer may do")
        checks += _show(check_aws(target, base if settings.status == "ok" else None), report)
        if settings.status != "ok":
            checks += _show([unknown("other permissions", SETTINGS_ARE_WRONG)], report)
    exit_status = max(check.exit_status for check in checks)
    report.step(_summary(checks, exit_status))
    report.document(
        {
            "ok": exit_status == 0,
            "function": target.function.name if target else None,
            "region": target.region if target else None,
            "checks": [
                {
                    "name": check.name,
                    "status": check.status,
                    "stops_a_deploy": check.exit_status > 0,
                    "detail": check.detail,
                    "todo": check.todo,
                }
                for check in checks
            ],
        }
    )
    return exit_status


def _usable_target(context: Context) -> tuple[Target | None, Check]:
    """Read the settings; if some are wrong, use those that say where the function is, if they do."""
    try:
        return read_target(context.variables, context.slug), ok("settings", "all that are set are valid")
    except InputError as error:
        check = failed("settings", error)
    where = {
        name: value
        for name, value in context.variables.items()
        if name.startswith("_AWS_") or name == "_LAMBDA_FUNCTION_ARN"
    }
    try:
        return read_target(where, context.slug), check
    except InputError:
        return None, check


def _show(checks: Iterable[Check], report: Report) -> list[Check]:
    """Show each check as it ends, for some take their time."""
    shown = []
    for check in checks:
        shown.append(check)
        text = f"({check.detail})" if check.status == "unknown" else check.detail
        first, *rest = text.splitlines() or [""]
        report.detail(f"{check.status:7}  {check.name}: {first}")
        for line in (*rest, *check.todo.splitlines()):
            report.detail(f"{'':9}{line}")
    return shown


def _summary(checks: list[Check], exit_status: int) -> str:
    failures = sum(check.status == "failed" for check in checks)
    unknowns = sum(check.status == "unknown" for check in checks)
    open_questions = f", {unknowns} could not be checked" if unknowns else ""
    if exit_status:
        return f"{failures} of {len(checks)} checks failed{open_questions}"
    if failures:
        return f"A deploy should work; {failures} of {len(checks)} checks failed{open_questions}"
    return f"A deploy should work: {len(checks) - unknowns} of {len(checks)} checks are ok{open_questions}"
