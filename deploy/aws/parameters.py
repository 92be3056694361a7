"""Config vars from SSM parameters.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws import answers
from deploy.aws.permissions import ANYTHING, Grant, Permission
from deploy.aws.wait import retry_reading
from deploy.errors import InputError
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.target.environment import Target

ACTION = "ssm:GetParametersByPath"


def read_parameters(session: Session, cancellation: Cancellation) -> dict[str, str]:
    """Return the values below the path that the target's settings name, by the last part of their names.

    Needs ssm:GetParametersByPath, and kms:Decrypt if a key of the account's own encrypts them. Raises
    InputError if there are no parameters.
    """
    path = path_of(session.target)

    def read() -> dict[str, str]:
        with session.explaining(ACTION, _arns(session.target)[1]):
            pages = (
                session.client("ssm")
                .get_paginator("get_parameters_by_path")
                .paginate(Path=path, WithDecryption=True, Recursive=False)
            )
            return {
                str(item["Name"]).rpartition("/")[2]: str(item["Value"])
                for page in pages
                for item in answers.items(page, "Parameters")
            }

    found = retry_reading(read, cancellation)
    if not found:
        raise InputError(
            f"There are no SSM parameters below {path}/.",
            todo="Correct _LAMBDA_CONFIG_FROM, or create them: `aws ssm put-parameter --type SecureString "
            f"--name {path}/NAME --value …`",
        )
    return found


def path_of(target: Target) -> str:
    """Return the path for a target's function, without a slash at its end."""
    return (target.settings.config_from or "").replace("{name}", target.function.name).rstrip("/")


def grants(target: Target) -> Iterator[Grant]:
    """Yield what reading config from SSM needs."""
    if target.settings.config_from:
        read = Permission(ACTION, "read the config vars; with a KMS key of your own, kms:Decrypt on it, too")
        yield Grant("ReadConfig", (read,), _arns(target))


def _arns(target: Target) -> tuple[str, str]:
    account = target.function.account or ANYTHING
    path = f"arn:{partition_of(target.region)}:ssm:{target.region}:{account}:parameter{path_of(target)}"
    return path, f"{path}/*"
