"""AWS's refusals by their codes: what happened, why, and what to do.

https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and the errors of each call; how they
are worded is AWS's matter, so a message is only ever read for details, its code decides.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from deploy.artifact.limits import BY_BUCKET, SMALLER
from deploy.aws.codes import SERVICES
from deploy.errors import DeployError, InputError
from deploy.target.arn import partition_of
from deploy.target.sdk import endpoint_setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.config.redaction import Redactor
    from deploy.target.arn import FunctionReference
    from deploy.target.environment import Target

RUN_AGAIN = "Run `deploy` again."
SET_KEYS = "Set _AWS_ACCESS_KEY_ID and _AWS_SECRET_ACCESS_KEY, both from the same key."

DENIED_ACTION = re.compile(r"not authorized to perform: (\w+:\w+) on resource: (\S+)")
DENIED_TO_LAMBDA = re.compile(r"permission to (\w+) for ([\w.-]+)/")
CALLER = re.compile(r"User: arn:[\w-]+:(?:iam|sts)::(\d{12}):")
FUNCTION_ARN = re.compile(r"on resource: (arn:\S+:function:[\w-]+)(:[\w$-]+)?")


@dataclass(frozen=True)
class Call:
    """What was asked of AWS, for the explanation of its refusal; `resource` if it is not the function.

    `part` is the version or the alias that it is about, if it is; `exists` says that the function is known to
    be there, from another call.
    """

    action: str
    target: Target
    resource: str = ""
    part: str = ""
    exists: bool = False

    @property
    def function(self) -> FunctionReference:
        """The function that the target names."""
        return self.target.function

    @property
    def subject(self) -> str:
        """What the call acts on, as a reader knows it."""
        return self.resource or self.function.name

    @property
    def endpoint(self) -> str:
        """What was called, as a reader knows it."""
        service = self.action.partition(":")[0]
        if setting := endpoint_setting(self.target.sdk, service):
            return f"the endpoint that _{setting} names"
        return f"{SERVICES[service]} in {self.target.region}"

    @property
    def where_set(self) -> str:
        """The settings that say what is called."""
        setting = endpoint_setting(self.target.sdk, self.action.partition(":")[0])
        return f"_{setting}" if setting else "the region in _LAMBDA_FUNCTION_ARN or _AWS_DEFAULT_REGION"

    @cached_property
    def _redactor(self) -> Redactor:
        from deploy.config.redaction import redactor_for  # nothing that a deploy that succeeds needs

        return redactor_for(self.target)

    def redacted(self, text: str) -> str:
        """Return the start of what AWS says, which may repeat the request, without credentials and config."""
        return self._redactor.redact_start(text)

    def statement(self, message: str) -> str:
        """Return the policy statement that is missing, from AWS's message if it says on which resource."""
        resource = self.resource
        if not resource and (named := FUNCTION_ARN.search(message)):
            # A call with a qualifier needs the permission on the qualified ARN.
            resource = self.redacted(f"{named[1]}:*" if named[2] else named[1])
        elif not resource:
            region, account = self.target.region, self.function.account or "ACCOUNT"
            resource = f"arn:{partition_of(region)}:lambda:{region}:{account}:function:{self.function.name}"
        return json.dumps({"Effect": "Allow", "Action": self.action, "Resource": resource}, indent=2)


def explain(code: str, status: int, message: str, call: Call) -> DeployError:
    """Return the error that explains what AWS answered."""
    if code in ANSWERS:
        return ANSWERS[code](message, call)
    code = call.redacted(code)
    if status >= 500:  # noqa: PLR2004
        return DeployError(
            f"AWS returned an internal error (HTTP {status}, {code}).",
            why=message,
            todo=f"{RUN_AGAIN} If it persists, see https://health.aws.amazon.com.",
        )
    return DeployError(
        f"AWS refused {call.action} on {call.subject} in {call.target.region} ({code}, HTTP {status}).",
        why=f"AWS says: {message}",
        todo="Fix the problem that AWS reports, and run `deploy` again.",
    )


