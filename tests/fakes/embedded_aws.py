"""An AWS of our own on a loopback port, in a thread of the calling process.

with EmbeddedAWS() as aws:
    function = aws.create_function()
    ...  # deploy with aws.settings(function) in the environment
    package = function.code()
"""

import io
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import boto3

from aws_behaviour import Behaviour
from aws_calls import ACCOUNT_ID, Call
from aws_front import Front
from aws_server import serve
from cloudformation import Stacks
from codedeploy import Deployments
from codepipeline import Jobs
from lambda_invocations import Handler
from sts import Role

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import GetFunctionResponseTypeDef
    from types_boto3_s3 import S3Client
    from typing_extensions import Self


@dataclass(frozen=True)
class Credentials:
    """An access key and its secret."""

    access_key: str
    secret_key: str


class EmbeddedAWS(Behaviour):
    """The server, and what tests ask of it; what they may set of it is in `Behaviour`."""

    administrator = Credentials("AKIAADMINISTRATOR000", "administrator-secret")
    deployer = Credentials("AKIADEPLOYER00000000", "deployer-secret")

    def __enter__(self) -> "Self":
        self._secrets = {key.access_key: key.secret_key for key in (self.administrator, self.deployer)}
        self._front = Front(self, self._secrets, self.deployer.access_key)
        self._server = serve(self._front)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._clients: dict[tuple[str, str, str], Any] = {}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def calls(self) -> list[Call]:
        """Return all calls so far, those of the administrator included."""
        return self._front.calls

    @property
    def carried_out(self) -> list[Call]:
        """Return Lambda's calls in the order in which they took effect: two may come in at once."""
        return self._front.functions.carried_out

    def account_of(self, call: Call) -> str:
        """Return the account of the one who made a call."""
        return self._front.account(call)

    @property
    def jobs(self) -> Jobs:
        """Return CodePipeline's jobs."""
        return self._front.jobs

    def put_log_events(
        self, group: str, events: Iterable[tuple[int, str]], account: str = ACCOUNT_ID
    ) -> None:
        """Add events to a log group: milliseconds since 1970, and a message."""
        self._front.logs.events.setdefault((account, group), []).extend(events)

    @property
    def stacks(self) -> Stacks:
        """Return CloudFormation's stacks."""
        return self._front.stacks

    @property
    def deployments(self) -> Deployments:
        """Return CodeDeploy's deployments."""
        return self._front.deployments

    def answers(self, function: "Function", handler: Handler) -> None:
        """Have invocations of a function, in any version, answered by `handler`."""
        self._front.functions.handlers[function.arn] = handler

    def create_role(
        self,
        name: str,
        *,
        external_id: str = "",
        web_identity: str = "",
        account: str = ACCOUNT_ID,
        policy: Mapping[str, Any] | None = None,
    ) -> str:
        """Create a role that the deployer may assume, or who has the web identity; return its ARN."""
        role = Role(f"arn:aws:iam::{account}:role/{name}", external_id, web_identity, policy)
        self._front.tokens.roles[role.arn] = role
        return role.arn

    def delete_role(self, arn: str) -> None:
        """Delete a role; its sessions go on until they expire."""
        del self._front.tokens.roles[arn]

    def sessions_last(self, seconds: float) -> None:
        """Set how long sessions of roles last that are made from now on."""
        self._front.tokens.seconds = seconds

    def fails_updates(
        self,
        function: "Function",
        code: str = "InvalidSubnet",
        reason: str = "The subnet subnet-1 was not found.",
    ) -> None:
        """Have each update of a function fail after its polls, until `works_again`."""
        self._front.functions.function(function.arn).failure = (code, reason)

    def works_again(self, function: "Function") -> None:
        """Have updates of a function succeed again."""
        self._front.functions.function(function.arn).failure = None

    def is_pending(self, function: "Function", polls: int) -> None:
        """Have a function say "Pending" so many times, as one does whose network is being set up."""
        self._front.functions.function(function.arn).pending_polls = polls

    def client(self, region: str = "eu-west-1", account: str = ACCOUNT_ID) -> "LambdaClient":
        """Return the Lambda client of an account's administrator."""
        client: LambdaClient = self._client("lambda", region, account)
        return client

    def put_parameter(self, name: str, value: str, account: str = ACCOUNT_ID) -> None:
        """Keep an SSM parameter, encrypted."""
        self._front.parameters.values[account, name] = value

    def requires_signature(self, function: "Function", policy: str = "enforce") -> None:
        """Have a function take signed code only, or warn of other code."""
        name = function.arn.partition(":function:")[0]
        self._front.functions.function(function.arn).signing = f"{name}:code-signing-config:csc-{policy}"

    def s3(self, region: str = "eu-west-1") -> "S3Client":
        """Return the administrator's S3 client."""
        client: S3Client = self._client("s3", region)
        return client

    def create_function(
        self,
        name: str | None = None,
        *,
        runtime: str = "nodejs20.x",
        handler: str = "index.handler",
        package_type: str = "Zip",
        region: str = "eu-west-1",
        account: str = ACCOUNT_ID,
        **others: Any,
    ) -> "Function":
        """Create a function that holds a stub, over HTTP."""
        name = name or f"function-{uuid.uuid4().hex[:12]}"
        client = self.client(region, account)
        role = f"arn:aws:iam::{account}:role/function"
        common: dict[str, Any] = {"FunctionName": name, "Role": role, **others}
        if package_type == "Image":
            image = f"{ACCOUNT_ID}.dkr.ecr.{region}.amazonaws.com/{name}:latest"
            answer = client.create_function(PackageType="Image", Code={"ImageUri": image}, **common)
        else:
            answer = client.create_function(
                Runtime=runtime,  # type: ignore[arg-type]
                Handler=handler,
                Code={"ZipFile": _stub()},
                **common,
            )
        return Function(self, name, region, answer["FunctionArn"], account)

    def copy_function(self, function: "Function", name: str | None = None) -> "Function":
        """Create a function with the code, the versions and the aliases of another one, without any call."""
        name = name or f"function-{uuid.uuid4().hex[:12]}"
        arn = self._front.functions.copy(function.arn, name)
        return replace(function, name=name, arn=arn)

    def create_bucket(self, region: str = "eu-west-1") -> str:
        """Create a bucket and give its name."""
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        configuration: Any = {"LocationConstraint": region}
        self.s3(region).create_bucket(Bucket=name, CreateBucketConfiguration=configuration)
        return name

    def left_in(self, bucket: str) -> list[str]:
        """List the keys of what takes up room in a bucket: objects, and parts of unfinished uploads."""
        s3 = self.s3()
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            parts = s3.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            keys += [upload["Key"]] * len(parts.get("Parts", []))
        return keys

    def settings(self, function: "Function") -> dict[str, str]:
        """Return the settings with which the deployer deploys to `function` here."""
        credentials = self.deployer if function.account == ACCOUNT_ID else self.root(function.account)
        return {
            "_LAMBDA_FUNCTION_ARN": function.arn,
            "_AWS_ACCESS_KEY_ID": credentials.access_key,
            "_AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "_AWS_ENDPOINT_URL": self.url,
        }

    def root(self, account: str) -> Credentials:
        """Return credentials that may do anything in an account."""
        if account == ACCOUNT_ID:
            return self.administrator
        credentials = Credentials(f"AKIA{account}0000", f"secret-of-{account}")
        self._secrets[credentials.access_key] = credentials.secret_key
        return credentials

    def _client(self, service: str, region: str, account: str = ACCOUNT_ID) -> Any:
        key = (service, region, account)
        if key not in self._clients:
            credentials = self.root(account)
            self._clients[key] = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=credentials.access_key,
                aws_secret_access_key=credentials.secret_key,
            )
        return self._clients[key]


