"""AWS's refusals and the network's, told as what happened, why, and what to do.

https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and the errors of each call; how they
are worded is AWS's matter, so a message is only ever read for details, its code decides.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from urllib3.exceptions import HTTPError

from deploy.artifact.limits import BY_BUCKET, SMALLER
from deploy.aws.codes import NO_ANSWER
from deploy.config.redaction import without_values
from deploy.errors import DeployError, InputError
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.target.arn import FunctionReference
    from deploy.target.environment import Target

CODE_LENGTH = 100  # characters of AWS's name for an error
MESSAGE_LENGTH = 600  # characters of AWS's message that are shown

THROTTLED = {
    "TooManyRequestsException",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
}
RUN_AGAIN = "Run deploy again."
DENIED_ACTION = re.compile(r"not authorized to perform: (\w+:\w+) on resource: (\S+)")
CALLER = re.compile(r"User: arn:[\w-]+:(?:iam|sts)::(\d{12}):")
FUNCTION_ARN = re.compile(r"on resource: (arn:\S+:function:[\w-]+)(:[\w$-]+)?")
START = "lambda:*"  # no call, but the start of the SDK
SERVICES = {"lambda": "AWS Lambda", "s3": "Amazon S3", "sts": "AWS STS"}


@dataclass(frozen=True)
class Call:
    """What was asked of AWS, for the explanation of its refusal."""

    action: str
    at: Target
    named_resource: str = ""

    @property
    def secrets(self) -> dict[str, str]:
        """The settings whose values are not shown, for some of AWS's messages repeat the request."""
        return {f"_{name}": value for name, value in self.at.sdk.items() if value != self.region}

    @property
    def function(self) -> FunctionReference:
        """The function that the target names."""
        return self.at.function

    @property
    def region(self) -> str:
        """The target's region."""
        return self.at.region

    @property
    def name(self) -> str:
        """The function as a reader knows it."""
        return self.function.name

    @property
    def partition(self) -> str:
        """The partition of the function's region."""
        return partition_of(self.region)

    @property
    def target(self) -> str:
        """What the call acts on, as a reader knows it."""
        return self.named_resource or self.name

    def resource(self, message: str) -> str:
        """Return the function's ARN for a policy statement, from AWS's message if it is in there."""
        if self.named_resource:
            return self.named_resource
        if named := FUNCTION_ARN.search(message):
            # A call with a qualifier needs the permission on the qualified ARN.
            return f"{named[1]}:*" if named[2] else named[1]
        account = self.function.account or "ACCOUNT"
        return f"arn:{self.partition}:lambda:{self.region}:{account}:function:{self.name}"


@contextlib.contextmanager
def explained(call: Call) -> Iterator[None]:
    """Turn what the AWS SDK raises into DeployError."""
    try:
        yield
    except DeployError:
        raise
    except sdk.ClientError as error:
        raise _explain_answer(error, call) from error
    except (sdk.BotoCoreError, HTTPError) as error:
        failure = _explain_failure(error, call)
        failure.code = NO_ANSWER if isinstance(error, sdk.ReadTimeoutError) else ""
        raise failure from error
    except Exception as error:
        # The SDK takes an answer's form for granted; one that is none of AWS's ends in any exception.
        raise _explain_nonsense(error, call) from error


# --- answers of AWS -------------------------------------------------------------------------------


def _explain_answer(error: sdk.ClientError, call: Call) -> DeployError:
    code = str(error.response.get("Error", {}).get("Code", ""))[:CODE_LENGTH]
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = str(error.response.get("Error", {}).get("Message", ""))
    message = without_values(message, call.secrets)
    if len(message) > MESSAGE_LENGTH:
        message = f"{message[:MESSAGE_LENGTH]}…"
    explained = _explain_code(code, status, message, call)
    explained.code = code
    return explained


def _explain_code(code: str, status: int, message: str, call: Call) -> DeployError:
    if code in ANSWERS:
        return ANSWERS[code](message, call)
    if code in THROTTLED:
        return _throttled(message, call)
    if status >= 500:  # noqa: PLR2004
        return DeployError(
            f"AWS had a fault of its own (HTTP {status}, {code}).",
            why=message,
            todo=f"{RUN_AGAIN} If it stays, see https://health.aws.amazon.com.",
        )
    return DeployError(
        f"AWS refused {call.action} on {call.name} in {call.region} ({code}, HTTP {status}).",
        why=f"AWS says: {message}",
        todo="Mend what AWS names, and run deploy again.",
    )


def _wrong_key(_message: str, call: Call) -> DeployError:
    temporary = " and _AWS_SESSION_TOKEN, which belong together" * ("AWS_SESSION_TOKEN" in call.at.sdk)
    return DeployError(
        "AWS does not know the access key in _AWS_ACCESS_KEY_ID.",
        why="The key was deleted or mistyped, it belongs to another partition (China, GovCloud), or "
        f"the region {call.region} is not enabled for the account.",
        todo=f"Check _AWS_ACCESS_KEY_ID{temporary}: `heroku config:set _AWS_ACCESS_KEY_ID=… "
        "_AWS_SECRET_ACCESS_KEY=…`",
    )


