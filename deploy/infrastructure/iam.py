"""IAM's own documents: statements, policies and trust policies, for all that is set up. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = "2012-10-17"  # of the language that policies are written in

Document = dict[str, Any]


def allow(sid: str, actions: Iterable[str], resources: Iterable[object]) -> Document:
    """Return a statement; resources may hold references, in any template's language."""
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": [*resources]}


def document(statements: Iterable[object]) -> Document:
    """Return a policy."""
    return {"Version": VERSION, "Statement": [*statements]}


def trust(principal: Mapping[str, object], condition: Mapping[str, object] | None = None) -> Document:
    """Return the policy that lets a principal assume a role, on a condition if there is one."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return document([{**statement, "Condition": condition} if condition else statement])


def trust_service(service: str) -> Document:
    """Return the trust policy for a service of AWS, such as `lambda`."""
    return trust({"Service": f"{service}.amazonaws.com"})
