"""What the AWS SDK raises, told as what happened, why, and what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from urllib3.exceptions import HTTPError

from deploy.aws.codes import NO_ANSWER
from deploy.aws.refusals import RUN_AGAIN, Call, explain
from deploy.errors import DeployError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE_LENGTH = 100  # characters of AWS's name for an error
MESSAGE_LENGTH = 600  # characters of AWS's message that are shown
OLD_OR_NEW = f"The function runs the old or the new package, whole. {RUN_AGAIN}"

START = "lambda:*"  # no call, but the start of the SDK


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


def _explain_answer(error: sdk.ClientError, call: Call) -> DeployError:
    code = str(error.response.get("Error", {}).get("Code", ""))[:CODE_LENGTH]
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = call.redacted(str(error.response.get("Error", {}).get("Message", "")))
    if len(message) > MESSAGE_LENGTH:
        message = f"{message[:MESSAGE_LENGTH]}…"
    explained = explain(code, status, message, call)
    explained.code = code
    return explained


def _explain_failure(error: Exception, call: Call) -> DeployError:
    endpoint = f"{call.endpoint[0].upper()}{call.endpoint[1:]}"
    if isinstance(error, sdk.SSLError):
        return DeployError(
            f"The certificate of {call.endpoint} is not trusted.",
            why="Something between this machine and AWS may read along, such as a proxy. "
            f"{call.redacted(str(error))}",
            todo="If that is intended, name the file of its CA: _AWS_CA_BUNDLE=/path/ca.pem",
        )
    if isinstance(error, sdk.ProxyConnectionError):
        return DeployError(
            "The proxy does not answer.",
            why="_HTTPS_PROXY is set, and the deploy goes through it.",
            todo="Check that setting, or name the endpoint in _NO_PROXY.",
        )
    if isinstance(error, sdk.ReadTimeoutError | sdk.ConnectionClosedError):
        return DeployError(
            f"{endpoint} did not answer to the end.",
            why=f"The connection was cut or stalled ({type(error).__name__}).",
            todo=OLD_OR_NEW,
        )
    if isinstance(error, sdk.ConnectionError | sdk.HTTPClientError):
        return DeployError(
            f"{endpoint} can't be reached.",
            why=f"It can't be reached from here, or the region does not exist ({type(error).__name__}).",
            todo=f"Check the network and the region. {RUN_AGAIN}",
        )
    return _explain_nonsense(error, call)


def _explain_nonsense(error: Exception, call: Call) -> DeployError:
    if call.action == START:
        # Its text may hold a setting's value.
        return InputError(
            f"The AWS SDK does not accept the settings ({type(error).__name__}).",
            todo=f"Check the _AWS_… settings and _HTTPS_PROXY. {RUN_AGAIN}",
        )
    return DeployError(
        f"The answer to {call.action} can't be understood ({type(error).__name__}).",
        why="It is not one of AWS's: something between may have put it there, such as a proxy or a portal.",
        todo=OLD_OR_NEW,
    )