def _wrong_signature(message: str, _call: Call) -> DeployError:
    if "Signature expired" in message or "Signature not yet current" in message:
        return DeployError(
            "AWS refused the request because of its time.",
            why=f"The clock of this machine is wrong by more than 5 minutes. AWS says: {message}",
            todo=f"Set the clock (on Heroku: restart the dyno). {RUN_AGAIN}",
        )
    return DeployError(
        "_AWS_SECRET_ACCESS_KEY does not belong to _AWS_ACCESS_KEY_ID.",
        why="The signature made with it is not the one that AWS expects.",
        todo="Set both from the same key: `heroku config:set _AWS_ACCESS_KEY_ID=… _AWS_SECRET_ACCESS_KEY=…`",
    )


def _expired(_message: str, _call: Call) -> DeployError:
    return DeployError(
        "The temporary credentials have expired.",
        why="AWS no longer takes _AWS_SESSION_TOKEN.",
        todo="Set new ones (_AWS_ACCESS_KEY_ID, _AWS_SECRET_ACCESS_KEY, _AWS_SESSION_TOKEN), or the "
        "keys of an IAM user, which do not expire, without _AWS_SESSION_TOKEN.",
    )


def _denied(message: str, call: Call) -> DeployError:
    if by_s3 := re.search(r"permission to (\w+) for ([\w.-]+)/", message):
        # Lambda takes the package out of the bucket in the deployer's name.
        resource = f"arn:{call.partition}:s3:::{by_s3[2]}/*"
        call = replace(call, action=f"s3:{by_s3[1]}", named_resource=resource)
    elif (by_other := DENIED_ACTION.search(message)) and by_other[1] != call.action:
        # S3 asks KMS in the deployer's name.
        call = replace(call, action=by_other[1], named_resource=by_other[2])
    elif (caller := other_account(message, call.action, call.function)) and "explicit deny" not in message:
        return _denied_elsewhere(message, call, caller)
    statement = {"Effect": "Allow", "Action": call.action, "Resource": call.resource(message)}
    todo = "Add this statement to the IAM policy of the deployer:\n" + json.dumps(statement, indent=2)
    if "explicit deny" in message:
        todo = "A policy denies it explicitly: that statement has to go, an Allow does not help."
    if not call.action.startswith("sts:"):
        todo += "\n`deploy doctor --policy` prints all that these settings need."
    return DeployError(
        f"The deployer lacks the permission {call.action} on {call.target}.",
        why=f"AWS says: {message}",
        todo=todo,
    )


def _denied_elsewhere(message: str, call: Call, caller: str) -> DeployError:
    account = call.function.account or ""
    return DeployError(
        f"_LAMBDA_FUNCTION_ARN names the account {account}, and the access key belongs to {caller}.",
        why=f"So the deployer lacks the permission {call.action} on {call.target}. AWS says: {message}",
        todo=todo_for_other_account(account, caller, call.action),
    )


def other_account(message: str, action: str, function: FunctionReference) -> str:
    """Find in a refusal of Lambda's the caller's account; empty where it is the function's, or not told."""
    caller = CALLER.search(message)
    if not action.startswith("lambda:") or caller is None or function.account in {None, caller[1]}:
        return ""
    return caller[1]


def todo_for_other_account(account: str, caller: str, action: str) -> str:
    """Say what to do where the function's account is not the caller's; IAM policies alone can't help."""
    return (
        f"Correct the account in _LAMBDA_FUNCTION_ARN, or set an access key of the account {account}. If it "
        f"is meant to be so, the function's resource-based policy has to allow {action} to {caller} (`aws "
        "lambda add-permission`), besides the deployer's own policy."
    )


def _not_found(message: str, call: Call) -> DeployError:
    in_message = re.search(r"arn:[\w-]+:lambda:[\w-]+:(\d{12}):", message)
    account = call.function.account or (in_message[1] if in_message else "")
    return DeployError(
        f"There is no function {call.name} in the region {call.region}"
        f"{f' of the account {account}' if account else ''}.",
        todo="Check the name, the region and the account in _LAMBDA_FUNCTION_ARN and "
        "_AWS_DEFAULT_REGION, and that the function exists: a deploy updates a function, it does not "
        "make one. `aws lambda list-functions --region "
        f"{call.region}` lists those that there are.",
    )


def _invalid(message: str, call: Call) -> DeployError:
    if "ImageUri" in message or "packageType Image" in message:
        return InputError(
            f"{call.name} is a container image, and this deploy uploads a ZIP.",
            why="A function's package type can't be changed after it was made.",
            todo="Make a function of package type Zip, and name it in _LAMBDA_FUNCTION_ARN.",
        )
    if "Unzipped size" in message:
        return InputError(
            "The package and the function's layers are larger together than the 250 MB that Lambda takes.",
            why=f"AWS says: {message}",
            todo="Make the package smaller, or take layers from the function.",
        )
    return DeployError(
        f"AWS Lambda does not take the package for {call.name}.",
        why=f"AWS says: {message}",
        todo="`deploy package -o FILE` writes the package to look at it with `unzip -t FILE`.",
    )


