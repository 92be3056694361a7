"""`deploy doctor`: whether a deploy with these settings would work, and what to do where it would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.output import Output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from deploy.doctor.checks import Check

# Whose policy it is does not matter for what is in it.
NOBODY = {"_AWS_ACCESS_KEY_ID": "nobody", "_AWS_SECRET_ACCESS_KEY": "nobody"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the policy."""
    parser.add_argument(
        "--policy",
        action="store_true",
        help="print the IAM policy that these settings need, and no more, without asking AWS",
    )


def run(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> int:
    """Check everything, as far as it can be checked."""
    if options.policy:
        _print_policy(environment, output)
        return 0
    from deploy.doctor.checks import check_app, check_aws, usable_settings

    output.step("Checking the app")
    settings, check = usable_settings(environment)
    checks = [*_show([check], output), *_show(check_app(environment, slug, output), output)]
    if settings:
        output.step(f"Checking {settings.function.function.name} and what this deployer may do")
        checks += _show(check_aws(settings, slug, complete=check.status == "ok"), output)
    failed = [check for check in checks if check.status == "failed"]
    exit_status = max(check.exit_status for check in checks)
    output.step(_summary(checks, failed, exit_status))
    output.document(
        {
            "ok": exit_status == 0,
            "function": settings.function.function.name if settings else None,
            "region": settings.function.region if settings else None,
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


def _print_policy(environment: Mapping[str, str], output: Output) -> None:
    from deploy.infrastructure.policy import policy
    from deploy.target.settings import read_settings

    settings = read_settings({**NOBODY, **{name: value for name, value in environment.items() if value}})
    Output(environment, as_json=True, stdout=output.stdout, stderr=output.stderr).document(policy(settings))


def _show(checks: Iterable[Check], output: Output) -> list[Check]:
    """Show each check as it ends, for some take their time."""
    shown = []
    for check in checks:
        shown.append(check)
        text = f"({check.detail})" if check.status == "unknown" else check.detail
        first, *rest = text.splitlines() or [""]
        output.detail(f"{check.status:7}  {check.name}: {first}")
        for line in (*rest, *check.todo.splitlines()):
            output.detail(f"{'':9}{line}")
    return shown


def _summary(checks: list[Check], failed: list[Check], exit_status: int) -> str:
    unknown = sum(check.status == "unknown" for check in checks)
    open_questions = f", {unknown} could not be told" if unknown else ""
    if exit_status:
        return f"{len(failed)} of {len(checks)} checks failed{open_questions}"
    if failed:
        return f"A deploy should work; {len(failed)} of {len(checks)} checks failed{open_questions}"
    return f"A deploy should work: {len(checks) - unknown} of {len(checks)} checks are ok{open_questions}"
