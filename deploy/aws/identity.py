"""Why there are no credentials, or why a role can't be assumed with them, and what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from botocore import exceptions as sdk

from deploy.aws.codes import DENIED, NO_CREDENTIALS
from deploy.aws.refusals import RUN_AGAIN, SET_KEYS, Call
from deploy.errors import DeployError, InputError
from deploy.target.sdk import EXTERNAL_ID, PROFILES, ROLE, TOKEN_FILE
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.target.environment import Target

ASSUMING = {"AssumeRole", "AssumeRoleWithWebIdentity"}

CALLER = re.compile(r"User: (arn:\S+) is not authorized")
EXPIRED = {"ExpiredTokenException", "ExpiredToken"}
UNKNOWN_KEYS = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}


def explain_role(error: sdk.ClientError, call: Call) -> DeployError:
    """Return the error that explains why STS has refused a role."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = call.redacted(str(error.response.get("Error", {}).get("Message", "")))
    target, by_token = call.target, error.operation_name == "AssumeRoleWithWebIdentity"
    role, external_id = target.sdk.get(ROLE) or "of the profile", _external_id(EXTERNAL_ID, target.sdk)
    further = target.role
    if further and (further.arn in message or ROLE not in target.sdk) and not by_token:
        given = {"LAMBDA_SOURCE_EXTERNAL_ID": further.external_id} if further.external_id else {}
        role, external_id = further.arn, _external_id("LAMBDA_SOURCE_EXTERNAL_ID", given)
    explained = DeployError(
        f"The role {role} can't be assumed.",
        why=f"AWS says: {message} ({call.redacted(code)})",
        todo=_todo_for_token(code) if by_token else _todo_for_keys(code, message, role, external_id),
    )
    explained.code, explained.is_refusal = NO_CREDENTIALS, True
    return explained


def _todo_for_token(code: str) -> str:
    if code in EXPIRED:
        return (
            f"The token in _{TOKEN_FILE} has expired: have CI issue it just before the deploy, or make it "
            "valid for longer."
        )
    return (
        "Check that IAM has an identity provider for the token's issuer and audience (aud), and that the "
        "role's trust policy allows it sts:AssumeRoleWithWebIdentity for the token's subject (sub)."
    )


def _external_id(name: str, given: Mapping[str, str]) -> str:
    if name in given:
        return f"The trust policy's condition on sts:ExternalId has to be the value of _{name}."
    return f"If it has a condition on sts:ExternalId, set that value: _{name}=…"


def _todo_for_keys(code: str, message: str, role: str, external_id: str) -> str:
    if code in EXPIRED:
        return f"Set new temporary credentials: they are what the role is assumed with. {RUN_AGAIN}"
    if code in UNKNOWN_KEYS:
        return f"The access key that it is assumed with is wrong. {SET_KEYS}"
    if code not in DENIED:
        return f"Fix the problem that AWS reports. {RUN_AGAIN}"
    caller = CALLER.search(message)
    principal = caller[1] if caller else "the owner of the access key"
    statement = json.dumps({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}, indent=2)
    return (
        f"Two policies have to allow it. The role's trust policy has to name {principal}, or its account. "
        f"{external_id}\nAnd the IAM policy of {principal} needs this statement, unless it is in the role's "
        f"account and the trust policy names it directly:\n{statement}"
    )


def explain_credentials(error: Exception, target: Target) -> DeployError | None:
    """Return the error that explains why there are no credentials; None if it is about something else."""
    profile = next((target.sdk[name] for name in PROFILES if name in target.sdk), "default")
    for kinds, explain in EXPLANATIONS.items():
        if isinstance(error, kinds):
            explained = explain(profile, error)
            break
    else:
        if isinstance(error, sdk.ParamValidationError) and "WebIdentityToken" in str(error):
            explained = _no_token(target)
        elif isinstance(error, OSError) and str(error.filename) == target.sdk.get(TOKEN_FILE):
            explained = DeployError(f"The file in _{TOKEN_FILE} can't be read: {error.strerror}.")
        else:
            return None
    explained.code, explained.is_refusal = NO_CREDENTIALS, True
    return explained


def _no_token(target: Target) -> DeployError:
    return DeployError(
        f"There is no token in {printable(target.sdk[TOKEN_FILE])}, which _{TOKEN_FILE} names."
        if TOKEN_FILE in target.sdk
        else "There is no token in the file that the profile names.",
        why="It is empty, or too short for a token.",
        todo="Have CI issue an OIDC token for this job, and write it to that file before the deploy.",
    )


def _explain_none(_profile: str, _error: Exception) -> DeployError:
    return DeployError(
        "There are no credentials.",
        why="The AWS CLI would find none here: not in AWS_…, ~/.aws, the container, the machine. "
        "With --aws-profile or --aws-default-credentials, keys in the settings do not count.",
        todo="Sign in to AWS here, or leave the option out and set the deployer's keys: _AWS_ACCESS_KEY_ID, "
        "_AWS_SECRET_ACCESS_KEY.",
    )


def _explain_profile(profile: str, _error: Exception) -> DeployError:
    return InputError(
        f"There is no profile {profile}.", todo="`aws configure list-profiles` lists those that exist."
    )


def _explain_sign_in(profile: str, _error: Exception) -> DeployError:
    return DeployError(
        f"The profile {profile} is not signed in, or its sign-in has expired.",
        todo=f"Sign in, and run it again: `aws sso login --profile {profile}`",
    )


def _explain_model(profile: str, _error: Exception) -> DeployError:
    return InputError(
        f"The profile {profile} signs in with SSO, which a slug can't.",
        why="A slug has no more of the AWS SDK than a deploy needs.",
        todo="Use `lambda-deploy` as pip, pipx or uv installs it.",
    )


def _explain_source(profile: str, error: Exception) -> DeployError:
    return DeployError(
        f"The credentials of the profile {profile} or of this machine are missing ({type(error).__name__}).",
        why="What they come from has failed, or its configuration is incomplete.",
        todo="Run `aws sts get-caller-identity` with the same profile, and fix the problem that it reports.",
    )


EXPLANATIONS: dict[tuple[type[Exception], ...], Callable[[str, Exception], DeployError]] = {
    (sdk.NoCredentialsError,): _explain_none,
    (sdk.ProfileNotFound,): _explain_profile,
    (sdk.SSOError, sdk.TokenRetrievalError): _explain_sign_in,
    (sdk.UnknownServiceError, sdk.DataNotFoundError): _explain_model,
    (
        sdk.CredentialRetrievalError,
        sdk.PartialCredentialsError,
        sdk.InvalidConfigError,
        sdk.MetadataRetrievalError,
    ): _explain_source,
}
