"""What CloudFormation would take for functions of its own in documents of the user's, and what it can't hold.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy.infrastructure.declaration import FILE
from deploy.located import Problems, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.infrastructure.service import Service
    from deploy.located import Node

FUNCTION = re.compile("Ref|Condition|Fn::.*", re.DOTALL)
TRANSFORM = "Fn::Transform"  # which may stand beside other keys


def check_documents(service: Service) -> None:
    """Raise InputError with the places in the API and in service.json that a template can't hold."""
    if service.api is not None:
        problems = Problems(service.api.name)
        _check(service.api.document, problems)
        problems.check()
    if service.document is not None:
        problems = Problems(FILE)
        for node in _copied(service.document):
            _check(node, problems)
        problems.check()


def _copied(root: Node) -> Iterator[Node]:
    """Yield the values of service.json whose keys a template takes over."""
    for function in root.find("functions").members.values():
        yield from (function.members[key] for key in ("environment", "policy") if key in function.members)
    hook = root.members.get("hook")
    if hook is not None and "environment" in hook.members:
        yield hook.members["environment"]


def _check(root: Node, problems: Problems) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += [*node.members.values(), *node.items]
        if node.value is None:
            problems.add(node.place, "CloudFormation takes no `null`; leave the key out, or use Terraform")
        if TRANSFORM in node.members and len(node.members) > 1:
            wrong = f"CloudFormation takes {shown(TRANSFORM)} for a function of its own"
            problems.add(node.members[TRANSFORM].key_place or node.place, f"{wrong}; use Terraform")
        if len(node.members) == 1 and FUNCTION.fullmatch(key := next(iter(node.members))):
            wrong = f"CloudFormation takes an object whose only key is {shown(key)} for a function of its own"
            problems.add(node.place, f"{wrong}; add another key, or use Terraform")
