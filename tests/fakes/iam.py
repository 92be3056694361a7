"""IAM as the embedded AWS enforces it: who may do what, and the simulator that says so beforehand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from aws_behaviour import Behaviour
from aws_calls import ACCOUNT_ID, Call
from aws_refusals import RefusedError
from query_protocol import parameters
from sts import Tokens

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]
Context = Mapping[str, list[str]]

_VERSION = "2010-05-08"
_KEY_OF_ACCOUNT = re.compile("AKIA([0-9]{12})[0-9]{4}")
_SESSION = re.compile(rf"arn:aws:sts::{ACCOUNT_ID}:assumed-role/(\w+)/.*")
# A variable of a policy that stands for a character: ${*}, ${?}, ${$}.
_PATTERN = re.compile(r"\$\{([*?$])\}|(\*)|(\?)|(.)", re.DOTALL)


class Identities:
    """The deployer, the sessions of roles and everybody else, and what they may do."""

    def __init__(self, behaviour: Behaviour, deployer: str, tokens: Tokens) -> None:
        self._behaviour = behaviour
        self._deployer = deployer
        self._tokens = tokens

    def account(self, call: Call) -> str:
        """Return the account of the one who makes a call."""
        if own := _KEY_OF_ACCOUNT.fullmatch(call.access_key):
            return own[1]
        return self._tokens.account(call.access_key) or ACCOUNT_ID

    def may(self, call: Call, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether the one who makes a call may do something that belongs to it."""
        if self._behaviour.denied & {action, call.operation}:
            return False
        if policy := self._tokens.policy(call.access_key):
            return _evaluate(policy, action, resource, context) == "allowed"
        return call.access_key != self._deployer or self._decide(action, resource, context) == "allowed"

    def check(self, call: Call, action: str, resource: str, context: Context | None = None) -> None:
        """Refuse what the one who makes a call may not do."""
        if not self.may(call, action, resource, context):
            raise self.denial(call, action, resource)

    def denial(self, call: Call, action: str, resource: str, policy: str = "identity-based") -> RefusedError:
        """Return the refusal of an action."""
        return RefusedError(
            HTTPStatus.FORBIDDEN,
            "AccessDeniedException" if call.service in {"codedeploy", "lambda", "ssm"} else "AccessDenied",
            f"User: {self._behaviour.identity} is not authorized to perform: {action} on resource: "
            f"{resource} because no {policy} policy allows the {action} action",
        )

    def _decide(self, action: str, resource: str, context: Context | None = None) -> Decision:
        behaviour = self._behaviour
        if action in behaviour.denied:
            return "explicitDeny"
        if behaviour.policy is None:
            is_allowed = behaviour.allowed is None or action in behaviour.allowed
            return "allowed" if is_allowed else "implicitDeny"
        return _evaluate(behaviour.policy, action, resource, context)

    # The simulator

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call of IAM's: SimulatePrincipalPolicy is all that it knows."""
        if call.operation != "SimulatePrincipalPolicy":
            raise _invalid(f"the embedded IAM has no {call.operation}")
        asked = parameters("iam", call.operation, body, _invalid)
        source: str = asked["PolicySourceArn"]
        self.check(call, call.action, source)
        self._check_source(source)
        context = {
            entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in asked.get("ContextEntries", [])
        }
        results = "".join(
            _result(action, resource, self._decide(action, resource, context))
            for action in asked["ActionNames"]
            for resource in asked.get("ResourceArns", ["*"])
        )
        return Response(
            f'<{call.operation}Response xmlns="https://iam.amazonaws.com/doc/{_VERSION}/">'
            f"<{call.operation}Result><IsTruncated>false</IsTruncated>"
            f"<EvaluationResults>{results}</EvaluationResults></{call.operation}Result>"
            f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
            f"</{call.operation}Response>",
            content_type="text/xml",
        )

    def _check_source(self, source: str) -> None:
        """Refuse who has no policies, such as the session of a role, and whom nobody knows."""
        if not re.fullmatch(rf"arn:aws:iam::{ACCOUNT_ID}:(user|group|role)/\S+", source):
            raise _invalid(f"Invalid Entity Arn: {source} does not clearly define entity type and name.")
        identity = self._behaviour.identity
        if session := _SESSION.fullmatch(identity):
            identity = f"arn:aws:iam::{ACCOUNT_ID}:role/{session[1]}"
        if source != identity:
            raise RefusedError(HTTPStatus.NOT_FOUND, "NoSuchEntity", f"{source} cannot be found.")


def _evaluate(policy: Mapping[str, Any], action: str, resource: str, context: Context | None) -> Decision:
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if any(_matches(name, action) for name in statement["Action"])
        and any(_matches(pattern, resource) for pattern in statement["Resource"])
        and _holds(statement.get("Condition", {}), context or {})
    }
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if effects else "implicitDeny"


def _matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern of a policy."""
    parts = []
    for literal, star, question, other in _PATTERN.findall(pattern):
        parts.append(".*" if star else "." if question else re.escape(literal or other))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _holds(condition: Mapping[str, Mapping[str, str]], context: Context) -> bool:
    for operator, keys in condition.items():
        if operator != "ForAnyValue:StringEquals":
            raise NotImplementedError(operator)
        if not all(value in context.get(key, []) for key, value in keys.items()):
            return False
    return True


def _result(action: str, resource: str, decision: Decision) -> str:
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
    )


def _invalid(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, "InvalidInput", message)
