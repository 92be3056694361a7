"""What doctor asks AWS: calls that read, that AWS only rehearses, or that it authorizes and then refuses.

AWS decides whether a caller may do a thing before it looks whether the thing can be done. So a change that
can't be carried out tells the permission: AccessDenied where it is missing, another refusal where it is
there. No probe of Lambda can change anything on AWS, and each would have to be misread twice:

- UpdateFunctionCode and Invoke are dry runs, which AWS has for this; Invoke also names a version that
  does not exist.
- PublishVersion asks for a digest that no code has, over a revision that never was.
- UpdateAlias names nothing to change, over a revision that never was.
- CreateAlias and DeleteFunction name a version that does not exist, and are asked only of a server that
  has just said so: some imitations of AWS ignore the qualifier, and would delete the function.

In S3 a small object is put, read and deleted, after it was made sure that it can be deleted.
"""

from __future__ import annotations

import io
import time
import uuid
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from deploy.aws.bucket import encryption
from deploy.aws.codes import CONFLICT, DENIED, LOST, NOT_FOUND
from deploy.aws.errors import START
from deploy.aws.session import start
from deploy.errors import DeployError
from deploy.target.settings import object_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.target.settings import Bucket, Settings


NO_VERSION = "999999999"  # versions are counted one by one
NO_REVISION = "00000000-0000-0000-0000-000000000000"
NO_DIGEST = "A" * 43 + "="
NO_UPLOAD = "doctor"

# A person waits for the answers.
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass(frozen=True)
class Answer:
    """What AWS answered: what was asked for, or an error; `refusals` are those that allow it.

    `received` is our time then, in seconds since 1970.
    """

    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error: DeployError | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int = 0
    received: float = 0.0
    refusals: frozenset[str] = frozenset()

    @property
    def code(self) -> str:
        """AWS's name for the error; empty where there is none, or no answer at all."""
        return self.error.code if self.error else ""

    @property
    def allows(self) -> bool:
        """Tell whether AWS would have let the call pass."""
        return self.error is None or self.code in self.refusals

    @property
    def denies(self) -> bool:
        """Tell whether the permission is missing."""
        return self.code in DENIED


@dataclass(frozen=True)
class _Probe:
    """A call of Lambda's API, and the refusals that AWS gives after it has authorized it."""

    operation: str
    parameters: Mapping[str, Any]
    refusals: frozenset[str] = frozenset()
    names_no_version: bool = False


INVALID = "InvalidParameterValueException"


def _lambda_probes(identifier: str, alias: str | None) -> dict[str, _Probe]:
    function = {"FunctionName": identifier}
    read = {**function, "Qualifier": NO_VERSION if alias else "$LATEST"}
    of_alias = {**function, "Name": alias}
    return {
        "lambda:UpdateFunctionCode": _Probe(
            "update_function_code",
            {**function, "ZipFile": _tiny_zip(), "DryRun": True},
            frozenset(
                {CONFLICT, INVALID, "CodeVerificationFailedException", "InvalidCodeSignatureException"}
            ),
        ),
        "lambda:GetFunctionConfiguration": _Probe("get_function_configuration", read, frozenset({NOT_FOUND})),
        "lambda:GetFunction": _Probe("get_function", read, frozenset({NOT_FOUND})),
        "lambda:GetAlias": _Probe("get_alias", of_alias, frozenset({NOT_FOUND})),
        "lambda:ListVersionsByFunction": _Probe("list_versions_by_function", {**function, "MaxItems": 1}),
        "lambda:PublishVersion": _Probe(
            "publish_version",
            {**function, "CodeSha256": NO_DIGEST, "RevisionId": NO_REVISION},
            frozenset({INVALID, LOST, CONFLICT}),
        ),
        "lambda:CreateAlias": _Probe(
            "create_alias",
            {**of_alias, "FunctionVersion": NO_VERSION},
            frozenset({NOT_FOUND, CONFLICT}),
            names_no_version=True,
        ),
        "lambda:UpdateAlias": _Probe(
            "update_alias", {**of_alias, "RevisionId": NO_REVISION}, frozenset({LOST, NOT_FOUND})
        ),
        "lambda:InvokeFunction": _Probe(
            "invoke",
            {**function, "Qualifier": NO_VERSION, "InvocationType": "DryRun"},
            frozenset({NOT_FOUND, CONFLICT}),
        ),
        "lambda:ListAliases": _Probe("list_aliases", {**function, "MaxItems": 1}),
        "lambda:DeleteFunction": _Probe(
            "delete_function",
            {"FunctionName": f"{identifier}:{NO_VERSION}", "Qualifier": NO_VERSION},
            frozenset({NOT_FOUND}),
            names_no_version=True,
        ),
    }


@dataclass(frozen=True)
class Objects:
    """What the permissions on objects got, by action; those that are missing here were not asked.

    `keeps_versions` tells that the bucket keeps what is deleted, `left` is a key that was not deleted.
    """

    answers: Mapping[str, Answer]
    keeps_versions: bool = False
    left: str = ""


