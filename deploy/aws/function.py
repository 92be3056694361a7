"""One Lambda function: typed calls.

Each call names the permission that it needs in its docstring, and raises DeployError with AWS's code.
The API's pages are at https://docs.aws.amazon.com/lambda/latest/api/API_<Operation>.html.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from deploy import __version__
from deploy.aws.codes import DENIED, LATEST, LOST, NO_ANSWER, NOT_FOUND
from deploy.aws.errors import START
from deploy.aws.session import Sdk, start
from deploy.aws.upload import ZipFileBody
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_lambda import LambdaClient

    from deploy.artifact.package import Package
    from deploy.target.settings import FunctionSettings

PARTIAL_CONTENT = 206
DIGEST_LENGTH = 44  # characters of a SHA-256 in base64

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 90  # seconds; Lambda answers an update of 50 MB within some

# What a version takes over from $LATEST when it is published, besides the code.
RUNNING_CONFIGURATION = (
    "Runtime",
    "Handler",
    "Role",
    "Timeout",
    "MemorySize",
    "Architectures",
    "Environment",
    "EphemeralStorage",
    "Layers",
    "VpcConfig",
    "FileSystemConfigs",
    "DeadLetterConfig",
    "KMSKeyArn",
    "TracingConfig",
    "LoggingConfig",
)


@dataclass(frozen=True)
class Configuration:
    """What AWS says of $LATEST or of a version. `running` is all that it runs with but the code."""

    version: str
    code_sha256: str
    revision_id: str
    state: str
    state_reason: str
    update_status: str
    update_reason: str
    last_modified: str
    description: str
    arn: str
    running: Mapping[str, Any] = field(repr=False)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is under way: what is, ends by itself."""
        return self.state != "Pending" and self.update_status != "InProgress"


@dataclass(frozen=True)
class Alias:
    """An alias, the version that it points at, and the weights of others beside that one."""

    name: str
    version: str
    weights: Mapping[str, float]
    description: str
    revision_id: str


@dataclass(frozen=True)
class Invocation:
    """What an invocation answered; `error` is set where the function failed, `log` is its tail."""

    payload: str = field(repr=False)
    error: str
    log: str = field(repr=False)


