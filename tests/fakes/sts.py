"""STS: whose the credentials are, and sessions of roles.

https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from aws_behaviour import Behaviour
from aws_calls import Call
from aws_refusals import RefusedError


@dataclass(frozen=True)
class Role:
    """A role and what its trust policy asks for: an external ID, or a web identity token.

    `policy` limits what its sessions may do; without one they may do anything in their account.
    """

    arn: str
    external_id: str = ""
    web_identity: str = ""
    policy: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Session:
    role: str
    arn: str
    secret_key: str
    token: str
    expires: dt.datetime


_Check = Callable[["Role | None", str, dict[str, str]], None]


class Tokens:
    """The roles, and the sessions that were made of them."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.roles: dict[str, Role] = {}
        self.seconds = 3600.0
        self._behaviour = behaviour
        self._sessions: dict[str, _Session] = {}

    def secret_key(self, call: Call) -> str | None:
        """Return the secret that signs with a session's access key; refuses a wrong token and an old one."""
        session = self._sessions.get(call.access_key)
        if session is None:
            return None
        if call.headers.get("x-amz-security-token") != session.token:
            raise RefusedError(HTTPStatus.FORBIDDEN, "InvalidClientTokenId", "The security token is invalid.")
        if session.expires < dt.datetime.now(dt.timezone.utc):
            message = "The security token included in the request is expired"
            raise RefusedError(HTTPStatus.FORBIDDEN, "ExpiredTokenException", message)
        return session.secret_key

    def account(self, access_key: str) -> str | None:
        """Return the account that a session's access key belongs to; None if it is not a session's."""
        session = self._sessions.get(access_key)
        return session.arn.split(":")[4] if session else None

    def policy(self, access_key: str) -> Mapping[str, Any] | None:
        """Return what limits a session; None if nothing does."""
        session = self._sessions.get(access_key)
        role = self.roles.get(session.role) if session else None
        return role.policy if role else None

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call of STS's."""
        parameters = dict(parse_qsl(body.decode()))
        if call.operation == "GetCallerIdentity":
            session = self._sessions.get(call.access_key)
            arn = session.arn if session else self._behaviour.identity
            account = arn.split(":")[4]
            return _response(
                call, f"<Arn>{arn}</Arn><UserId>AIDAEMBEDDED</UserId><Account>{account}</Account>"
            )
        if call.operation == "AssumeRole":
            return self._assume(call, parameters, self._check_external_id)
        if call.operation == "AssumeRoleWithWebIdentity":
            return self._assume(call, parameters, self._check_web_identity)
        message = f"the embedded STS has no {call.operation}"
        raise RefusedError(HTTPStatus.BAD_REQUEST, "InvalidAction", message)

    def _check_external_id(self, role: Role | None, arn: str, given: dict[str, str]) -> None:
        if role is None or role.web_identity or role.external_id != given.get("ExternalId", ""):
            message = f"User: {self._behaviour.identity} is not authorized to perform: sts:AssumeRole on "
            raise RefusedError(HTTPStatus.FORBIDDEN, "AccessDenied", f"{message}resource: {arn}")

    def _check_web_identity(self, role: Role | None, _arn: str, given: dict[str, str]) -> None:
        if given["WebIdentityToken"] == "expired":
            message = "Token expired: current date/time must be before the expiration date/time"
            raise RefusedError(HTTPStatus.BAD_REQUEST, "ExpiredTokenException", message)
        if role is None or not role.web_identity or role.web_identity != given["WebIdentityToken"]:
            message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            raise RefusedError(HTTPStatus.FORBIDDEN, "AccessDenied", message)

    def _assume(self, call: Call, given: dict[str, str], check: _Check) -> Response:
        arn = given["RoleArn"]
        check(self.roles.get(arn), arn, given)
        key, account = f"ASIA{uuid.uuid4().hex[:16].upper()}", arn.split(":")[4]
        session = _Session(
            arn,
            f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/{given['RoleSessionName']}",
            uuid.uuid4().hex,
            uuid.uuid4().hex,
            dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=self.seconds),
        )
        self._sessions[key] = session
        return _response(
            call,
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{session.secret_key}"
            f"</SecretAccessKey><SessionToken>{session.token}</SessionToken>"
            f"<Expiration>{session.expires:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{escape(session.arn)}</Arn><AssumedRoleId>AROA:x</AssumedRoleId>"
            "</AssumedRoleUser>",
        )


def _response(call: Call, content: str) -> Response:
    return Response(
        f'<{call.operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{call.operation}Result>{content}</{call.operation}Result>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{call.operation}Response>",
        content_type="text/xml",
    )
