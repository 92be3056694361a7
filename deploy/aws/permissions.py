"""Permissions: what a part of a deploy needs to be allowed, as data.

Lambda authorizes a call that carries a qualifier on the qualified ARN (function:NAME:VERSION), any other
call on the function's own, which is also where calls about aliases go. So "function:NAME:*" lets versions
be invoked and deleted, and the function itself not.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.target.environment import Target

ANYTHING = "*"  # in an ARN, if the settings do not say

# What stands in its place in the ARNs of a deploy, by service.
EXAMPLES = {
    "codedeploy": "NAME",
    "lambda": "1",
    "s3": "00000000-0000-0000-0000-000000000000.zip",
    "kms": "00000000-0000-0000-0000-000000000000",
    "ssm": "NAME",
}


@dataclass(frozen=True)
class Permission:
    """An action of AWS's and what it is for; a deploy does without those that are not `needed`."""

    action: str
    purpose: str
    needed: bool = True


@dataclass(frozen=True)
class Grant:
    """Permissions on the same resources: one statement of the policy."""

    name: str
    permissions: tuple[Permission, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The service whose actions they are."""
        return self.permissions[0].action.partition(":")[0]

    def statement(self) -> dict[str, Any]:
        """Return it as IAM has it; its name says whether it can be left out."""
        needed = any(permission.needed for permission in self.permissions)
        return {
            "Sid": self.name if needed else f"Optional{self.name}",
            "Effect": "Allow",
            "Action": [permission.action for permission in self.permissions],
            "Resource": list(self.resources),
            **({"Condition": self.condition} if self.condition else {}),
        }


def function_arn(target: Target, qualifier: str = "") -> str:
    """Return the ARN of the target's function, or of a version of it."""
    account = target.function.account or ANYTHING
    arn = (
        f"arn:{partition_of(target.region)}:lambda:{target.region}:{account}:function:{target.function.name}"
    )
    return f"{arn}:{qualifier}" if qualifier else arn


def bucket_arn(target: Target) -> str:
    """Return the ARN of the bucket that packages pass through."""
    return f"arn:{partition_of(target.region)}:s3:::{target.settings.s3_bucket}"


def objects_arn(target: Target) -> str:
    """Return the ARN of all objects that deploys of the target's function put into the bucket."""
    return f"{bucket_arn(target)}/{literal(target.object_prefix)}{ANYTHING}"


def application_arn(target: Target) -> str:
    """Return the ARN of the CodeDeploy application that shifts the target's alias."""
    shift = target.settings.shifting
    return _codedeploy_arn(target, "application", shift.application if shift else ANYTHING)


def deployment_group_arn(target: Target) -> str:
    """Return the ARN of its deployment group."""
    shift = target.settings.shifting
    return _codedeploy_arn(target, "deploymentgroup", shift.name if shift else ANYTHING)


def deployment_config_arn(target: Target, config: str) -> str:
    """Return the ARN of a deployment config."""
    return _codedeploy_arn(target, "deploymentconfig", config)


def _codedeploy_arn(target: Target, kind: str, name: str) -> str:
    account = target.function.account or ANYTHING
    return f"arn:{partition_of(target.region)}:codedeploy:{target.region}:{account}:{kind}:{name}"


def bases_arn(target: Target) -> str:
    """Return the ARN of all bases that are kept in the bucket, for all functions whose prefix is the same."""
    return f"{bucket_arn(target)}/{literal(target.base_prefix)}{ANYTHING}"


def key_grant(name: str, target: Target, key_id: str, permissions: tuple[Permission, ...]) -> Grant:
    """Return the grant for a KMS key; an alias is a condition, for IAM does not take it as a resource.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    account = target.function.account or ANYTHING
    keys = f"arn:{partition_of(target.region)}:kms:{target.region}:{account}:"
    if key_id.startswith("arn:"):
        keys, _, resource = key_id.rpartition(":")
        keys, key_id = f"{keys}:", resource.removeprefix("key/")
    if key_id.startswith("alias/"):
        condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key_id}}
        return Grant(name, permissions, (f"{keys}key/{ANYTHING}",), condition)
    return Grant(name, permissions, (f"{keys}key/{literal(key_id)}",))


def example(resource: str, account: str) -> str:
    """Return an ARN that a resource of a grant covers, in an account if the settings do not name one."""
    if resource == ANYTHING:
        return resource
    *fields, name = resource.split(":", 5)
    fields[4] = account if fields[4] == ANYTHING else fields[4]
    name = re.sub(r"\$\{(.)\}|\*", lambda found: found[1] or EXAMPLES[fields[2]], name)
    return ":".join((*fields, name))


def literal(text: str) -> str:
    """Return a text in which IAM reads no wildcard and no variable."""
    return re.sub(r"[*?$]", r"${\g<0>}", text)
