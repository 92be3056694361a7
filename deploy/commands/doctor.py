"""`deploy doctor`: whether a deploy with these settings would work, and what to do if it would not.

Exit status: 0 a deploy should work, and the function can run it; 1 AWS, the network or a permission would
stop it, or the function could not run it; 2 the settings, the slug or the artifact are wrong.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.doctor.app import check_base_of, check_config
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import InputError
from deploy.fleet.parallel import for_each
from deploy.infrastructure.fleet import fleet_policy, source_policy
from deploy.infrastructure.hook import PREFIX_OF_HOOKS, hook_role
from deploy.infrastructure.policy import policy
from deploy.infrastructure.stack import OF_RESOURCES, stack_policy
from deploy.infrastructure.step import step_roles
from deploy.target.environment import Target, read_app, read_targets
from deploy.target.fleet import read_fleet
from deploy.target.parsers import role_arn
from deploy.target.sdk import ROLE
from deploy.target.stack import read_stack

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from deploy.cancel import Cancellation
    from deploy.commands import Context
    from deploy.output import Report
    from deploy.target.fleet import Member

EXAMPLE = "doctor --policy"


# Whose policy it is does not matter for what is in it.
NOBODY = {"_AWS_ACCESS_KEY_ID": "nobody", "_AWS_SECRET_ACCESS_KEY": "nobody"}
OF_THE_ROLE = (
    "This is the policy of the role {role}. Its trust policy has to name who assumes it; if that is a "
    "principal of another account, it needs a policy that allows sts:AssumeRole on the role, too."
)
OF_THE_HOOK = (
    f"Call the hook's function {PREFIX_OF_HOOKS}…: if CodeDeploy's own role has the managed policy "
    "AWSCodeDeployRoleForLambda, it may invoke no others. For another name, allow that role "
    "lambda:InvokeFunction on the function."
)
SETTINGS_ARE_WRONG = "settings are wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the policy."""
    parser.add_argument(
        "--policy",
        action="store_true",
        help="print the IAM policy that these settings need, and no more, without asking AWS",
    )

    parser.add_argument(
        "--fleet",
        choices=("deployer", "source"),
        help="with --policy: that of who applies a fleet, or that of the role in the lower account",
    )
    parser.add_argument(
        "--step",
        metavar="ROLE_ARN",
        nargs="?",
        const="",
        help="with --policy: the policies and trust policies of the CodePipeline step's role and of the role "
        "in the lower account; tighter, and complete, if the step's role is named",
    )
    parser.add_argument(
        "--stack", action="store_true", help="with --policy: that of who changes the stack, for its own calls"
    )
    parser.add_argument(
        "--hook",
        action="store_true",
        help="with --policy: the policy and the trust policy of the CodeDeploy hook's role",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Check everything, as far as it can be checked."""
    report = context.report
    if print_policy := _asked_for(options):
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


def _asked_for(options: argparse.Namespace) -> Callable[[argparse.Namespace, Context], int] | None:
    """Return what prints the policy that the options ask for; None if they ask for none."""
    if options.step is not None:
        return _step_roles
    asked = {
        _stack_policy: options.stack,
        _fleet_policy: options.fleet,
        _hook_role: options.hook,
        _deployer_policy: options.policy,
    }
    return next((print_policy for print_policy, is_asked in asked.items() if is_asked), None)


def _deployer_policy(_options: argparse.Namespace, context: Context) -> int:
    given = {name: value for name, value in context.variables.items() if value}
    deployers = read_targets({**NOBODY, **given}, context.slug)
    context.report.console.document(json.dumps(policy(*deployers), indent=2))
    if role := deployers[0].sdk.get(ROLE):
        context.report.notice(OF_THE_ROLE.format(role=role))
    return 0


def _step_roles(options: argparse.Namespace, context: Context) -> int:
    if not options.policy:
        raise InputError("--step needs --policy.", todo="`deploy doctor --policy --step [ROLE_ARN]`")
    if options.fleet:
        raise InputError(
            "--step prints both policies, and --fleet chooses one.", todo="Leave one of the two out."
        )
    try:
        role = role_arn(options.step) if options.step else ""
    except ValueError as error:
        raise InputError(
            f"--step {error}.", todo="For example: --step arn:aws:iam::222222222222:role/fleet-step"
        ) from None
    member = _any_member(context)
    context.report.console.document(json.dumps(step_roles(member, role), indent=2))
    _say_what_is_not_in_it(member.target, context.report)
    return 0


def _stack_policy(options: argparse.Namespace, context: Context) -> int:
    if not options.policy:
        raise InputError("--stack needs --policy.", todo="`deploy stack plan` checks a stack.")
    given = {name: value for name, value in context.variables.items() if value}
    target = read_stack({**NOBODY, **given})
    context.report.console.document(json.dumps(stack_policy(target), indent=2))
    context.report.notice(OF_RESOURCES)
    return 0


def _say_what_is_not_in_it(target: Target, report: Report) -> None:
    """Point out which settings, that are not set, would add to the policy of a fleet."""
    settings = target.settings
    further = {
        "promotion (_LAMBDA_SOURCE_ROLE_ARN)": settings.source_role_arn,
        "verification, also by payloads of a folder (_LAMBDA_VERIFY_PAYLOAD={})": settings.verification,
        "config from SSM (_LAMBDA_CONFIG_FROM)": settings.config_from,
        "packages over 50 MB (_LAMBDA_S3_BUCKET)": settings.s3_bucket,
    }
    if missing := [what for what, value in further.items() if not value]:
        report.notice(
            f"Not in it, because these settings are not set here: {'; '.join(missing)}. Set what the fleet "
            "uses, and print it again."
        )


def _any_member(context: Context) -> Member:
    given = {name: value for name, value in context.variables.items() if value}
    prefix = given.get("_LAMBDA_FLEET_PREFIX", "")
    (member,) = read_fleet({**NOBODY, **given}, [f"{prefix}function"])
    return member


def _fleet_policy(options: argparse.Namespace, context: Context) -> int:
    if not options.policy:
        raise InputError("--fleet needs --policy.", todo="`deploy fleet plan FILE` checks a fleet.")
    member = _any_member(context)
    if options.fleet == "deployer":
        found = fleet_policy(member.target)
    elif member.source:
        found = source_policy(member.source)
    else:
        raise InputError(
            "_LAMBDA_SOURCE_ROLE_ARN is not set, so there is no such role.",
            todo="Set it to the ARN that the role in the lower account has, or will have.",
        )
    context.report.console.document(json.dumps(found, indent=2))
    if options.fleet == "deployer":
        _say_what_is_not_in_it(member.target, context.report)
    return 0


def _hook_role(options: argparse.Namespace, context: Context) -> int:
    if not options.policy:
        raise InputError("--hook needs --policy.", todo="`deploy hook test` tries a hook on this machine.")
    given = {name: value for name, value in context.variables.items() if value}
    if prefix := given.get("_LAMBDA_FLEET_PREFIX"):
        member = _any_member(context).target
        targets = [replace(member, function=replace(member.function, name=f"{prefix}*"))]
    else:
        targets = list(read_targets({**NOBODY, **given}, context.slug))
    context.report.console.document(json.dumps(hook_role(targets), indent=2))
    context.report.notice(OF_THE_HOOK)
    return 0


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
