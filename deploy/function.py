"""One Lambda function: typed calls. The only module that starts the AWS SDK."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy import __version__
from deploy.aws_errors import Call, explain
from deploy.request_body import ZipFileBody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_lambda import LambdaClient

    from deploy.settings import FunctionSettings

__all__ = ["Function", "connect"]

# How the dyno reaches the network, and where it keeps temporary files, holds for the deploy as well.
KEPT_NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "TMPDIR"}

SDK_DEFAULTS = {
    # The files in the home folder are the app's, and a dyno has no instance role.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_RETRY_MODE": "standard",
    "AWS_MAX_ATTEMPTS": "5",
}

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 90  # seconds; Lambda answers an update of 50 MB within some


class Function:
    """The function that the settings name."""

    def __init__(self, client: LambdaClient, settings: FunctionSettings) -> None:
        self._client = client
        self._settings = settings

    @property
    def name(self) -> str:
        """The function's name, without account and region."""
        return self._settings.function.name

    @property
    def region(self) -> str:
        """The region that it runs in."""
        return self._settings.region

    def update_code(self, package: BinaryIO, progress: Callable[[int, int], None]) -> str:
        """Upload a package as the code of $LATEST and give the CodeSha256 that AWS answers.

        `progress` is told the bytes sent and in all. Needs lambda:UpdateFunctionCode. Raises
        DeployError. https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
        """

        def stream(params: dict[str, Any], **_: object) -> None:
            members = json.loads(params["body"])
            del members["ZipFile"]
            body = ZipFileBody(package, members, progress)
            # botocore signs with the digest that it is given, and does not read the body for it.
            params["headers"]["X-Amz-Content-SHA256"] = body.sha256()
            params["body"] = body

        event = "before-call.lambda.UpdateFunctionCode"
        self._client.meta.events.register(event, stream)
        try:
            answer = self._client.update_function_code(
                FunctionName=self._settings.function.identifier, ZipFile=b""
            )
        except (ClientError, BotoCoreError) as error:
            raise self._explained(error, "lambda:UpdateFunctionCode") from error
        finally:
            self._client.meta.events.unregister(event, stream)
        # A connection that is cut within the answer leaves the SDK with an empty one.
        return answer.get("CodeSha256", "none")

    def _explained(self, error: Exception, action: str) -> Exception:
        return explain(error, _call(self._settings, action))


def connect(settings: FunctionSettings) -> Function:
    """Start the AWS SDK with nothing but the `_AWS_…` settings.

    The SDK reads os.environ, where the app's own `AWS_…` config vars stand: it is emptied first. Raises
    DeployError for settings that the SDK does not take.
    """
    _hand_over(settings.sdk_environment)
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        user_agent_extra=f"lambda-deploy/{__version__}",
    )
    try:
        client = boto3.session.Session().client("lambda", config=config)
    except (BotoCoreError, ValueError) as error:
        raise explain(error, _call(settings, "its start")) from error
    return Function(client, settings)


def _hand_over(sdk_environment: Mapping[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name.upper() in KEPT_NAMES}
    os.environ.clear()
    os.environ.update({**kept, **SDK_DEFAULTS, **sdk_environment})


def _call(settings: FunctionSettings, action: str) -> Call:
    return Call(action, settings.function, settings.region, settings.sdk_environment)
