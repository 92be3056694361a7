"""Lambda's API: what it takes of each call, what it refuses, and what it answers, in AWS's words.

https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from aws_behaviour import Behaviour
from aws_calls import ACCOUNT_ID, Call, partition_of
from aws_refusals import RefusedError, conflict, invalid, not_found
from iam import Identities
from lambda_code import CODE_PATH, CodeStore, check_zip, decoded, digest
from lambda_function import LATEST, LambdaFunction, Version
from lambda_invocations import Handler, invoke
from s3 import Buckets

_LARGEST_REQUEST = {"CreateFunction": 70_167_211, "UpdateFunctionCode": 69_905_067}


@dataclass(frozen=True)
class _Asked:
    """A call, taken apart."""

    call: Call
    content: Mapping[str, Any]
    body: bytes
    host_url: str

    @property
    def alias(self) -> str:
        """Return the alias that the path names."""
        return unquote(self.call.path.rstrip("/").rpartition("/")[2])


class Functions:
    """All functions, in all regions. `carried_out` are calls in the order in which they took effect."""

    def __init__(self, behaviour: Behaviour, identities: Identities, buckets: Buckets) -> None:
        self.carried_out: list[Call] = []
        self.handlers: dict[str, Handler] = {}
        self._behaviour = behaviour
        self._identities = identities
        self._buckets = buckets
        self._code = CodeStore()
        self._functions: dict[str, LambdaFunction] = {}
        # Between looking at a function and changing it nothing else may change it.
        self._lock = threading.RLock()
        self._operations: dict[str, Callable[[_Asked], Response]] = {
            "CreateFunction": self._create,
            "GetFunction": self._get_function,
            "GetFunctionConfiguration": self._get_configuration,
            "UpdateFunctionCode": self._update_code,
            "UpdateFunctionConfiguration": self._update_configuration,
            "DeleteFunction": self._delete,
            "PublishVersion": self._publish,
            "ListVersionsByFunction": self._list_versions,
            "CreateAlias": self._create_alias,
            "GetAlias": self._get_alias,
            "UpdateAlias": self._update_alias,
            "DeleteAlias": self._delete_alias,
            "ListAliases": self._list_aliases,
            "GetFunctionCodeSigningConfig": self._get_function_signing,
            "GetCodeSigningConfig": self._get_signing,
        }

    def serves(self, request: Request) -> Response | None:
        """Serve the code at an address that GetFunction has given; None for any other address."""
        return self._code.answer(request) if request.path.startswith(CODE_PATH) else None

    def answer(self, request: Request, call: Call, body: bytes) -> Response:
        """Answer a call by one who is known."""
        self._check_caller(call)
        asked = _Asked(call, _content(call, body), body, request.host_url)
        if call.operation == "Invoke":
            return self._invoke(asked)
        operation = self._operations.get(call.operation)
        if operation is None:
            raise NotImplementedError(f"{call.method} {call.path}")
        with self._lock:
            self._throttle()
            self.carried_out.append(call)
            return operation(asked)

    def _throttle(self) -> None:
        if self._behaviour.throttled > 0:
            self._behaviour.throttled -= 1
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate exceeded")

    def function(self, arn: str) -> LambdaFunction:
        """Return the function with an ARN."""
        return self._functions[arn]

    def copy(self, arn: str, name: str) -> str:
        """Create a function of another name with all that one has; return its ARN."""
        with self._lock:
            twin = self._functions[arn].copy(arn.rpartition(":")[2], name)
            self._functions[twin.arn] = twin
        return twin.arn

    def check_size(self, call: Call) -> None:
        """Refuse a request that is too large, whoever sends it."""
        limit = _LARGEST_REQUEST.get(call.operation)
        if limit is not None and call.body_length >= limit:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limit} bytes for the {call.operation} operation",
            )

    def _check_caller(self, call: Call) -> None:
        region = call.function.get("region") or call.region
        if region != call.region:
            raise not_found(f"Functions from '{region}' are not reachable in this region ('{call.region}')")
        if call.function.get("account") not in {None, "", self._identities.account(call)}:
            raise self._identities.denial(call, call.action, call.resource, "resource-based")
        resource = call.resource.replace(f":{ACCOUNT_ID}:", f":{self._identities.account(call)}:")
        self._identities.check(call, call.action, resource)

    def _arn(self, call: Call, name: str) -> str:
        account = self._identities.account(call)
        return f"arn:{partition_of(call.region)}:lambda:{call.region}:{account}:function:{name}"

    def _named(self, asked: _Asked) -> LambdaFunction:
        arn = self._arn(asked.call, asked.call.function["name"])
        if arn not in self._functions:
            raise not_found(f"Function not found: {arn}")
        return self._functions[arn]

    # Functions

    def _create(self, asked: _Asked) -> Response:
        content = dict(asked.content)
        arn = self._arn(asked.call, content["FunctionName"])
        if arn in self._functions:
            raise conflict(f"Function already exist: {content['FunctionName']}")
        code = content.pop("Code")
        package = b""
        if "ZipFile" in code:
            package = decoded(code["ZipFile"])
            check_zip(package)
        function = LambdaFunction(arn, _configuration(content, asked.call.region), package)
        self._functions[arn] = function
        return _json(function.described(), HTTPStatus.CREATED)

    def _described(self, asked: _Asked) -> dict[str, Any]:
        """Return the configuration of what is asked for: $LATEST, a version or an alias's version."""
        function, qualifier = self._named(asked), asked.call.qualifier
        arn = {"FunctionArn": f"{function.arn}:{qualifier}" if qualifier else function.arn}
        if qualifier in {"", LATEST}:
            return {**function.read(), **arn}
        version = function.version(qualifier)
        answer = {**version.described(), **arn}
        version.polls_left -= 1
        return answer

    def _get_configuration(self, asked: _Asked) -> Response:
        return _json(self._described(asked))

    def _get_function(self, asked: _Asked) -> Response:
        configuration = self._described(asked)
        if configuration["PackageType"] == "Image":
            return _json({"Configuration": configuration, "Code": {"RepositoryType": "ECR"}})
        function, qualifier = self._named(asked), asked.call.qualifier
        code = function.code if qualifier in {"", LATEST} else function.version(qualifier).code
        location = self._code.address(asked.host_url, code)
        key = {"SourceKMSKeyArn": function.source_key} if function.source_key else {}
        answer: dict[str, Any] = {"RepositoryType": "S3", "Location": location, **key}
        if function.arn in self._behaviour.keeps_back:
            refused = {"ErrorCode": "AccessDenied", "Message": "Lambda was unable to decrypt the package"}
            answer = {"RepositoryType": "S3", "Error": refused, **key}
        return _json({"Configuration": configuration, "Code": answer})

    def _get_function_signing(self, asked: _Asked) -> Response:
        function = self._named(asked)
        arn = {"CodeSigningConfigArn": function.signing} if function.signing else {}
        return _json({"FunctionName": asked.call.function["name"], **arn})

    def _get_signing(self, asked: _Asked) -> Response:
        policy = "Warn" if asked.call.path.rstrip("/").endswith("csc-warn") else "Enforce"
        return _json(
            {"CodeSigningConfig": {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": policy}}}
        )

    def _delete(self, asked: _Asked) -> Response:
        function = self._named(asked)
        if asked.call.qualifier:
            function.delete_version(asked.call.qualifier)
        else:
            del self._functions[function.arn]
        return Response(status=HTTPStatus.NO_CONTENT)

    # Updates

    def _update_code(self, asked: _Asked) -> Response:
        function, content = self._updatable(asked), asked.content
        is_image = function.configuration["PackageType"] == "Image"
        if is_image and "ImageUri" not in content:
            raise invalid("Please provide ImageUri when updating a function with packageType Image.")
        if not is_image and "ImageUri" in content:
            raise invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
        if "S3Bucket" in content:
            code = self._buckets.package(asked.call, content["S3Bucket"], content["S3Key"])
        else:
            code = decoded(content["ZipFile"])
        check_zip(code)
        if content.get("DryRun"):
            return _json({**function.described(), "CodeSha256": digest(code), "CodeSize": len(code)})
        key: str = content.get("SourceKMSKeyArn", "")
        for action in ("kms:GenerateDataKey", "kms:Decrypt") if key else ():
            self._identities.check(asked.call, action, key)
        function.put_code(code)
        function.source_key = key or None  # without one AWS takes a key of its own, whatever it had before
        function.begin_update(self._behaviour.polls_per_update)
        if content.get("Publish"):
            return _json(self._published(function, {}).pending())
        return _json(function.described())

    def _update_configuration(self, asked: _Asked) -> Response:
        function = self._updatable(asked)
        changed = {name: value for name, value in asked.content.items() if name != "RevisionId"}
        function.configuration |= changed
        function.begin_update(self._behaviour.polls_per_update)
        return _json(function.described())

    def _updatable(self, asked: _Asked) -> LambdaFunction:
        function = self._named(asked)
        if asked.call.function["qualifier"] not in {"", LATEST}:
            raise invalid("Current operation does not support versions other than $LATEST")
        function.check_update(asked.content.get("RevisionId"))
        return function

    # Versions

    def _publish(self, asked: _Asked) -> Response:
        function = self._named(asked)
        function.check_idle()
        return _json(self._published(function, asked.content).described(), HTTPStatus.CREATED)

    def _published(self, function: LambdaFunction, content: Mapping[str, Any]) -> Version:
        return function.publish(content, self._behaviour.polls_per_version)

    def _list_versions(self, asked: _Asked) -> Response:
        function = self._named(asked)
        latest = {**function.listed, "FunctionArn": f"{function.arn}:{LATEST}"}
        return self._page(asked, "Versions", [latest, *(each.listed for each in function.versions.values())])

    def _page(self, asked: _Asked, name: str, items: list[dict[str, Any]]) -> Response:
        start = int(asked.call.parameter("Marker", "0"))
        size = min(int(asked.call.parameter("MaxItems", "10000")), self._behaviour.page_size)
        answer: dict[str, Any] = {name: items[start : start + size]}
        if start + size < len(items):
            answer["NextMarker"] = str(start + size)
        return _json(answer)

    # Aliases

    def _create_alias(self, asked: _Asked) -> Response:
        return _json(self._named(asked).create_alias(asked.content).described(), HTTPStatus.CREATED)

    def _get_alias(self, asked: _Asked) -> Response:
        return _json(self._named(asked).alias(asked.alias).described())

    def _update_alias(self, asked: _Asked) -> Response:
        return _json(self._named(asked).update_alias(asked.alias, asked.content).described())

    def _delete_alias(self, asked: _Asked) -> Response:
        self._named(asked).aliases.pop(asked.alias, None)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _list_aliases(self, asked: _Asked) -> Response:
        aliases = sorted(self._named(asked).aliases.values(), key=lambda alias: alias.name)
        wanted = asked.call.parameter("FunctionVersion")
        items = [alias.described() for alias in aliases if wanted in {"", alias.version}]
        return self._page(asked, "Aliases", items)

    # Invocations

    def _invoke(self, asked: _Asked) -> Response:
        with self._lock:
            function, qualifier = self._named(asked), asked.call.qualifier
            is_latest = qualifier in {"", LATEST}
            described = function.described() if is_latest else function.version(qualifier).described()
        if described["State"] != "Active":
            raise conflict(
                "The operation cannot be performed at this time. The function is currently in the "
                f"following state: {described['State']}"
            )
        handler = self.handlers.get(function.arn, lambda _payload, _version: None)
        return invoke(handler, described, asked.call.headers, asked.body)


def _configuration(content: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the configuration of a new function, with what AWS adds to it."""
    defaults = {
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{content['FunctionName']}"},
    }
    if runtime := content.get("Runtime"):
        version = hashlib.sha256(runtime.encode()).hexdigest()
        defaults["RuntimeVersionConfig"] = {
            "RuntimeVersionArn": f"arn:{partition_of(region)}:lambda:{region}::runtime:{version}"
        }
    return {**defaults, **content}


def _json(answer: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(answer), status, content_type="application/json")


def _content(call: Call, body: bytes) -> dict[str, Any]:
    """Return the request's JSON."""
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
    return content