def _conflict(message: str, call: Call) -> DeployError:
    return DeployError(
        f"{call.name} is being updated by someone else, or is not ready yet.",
        why=f"AWS says: {message}",
        todo=f"Wait a minute. {RUN_AGAIN}",
    )


def _throttled(message: str, call: Call) -> DeployError:
    return DeployError(
        "AWS throttles the calls of this account.",
        why=f"Several tries of {call.action} were refused. AWS says: {message}",
        todo=f"{RUN_AGAIN} _AWS_MAX_ATTEMPTS=10 lets it try longer by itself.",
    )


def _too_large(message: str, _call: Call) -> DeployError:
    return InputError(
        "The package is larger than Lambda takes in a direct upload.",
        why=f"AWS says: {message}",
        todo=f"{BY_BUCKET} {SMALLER}",
    )


def _storage_full(message: str, call: Call) -> DeployError:
    return DeployError(
        f"The account's storage for code in {call.region} is full.",
        why=f"AWS says: {message}",
        todo="Delete old versions of functions, or ask AWS for a higher quota.",
    )


def _unsigned(message: str, call: Call) -> DeployError:
    return DeployError(
        f"{call.name} takes signed code only.",
        why="A package that is made with the config of the moment can't carry a signature. "
        f"AWS says: {message}",
        todo="Set its code signing configuration to warn, or remove it from the function.",
    )


ANSWERS: dict[str, Callable[[str, Call], DeployError]] = {
    "UnrecognizedClientException": _wrong_key,
    "InvalidClientTokenId": _wrong_key,
    "InvalidSignatureException": _wrong_signature,
    "SignatureDoesNotMatch": _wrong_signature,
    "RequestExpired": _wrong_signature,
    "ExpiredTokenException": _expired,
    "ExpiredToken": _expired,
    "AccessDeniedException": _denied,
    "AccessDenied": _denied,
    "ResourceNotFoundException": _not_found,
    "InvalidParameterValueException": _invalid,
    "ResourceConflictException": _conflict,
    "RequestEntityTooLargeException": _too_large,
    "RequestTooLargeException": _too_large,
    "CodeStorageExceededException": _storage_full,
    "CodeVerificationFailedException": _unsigned,
    "InvalidCodeSignatureException": _unsigned,
}


# --- no answer ------------------------------------------------------------------------------------


def _explain_failure(error: Exception, call: Call) -> DeployError:
    reason = without_values(str(error), call.secrets)
    service = SERVICES[call.action.partition(":")[0]]
    endpoint = (
        "the endpoint that _AWS_ENDPOINT_URL names"
        if any(name.startswith("AWS_ENDPOINT_URL") for name in call.at.sdk)
        else f"{service} in {call.region}"
    )
    if isinstance(error, sdk.SSLError):
        return DeployError(
            f"The certificate of {endpoint} is not trusted.",
            why=f"Something between this machine and AWS may read along, such as a proxy. {reason}",
            todo="Where that is meant to be so, name the file of its CA: _AWS_CA_BUNDLE=/path/ca.pem",
        )
    if isinstance(error, sdk.ProxyConnectionError):
        return DeployError(
            "The proxy does not answer.",
            why="_HTTPS_PROXY is set, and the deploy goes through it.",
            todo="Check that setting, or name the endpoint in _NO_PROXY.",
        )
    if isinstance(error, sdk.ReadTimeoutError | sdk.ConnectionClosedError):
        return DeployError(
            f"{endpoint[0].upper()}{endpoint[1:]} did not answer to the end.",
            why=f"The connection was cut or stalled ({type(error).__name__}).",
            todo="The function runs the old or the new package, whole. " + RUN_AGAIN,
        )
    if isinstance(error, sdk.ConnectionError | sdk.HTTPClientError):
        return DeployError(
            f"{endpoint[0].upper()}{endpoint[1:]} can't be reached.",
            why=f"There is no way to it from here, or the region does not exist ({type(error).__name__}).",
            todo=f"Check the network and the region. {RUN_AGAIN}",
        )
    return _explain_nonsense(error, call)


def _explain_nonsense(error: Exception, call: Call) -> DeployError:
    if call.action == START:
        return _wrong_settings(error)
    return DeployError(
        f"The answer to {call.action} can't be understood ({type(error).__name__}).",
        why="It is not one of AWS's: something between may have put it there, such as a proxy or a portal.",
        todo=f"The function runs the old or the new package, whole. {RUN_AGAIN}",
    )


def _wrong_settings(error: Exception) -> InputError:
    # Its text may hold a setting's value.
    return InputError(
        f"The AWS SDK does not get along with the settings ({type(error).__name__}).",
        todo=f"Check the _AWS_… settings and _HTTPS_PROXY. {RUN_AGAIN}",
    )