def _wrong_key(_message: str, call: Call) -> DeployError:
    temporary = " and _AWS_SESSION_TOKEN, which belong together" * ("AWS_SESSION_TOKEN" in call.target.sdk)
    return DeployError(
        "AWS does not know the access key in _AWS_ACCESS_KEY_ID.",
        why="The key was deleted or mistyped, it belongs to another partition (China, GovCloud), or "
        f"the region {call.target.region} is not enabled for the account.",
        todo=f"Check _AWS_ACCESS_KEY_ID{temporary}. {SET_KEYS}",
    )


def _wrong_signature(message: str, _call: Call) -> DeployError:
    if "Signature expired" in message or "Signature not yet current" in message:
        return _wrong_clock(message, _call)
    return DeployError(
        "_AWS_SECRET_ACCESS_KEY does not belong to _AWS_ACCESS_KEY_ID.",
        why="The signature made with it is not the one that AWS expects.",
        todo=SET_KEYS,
    )


def _wrong_clock(message: str, _call: Call) -> DeployError:
    return DeployError(
        "AWS refused the request because of its time.",
        why=f"The clock of this machine is wrong by more than 5 minutes. AWS says: {message}",
        todo=f"Set the clock (on Heroku: restart the dyno). {RUN_AGAIN}",
    )


def _expired(_message: str, _call: Call) -> DeployError:
    return DeployError(
        "The temporary credentials have expired.",
        why="AWS no longer takes _AWS_SESSION_TOKEN.",
        todo="Set new ones (_AWS_ACCESS_KEY_ID, _AWS_SECRET_ACCESS_KEY, _AWS_SESSION_TOKEN), or the "
        "keys of an IAM user, which do not expire, without _AWS_SESSION_TOKEN.",
    )


def _denied(message: str, call: Call) -> DeployError:
    is_explicit = "explicit deny" in message
    if by_s3 := DENIED_TO_LAMBDA.search(message):
        # Lambda takes the package out of the bucket in the deployer's name.
        resource = f"arn:{partition_of(call.target.region)}:s3:::{by_s3[2]}/*"
        call = replace(call, action=call.redacted(f"s3:{by_s3[1]}"), resource=call.redacted(resource))
    elif (by_other := DENIED_ACTION.search(message)) and by_other[1] != call.action:
        # S3 asks KMS in the deployer's name.
        call = replace(call, action=call.redacted(by_other[1]), resource=call.redacted(by_other[2]))
    elif (caller := other_account(message, call.action, call.function)) and not is_explicit:
        account = call.function.account or ""
        return DeployError(
            f"_LAMBDA_FUNCTION_ARN names the account {account}, and the access key belongs to {caller}.",
            why=f"So the deployer lacks the permission {call.action} on {call.subject}. AWS says: {message}",
            todo=todo_for_other_account(account, caller, call.action),
        )
    who = f"the role {call.target.role.arn}" if call.target.role else "the deployer"
    todo = f"Add this statement to the IAM policy of {who}:\n{call.statement(message)}"
    if is_explicit:
        todo = "A policy denies it explicitly: that statement has to go, an Allow does not help."
    if not call.action.startswith("sts:"):
        todo += f"\n`deploy doctor {call.target.policy_options}` prints all that these settings need."
    return DeployError(
        f"T{who[1:]} lacks the permission {call.action} on {call.subject}.",
        why=f"AWS says: {message}",
        todo=todo,
    )


def other_account(message: str, action: str, function: FunctionReference) -> str:
    """Return the caller's account in a refusal of Lambda's; empty if it is the function's, or not said."""
    caller = CALLER.search(message)
    if not action.startswith("lambda:") or caller is None or function.account in {None, caller[1]}:
        return ""
    return caller[1]


def todo_for_other_account(account: str, caller: str, action: str) -> str:
    """Return what to do if the function's account is not the caller's; IAM policies alone can't help."""
    return (
        f"Correct the account in _LAMBDA_FUNCTION_ARN, or set an access key of the account {account}. If it "
        f"is meant to be so, the function's resource-based policy has to allow {action} to {caller} (`aws "
        "lambda add-permission`), besides the deployer's own policy."
    )


