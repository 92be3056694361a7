"""One Lambda function: typed calls.

Each call names the permission that it needs in its docstring, and raises DeployError with AWS's code.
The API's pages are at https://docs.aws.amazon.com/lambda/latest/api/API_<Operation>.html.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from deploy.aws import answers
from deploy.aws.answers import Alias, Configuration, Invocation
from deploy.aws.codes import LATEST, LOST, NO_ANSWER, NOT_FOUND
from deploy.aws.upload import ZipFileBody
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_lambda import LambdaClient

    from deploy.artifact.package import Package
    from deploy.aws.session import Session

PARTIAL_CONTENT = 206


class Function:
    """The function that the settings name."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._client: LambdaClient = session.client("lambda")
        self._identifier = session.target.function.identifier

    @property
    def name(self) -> str:
        """The function's name, without account and region."""
        return self.session.target.function.name

    @property
    def region(self) -> str:
        """The region that it runs in."""
        return self.session.target.region

    def configuration(self, qualifier: str = LATEST) -> Configuration:
        """Read what $LATEST or a version is. Needs lambda:GetFunctionConfiguration."""
        with self.session.explaining("lambda:GetFunctionConfiguration"):
            return answers.configuration(
                self._client.get_function_configuration(
                    FunctionName=self._identifier, **_qualified(qualifier)
                )
            )

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
        with self.session.explaining("lambda:UpdateFunctionCode"):
            return answers.configuration(
                self._client.update_function_code(FunctionName=self._identifier, **code)
            )

    def publish(self, code_sha256: str, description: str) -> Configuration:
        """Publish $LATEST as a version, unless its code is another by now. Needs lambda:PublishVersion."""
        with self.session.explaining("lambda:PublishVersion"):
            return answers.configuration(
                self._client.publish_version(
                    FunctionName=self._identifier, CodeSha256=code_sha256, Description=description
                )
            )

    def versions(self) -> list[Configuration]:
        """List the published versions, oldest first. Needs lambda:ListVersionsByFunction."""
        with self.session.explaining("lambda:ListVersionsByFunction"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(
                FunctionName=self._identifier
            )
            listed = [
                answers.configuration(item) for page in pages for item in answers.items(page, "Versions")
            ]
        numbered = [version for version in listed if version.version != LATEST]
        return sorted(numbered, key=lambda version: int(version.version))

    def delete_version(self, version: str) -> None:
        """Delete a published version. Needs lambda:DeleteFunction on it."""
        with self.session.explaining("lambda:DeleteFunction"):
            self._client.delete_function(FunctionName=self._identifier, Qualifier=version)

    def code_location(self, qualifier: str) -> tuple[str, int]:
        """Give the address of a version's package and its size in bytes. Needs lambda:GetFunction."""
        with self.session.explaining("lambda:GetFunction"):
            answer = self._client.get_function(FunctionName=self._identifier, **_qualified(qualifier))
        return answer.get("Code", {}).get("Location", ""), answer.get("Configuration", {}).get("CodeSize", 0)

    def alias(self, name: str) -> Alias | None:
        """Read an alias; None where there is none of this name. Needs lambda:GetAlias."""
        try:
            with self.session.explaining("lambda:GetAlias"):
                return answers.alias(self._client.get_alias(FunctionName=self._identifier, Name=name))
        except DeployError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def aliases(self) -> list[Alias]:
        """List all aliases. Needs lambda:ListAliases."""
        with self.session.explaining("lambda:ListAliases"):
            pages = self._client.get_paginator("list_aliases").paginate(FunctionName=self._identifier)
            return [answers.alias(item) for page in pages for item in answers.items(page, "Aliases")]

    def create_alias(self, name: str, version: str, description: str) -> Alias:
        """Make an alias. Needs lambda:CreateAlias."""
        with self.session.explaining("lambda:CreateAlias"):
            return answers.alias(
                self._client.create_alias(
                    FunctionName=self._identifier,
                    Name=name,
                    FunctionVersion=version,
                    Description=description,
                )
            )

    def update_alias(self, name: str, version: str, description: str, revision_id: str) -> Alias:
        """Point an alias at a version, all of it, and only over this revision. Needs lambda:UpdateAlias."""
        with self.session.explaining("lambda:UpdateAlias"):
            return answers.alias(
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
        config = Config(read_timeout=timeout, retries={"total_max_attempts": 1, "mode": "standard"})
        with self.session.explaining("lambda:InvokeFunction"):
            answer = self.session.client("lambda", config).invoke(
                FunctionName=self._identifier, Qualifier=version, Payload=payload, LogType="Tail"
            )
            content = answer["Payload"].read().decode("utf-8", "replace")
        log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        return Invocation(content, answer.get("FunctionError", ""), log)

    def fetch(self, url: str, first: int, last: int) -> bytes:
        """Fetch the bytes `first` to `last` of an address, which is signed and needs no permission."""
        session = self.session.http(url)
        headers = {"Range": f"bytes={first}-{last}"}
        with self.session.explaining("lambda:GetFunction"):
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


def _qualified(qualifier: str) -> dict[str, Any]:
    # With a qualifier, $LATEST too, AWS asks for the permission on the qualified ARN.
    return {} if qualifier == LATEST else {"Qualifier": qualifier}
