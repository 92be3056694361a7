"""A WSGI middleware that answers as AWS does where moto is too kind or too short, above all for Lambda.

moto takes any key and any signature, any body, any ZIP; the address it gives for a function's code can't
be fetched; of versions and aliases it knows too little (see function_record.py). In front of it this
middleware

- records every call, so that tests can count them and see whose key signed them;
- refuses what AWS refuses, in AWS's words: unknown keys, wrong signatures, actions that the deployer may
  not take, a function of another region, bodies that are too large or no JSON, broken, empty or too large
  ZIPs, a ZIP for an image, a package in a bucket of another region;
- adds what AWS adds: RevisionId, the status of an update, the real checksum of a dry run, versions and
  aliases, tags at GetFunction, answers to Invoke, the region of a bucket;
- serves the code of a function at GetFunction's Code.Location, in ranges too.

Nothing here patches moto: it stays behind its HTTP interface, but for bytes of code and packages, which
it has no address for, and the regions of buckets.
"""

import base64
import hashlib
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from moto.backends import get_backend
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from aws_calls import ACCOUNT_ID, FUNCTIONS_PATH, Call, call_of
from aws_refusals import RefusedError, invalid, not_found
from function_record import LATEST, FunctionRecord, Version, as_listed
from invocations import Handler, invoke
from sigv4 import Authorization
from strict_s3 import bucket_region, package_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ACCOUNT_ID", "Call", "StrictLambda"]

_LARGEST_REQUEST = {"CreateFunction": 70_167_211, "UpdateFunctionCode": 69_905_067}
_LARGEST_UNZIPPED = 262_144_000
_CODE_PATH = "/deployed-code/"


@dataclass(frozen=True)
class _Asked:
    """A request for Lambda, taken apart."""

    request: Request
    call: Call
    content: Mapping[str, Any]
    body: bytes


