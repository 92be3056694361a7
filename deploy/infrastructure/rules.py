"""What AWS refuses in service.json for more than one value's sake, found before anything is made. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.located import shown

if TYPE_CHECKING:
    from deploy.located import Node, Problems

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED_VARIABLES = frozenset(
    """
    AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE
    AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME
    AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR
    """.split()
)
MOST_BYTES = (
    4096  # of names and values: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
)
RESERVED_SIDS = ("WriteLog", "UseVpc")  # of a function's own role
EITHER = (("Action", "NotAction"), ("Resource", "NotResource"))


def check_rules(root: Node, problems: Problems) -> None:
    """Add what is wrong in environments and policies."""
    for function in root.find("functions").members.values():
        _check_environment(function, problems)
        _check_policy(function, problems)
    if "hook" in root.members:
        _check_environment(root.members["hook"], problems)


def _check_environment(owner: Node, problems: Problems) -> None:
    node = owner.members.get("environment")
    if node is None:
        return
    for name in RESERVED_VARIABLES.intersection(node.members):
        wrong = f"Lambda sets {shown(name)} itself, and refuses it in an environment"
        problems.add(node.members[name].key_place or node.place, f"{wrong}; choose another name")
    size = sum(len(f"{name}{value.value}".encode()) for name, value in node.members.items())
    if size > MOST_BYTES:
        wrong = f"this environment has {size} bytes, and Lambda takes {MOST_BYTES}"
        problems.add(node.place, f"{wrong}; config vars are baked instead")


def _check_policy(function: Node, problems: Problems) -> None:
    if "policy" not in function.members:
        return
    known: set[object] = set()
    for statement in function.members["policy"].items:
        for one, other in EITHER:
            if (one in statement.members) is (other in statement.members):
                wrong = f"a statement has to have either `{one}` or `{other}`"
                problems.add(statement.place, wrong)
        if "Sid" not in statement.members:
            continue
        sid = statement.members["Sid"]
        if sid.value in RESERVED_SIDS:
            problems.add(sid.place, f"a statement of the role itself has the `Sid` {shown(sid.value)}")
        elif sid.value in known:
            problems.add(sid.place, f"another statement of this policy has the `Sid` {shown(sid.value)}, too")
        known.add(sid.value)