class Function:
    """The function that the settings name."""

    def __init__(self, sdk: Sdk) -> None:
        self.sdk = sdk
        self._client: LambdaClient = sdk.lambda_client(_sdk_config())
        self._identifier = sdk.settings.function.identifier

    @property
    def name(self) -> str:
        """The function's name, without account and region."""
        return self.sdk.settings.function.name

    @property
    def region(self) -> str:
        """The region that it runs in."""
        return self.sdk.settings.region

    def configuration(self, qualifier: str = LATEST) -> Configuration:
        """Read what $LATEST or a version is. Needs lambda:GetFunctionConfiguration."""
        with self.sdk.explaining("lambda:GetFunctionConfiguration"):
            return _configuration(
                self._client.get_function_configuration(
                    FunctionName=self._identifier, **_qualified(qualifier)
                )
            )

    def with_tags(self) -> tuple[Configuration, Mapping[str, str] | None] | None:
        """Read $LATEST and the function's tags in one; None without the permission lambda:GetFunction.

        The tags are None without the permission lambda:ListTags.
        """
        try:
            with self.sdk.explaining("lambda:GetFunction"):
                answer = self._client.get_function(FunctionName=self._identifier)
        except DeployError as error:
            if error.code in DENIED:
                return None
            raise
        tags = None if "TagsError" in answer else answer.get("Tags", {})
        return _configuration(answer.get("Configuration", {})), tags

    def tag(self, arn: str, name: str, value: str) -> None:
        """Set a tag of the function. Needs lambda:TagResource."""
        with self.sdk.explaining("lambda:TagResource"):
            self._client.tag_resource(Resource=arn, Tags={name: value})

    def update_code(
        self, package: Package, progress: Callable[[int, int], None], revision_id: str | None = None
    ) -> Configuration:
        """Upload a package as the code of $LATEST; where a revision is given, only over that one.

        `progress` is told the bytes sent and in all. Needs lambda:UpdateFunctionCode. Raises InputError where
        the package is no longer what it was.
        """

        def stream(params: dict[str, Any], **_: object) -> None:
            members = json.loads(params["body"])
            del members["ZipFile"]
            body = ZipFileBody(package.file, members, progress)
            digest, file_sha256 = body.digests()
            package.check(file_sha256)
            # botocore signs with the digest that it is given, and does not read the body for it.
            params["headers"]["X-Amz-Content-SHA256"] = digest
            params["body"] = body

        event = "before-call.lambda.UpdateFunctionCode"
        self._client.meta.events.register(event, stream)
        try:
            return self._update_code(revision_id, ZipFile=b"")
        except DeployError as error:
            if error.code in {NO_ANSWER, LOST}:  # AWS may have taken it
                raise
            # What is not what was signed, AWS refuses for reasons that are another story.
            package.check_again()
            raise
        finally:
            self._client.meta.events.unregister(event, stream)

    def update_code_from_bucket(self, bucket: str, key: str, revision_id: str | None = None) -> Configuration:
        """Take a package out of S3 as the code of $LATEST.

        Needs lambda:UpdateFunctionCode, and s3:GetObject for the deployer.
        """
        return self._update_code(revision_id, S3Bucket=bucket, S3Key=key)

    def _update_code(self, revision_id: str | None, **code: Any) -> Configuration:  # noqa: ANN401 - the SDK's own
        if revision_id is not None:
            code["RevisionId"] = revision_id
        with self.sdk.explaining("lambda:UpdateFunctionCode"):
            return _configuration(self._client.update_function_code(FunctionName=self._identifier, **code))

    def publish(self, code_sha256: str, description: str) -> Configuration:
        """Publish $LATEST as a version, unless its code is another by now. Needs lambda:PublishVersion."""
        with self.sdk.explaining("lambda:PublishVersion"):
            return _configuration(
                self._client.publish_version(
                    FunctionName=self._identifier, CodeSha256=code_sha256, Description=description
                )
            )

    def versions(self) -> list[Configuration]:
        """List the published versions, oldest first. Needs lambda:ListVersionsByFunction."""
        with self.sdk.explaining("lambda:ListVersionsByFunction"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(
                FunctionName=self._identifier
            )
            listed = [_configuration(item) for page in pages for item in _items(page, "Versions")]
        numbered = [version for version in listed if version.version != LATEST]
        return sorted(numbered, key=lambda version: int(version.version))

    def delete_version(self, version: str) -> None:
        """Delete a published version. Needs lambda:DeleteFunction on it."""
        with self.sdk.explaining("lambda:DeleteFunction"):
            self._client.delete_function(FunctionName=self._identifier, Qualifier=version)

    def code_location(self, qualifier: str) -> tuple[str, int]:
        """Give the address of a version's package and its size in bytes. Needs lambda:GetFunction."""
        with self.sdk.explaining("lambda:GetFunction"):
            answer = self._client.get_function(FunctionName=self._identifier, **_qualified(qualifier))
        return answer.get("Code", {}).get("Location", ""), answer.get("Configuration", {}).get("CodeSize", 0)

    def alias(self, name: str) -> Alias | None:
        """Read an alias; None where there is none of this name. Needs lambda:GetAlias."""
        try:
            with self.sdk.explaining("lambda:GetAlias"):
                return _alias(self._client.get_alias(FunctionName=self._identifier, Name=name))
        except DeployError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def aliases(self) -> list[Alias]:
        """List all aliases. Needs lambda:ListAliases."""
        with self.sdk.explaining("lambda:ListAliases"):
            pages = self._client.get_paginator("list_aliases").paginate(FunctionName=self._identifier)
            return [_alias(item) for page in pages for item in _items(page, "Aliases")]

    def create_alias(self, name: str, version: str, description: str) -> Alias:
        """Make an alias. Needs lambda:CreateAlias."""
        with self.sdk.explaining("lambda:CreateAlias"):
            return _alias(
                self._client.create_alias(
                    FunctionName=self._identifier,
                    Name=name,
                    FunctionVersion=version,
                    Description=description,
                )
            )

    def update_alias(self, name: str, version: str, description: str, revision_id: str) -> Alias:
        """Point an alias at a version, all of it, and only over this revision. Needs lambda:UpdateAlias."""
        with self.sdk.explaining("lambda:UpdateAlias"):
            return _alias(
                self._client.update_alias(
                    FunctionName=self._identifier,
                    Name=name,
                    FunctionVersion=version,
                    Description=description,
                    RoutingConfig={"AdditionalVersionWeights": {}},
                    RevisionId=revision_id,
                )
            )

    def invoke(self, version: str, payload: bytes, timeout: int) -> Invocation:
        """Invoke a version and wait for its answer, `timeout` seconds at most, without trying again.

        Needs lambda:InvokeFunction on the version.
        """
        config = _sdk_config().merge(
            Config(read_timeout=timeout, retries={"total_max_attempts": 1, "mode": "standard"})
        )
        with self.sdk.explaining("lambda:InvokeFunction"):
            answer = self.sdk.lambda_client(config).invoke(
                FunctionName=self._identifier, Qualifier=version, Payload=payload, LogType="Tail"
            )
            content = answer["Payload"].read().decode("utf-8", "replace")
        log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        return Invocation(content, answer.get("FunctionError", ""), log)

    def fetch(self, url: str, first: int, last: int) -> bytes:
        """Fetch the bytes `first` to `last` of an address, which is signed and needs no permission."""
        session = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type] # a path as well
            proxies=get_environ_proxies(url),
            timeout=READ_TIMEOUT,
        )
        headers = {"Range": f"bytes={first}-{last}"}
        with self.sdk.explaining("lambda:GetFunction"):
            request = AWSRequest("GET", url, headers=headers).prepare()
            try:
                answer = session.send(request)
            except BotoCoreError:
                host = urlsplit(url).hostname
                raise DeployError(
                    f"The package of {self.name} can't be read: there is no answer from {host}, where AWS "
                    "keeps it.",
                    todo=f"Let the network reach {host}, and run it again.",
                ) from None
        if answer.status_code != PARTIAL_CONTENT or len(answer.content) != last - first + 1:
            raise DeployError(
                f"The package of {self.name} can't be read from AWS (HTTP {answer.status_code}).",
                todo="Run it again.",
            )
        return answer.content