class Probes:
    """Asks AWS with the settings in force."""

    def __init__(self, settings: Settings) -> None:
        """Start the SDK; raises DeployError for settings that it does not take."""
        self._sdk = start(settings.function)
        self._identifier = settings.function.function.identifier
        self._lambda_probes = _lambda_probes(self._identifier, settings.release.alias)
        with self._sdk.explaining(START):
            self._sts = self._sdk.client("sts", CONFIG)
            self._lambda = self._sdk.lambda_client(CONFIG)
            self._s3 = self._sdk.client("s3", CONFIG) if settings.release.bucket else None

    def identity(self) -> Answer:
        """Ask whose the credentials are, which needs no permission."""
        return self._ask(self._sts, "sts:GetCallerIdentity", "get_caller_identity", {})

    def latest(self) -> Answer:
        """Ask what $LATEST is. Needs lambda:GetFunctionConfiguration."""
        parameters = {"FunctionName": self._identifier, "Qualifier": "$LATEST"}
        action = "lambda:GetFunctionConfiguration"
        answer = self._ask(self._lambda, action, "get_function_configuration", parameters)
        if answer.error is None and not answer.content.get("CodeSha256"):
            return replace(answer, error=_not_aws(action))
        return answer

    def dry_run(self) -> Answer:
        """Rehearse an update of the code. Needs lambda:UpdateFunctionCode."""
        return self._probe("lambda:UpdateFunctionCode")

    def permission(self, action: str) -> Answer | None:
        """Ask whether an action of Lambda's is allowed; None where it can't be asked without a risk."""
        if self._lambda_probes[action].names_no_version:
            read = self._probe("lambda:GetFunctionConfiguration")
            if read.code != NOT_FOUND:
                return None
        return self._probe(action)

    def _probe(self, action: str) -> Answer:
        probe = self._lambda_probes[action]
        return self._ask(self._lambda, action, probe.operation, probe.parameters, probe.refusals)

    def bucket(self, bucket: Bucket) -> Answer:
        """Ask for the bucket. Needs s3:ListBucket for a good answer, nothing to be told its region."""
        answer = self._ask(self._s3, "s3:ListBucket", "head_bucket", {"Bucket": bucket.name})
        if answer.error and answer.code == "403":
            # An answer to HEAD has no body that would name the error.
            answer.error.code = "AccessDenied"
        return answer

    def objects(self, bucket: Bucket) -> Objects:
        """Put a small object into the bucket, read it and delete it; what can't be deleted is not put."""
        key = f"{object_prefix(bucket, self._sdk.settings)}doctor-{uuid.uuid4()}"
        place = {"Bucket": bucket.name, "Key": key}
        deleted = self._object("s3:DeleteObject", "delete_object", place)
        answers = {
            "s3:DeleteObject": deleted,
            "s3:AbortMultipartUpload": self._object(
                "s3:AbortMultipartUpload", "abort_multipart_upload", {**place, "UploadId": NO_UPLOAD}
            ),
        }
        if deleted.error:
            return Objects(answers)
        try:
            put = self._object("s3:PutObject", "put_object", {**place, **_content(bucket)})
            answers |= _told_apart(put, "s3:PutObject", "kms:GenerateDataKey")
            if put.error is None:
                got = self._object("s3:GetObject", "get_object", place)
                answers |= _told_apart(got, "s3:GetObject", "kms:Decrypt")
        finally:
            # A call without an answer may have put it all the same.
            deleted = self._object("s3:DeleteObject", "delete_object", place)
        keeps_versions = put.content.get("VersionId", "null") != "null"
        return Objects(answers, keeps_versions, f"s3://{bucket.name}/{key}" if deleted.error else "")

    def _object(self, action: str, operation: str, parameters: Mapping[str, Any]) -> Answer:
        return self._ask(self._s3, action, operation, parameters, frozenset({"NoSuchUpload"}))

    def _ask(
        self,
        client: Any,  # noqa: ANN401 - whichever of the SDK's
        action: str,
        operation: str,
        parameters: Mapping[str, Any],
        refusals: frozenset[str] = frozenset(),
    ) -> Answer:
        response: Mapping[str, Any] = {}
        failure: DeployError | None = None
        try:
            with self._sdk.explaining(action):
                response = getattr(client, operation)(**parameters)
        except DeployError as error:
            failure = error
            # Where there was no answer, some of the SDK's errors have none, and some have None.
            response = getattr(error.__cause__, "response", None) or {}
        metadata = response.get("ResponseMetadata", {})
        return Answer(
            content={} if failure else response,
            error=failure,
            headers=metadata.get("HTTPHeaders", {}),
            status=metadata.get("HTTPStatusCode", 0),
            received=time.time(),
            refusals=refusals,
        )


def _not_aws(action: str) -> DeployError:
    return DeployError(
        f"What answers to {action} is not AWS.",
        why="Its answer is in another form than AWS's: a proxy or a portal may have given it.",
        todo="Check the network, and _AWS_ENDPOINT_URL and HTTPS_PROXY where they are set.",
    )


def _content(bucket: Bucket) -> dict[str, Any]:
    """Give the object's content, and ask for what an upload asks for."""
    return {"Body": b"put by deploy doctor\n", **encryption(bucket)}


def _told_apart(answer: Answer, action: str, key_action: str) -> dict[str, Answer]:
    """Tell which permission an answer is about: with a KMS key S3 asks for one on it as well."""
    if answer.error is None:
        return {action: answer, key_action: answer}
    if answer.code.startswith("KMS.") or key_action in answer.error.why:
        return {action: replace(answer, error=None), key_action: answer}
    return {action: answer}


def _tiny_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("doctor.txt", "sent by deploy doctor, as a dry run\n")
    return content.getvalue()
