"""The least privilege: the permissions that the settings in force need, and the IAM policy that grants them.

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
from deploy.target.settings import object_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.target.settings import Bucket, FunctionSettings, Settings

ANYTHING = "*"  # in an ARN, where the settings do not tell


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

    def statement(self) -> dict[str, Any]:
        """Give it as IAM has it; its name tells what can be left out."""
        needed = any(permission.needed for permission in self.permissions)
        return {
            "Sid": self.name if needed else f"Optional{self.name}",
            "Effect": "Allow",
            "Action": [permission.action for permission in self.permissions],
            "Resource": list(self.resources),
            **({"Condition": self.condition} if self.condition else {}),
        }


def policy(settings: Settings) -> dict[str, Any]:
    """Give the IAM policy for a deployer with just these settings."""
    return {"Version": "2012-10-17", "Statement": [grant.statement() for grant in grants(settings)]}


def grants(settings: Settings) -> Iterator[Grant]:
    """Yield what the settings in force need."""
    release = settings.release
    function = _function_arn(settings.function)
    versions = f"{function}:{ANYTHING}"
    read = versions if release.alias else f"{function}:$LATEST"
    yield Grant("Deploy", (Permission("lambda:UpdateFunctionCode", "upload the package"),), (function,))
    compare = Permission(
        "lambda:GetFunctionConfiguration",
        "do nothing where nothing changed, and wait until an update is in place",
        needed=release.alias is not None,
    )
    yield Grant("Compare", (compare,), (function, read))
    plan = Permission("lambda:GetFunction", "show in `deploy plan` what differs", needed=False)
    yield Grant("Plan", (plan,), (function, read))
    if release.alias:
        yield Grant("Release", RELEASE, (function,))
    if release.verification:
        yield Grant("Verify", (Permission("lambda:InvokeFunction", "verify a new version"),), (versions,))
    if release.keep_versions:
        listing = Permission("lambda:ListAliases", "find the versions that no alias points at")
        yield Grant("FindOldVersions", (listing,), (function,))
        deletion = Permission("lambda:DeleteFunction", "delete old versions; never the function")
        yield Grant("DeleteOldVersions", (deletion,), (versions,))
    if release.bucket:
        yield from _bucket_grants(release.bucket, settings.function)


RELEASE = (
    Permission("lambda:GetAlias", "see where the alias points"),
    Permission("lambda:ListVersionsByFunction", "use a version again that is wanted already"),
    Permission("lambda:PublishVersion", "publish a version"),
    Permission("lambda:CreateAlias", "make the alias where it is missing"),
    Permission("lambda:UpdateAlias", "point the alias at the version"),
)

UPLOAD = (
    Permission("s3:PutObject", "upload a package over 50 MB"),
    Permission("s3:GetObject", "let Lambda read it, which it does in the deployer's name"),
    Permission("s3:DeleteObject", "delete it when the deploy is over"),
    Permission("s3:AbortMultipartUpload", "leave nothing of an upload that failed"),
)

ENCRYPT = (
    Permission("kms:GenerateDataKey", "encrypt the upload"),
    Permission("kms:Decrypt", "put its parts together, and let Lambda read it"),
)


def _bucket_grants(bucket: Bucket, settings: FunctionSettings) -> Iterator[Grant]:
    arn = f"arn:{partition_of(settings.region)}:s3:::{bucket.name}"
    yield Grant("Upload", UPLOAD, (f"{arn}/{_literal(object_prefix(bucket, settings))}{ANYTHING}",))
    listing = Permission("s3:ListBucket", "tell a missing object from a forbidden one", needed=False)
    yield Grant("Bucket", (listing,), (arn,))
    if bucket.kms_key_id:
        resource, condition = _key(bucket.kms_key_id, settings)
        yield Grant("Encrypt", ENCRYPT, (resource,), condition)


def _key(key_id: str, settings: FunctionSettings) -> tuple[str, Mapping[str, Mapping[str, str]]]:
    """Give a KMS key's ARN; an alias is a condition, for IAM does not take it as a resource.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    account = settings.function.account or ANYTHING
    keys = f"arn:{partition_of(settings.region)}:kms:{settings.region}:{account}:"
    if key_id.startswith("arn:"):
        keys, _, resource = key_id.rpartition(":")
        keys, key_id = f"{keys}:", resource.removeprefix("key/")
    if key_id.startswith("alias/"):
        return f"{keys}key/{ANYTHING}", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key_id}}
    return f"{keys}key/{_literal(key_id)}", {}


def _function_arn(settings: FunctionSettings) -> str:
    function = settings.function
    account = function.account or ANYTHING
    return f"arn:{partition_of(settings.region)}:lambda:{settings.region}:{account}:function:{function.name}"


def _literal(text: str) -> str:
    """Take the characters that IAM reads as wildcards and variables as they stand."""
    return re.sub(r"[*?$]", r"${\g<0>}", text)
