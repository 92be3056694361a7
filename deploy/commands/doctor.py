"""`deploy doctor`: whether a deploy with these settings would work, and what to do if it would not.

Exit status: 0 a deploy should work, and the function can run it; 1 AWS, the network or a permission would
stop it, or the function could not run it; 2 the settings, the slug or the artifact are wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.commands.policies import add_policy_arguments, find_policy
from deploy.doctor.app import check_base_of, check_config
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import InputError
from deploy.fleet.parallel import for_each
from deploy.target.environment import Target, read_app, read_targets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report

EXAMPLE = "doctor --policy"


SETTINGS_ARE_WRONG = "settings are wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the policy."""
    add_policy_arguments(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Check everything, as far as it can be checked."""
    report = context.report
    if print_policy := find_policy(options):
        return print_policy(options, context)
    from deploy.doctor.aws import check_aws

    report.step("Checking the app")
    targets, settings = _usable_targets(context)
    base, base_check = check_base_of(context.slug)
    of_app = _show([settings, base_check], report)
    try:
        of_app += _show(check_config(read_app(context.variables, context.slug), base, report), report)
    except InputError:
        of_app += _show([unknown(name, SETTINGS_ARE_WRONG) for name in ("config", "package")], report)

    def examine(target: Target, report: Report, _cancellation: Cancellation) -> list[Check]:
        report.step(f"Checking {target.function.name} and what this deployer may do")
        checks = _show(check_aws(target, base if settings.status == "ok" else None), report)
        if settings.status != "ok":
            checks += _show([unknown("other permissions", SETTINGS_ARE_WRONG)], report)
        checks = of_app + checks
        report.step(_summary(checks))
        report.document(_document(target, checks))
        return checks

    if targets:
        examined = for_each(
            targets,
            examine,
            lambda checks: ("", "", _summary(checks)),
            report,
            context.cancellation,
            together=True,
        )
        return max(map(_exit_status, examined))
    report.step(_summary(of_app))
    report.document(_document(None, of_app))
    return _exit_status(of_app)


def _exit_status(checks: Iterable[Check]) -> int:
    return max(check.exit_status for check in checks)


def _document(target: Target | None, checks: Iterable[Check]) -> dict[str, object]:
    return {
        "ok": _exit_status(checks) == 0,
        "function": target.function.name if target else None,
        "region": target.region if target else None,
        "checks": [
            {
                "name": check.name,
                "status": check.status,
                "stops_a_deploy": check.stops_a_deploy,
                "detail": check.detail,
                "todo": check.todo,
            }
            for check in checks
        ],
    }


def _usable_targets(context: Context) -> tuple[tuple[Target, ...], Check]:
    """Read the settings; if some are wrong, use those that say where the functions are, if they do."""
    try:
        return read_targets(context.variables, context.slug), ok("settings", "all that are set are valid")
    except InputError as error:
        check = failed("settings", error)
    where = {
        name: value
        for name, value in context.variables.items()
        if name.startswith("_AWS_") or name == "_LAMBDA_FUNCTION_ARN"
    }
    try:
        return read_targets(where, context.slug), check
    except InputError:
        return (), check


def _show(checks: Iterable[Check], report: Report) -> list[Check]:
    """Show each check as it ends, for some take their time; those unknown for one reason share a line."""
    shown: list[Check] = []
    unknowns: list[Check] = []
    for check in checks:
        shown.append(check)
        if unknowns and (check.status, check.detail) != (unknowns[0].status, unknowns[0].detail):
            _show_alike(unknowns, report)
            unknowns = []
        if check.status == "unknown":
            unknowns.append(check)
        else:
            _show_alike([check], report)
    if unknowns:
        _show_alike(unknowns, report)
    return shown


def _show_alike(checks: Sequence[Check], report: Report) -> None:
    status, detail, todo = checks[0].status, checks[0].detail, checks[0].todo
    first, *rest = (f"({detail})" if status == "unknown" else detail).splitlines() or [""]
    report.status(status, f"{', '.join(check.name for check in checks)}: {first}")
    for line in (*rest, *todo.splitlines()):
        report.detail(f"{'':9}{line}")


def _summary(checks: list[Check]) -> str:
    failures = sum(check.status == "failed" for check in checks)
    unknowns = sum(check.status == "unknown" for check in checks)
    open_questions = f", {unknowns} could not be checked" if unknowns else ""
    if any(check.stops_a_deploy for check in checks):
        return f"{failures} of {len(checks)} checks failed{open_questions}"
    if _exit_status(checks):
        return (
            "A deploy should work, but the function could not run it; "
            f"{failures} of {len(checks)} checks failed{open_questions}"
        )
    if failures:
        return f"A deploy should work; {failures} of {len(checks)} checks failed{open_questions}"
    return f"A deploy should work: {len(checks) - unknowns} of {len(checks)} checks are ok{open_questions}"
