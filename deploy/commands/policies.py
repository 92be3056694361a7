"""`deploy doctor --policy`: the least privilege of the deployer, and of all other roles that there are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.infrastructure.fleet import fleet_policy, source_policy
from deploy.infrastructure.hook import PREFIX_OF_HOOKS, hook_role
from deploy.infrastructure.policy import policy
from deploy.infrastructure.stack import OF_RESOURCES, stack_policy
from deploy.infrastructure.step import step_roles
from deploy.target.environment import Target, read_targets
from deploy.target.fleet import read_fleet
from deploy.target.parsers import role_arn
from deploy.target.sdk import ROLE
from deploy.target.stack import read_stack

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from deploy.commands import Context
    from deploy.output import Report
    from deploy.target.fleet import Member

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


def add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    """Add whose policy is printed."""
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


def find_policy(options: argparse.Namespace) -> Callable[[argparse.Namespace, Context], int] | None:
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
        "packages over 50 MiB (_LAMBDA_S3_BUCKET)": settings.s3_bucket,
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