@dataclass(frozen=True)
class Function:
    """A function in the embedded AWS."""

    aws: EmbeddedAWS
    name: str
    region: str
    arn: str
    account: str = ACCOUNT_ID

    @property
    def client(self) -> "LambdaClient":
        """Return the client of the account's administrator."""
        return self.aws.client(self.region, self.account)

    def get(self, qualifier: str = "$LATEST") -> "GetFunctionResponseTypeDef":
        """Return what GetFunction says of it."""
        return self.client.get_function(FunctionName=self.name, Qualifier=qualifier)

    def code(self, qualifier: str = "$LATEST") -> bytes:
        """Fetch back the package that is deployed, as anyone could: from its Code.Location."""
        with urllib.request.urlopen(self.get(qualifier)["Code"]["Location"]) as answer:  # noqa: S310
            package: bytes = answer.read()
        return package

    def alias(self, name: str = "live") -> str | None:
        """Return the version that an alias points at; None where there is no such alias."""
        client = self.client
        try:
            return client.get_alias(FunctionName=self.name, Name=name)["FunctionVersion"]
        except client.exceptions.ResourceNotFoundException:
            return None

    def versions(self) -> list[str]:
        """Return the numbers of the published versions, oldest first."""
        pages = self.client.get_paginator("list_versions_by_function")
        listed = [each for page in pages.paginate(FunctionName=self.name) for each in page["Versions"]]
        return [each["Version"] for each in listed if each["Version"] != "$LATEST"]

    def code_sha256(self, qualifier: str = "$LATEST") -> str:
        """Return the digest of the code of $LATEST, a version or an alias."""
        client = self.client
        answer = client.get_function_configuration(FunctionName=self.name, Qualifier=qualifier)
        return answer["CodeSha256"]

    @property
    def deploy_calls(self) -> list[Call]:
        """Return the calls for this function that the administrator did not make, as they came in."""
        return self._of_deployers(self.aws.calls)

    @property
    def carried_out(self) -> list[Call]:
        """Return them in the order in which they took effect, those that only invoke it left out."""
        return self._of_deployers(self.aws.carried_out)

    def _of_deployers(self, calls: list[Call]) -> list[Call]:
        administrator = self.aws.administrator.access_key
        return [
            call
            for call in calls
            if call.access_key != administrator and self.name == call.function.get("name")
        ]


def _stub() -> bytes:
    stub = io.BytesIO()
    with zipfile.ZipFile(stub, "w") as archive:
        archive.writestr("index.js", "exports.handler = async () => 'a stub'\n")
    return stub.getvalue()