def connect(settings: FunctionSettings) -> Function:
    """Start the AWS SDK for a function; raises DeployError for settings that the SDK does not take."""
    sdk = start(settings)
    with sdk.explaining(START):
        return Function(sdk)


def _sdk_config() -> Config:
    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        user_agent_extra=f"lambda-deploy/{__version__}",
    )


def _qualified(qualifier: str) -> dict[str, Any]:
    # With a qualifier, $LATEST too, AWS asks for the permission on the qualified ARN.
    return {} if qualifier == LATEST else {"Qualifier": qualifier}


def _configuration(answer: Mapping[str, Any]) -> Configuration:
    if not answer.get("CodeSha256"):
        raise _cut_answer()
    reasons = (answer.get("LastUpdateStatusReason", ""), answer.get("LastUpdateStatusReasonCode", ""))
    return Configuration(
        version=answer.get("Version", ""),
        code_sha256=answer["CodeSha256"][:DIGEST_LENGTH],
        revision_id=answer.get("RevisionId", ""),
        state=answer.get("State", ""),
        state_reason=answer.get("StateReason", ""),
        update_status=answer.get("LastUpdateStatus", ""),
        update_reason=" ".join(reason for reason in reasons if reason),
        last_modified=answer.get("LastModified", ""),
        description=answer.get("Description", ""),
        arn=answer.get("FunctionArn", ""),
        running={
            **{name: answer[name] for name in RUNNING_CONFIGURATION if name in answer},
            "SnapStart": answer.get("SnapStart", {}).get("ApplyOn", "None"),
        },
    )


def _alias(answer: Mapping[str, Any]) -> Alias:
    if not answer.get("FunctionVersion"):
        raise _cut_answer()
    return Alias(
        name=answer.get("Name", ""),
        version=answer["FunctionVersion"],
        weights=answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        description=answer.get("Description", ""),
        revision_id=answer.get("RevisionId", ""),
    )


def _items(page: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    if name not in page:
        raise _cut_answer()
    items: list[Mapping[str, Any]] = page[name]
    return items


def _cut_answer() -> DeployError:
    return DeployError(
        "AWS's answer was cut off.",
        why="The connection ended within it, so whether the call was carried out is not known.",
        todo="The function runs the old or the new package, whole. Run deploy again.",
    )
