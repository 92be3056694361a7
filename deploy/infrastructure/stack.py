"""The policy of who applies a stack, as far as it depends on `deploy stack`: its own calls. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.aws.permissions import ANYTHING, Grant, Permission, bucket_arn, key_grant, literal
from deploy.infrastructure.policy import policy_of
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.target.environment import Target

CALLS = (
    Permission("cloudformation:DescribeStacks", "see whether the stack is there, and takes a change"),
    Permission("cloudformation:CreateChangeSet", "have CloudFormation make a plan"),
    Permission("cloudformation:DescribeChangeSet", "read the plan"),
    Permission("cloudformation:ListChangeSets", "see whether somebody else waits for the same new stack"),
    Permission("cloudformation:DeleteChangeSet", "leave nothing of a plan"),
    Permission("cloudformation:DeleteStack", "delete the empty stack that a plan of a new one makes"),
    Permission("cloudformation:ExecuteChangeSet", "apply a plan"),
    Permission("cloudformation:DescribeStackEvents", "follow it, and explain a failure"),
)
EXPLAIN = Permission(
    "cloudformation:DescribeEvents", "explain in detail why a template is refused", needed=False
)
PASS_THROUGH = (
    Permission("s3:PutObject", "upload a template over 51,200 bytes"),
    Permission("s3:GetObject", "let CloudFormation read it, which it does in the caller's name"),
    Permission("s3:DeleteObject", "delete it when the change set is made"),
)
ENCRYPT = (
    Permission("kms:GenerateDataKey", "encrypt the template"),
    Permission("kms:Decrypt", "let CloudFormation read it"),
)
OF_RESOURCES = (
    "These are the calls of `deploy stack` itself. CloudFormation makes the resources in the caller's name, "
    "who needs the permissions for that, too: to create roles is as good as to be an administrator."
)


def stack_policy(target: Target) -> dict[str, Any]:
    """Return the policy for changing a target's stack, without what its resources need."""
    return policy_of(_grants(target))


def _grants(target: Target) -> Iterator[Grant]:
    settings, account = target.settings, target.function.account or ANYTHING
    partition, region = partition_of(target.region), target.region
    stack = f"arn:{partition}:cloudformation:{region}:{account}:stack/{settings.stack}/*"
    yield Grant("ChangeStack", CALLS, (stack,))
    yield Grant("Explain", (EXPLAIN,), (stack,))
    if settings.bucket:
        objects = f"{bucket_arn(target)}/{literal(settings.s3_prefix)}template-*"
        yield Grant("PassTemplate", PASS_THROUGH, (objects,))
    if settings.bucket and settings.bucket.kms_key_id:
        yield key_grant("EncryptTemplate", target, settings.bucket.kms_key_id, ENCRYPT)
