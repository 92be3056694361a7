"""A WSGI middleware that answers as AWS Lambda does where moto is too kind or too short.

moto takes any key and any signature, any body, any ZIP; it knows no RevisionId, and the address it
gives for a function's code can't be fetched. In front of it this middleware

- records every call, so that tests can count them and see whose key signed them;
- refuses what AWS refuses, in AWS's words: unknown keys, wrong signatures, a function of another
  region, bodies that are too large or no JSON, broken, empty or too large ZIPs, a ZIP for an image;
- adds what AWS adds: RevisionId, the status of an update, the real checksum of a dry run;
- serves the code of a function at GetFunction's Code.Location, in ranges too.

Nothing here patches moto: it stays behind its HTTP interface, but for the code's bytes, which it
has no address for.
"""

import base64
import functools
import hashlib
import io
import json
import re
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import botocore.session
from moto.backends import get_backend
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from sigv4 import Authorization

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ACCOUNT_ID", "Call", "StrictLambda"]

ACCOUNT_ID = "123456789012"
_LARGEST_REQUEST = {"CreateFunction": 70_167_211, "UpdateFunctionCode": 69_905_067}
_LARGEST_UNZIPPED = 262_144_000
_CODE_PATH = "/deployed-code/"
_FUNCTIONS_PATH = re.compile(r"(?P<before>/[\d-]+/functions/)(?P<function>[^/]+)(?P<after>.*)")
_FUNCTION = re.compile(
    r"(arn:aws[a-z-]*:lambda:(?P<region>[^:]+):)?(?P<account>\d{12}:)?(function:)?"
    r"(?P<name>[\w.-]+)(:(?P<qualifier>\$LATEST|[\w-]+))?"
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

    @property
    def function(self) -> Mapping[str, str]:
        """Return the parts of the FunctionName in the path: region, account, name, qualifier."""
        path = _FUNCTIONS_PATH.fullmatch(self.path)
        function = _FUNCTION.fullmatch(unquote(path["function"])) if path else None
        return function.groupdict(default="") if function else {}


class _RefusedError(Exception):
    """A refusal in AWS's form."""

    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def response(self) -> Response:
        return Response(
            json.dumps({"Type": "User", "Message": str(self), "message": str(self)}),
            self.status,
            {"x-amzn-ErrorType": self.kind, "x-amzn-RequestId": str(uuid.uuid4())},
            content_type="application/json",
        )


class StrictLambda:
    """The middleware. `secrets` holds the access keys that it knows, with their secrets."""

    def __init__(self, moto: "WSGIApplication", secrets: Mapping[str, str]) -> None:
        self.calls: list[Call] = []
        self.denied: set[str] = set()
        self.polls_per_update = 0
        self._moto = moto
        self._secrets = secrets
        self._code: dict[str, bytes] = {}
        self._revisions: dict[str, str] = {}
        self._polls_left: dict[str, int] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self._answer(Request(environ))
        except HTTPException as cut_off:
            response = Response(status=cut_off.code)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(_CODE_PATH):
            return self._serve_code(request)
        body = request.get_data()
        call = _call(request, body)
        self.calls.append(call)
        if call.service != "lambda":
            return self._ask_moto(request.environ, body)
        try:
            self._check_caller(call, body)
            content = _content(call, body)
            if call.operation in ("UpdateFunctionCode", "UpdateFunctionConfiguration"):
                self._check_update(request, call, content)
            response = self._ask_moto(_by_name(request.environ, call), body)
        except _RefusedError as refused:
            return refused.response()
        return self._as_aws_says_it(request, call, content, response)

    def _ask_moto(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        environ = {
            **environ,
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        return Response.from_app(self._moto, environ, buffered=True)

    # Refusals

    def _check_caller(self, call: Call, body: bytes) -> None:
        limit = _LARGEST_REQUEST.get(call.operation)
        if limit is not None and len(body) >= limit:
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limit} bytes for the {call.operation} operation",
            )
        secret_key = self._secrets.get(call.access_key)
        if secret_key is None:
            raise _RefusedError(
                HTTPStatus.FORBIDDEN,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        authorization = Authorization.parse(call.headers["authorization"])
        if authorization is None or not authorization.is_right(
            secret_key,
            method=call.method,
            raw_path=call.path,
            query=call.query,
            headers=call.headers,
            body=body,
        ):
            raise _RefusedError(
                HTTPStatus.FORBIDDEN,
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. "
                "Consult the service documentation for details.",
            )
        region = call.function.get("region") or call.region
        account = (call.function.get("account") or ACCOUNT_ID).removesuffix(":")
        if region != call.region:
            raise _RefusedError(
                HTTPStatus.NOT_FOUND,
                "ResourceNotFoundException",
                f"Functions from '{region}' are not reachable in this region ('{call.region}')",
            )
        if call.operation in self.denied or account != ACCOUNT_ID:
            policy = "identity-based" if call.operation in self.denied else "resource-based"
            name = call.function.get("name", "*")
            raise _RefusedError(
                HTTPStatus.FORBIDDEN,
                "AccessDeniedException",
                f"User: arn:aws:iam::{ACCOUNT_ID}:user/deployer is not authorized to perform: "
                f"lambda:{call.operation} on resource: "
                f"arn:aws:lambda:{call.region}:{account}:function:{name} because no {policy} policy "
                f"allows the lambda:{call.operation} action",
            )

    def _check_update(self, request: Request, call: Call, content: Mapping[str, Any]) -> None:
        configuration = self._configuration(request, call)
        if configuration is None:
            return  # moto says that there is no such function
        if call.function["qualifier"] not in {"", "$LATEST"}:
            raise _invalid("Current operation does not support versions other than $LATEST")
        if self._polls_left.get(_key(configuration), 0) > 0:
            raise _RefusedError(
                HTTPStatus.CONFLICT,
                "ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for "
                f"resource: {configuration['FunctionArn']}",
            )
        revision = content.get("RevisionId")
        if revision is not None and revision != self._revision(configuration):
            raise _RefusedError(
                HTTPStatus.PRECONDITION_FAILED,
                "PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId. Call the "
                "GetFunction/GetAlias API to retrieve the latest RevisionId for your resource.",
            )
        if call.operation == "UpdateFunctionCode":
            if configuration["PackageType"] == "Image" and "ImageUri" not in content:
                raise _invalid("Please provide ImageUri when updating a function with packageType Image.")
            if configuration["PackageType"] == "Zip" and "ImageUri" in content:
                raise _invalid("Please don't provide ImageUri when updating a function with packageType Zip.")

    # What moto leaves out

    def _as_aws_says_it(
        self, request: Request, call: Call, content: Mapping[str, Any], response: Response
    ) -> Response:
        answer = (
            response.get_json(force=True, silent=True)
            if response.status_code < HTTPStatus.BAD_REQUEST
            else None
        )
        if not isinstance(answer, dict):
            return response
        configuration = answer.get("Configuration", answer)
        if "CodeSha256" not in configuration:
            return response
        latest = _unqualified(configuration["FunctionArn"])
        if call.operation == "UpdateFunctionCode" and content.get("DryRun"):
            if "ZipFile" in content:
                code = base64.b64decode(content["ZipFile"])
                configuration["CodeSize"] = len(code)
                configuration["CodeSha256"] = _sha256(code)
        elif call.operation in ("UpdateFunctionCode", "UpdateFunctionConfiguration"):
            self._revisions[latest] = str(uuid.uuid4())
            self._polls_left[latest] = self.polls_per_update
            configuration["LastUpdateStatus"] = "InProgress"
        elif self._polls_left.get(_key(configuration), 0) > 0:
            self._polls_left[latest] -= 1
            configuration["LastUpdateStatus"] = "InProgress"
        if configuration.get("LastUpdateStatus") == "InProgress":
            configuration["LastUpdateStatusReason"] = "The function is being created."
            configuration["LastUpdateStatusReasonCode"] = "Creating"
        configuration["RevisionId"] = self._revision(configuration)
        if answer.get("Code", {}).get("RepositoryType") == "S3":
            answer["Code"]["Location"] = self._code_location(request, call, configuration)
        response.set_data(json.dumps(answer))
        return response

    def _configuration(self, request: Request, call: Call) -> dict[str, Any] | None:
        path = f"/2015-03-31/functions/{call.function['name']}/configuration"
        environ = _with_path({**request.environ, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}, path)
        response = self._ask_moto(environ, b"")
        if response.status_code != HTTPStatus.OK:
            return None
        configuration: dict[str, Any] = response.get_json(force=True)
        return configuration

    def _revision(self, configuration: Mapping[str, Any]) -> str:
        return self._revisions.setdefault(_key(configuration), str(uuid.uuid4()))

    def _code_location(self, request: Request, call: Call, configuration: Mapping[str, Any]) -> str:
        function = get_backend("lambda")[ACCOUNT_ID][call.region].get_function(
            configuration["FunctionName"], configuration["Version"]
        )
        digest = hashlib.sha256(function.code_bytes).hexdigest()
        self._code[digest] = function.code_bytes
        return f"{request.host_url.rstrip('/')}{_CODE_PATH}{digest}?X-Amz-Expires=600"

    def _serve_code(self, request: Request) -> Response:
        """Serve a function's code as S3 does with a presigned address: for GET alone."""
        if request.method != "GET":
            return Response("SignatureDoesNotMatch", HTTPStatus.FORBIDDEN)
        if "Authorization" in request.headers:
            return Response("Only one auth mechanism allowed", HTTPStatus.BAD_REQUEST)
        code = self._code.get(request.path.removeprefix(_CODE_PATH))
        if code is None:
            return Response("NoSuchKey", HTTPStatus.NOT_FOUND)
        response = Response(code, content_type="application/zip")
        return response.make_conditional(request, accept_ranges=True, complete_length=len(code))


def _call(request: Request, body: bytes) -> Call:
    authorization = Authorization.parse(request.headers.get("Authorization", ""))
    service = authorization.service if authorization else ""
    raw_path, _, query = request.environ["REQUEST_URI"].partition("?")
    return Call(
        service=service,
        operation=_operation(request.method, raw_path) if service == "lambda" else "",
        region=authorization.region if authorization else "",
        access_key=authorization.access_key if authorization else "",
        method=request.method,
        path=raw_path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body_length=len(body),
    )


def _by_name(environ: "WSGIEnvironment", call: Call) -> "WSGIEnvironment":
    """Have moto see the function's name in place of a partial ARN, which it does not understand."""
    path = _FUNCTIONS_PATH.fullmatch(call.path)
    if path is None or not call.function:
        return environ
    name, qualifier = call.function["name"], call.function["qualifier"]
    function = f"{name}:{qualifier}" if qualifier else name
    return _with_path(environ, path["before"] + quote(function, safe="") + path["after"])


def _with_path(environ: "WSGIEnvironment", path: str) -> "WSGIEnvironment":
    query = environ["QUERY_STRING"]
    uri = f"{path}?{query}" if query else path
    return {**environ, "PATH_INFO": unquote(path), "REQUEST_URI": uri, "RAW_URI": uri}


@functools.cache
def _operations() -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of every operation that Lambda has, from the SDK's own model."""
    model = botocore.session.get_session().get_service_model("lambda")
    operations = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(http["requestUri"].split("?")[0]))
        operations.append((http["method"], re.compile(path + "/?"), name))
    return operations


def _operation(method: str, path: str) -> str:
    for operation_method, pattern, name in _operations():
        if method == operation_method and pattern.fullmatch(path):
            return name
    return ""


def _content(call: Call, body: bytes) -> dict[str, Any]:
    """Return the request's JSON, having looked at the code in it as AWS does."""
    if not body or call.operation == "Invoke":
        return {}
    try:
        content: dict[str, Any] = json.loads(body)
    except ValueError:
        raise _RefusedError(
            HTTPStatus.BAD_REQUEST,
            "InvalidRequestContentException",
            "Could not parse request body into json: Unexpected character",
        ) from None
    code = content.get("Code", content) if call.operation in _LARGEST_REQUEST else {}
    if "ZipFile" in code:
        _check_zip(code["ZipFile"])
    return content


def _check_zip(zip_file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(zip_file, validate=True))) as archive:
            entries = archive.infolist()
            if not entries:
                raise _invalid("Uploaded file must be a non-empty zip")
            if sum(entry.file_size for entry in entries) >= _LARGEST_UNZIPPED:
                raise _invalid(f"Unzipped size must be smaller than {_LARGEST_UNZIPPED} bytes")
            broken = archive.testzip()
    except (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        broken = "all of it"
    if broken is not None:
        raise _invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")


def _invalid(message: str) -> _RefusedError:
    return _RefusedError(HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message)


def _key(configuration: Mapping[str, Any]) -> str:
    """Return the ARN of what is configured, the same for $LATEST however it was asked for."""
    arn: str = configuration["FunctionArn"]
    return arn.removesuffix(":$LATEST")


def _unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])


def _sha256(code: bytes) -> str:
    return base64.b64encode(hashlib.sha256(code).digest()).decode()
