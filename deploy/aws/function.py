"""One Lambda function: typed calls.

Each call names the permission that it needs in its docstring, and raises DeployError with AWS's code. One
that only reads is made again if its answer is cut or makes no sense; one that writes never is.
The API's pages are at https://docs.aws.amazon.com/lambda/latest/api/API_<Operation>.html.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config

from deploy.aws import answers
from deploy.aws.answers import Alias, Configuration, Described, Invocation
from deploy.aws.calls import Calls, part_of, qualified
from deploy.aws.codes import CUT, INVALID, LATEST, LOST, NO_ANSWER, NOT_FOUND
from deploy.aws.download import fetch
from deploy.aws.upload import ZipFileBody
from deploy.aws.wait import within
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_lambda import LambdaClient

    from deploy.artifact.package import Package

Answer = TypeVar("Answer")


class Function(Calls):
    """The function that the settings name."""

    def configuration(self, qualifier: str = LATEST) -> Configuration:
        """Read what $LATEST or a version is. Needs lambda:GetFunctionConfiguration."""

        def read() -> Configuration:
            answer = self.client.get_function_configuration(
                FunctionName=self.identifier, **qualified(qualifier)
            )
            return self._redacted(answers.current(answer))

        return self.read("lambda:GetFunctionConfiguration", read, part_of(qualifier))

    def update_code(
        self,
        package: Package,
        progress: Callable[[int, int], None],
        revision_id: str | None = None,
        key_arn: str | None = None,
    ) -> Configuration:
        """Upload a package as the code of $LATEST; if a revision is given, only over that one.

        `progress` receives bytes, sent and in total; `key_arn` names the KMS key that encrypts the package.
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
        # What streams one package must never see the request of another one.
        client = self.make_client() if self.is_shared else self.client
        client.meta.events.register(event, stream)
        try:
            return self._update_code(client, revision_id, key_arn, ZipFile=b"")
        except DeployError as error:
            if error.code in {NO_ANSWER, CUT, LOST}:  # AWS may have taken it
                raise
            # What is not what was signed, AWS refuses for reasons that are another story.
            package.check_again()
            raise
        finally:
            client.meta.events.unregister(event, stream)

    def update_code_from_bucket(
        self, bucket: str, key: str, revision_id: str | None = None, key_arn: str | None = None
    ) -> Configuration:
        """Take a package out of S3 as the code of $LATEST.

        Needs lambda:UpdateFunctionCode, and s3:GetObject for the deployer.
        """
        return self._update_code(self.client, revision_id, key_arn, S3Bucket=bucket, S3Key=key)

    def _update_code(
        self,
        client: LambdaClient,
        revision_id: str | None,
        key_arn: str | None,
        **code: Any,  # noqa: ANN401 - the SDK's own
    ) -> Configuration:
        if revision_id is not None:
            code["RevisionId"] = revision_id
        if key_arn is not None:
            code["SourceKMSKeyArn"] = key_arn
        with self.explaining("lambda:UpdateFunctionCode"):
            return answers.configuration(client.update_function_code(FunctionName=self.identifier, **code))

    def publish(self, code_sha256: str, description: str) -> Configuration:
        """Publish $LATEST as a version, if its code is this one. Needs lambda:PublishVersion.

        Raises an error with the code LOST if it is another one.
        """
        try:
            with self.explaining("lambda:PublishVersion"):
                return answers.published(
                    self.client.publish_version(
                        FunctionName=self.identifier, CodeSha256=code_sha256, Description=description
                    )
                )
        except DeployError as error:
            if error.code == INVALID and "codesha256" in error.why.lower():
                error.code = LOST
            raise

    def versions(self) -> list[Configuration]:
        """List the published versions, oldest first. Needs lambda:ListVersionsByFunction."""

        def read() -> list[Configuration]:
            paginator = self.client.get_paginator("list_versions_by_function")
            pages = paginator.paginate(FunctionName=self.identifier)
            listed = [
                answers.configuration(item) for page in pages for item in answers.items(page, "Versions")
            ]
            numbered = [version for version in listed if version.version != LATEST]
            return sorted(numbered, key=lambda version: int(version.version))

        return self.read("lambda:ListVersionsByFunction", read)

    def delete_version(self, version: str) -> None:
        """Delete a published version. Needs lambda:DeleteFunction on it."""
        with self.explaining("lambda:DeleteFunction", part_of(version)):
            self.client.delete_function(FunctionName=self.identifier, Qualifier=version)

    def described(self, qualifier: str = LATEST) -> Described:
        """Read what $LATEST or a version is, and where its package is. Needs lambda:GetFunction."""

        def read() -> Described:
            return answers.described(
                self.client.get_function(FunctionName=self.identifier, **qualified(qualifier))
            )

        return self.read("lambda:GetFunction", read, part_of(qualifier))

    def code_location(self, qualifier: str) -> tuple[str, int]:
        """Return the address of a version's package and its size in bytes. Needs lambda:GetFunction."""
        described = self.described(qualifier)
        if described.withheld:
            why = f"AWS says: {described.withheld}"
            raise DeployError(f"AWS keeps the package of {self.name} back.", why=why)
        return described.location, described.size

    def source_key(self) -> str | None:
        """Return the customer's key that encrypts the code of $LATEST, if any. Needs lambda:GetFunction."""
        return self.described().source_key_arn

    def takes_signed_code_only(self) -> bool:
        """Whether AWS refuses unsigned packages. Needs lambda:GetFunctionCodeSigningConfig.

        If there is a code signing configuration, lambda:GetCodeSigningConfig on it, too.
        """

        def read() -> bool:
            arn = self.client.get_function_code_signing_config(FunctionName=self.identifier).get(
                "CodeSigningConfigArn"
            )
            if not arn:
                return False
            answer = self.client.get_code_signing_config(CodeSigningConfigArn=arn)
            policies = answer["CodeSigningConfig"]["CodeSigningPolicies"]
            return policies["UntrustedArtifactOnDeployment"] == "Enforce"

        return self.read("lambda:GetFunctionCodeSigningConfig", read)

    def alias(self, name: str) -> Alias | None:
        """Read an alias; None if there is none of this name. Needs lambda:GetAlias."""

        def read() -> Alias:
            return answers.alias(self.client.get_alias(FunctionName=self.identifier, Name=name))

        try:
            return self.read("lambda:GetAlias", read, part_of(name))
        except DeployError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def aliases(self) -> list[Alias]:
        """List all aliases. Needs lambda:ListAliases."""

        def read() -> list[Alias]:
            pages = self.client.get_paginator("list_aliases").paginate(FunctionName=self.identifier)
            return [answers.alias(item) for page in pages for item in answers.items(page, "Aliases")]

        return self.read("lambda:ListAliases", read)

    def create_alias(self, name: str, version: str, description: str) -> Alias:
        """Make an alias. Needs lambda:CreateAlias."""
        with self.explaining("lambda:CreateAlias", part_of(version)):
            return answers.alias(
                self.client.create_alias(
                    FunctionName=self.identifier,
                    Name=name,
                    FunctionVersion=version,
                    Description=description,
                )
            )

    def update_alias(self, name: str, version: str, description: str, revision_id: str) -> Alias:
        """Point an alias at a version, all of it, and only over this revision. Needs lambda:UpdateAlias."""
        with self.explaining("lambda:UpdateAlias", f"the alias {name} or {part_of(version)}"):
            return answers.alias(
                self.client.update_alias(
                    FunctionName=self.identifier,
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
            with self.explaining("lambda:InvokeFunction", part_of(version)):
                answer = self.session.client("lambda", config).invoke(
                    FunctionName=self.identifier, Payload=payload, LogType="Tail", **qualified(version)
                )
                content = answer["Payload"].read().decode("utf-8", "replace")
                log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
                ran = answer.get("ExecutedVersion", "")
                return Invocation(content, answer.get("FunctionError", ""), log, ran)

        try:
            return within(seconds, call, self.cancellation)
        except DeployError as error:
            if error.code == NO_ANSWER:
                raise TimeoutError from error
            raise

    def fetch(self, url: str, first: int, last: int) -> bytes:
        """Fetch the bytes `first` to `last` of an address, which is signed and needs no permission."""
        return self.read("lambda:GetFunction", lambda: fetch(self.session, url, first, last))

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