def _not_found(message: str, call: Call) -> DeployError:
    if call.exists:
        missing = f"{call.part} of {call.function.name}" if call.part else call.function.name
        return DeployError(
            f"AWS does not find {missing} ({call.action}).",
            why=f"It was deleted meanwhile: an earlier call found {call.function.name}. AWS says: {message}",
            todo=RUN_AGAIN,
        )
    in_message = re.search(r"arn:[\w-]+:lambda:[\w-]+:(\d{12}):", message)
    account, region = call.function.account or (in_message[1] if in_message else ""), call.target.region
    return DeployError(
        f"There is no function {call.function.name} in the region {region}"
        f"{f' of the account {account}' if account else ''}.",
        todo="Check the name, the region and the account in _LAMBDA_FUNCTION_ARN and _AWS_DEFAULT_REGION, "
        "and that the function exists: a deploy updates a function, it does not create one. "
        f"`aws lambda list-functions --region {region}` lists those that exist.",
    )


def _invalid(message: str, call: Call) -> DeployError:
    if "ImageUri" in message or "packageType Image" in message:
        return container_image(call.function.name)
    if "Unzipped size" in message:
        return InputError(
            "The package and the function's layers are larger together than the 250 MiB that Lambda takes.",
            why=f"AWS says: {message}",
            todo="Make the package smaller, or take layers from the function.",
        )
    return DeployError(
        f"AWS Lambda does not take the package for {call.function.name}.",
        why=f"AWS says: {message}",
        todo="`deploy package -o FILE` writes the package to look at it with `unzip -t FILE`.",
    )


def container_image(name: str) -> InputError:
    """Return the error for a function that takes no ZIP."""
    return InputError(
        f"{name} is a container image, and this deploy uploads a ZIP.",
        why="A function's package type can't be changed after it was created.",
        todo="Create a function of package type Zip, and name it in _LAMBDA_FUNCTION_ARN.",
    )


def _says(
    what: str, why: str, todo: str, kind: type[DeployError] = DeployError
) -> Callable[[str, Call], DeployError]:
    """Return what explains a code by the same three texts each time, with AWS's message behind the second."""

    def explain(message: str, call: Call) -> DeployError:
        names = {"name": call.function.name, "region": call.target.region, "action": call.action}
        return kind(what.format(**names), why=f"{why.format(**names)} AWS says: {message}".strip(), todo=todo)

    return explain


_conflict = _says(
    "{name} is being updated by someone else, or is not ready yet.", "", f"Wait a minute. {RUN_AGAIN}"
)
_throttled = _says(
    "AWS throttles the calls of this account.",
    "Several tries of {action} were refused.",
    f"{RUN_AGAIN} With _AWS_MAX_ATTEMPTS=10 it tries for longer.",
)
_too_large = _says(
    "The package is larger than Lambda takes in a direct upload.", "", f"{BY_BUCKET} {SMALLER}", InputError
)
_storage_full = _says(
    "The account's storage for code in {region} is full.",
    "",
    "Delete old versions of functions, or ask AWS for a higher quota.",
)
_unsigned = _says(
    "{name} takes signed code only.",
    "A package that is made with the config of the moment can't carry a signature.",
    "Set its code signing configuration to warn, or remove it from the function.",
)

ANSWERS: dict[str, Callable[[str, Call], DeployError]] = {
    "UnrecognizedClientException": _wrong_key,
    "InvalidClientTokenId": _wrong_key,
    "InvalidAccessKeyId": _wrong_key,
    "InvalidSignatureException": _wrong_signature,
    "SignatureDoesNotMatch": _wrong_signature,
    "RequestExpired": _wrong_signature,
    "RequestTimeTooSkewed": _wrong_clock,
    "ExpiredTokenException": _expired,
    "ExpiredToken": _expired,
    "AccessDeniedException": _denied,
    "AccessDenied": _denied,
    "ResourceNotFoundException": _not_found,
    "InvalidParameterValueException": _invalid,
    "ResourceConflictException": _conflict,
    "TooManyRequestsException": _throttled,
    "Throttling": _throttled,
    "ThrottlingException": _throttled,
    "RequestLimitExceeded": _throttled,
    "RequestEntityTooLargeException": _too_large,
    "RequestTooLargeException": _too_large,
    "CodeStorageExceededException": _storage_full,
    "CodeVerificationFailedException": _unsigned,
    "InvalidCodeSignatureException": _unsigned,
}
