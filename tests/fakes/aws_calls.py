"""Calls of AWS as they come in: which service and operation, whose key, which function or bucket."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

import botocore.session
from werkzeug.wrappers import Request

from sigv4 import Authorization

ACCOUNT_ID = "123456789012"

_FUNCTION_PATH = re.compile(r"/[\d-]+/functions/(?P<function>[^/]+).*")
_FUNCTION = re.compile(
    r"(arn:aws[a-z-]*:lambda:(?P<region>[^:]+):)?((?P<account>\d{12}):)?(function:)?"
    r"(?P<name>[\w.-]+)(:(?P<qualifier>\$LATEST|[\w-]+))?"
)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "Invoke": "InvokeFunction",
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
_S3_OPERATIONS = (
    ("POST", "uploads", "CreateMultipartUpload"),
    ("PUT", "partNumber", "UploadPart"),
    ("POST", "uploadId", "CompleteMultipartUpload"),
    ("DELETE", "uploadId", "AbortMultipartUpload"),
    ("GET", "uploads", "ListMultipartUploads"),
    ("GET", "list-type", "ListObjectsV2"),
    ("GET", "versioning", "GetBucketVersioning"),
)


@dataclass(frozen=True)
class Call:
    """One call as it came in."""

    service: str
    operation: str
    region: str
    access_key: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body_length: int
    is_dry_run: bool

    @property
    def action(self) -> str:
        """Return what an IAM policy has to allow for it."""
        return f"{self.service}:{_ACTIONS.get(self.operation, self.operation)}"

    @property
    def resource(self) -> str:
        """Return on what an IAM policy has to allow it, as an ARN.

        Lambda asks for the qualified ARN if the call has a qualifier; an alias's name is none.
        """
        partition = partition_of(self.region)
        if self.service == "s3":
            return f"arn:{partition}:s3:::{unquote(self.path).strip('/')}"
        if self.service != "lambda":
            return "*"
        if self.operation == "GetCodeSigningConfig":
            return unquote(self.path.rstrip("/").rpartition("/")[2])
        account = self.function.get("account") or ACCOUNT_ID
        name = self.function.get("name", "*")
        qualifier = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:{partition}:lambda:{self.region}:{account}:function:{name}{qualifier}"

    @functools.cached_property
    def function(self) -> Mapping[str, str]:
        """Return the parts of the name or ARN in the path: region, account, name, qualifier."""
        path = _FUNCTION_PATH.fullmatch(self.path)
        function = _FUNCTION.fullmatch(unquote(path["function"])) if path else None
        return function.groupdict(default="") if function else {}

    @property
    def qualifier(self) -> str:
        """Return the version or alias that it is about, wherever it stands."""
        return self.function.get("qualifier") or self.parameter("Qualifier")

    @property
    def bucket(self) -> str:
        """Return the bucket that its path leads to."""
        return unquote(self.path).strip("/").partition("/")[0]

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [default])[0]


def partition_of(region: str) -> str:
    """Return the partition of a region."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def call_of(request: Request, body: bytes) -> Call:
    """Tell what a request asks for."""
    authorization = Authorization.parse(request.headers.get("Authorization", ""))
    is_web_identity = b"Action=AssumeRoleWithWebIdentity" in body  # which nobody signs
    service = authorization.service if authorization else "sts" * is_web_identity
    path, _, query = request.environ["REQUEST_URI"].partition("?")
    operation = operation_of(service, request.method, path, query, body)
    operation = with_source(operation, is_copied="X-Amz-Copy-Source" in request.headers)
    if target := request.headers.get("X-Amz-Target"):
        operation = target.rpartition(".")[2]
    return Call(
        service=service,
        operation=operation,
        region=authorization.region if authorization else "",
        access_key=authorization.access_key if authorization else "",
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body_length=len(body),
        is_dry_run=_is_dry_run(operation, request, body),
    )


def with_source(operation: str, *, is_copied: bool) -> str:
    """Name a part that is copied for what it is, which a header alone says."""
    return "UploadPartCopy" if operation == "UploadPart" and is_copied else operation


def _is_dry_run(operation: str, request: Request, body: bytes) -> bool:
    if operation == "UpdateFunctionCode":
        return b'"DryRun": true' in body
    return operation == "Invoke" and request.headers.get("X-Amz-Invocation-Type") == "DryRun"


def operation_of(service: str, method: str, path: str, query: str, body: bytes) -> str:
    """Name the operation that a request asks for."""
    if service == "s3":
        return _s3_operation(method, path, query)
    if service == "lambda":
        return _lambda_operation(method, path)
    return parse_qs(body.decode("latin-1")).get("Action", [""])[0]


def _s3_operation(method: str, path: str, query: str) -> str:
    parameters = parse_qs(query, keep_blank_values=True)
    for known_method, parameter, name in _S3_OPERATIONS:
        if method == known_method and parameter in parameters:
            return name
    return f"{method.capitalize()}{'Object' if '/' in path.strip('/') else 'Bucket'}"


def _lambda_operation(method: str, path: str) -> str:
    for operation_method, pattern, name in _lambda_operations():
        if method == operation_method and pattern.fullmatch(path):
            return name
    return ""


@functools.cache
def _lambda_operations() -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of every operation that Lambda has, from the SDK's own model."""
    model = botocore.session.get_session().get_service_model("lambda")
    operations = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(http["requestUri"].split("?")[0]))
        operations.append((http["method"], re.compile(path + "/?"), name))
    return operations
