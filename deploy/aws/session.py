"""The AWS SDK, started with nothing but the `_AWS_…` settings, and explained where it raises."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from botocore.session import Session

from deploy.aws.errors import Call, explained

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import boto3
    from botocore.config import Config

    from deploy.target.settings import FunctionSettings

# How the dyno reaches the network holds for the deploy as well.
KEPT_NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

DEFAULTS = {
    # The files in the home folder are the app's, and a dyno has no instance role.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_RETRY_MODE": "standard",
    "AWS_MAX_ATTEMPTS": "5",
}


class Sdk:
    """The SDK as it was started for a function. What it has read of AWS's APIs, all its clients share."""

    def __init__(self, settings: FunctionSettings) -> None:
        self.settings = settings
        self._core = Session()

    def lambda_client(self, config: Config) -> Any:  # noqa: ANN401 - botocore's clients are made at run time
        """Start a client of Lambda's, by boto3's own core.

        boto3 itself loads what S3 needs, which is a third of a small deploy's time.
        """
        return self._core.create_client("lambda", config=config)

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - as above
        """Start a client of any service's."""
        # The name is one of many, and boto3 knows each by a Literal of its own.
        return self._boto3.client(service, config=config)  # type: ignore[call-overload]

    @functools.cached_property
    def _boto3(self) -> boto3.session.Session:
        import boto3

        return boto3.session.Session(botocore_session=self._core)

    def explaining(self, action: str, resource: str = "") -> AbstractContextManager[None]:
        """Turn what the SDK raises within this block into DeployError.

        `action` is the permission that is needed there, on `resource` where that is not the function.
        """
        settings = self.settings
        call = Call(action, settings.function, settings.region, settings.sdk_environment, resource)
        return explained(call)


def start(settings: FunctionSettings) -> Sdk:
    """Start the AWS SDK.

    It reads os.environ, where the app's own `AWS_…` config vars stand: it is emptied first.
    """
    _hand_over(settings.sdk_environment)
    return Sdk(settings)


def _hand_over(sdk_environment: Mapping[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name.upper() in KEPT_NAMES}
    os.environ.clear()
    os.environ.update({**kept, **DEFAULTS, **sdk_environment})