class StrictLambda:
    """The middleware. `secrets` holds the access keys that it knows, with their secrets."""

    def __init__(self, moto: "WSGIApplication", secrets: Mapping[str, str], deployer: str) -> None:
        self.calls: list[Call] = []
        self.carried_out: list[Call] = []  # Lambda's, in the order in which they took effect
        self.denied: set[str] = set()
        self.allowed: set[str] | None = None
        self.polls_per_update = 0
        self.polls_per_version = 0
        self.page_size = 50
        self.handlers: dict[str, Handler] = {}
        self._moto = moto
        self._secrets = secrets
        self._deployer = deployer
        self._code: dict[str, bytes] = {}
        self._records: dict[str, FunctionRecord] = {}
        # Between looking at a function and changing it nothing else may change it.
        self._lock = threading.RLock()
        self._operations: dict[str, Callable[[_Asked], Response]] = {
            "GetFunction": self._get_function,
            "GetFunctionConfiguration": self._get_configuration,
            "UpdateFunctionCode": self._update,
            "UpdateFunctionConfiguration": self._update,
            "DeleteFunction": self._delete,
            "PublishVersion": self._publish,
            "ListVersionsByFunction": self._list_versions,
            "CreateAlias": self._create_alias,
            "GetAlias": self._get_alias,
            "UpdateAlias": self._update_alias,
            "DeleteAlias": self._delete_alias,
            "ListAliases": self._list_aliases,
            "TagResource": self._tag,
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self._answer(Request(environ))
        except HTTPException as cut_off:
            response = Response(status=cut_off.code)
        return response(environ, start_response)

    def record(self, arn: str) -> FunctionRecord:
        """Return what is known of a function besides what moto knows."""
        return self._records.setdefault(arn, FunctionRecord(arn))

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(_CODE_PATH):
            return self._serve_code(request)
        body = request.get_data()
        call = call_of(request, body)
        self.calls.append(call)
        try:
            if call.service == "lambda":
                return self._answer_lambda(request, call, body)
            if call.service == "s3":
                return self._answer_s3(request, call, body)
            if call.service == "sts":
                self._check_signature(call, body, "InvalidClientTokenId", "SignatureDoesNotMatch")
                self._check_action(call, "*")
        except RefusedError as refused:
            if call.service == "lambda":
                return refused.as_json()
            return refused.as_xml(wrapped=call.service == "sts")
        return self._ask_moto(request.environ, body)

    def _ask_moto(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        environ = {
            **environ,
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        return Response.from_app(self._moto, environ, buffered=True)

    # S3

    def _answer_s3(self, request: Request, call: Call, body: bytes) -> Response:
        region = bucket_region(call.bucket)
        try:
            self._check_s3_caller(call, region)
            response = self._ask_moto(request.environ, body)
        except RefusedError as refused:
            response = refused.as_xml(wrapped=False)
        if call.operation == "HeadBucket" and region:
            response.headers["x-amz-bucket-region"] = region
        return response

    def _check_s3_caller(self, call: Call, region: str | None) -> None:
        if call.access_key not in self._secrets:
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
        path = unquote(call.path).strip("/")
        self._check_action(call, f"arn:aws:s3:::{path}")
        if region not in {None, call.region}:
            raise RefusedError(
                HTTPStatus.MOVED_PERMANENTLY,
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
            )

    # Refusals

    def _check_signature(self, call: Call, body: bytes, unknown_key: str, wrong_signature: str) -> None:
        secret_key = self._secrets.get(call.access_key)
        if secret_key is None:
            raise RefusedError(
                HTTPStatus.FORBIDDEN, unknown_key, "The security token included in the request is invalid."
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
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                wrong_signature,
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. "
                "Consult the service documentation for details.",
            )

    def _may(self, call: Call, action: str) -> bool:
        """Tell whether a test has left the caller the permission for an action."""
        if self.denied & {action, action.removeprefix("lambda:")}:
            return False
        return self.allowed is None or call.access_key != self._deployer or action in self.allowed

    def _check_action(self, call: Call, resource: str, policy: str = "identity-based") -> None:
        if self._may(call, call.action) and call.operation not in self.denied and policy == "identity-based":
            return
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            "AccessDeniedException" if call.service == "lambda" else "AccessDenied",
            f"User: arn:aws:iam::{ACCOUNT_ID}:user/deployer is not authorized to perform: {call.action} "
            f"on resource: {resource} because no {policy} policy allows the {call.action} action",
        )

    def _check_caller(self, call: Call, body: bytes) -> None:
        limit = _LARGEST_REQUEST.get(call.operation)
        if limit is not None and len(body) >= limit:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limit} bytes for the {call.operation} operation",
            )
        self._check_signature(call, body, "UnrecognizedClientException", "InvalidSignatureException")
        region = call.function.get("region") or call.region
        account = (call.function.get("account") or ACCOUNT_ID).removesuffix(":")
        if region != call.region:
            raise not_found(f"Functions from '{region}' are not reachable in this region ('{call.region}')")
        name = call.function.get("name", "*")
        self._check_action(
            call,
            f"arn:aws:lambda:{call.region}:{account}:function:{name}",
            "identity-based" if account == ACCOUNT_ID else "resource-based",
        )

    # Lambda

    def _answer_lambda(self, request: Request, call: Call, body: bytes) -> Response:
        self._check_caller(call, body)
        asked = _Asked(request, call, _content(call, body), body)
        if call.operation == "Invoke":
            return self._invoke(asked)
        with self._lock:
            self.carried_out.append(call)
            answer = self._operations.get(call.operation, self._pass_on)
            return answer(asked)

    def _pass_on(self, asked: _Asked) -> Response:
        response = self._ask_moto(_by_name(asked.request.environ, asked.call), asked.body)
        if asked.call.operation == "CreateFunction" and response.status_code < HTTPStatus.BAD_REQUEST:
            answer = response.get_json(force=True)
            return _json(self.record(answer["FunctionArn"]).described(answer), HTTPStatus.CREATED)
        return response

    def _latest(self, asked: _Asked) -> tuple[FunctionRecord, dict[str, Any]]:
        """Return the function's record and moto's configuration of $LATEST."""
        environ = {**asked.request.environ, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
        path = f"/2015-03-31/functions/{asked.call.function['name']}/configuration"
        response = self._ask_moto(_with_path(environ, path), b"")
        if response.status_code != HTTPStatus.OK:
            raise not_found(str(response.get_json(force=True)["message"]))
        configuration: dict[str, Any] = response.get_json(force=True)
        return self.record(configuration["FunctionArn"]), configuration

    def _described(self, asked: _Asked) -> dict[str, Any]:
        """Return the configuration of what is asked for: $LATEST, a version or an alias's version."""
        record, configuration = self._latest(asked)
        qualifier = asked.call.qualifier
        if qualifier in {"", LATEST}:
            suffix = f":{LATEST}" if qualifier else ""
            return {**record.read(configuration), "FunctionArn": f"{record.arn}{suffix}"}
        version = record.version(qualifier)
        answer = {**version.described(), "FunctionArn": f"{record.arn}:{qualifier}"}
        version.polls_left -= 1
        return answer

    def _get_configuration(self, asked: _Asked) -> Response:
        return _json(self._described(asked))

    def _get_function(self, asked: _Asked) -> Response:
        configuration = self._described(asked)
        if configuration["PackageType"] == "Image":
            return _json({"Configuration": configuration, "Code": {"RepositoryType": "ECR"}})
        record, _ = self._latest(asked)
        if asked.call.qualifier in {"", LATEST}:
            code = self._code_of_latest(asked)
        else:
            code = record.version(asked.call.qualifier).code
        digest = hashlib.sha256(code).hexdigest()
        self._code[digest] = code
        host = asked.request.host_url.rstrip("/")
        location = f"{host}{_CODE_PATH}{digest}?X-Amz-Expires=600"
        answer = {"Configuration": configuration, "Code": {"RepositoryType": "S3", "Location": location}}
        return _json({**answer, **self._tags(asked, record)})

    def _code_of_latest(self, asked: _Asked) -> bytes:
        backend = get_backend("lambda")[ACCOUNT_ID][asked.call.region]
        code: bytes = backend.get_function(asked.call.function["name"], None).code_bytes
        return code

    # Updates

    def _update(self, asked: _Asked) -> Response:
        record, configuration = self._latest(asked)
        content = dict(asked.content)
        if asked.call.function["qualifier"] not in {"", LATEST}:
            raise invalid("Current operation does not support versions other than $LATEST")
        record.check_idle()
        record.check_revision(content.get("RevisionId"))
        if asked.call.operation == "UpdateFunctionCode":
            self._check_code(asked, configuration, content)
            if content.get("DryRun"):
                return _json({**record.described(configuration), **_of_code(content)})
        publish = content.pop("Publish", False)
        response = self._ask_moto(_by_name(asked.request.environ, asked.call), json.dumps(content).encode())
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            return response
        record.begin_update(self.polls_per_update)
        described = record.described(response.get_json(force=True))
        if publish:
            return _json(self._published(asked, record, described, {}).described())
        return _json(described)

    def _check_code(self, asked: _Asked, configuration: Mapping[str, Any], content: dict[str, Any]) -> None:
        """Look at the code as AWS does; a package in a bucket is fetched from there."""
        if configuration["PackageType"] == "Image" and "ImageUri" not in content:
            raise invalid("Please provide ImageUri when updating a function with packageType Image.")
        if configuration["PackageType"] == "Zip" and "ImageUri" in content:
            raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
        if "S3Bucket" in content:
            readable = self._may(asked.call, "s3:GetObject")
            package = package_of(content, asked.call.region, readable=readable)
            for name in ("S3Bucket", "S3Key", "S3ObjectVersion"):
                content.pop(name, None)
            content["ZipFile"] = base64.b64encode(package).decode()
            _check_zip(content["ZipFile"])

    def _delete(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        if asked.call.qualifier:
            record.delete_version(asked.call.qualifier)
            return Response(status=HTTPStatus.NO_CONTENT)
        del self._records[record.arn]
        return self._pass_on(asked)

    # Versions

    def _publish(self, asked: _Asked) -> Response:
        record, configuration = self._latest(asked)
        record.check_idle()
        version = self._published(asked, record, record.described(configuration), asked.content)
        return _json(version.described(), HTTPStatus.CREATED)

    def _published(
        self, asked: _Asked, record: FunctionRecord, latest: Mapping[str, Any], content: Mapping[str, Any]
    ) -> Version:
        return record.publish(latest, self._code_of_latest(asked), content, self.polls_per_version)

    def _list_versions(self, asked: _Asked) -> Response:
        record, configuration = self._latest(asked)
        latest = {**record.described(configuration), "FunctionArn": f"{record.arn}:{LATEST}"}
        versions = (version.configuration for version in record.versions.values())
        return self._page(asked, "Versions", [as_listed(each) for each in (latest, *versions)])

    def _page(self, asked: _Asked, name: str, items: list[dict[str, Any]]) -> Response:
        start = int(asked.call.parameter("Marker", "0"))
        size = min(int(asked.call.parameter("MaxItems", "10000")), self.page_size)
        answer: dict[str, Any] = {name: items[start : start + size]}
        if start + size < len(items):
            answer["NextMarker"] = str(start + size)
        return _json(answer)

    # Aliases

    def _create_alias(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        return _json(record.create_alias(asked.content).described(), HTTPStatus.CREATED)

    def _get_alias(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        return _json(record.alias(_alias_name(asked)).described())

    def _update_alias(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        return _json(record.update_alias(_alias_name(asked), asked.content).described())

    def _delete_alias(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        record.aliases.pop(_alias_name(asked), None)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _list_aliases(self, asked: _Asked) -> Response:
        record, _ = self._latest(asked)
        aliases = sorted(record.aliases.values(), key=lambda alias: alias.name)
        wanted = asked.call.parameter("FunctionVersion")
        items = [alias.described() for alias in aliases if wanted in {"", alias.version}]
        return self._page(asked, "Aliases", items)

    # Tags

    def _tag(self, asked: _Asked) -> Response:
        if asked.call.qualifier:
            raise invalid("Tags on function aliases and versions are not supported.")
        record, _ = self._latest(asked)
        record.tags.update(asked.content["Tags"])
        return Response(status=HTTPStatus.NO_CONTENT)

    def _tags(self, asked: _Asked, record: FunctionRecord) -> dict[str, Any]:
        """Give the tags as GetFunction does: to those who may list them, and only where there are any."""
        if not self._may(asked.call, "lambda:ListTags"):
            denied = f"User is not authorized to perform: lambda:ListTags on resource: {record.arn}"
            return {"TagsError": {"ErrorCode": "AccessDeniedException", "Message": denied}}
        return {"Tags": record.tags} if record.tags else {}

    # Invocations

    def _invoke(self, asked: _Asked) -> Response:
        with self._lock:
            record, configuration = self._latest(asked)
            qualifier = asked.call.qualifier
            if qualifier in {"", LATEST}:
                described = record.described(configuration)
            else:
                described = record.version(qualifier).described()
        if described["State"] != "Active":
            raise RefusedError(
                HTTPStatus.CONFLICT,
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the "
                f"following state: {described['State']}",
            )
        handler = self.handlers.get(record.arn, lambda _payload, _version: None)
        return invoke(handler, described, asked.call.headers, asked.body)

    # Code

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


def _json(answer: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(answer), status, content_type="application/json")


def _alias_name(asked: _Asked) -> str:
    return unquote(asked.call.path.rstrip("/").rpartition("/")[2])


def _by_name(environ: "WSGIEnvironment", call: Call) -> "WSGIEnvironment":
    """Have moto see the function's name in place of a partial ARN, which it does not understand."""
    path = FUNCTIONS_PATH.fullmatch(call.path)
    if path is None or not call.function:
        return environ
    return _with_path(environ, path["before"] + quote(call.function["name"], safe="") + path["after"])


def _with_path(environ: "WSGIEnvironment", path: str) -> "WSGIEnvironment":
    query = environ["QUERY_STRING"]
    uri = f"{path}?{query}" if query else path
    return {**environ, "PATH_INFO": unquote(path), "REQUEST_URI": uri, "RAW_URI": uri}


def _content(call: Call, body: bytes) -> dict[str, Any]:
    """Return the request's JSON, having looked at the code in it as AWS does."""
    if not body or call.operation == "Invoke":
        return {}
    try:
        content: dict[str, Any] = json.loads(body)
    except ValueError:
        raise RefusedError(
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
                raise invalid("Uploaded file must be a non-empty zip")
            if sum(entry.file_size for entry in entries) >= _LARGEST_UNZIPPED:
                raise invalid(f"Unzipped size must be smaller than {_LARGEST_UNZIPPED} bytes")
            broken = archive.testzip()
    except (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        broken = "all of it"
    if broken is not None:
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")


def _of_code(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a dry run answers of the code that it was given."""
    code = base64.b64decode(content["ZipFile"]) if "ZipFile" in content else b""
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    return {"CodeSize": len(code), "CodeSha256": digest} if code else {}
