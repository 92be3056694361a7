"""What stands in front of all services: it records each call, checks who makes it, and passes it on.

It is a WSGI application, and refuses as AWS does what AWS would refuse: unknown keys and wrong signatures.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from aws_behaviour import Behaviour
from aws_calls import Call, call_of
from aws_refusals import RefusedError
from cloudformation import Stacks
from codedeploy import Deployments
from codepipeline import Jobs
from iam import Identities
from lambda_api import Functions
from logs import Logs
from s3 import Buckets
from sigv4 import Authorization
from ssm import Parameters
from sts import Tokens

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# What each service says of an unknown access key and a wrong signature.
_INVALID_TOKEN = "The security token included in the request is invalid."
_UNKNOWN_KEY = {
    "lambda": ("UnrecognizedClientException", _INVALID_TOKEN),
    "s3": ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
}
_WRONG_SIGNATURE = {"lambda": "InvalidSignatureException"}


class Front:
    """The application. `secrets` holds the access keys that it knows, with their secrets."""

    def __init__(self, behaviour: Behaviour, secrets: Mapping[str, str], deployer: str) -> None:
        self.calls: list[Call] = []
        self._behaviour = behaviour
        self._secrets = secrets
        self.tokens = Tokens(behaviour)
        self._identities = Identities(behaviour, deployer, self.tokens)
        self.parameters = Parameters(self._identities)
        self.jobs = Jobs(self._identities)
        self.logs = Logs(self._identities)
        self._buckets = Buckets(self._identities)
        self.stacks = Stacks(self._identities, self._buckets)
        self.functions = Functions(behaviour, self._identities, self._buckets)
        self.deployments = Deployments(self._identities, self.functions)

    def account(self, call: Call) -> str:
        """Return the account of the one who makes a call."""
        return self._identities.account(call)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self.functions.serves(request) or self._answer(request)
        except HTTPException as cut_off:
            response = Response(status=cut_off.code)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        body = request.get_data()
        call = call_of(request, body)
        self.calls.append(call)
        try:
            self._check_signature(call, body)
            if call.service == "lambda":
                return self.functions.answer(request, call, body)
            if call.service == "s3":
                return self._buckets.answer(request, call, body)
            is_limited = self._behaviour.policy is not None or self.tokens.policy(call.access_key)
            if call.operation == "AssumeRole" and is_limited:
                self._identities.check(call, call.action, dict(parse_qsl(body.decode()))["RoleArn"])
            others = {
                "cloudformation": self.stacks.answer,
                "codedeploy": self.deployments.answer,
                "codepipeline": self.jobs.answer,
                "logs": self.logs.answer,
                "ssm": self.parameters.answer,
                "iam": self._identities.answer,
            }
            return others.get(call.service, self.tokens.answer)(call, body)
        except RefusedError as refused:
            if call.service in {"lambda", "logs", "ssm", "codedeploy", "codepipeline"}:
                return refused.as_json()
            return refused.as_xml(wrapped=call.service != "s3")

    def _check_signature(self, call: Call, body: bytes) -> None:
        if call.service == "lambda":
            self.functions.check_size(call)
        if call.operation == "AssumeRoleWithWebIdentity":
            return
        secret_key = self._secrets.get(call.access_key) or self.tokens.secret_key(call)
        if secret_key is None:
            code, message = _UNKNOWN_KEY.get(call.service, ("InvalidClientTokenId", _INVALID_TOKEN))
            raise RefusedError(HTTPStatus.FORBIDDEN, code, message)
        if call.service == "s3":  # whose bodies need not be signed
            return
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
                _WRONG_SIGNATURE.get(call.service, "SignatureDoesNotMatch"),
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. "
                "Consult the service documentation for details.",
            )
