"""One Lambda function: typed calls.

Each call names the permission that it needs in its docstring, and raises DeployError with AWS's code. One
that only reads is made again if its answer is cut or makes no sense; one that writes never is.
The API's pages are at https://docs.aws.amazon.com/lambda/latest/api/API_<Operation>.html.
"""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from deploy.aws import answers
from deploy.aws.answers import Alias, Configuration, Invocation
from deploy.aws.codes import CUT, INVALID, LATEST, LOST, NO_ANSWER, NOT_FOUND
from deploy.aws.download import fetch
from deploy.aws.upload import ZipFileBody
from deploy.aws.wait import retry_reading, within
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from types_boto3_lambda import LambdaClient

    from deploy.artifact.package import Package
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation

Answer = TypeVar("Answer")

LONGEST_READ = 120.0  # seconds for an answer with all tries; a read timeout starts again with each byte


class Function:
    """The function that the settings name; pauses between tries are `cancellation`'s."""

    def __init__(self, session: Session, cancellation: Cancellation) -> None:
        self.session = session
        self._cancellation = cancellation
        self._client: LambdaClient = session.client("lambda")
        self._identifier = session.target.function.identifier
        self._exists = False

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

        def read() -> Configuration:
            answer = self._client.get_function_configuration(
                FunctionName=self._identifier, **_qualified(qualifier)
            )
            return self._redacted(answers.current(answer))

        return self._read("lambda:GetFunctionConfiguration", read, _part(qualifier))

    def update_code(
        self,
        package: Package,
        progress: Callable[[int, int], None],
        revision_id: str | None = None,
        key_arn: str | None = None,
    ) -> Configuration:
        """Upload a package as the code of $LATEST; if a revision is given, only over that one.

        `progress` is told the bytes sent and in all; `key_arn` names the KMS key that encrypts the package.
        Needs lambda:UpdateFunctionCode. Raises InputError if the package is no longer what it was.
        """

        def stream(params: dict[str, Any], **_: object) -> None:
            members = json.loads(params["body"])
            del members["ZipFile"]
            body = ZipFileBody(package.open(), members, progress)
            digest, file_sha256 = body.digests()
            package.check(file_sha256)
            # botocore signs with the digest that it is given, and does not read the body for it.
            params["headers"]["X-Amz-Content-SHA256"] = digest
            params["body"] = body

        event = "before-call.lambda.UpdateFunctionCode"
        self._client.meta.events.register(event, stream)
        try:
            return self._update_code(revision_id, key_arn, ZipFile=b"")
        except DeployError as error:
            if error.code in {NO_ANSWER, CUT, LOST}:  # AWS may have taken it
                raise
            # What is not what was signed, AWS refuses for reasons that are another story.
            package.check_again()
            raise
        finally:
            self._client.meta.events.unregister(event, stream)

    def update_code_from_bucket(
        self, bucket: str, key: str, revision_id: str | None = None, key_arn: str | None = None
    ) -> Configuration:
        """Take a package out of S3 as the code of $LATEST.

        Needs lambda:UpdateFunctionCode, and s3:GetObject for the deployer.
        """
        return self._update_code(revision_id, key_arn, S3Bucket=bucket, S3Key=key)

    def _update_code(self, revision_id: str | None, key_arn: str | None, **code: Any) -> Configuration:  # noqa: ANN401 - the SDK's own
        if revision_id is not None:
            code["RevisionId"] = revision_id
        if key_arn is not None:
            code["SourceKMSKeyArn"] = key_arn
        with self._explaining("lambda:UpdateFunctionCode"):
            return answers.configuration(
                self._client.update_function_code(FunctionName=self._identifier, **code)
            )

    def publish(self, code_sha256: str, description: str) -> Configuration:
        """Publish $LATEST as a version, if its code is this one. Needs lambda:PublishVersion.

        Raises an error with the code LOST if it is another one.
        """
        try:
            with self._explaining("lambda:PublishVersion"):
                return answers.published(
                    self._client.publish_version(
                        FunctionName=self._identifier, CodeSha256=code_sha256, Description=description
                    )
                )
        except DeployError as error:
            if error.code == INVALID and "codesha256" in error.why.lower():
                error.code = LOST
            raise

    def versions(self) -> list[Configuration]:
        """List the published versions, oldest first. Needs lambda:ListVersionsByFunction."""

        def read() -> list[Configuration]:
            paginator = self._client.get_paginator("list_versions_by_function")
            pages = paginator.paginate(FunctionName=self._identifier)
            listed = [
                answers.configuration(item) for page in pages for item in answers.items(page, "Versions")
            ]
            numbered = [version for version in listed if version.version != LATEST]
            return sorted(numbered, key=lambda version: int(version.version))

        return self._read("lambda:ListVersionsByFunction", read)

    def delete_version(self, version: str) -> None:
        """Delete a published version. Needs lambda:DeleteFunction on it."""
        with self._explaining("lambda:DeleteFunction", _part(version)):
            self._client.delete_function(FunctionName=self._identifier, Qualifier=version)

    def code_location(self, qualifier: str) -> tuple[str, int]:
        """Return the address of a version's package and its size in bytes. Needs lambda:GetFunction."""
        answer = self._read("lambda:GetFunction", lambda: self._get(qualifier), _part(qualifier))
        code = answer["Code"]
        if "Location" not in code and (refused := code.get("Error", {}).get("Message")):
            raise DeployError(f"AWS keeps the package of {self.name} back.", why=f"AWS says: {refused}")
        return code.get("Location", ""), answer["Configuration"].get("CodeSize", 0)

    def source_key(self) -> str | None:
        """Return the customer's key that encrypts the code of $LATEST, if any. Needs lambda:GetFunction."""
        answer = self._read("lambda:GetFunction", lambda: self._get(LATEST))
        return answer["Code"].get("SourceKMSKeyArn") or None

    def _get(self, qualifier: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.get_function(
            FunctionName=self._identifier, **_qualified(qualifier)
        )
        if not (answer.get("Configuration") and answer.get("Code")):
            raise ValueError("no code")
        return answer

    def alias(self, name: str) -> Alias | None:
        """Read an alias; None if there is none of this name. Needs lambda:GetAlias."""

        def read() -> Alias:
            return answers.alias(self._client.get_alias(FunctionName=self._identifier, Name=name))

        try:
            return self._read("lambda:GetAlias", read, _part(name))
        except DeployError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def aliases(self) -> list[Alias]:
        """List all aliases. Needs lambda:ListAliases."""

        def read() -> list[Alias]:
            pages = self._client.get_paginator("list_aliases").paginate(FunctionName=self._identifier)
            return [answers.alias(item) for page in pages for item in answers.items(page, "Aliases")]

        return self._read("lambda:ListAliases", read)

    def create_alias(self, name: str, version: str, description: str) -> Alias:
        """Make an alias. Needs lambda:CreateAlias."""
        with self._explaining("lambda:CreateAlias", _part(version)):
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
        with self._explaining("lambda:UpdateAlias", f"the alias {name} or {_part(version)}"):
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

    def invoke(self, version: str, payload: bytes, seconds: float) -> Invocation:
        """Invoke a version, or what an alias routes to, and return the answer, without trying again.

        Needs lambda:InvokeFunction on it. Raises TimeoutError if the answer is not there, whole,
        within `seconds`: a read timeout alone starts again with each byte that drips in.
        """
        config = Config(read_timeout=seconds, retries={"total_max_attempts": 1, "mode": "standard"})

        def call() -> Invocation:
            with self._explaining("lambda:InvokeFunction", _part(version)):
                answer = self.session.client("lambda", config).invoke(
                    FunctionName=self._identifier, Payload=payload, LogType="Tail", **_qualified(version)
                )
                content = answer["Payload"].read().decode("utf-8", "replace")
                log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
                ran = answer.get("ExecutedVersion", "")
                return Invocation(content, answer.get("FunctionError", ""), log, ran)

        try:
            return within(seconds, call, self._cancellation)
        except DeployError as error:
            if error.code == NO_ANSWER:
                raise TimeoutError from error
            raise

    def fetch(self, url: str, first: int, last: int) -> bytes:
        """Fetch the bytes `first` to `last` of an address, which is signed and needs no permission."""
        return self._read("lambda:GetFunction", lambda: fetch(self.session, url, first, last))

    def _read(self, action: str, read: Callable[[], Answer], part: str = "") -> Answer:
        def try_once() -> Answer:
            with self._explaining(action, part):
                try:
                    return within(LONGEST_READ, read, self._cancellation)
                except TimeoutError:
                    raise ReadTimeoutError(endpoint_url=self._client.meta.endpoint_url) from None

        return retry_reading(try_once, self._cancellation)

    def _redacted(self, configuration: Configuration) -> Configuration:
        """Return it without config in AWS's reasons, which may name what the function could not use."""
        if not configuration.has_failed:
            return configuration
        from deploy.config.redaction import redactor_for  # nothing that a deploy that succeeds needs

        redact = redactor_for(self.session.target).redact_start
        return replace(
            configuration,
            state_reason=redact(configuration.state_reason),
            update_reason=redact(configuration.update_reason),
        )

    @contextlib.contextmanager
    def _explaining(self, action: str, part: str = "") -> Iterator[None]:
        with self.session.explaining(action, part=part, exists=self._exists):
            yield
        self._exists = True


def _qualified(qualifier: str) -> dict[str, Any]:
    # With a qualifier, $LATEST too, AWS asks for the permission on the qualified ARN.
    return {} if qualifier == LATEST else {"Qualifier": qualifier}


def _part(qualifier: str) -> str:
    if qualifier == LATEST:
        return ""
    return f"version {qualifier}" if qualifier.isdecimal() else f"the alias {qualifier}"
