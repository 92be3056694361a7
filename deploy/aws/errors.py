"""What the AWS SDK raises, told as what happened, why, and what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore import exceptions as sdk

from deploy.aws.codes import CUT, NO_ANSWER, UNREACHABLE
from deploy.aws.identity import ASSUMING, explain_credentials, explain_role
from deploy.aws.refusals import RUN_AGAIN, Call, explain
from deploy.errors import DeployError, InputError, is_from_lack_of_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

START = "lambda:*"  # no call, but the start of the SDK


@contextlib.contextmanager
def explained(call: Call) -> Iterator[None]:
    """Turn what the AWS SDK raises into DeployError."""
    try:
        yield
    except (DeployError, MemoryError):
        raise
    except sdk.ClientError as error:
        raise _explain_answer(error, call) from error
    except (sdk.ConnectionError, sdk.ReadTimeoutError, sdk.ConnectionClosedError) as error:
        raise _explain_failure(error, call) from error
    except Exception as error:
        # The SDK takes an answer's form for granted; one that is none of AWS's ends in any exception.
        if is_from_lack_of_memory(error):
            raise MemoryError from error
        raise _explain_failure(error, call) from error


def _explain_answer(error: sdk.ClientError, call: Call) -> DeployError:
    if error.operation_name in ASSUMING:
        # What a call needs may have to be got by another call first.
        return explain_role(error, call)
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = str(error.response.get("Error", {}).get("Message", ""))
    if call.action.startswith("lambda:") and code.isdigit() and status < 500:  # noqa: PLR2004
        # The SDK gives the status where there is no code: AWS Lambda always has one.
        return _explain_nonsense(error, call)
    explained = explain(code, status, message, call)
    # Redacted when it is known what it says: the name of a function may be a config var's value, too.
    explained.why = call.redacted(explained.why)
    explained.code = code
    explained.is_refusal = status < 500  # noqa: PLR2004
    return explained


def _explain_failure(error: Exception, call: Call) -> DeployError:
    if explained := explain_credentials(error, call.target):
        return explained
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
        unanswered = DeployError(
            f"{endpoint} did not answer to the end.",
            why=f"The connection was cut or stalled in {call.action} ({type(error).__name__}).",
            todo=RUN_AGAIN,
        )
        unanswered.code = NO_ANSWER if isinstance(error, sdk.ReadTimeoutError) else CUT
        return unanswered
    if isinstance(error, sdk.ConnectionError | sdk.HTTPClientError):
        unreachable = DeployError(
            f"{endpoint} can't be reached.",
            why=f"Nothing answers there ({type(error).__name__}).",
            todo=f"Check the network, and {call.where_set}. {RUN_AGAIN}",
        )
        unreachable.code = UNREACHABLE
        return unreachable
    return _explain_nonsense(error, call)


def _explain_nonsense(error: Exception, call: Call) -> DeployError:
    if call.action == START:
        # Its text may hold a setting's value.
        return InputError(
            f"The AWS SDK does not accept the settings ({type(error).__name__}).",
            todo=f"Check the _AWS_… settings and _HTTPS_PROXY. {RUN_AGAIN}",
        )
    return senseless(call.action, type(error).__name__)


def senseless(action: str, detail: str = "") -> DeployError:
    """Return the error for an answer that is cut, or not one of AWS's: what was asked may have been done."""
    error = DeployError(
        "AWS's answer was cut off or makes no sense.",
        why=f"The answer to {action} can't be understood{f' ({detail})' if detail else ''}: the connection "
        "was cut, or something in between answered, such as a proxy or a portal.",
        todo=RUN_AGAIN,
    )
    error.code = CUT
    return error
