"""The role of the CodeDeploy hook's function. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.aws.permissions import ANYTHING, Grant, Permission, function_arn
from deploy.infrastructure.iam import trust_service
from deploy.infrastructure.policy import policy_of
from deploy.infrastructure.step import log_grant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.target.environment import Target

# CodeDeploy has no resources for these:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodedeploy.html
SHIFT = (
    Permission("codedeploy:ListDeploymentTargets", "find what a deployment shifts"),
    Permission("codedeploy:GetDeploymentTarget", "see which version it shifts to"),
    Permission("codedeploy:PutLifecycleEventHookExecutionStatus", "report whether traffic may shift"),
)
APPSPEC = Permission(
    "codedeploy:GetDeployment", "see that in the AppSpec if CodeDeploy has not noted it yet", needed=False
)
INVOKE = Permission("lambda:InvokeFunction", "ask the new version")

# What AWSCodeDeployRoleForLambda lets CodeDeploy invoke.
PREFIX_OF_HOOKS = "CodeDeployHook_"


def hook_role(targets: Iterable[Target], function: str = "") -> dict[str, Any]:
    """Return the policy and the trust policy of a hook's role, for all functions that the hook checks.

    `function` is the name of the hook's own function; empty if it is not known yet.
    """
    return {
        "hook": {
            "trust": trust_service("lambda"),
            "policy": policy_of(grant for target in targets for grant in _grants(target, function)),
        }
    }


def _grants(target: Target, function: str) -> Iterator[Grant]:
    yield Grant("Shift", SHIFT, (ANYTHING,))
    yield Grant("ReadAppSpec", (APPSPEC,), (ANYTHING,))
    yield Grant("Verify", (INVOKE,), (function_arn(target, ANYTHING),))
    yield log_grant(target, function)
