"""The functions of `deploy tools` that a service sets up: the hook of shifts and the CodePipeline step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.infrastructure import roles
from deploy.infrastructure.declaration import FILE
from deploy.infrastructure.references import with_references
from deploy.infrastructure.service import Function
from deploy.infrastructure.step import step_roles
from deploy.target.arn import FunctionReference
from deploy.target.fleet import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.infrastructure.service import Service
    from deploy.target.environment import Target

RUNTIME = "python3.13"


def hook_of(service: Service) -> Function | None:
    """Return the function that verifies versions in a shift, if the service has it."""
    name = roles.hook_name(service)
    if name is None or service.hook_environment is None:
        return None
    description = "Verifies new versions while CodeDeploy shifts traffic"
    return Function(
        "tool-hook",
        name,
        "deploy.hook.handler",
        RUNTIME,
        description=description,
        memory=256,
        timeout=300,
        environment=service.hook_environment,
    )


def step_of(service: Service) -> Function | None:
    """Return the function of the CodePipeline step, if the service has it."""
    if not service.has_step:
        return None
    return Function(
        "tool-step",
        f"{service.functions[0].name[: roles.LONGEST_NAME - 5]}-step",
        "deploy.step.handler",
        RUNTIME,
        description="Makes a fleet file true, started by CodePipeline",
        memory=1024,
        timeout=900,
        storage=2048,
        event_age=1200,
    )


def tools_of(service: Service, target: Target) -> Iterator[tuple[Function, dict[str, Any]]]:
    """Yield the functions with their policies; raise InputError if the settings lack what one needs."""
    taken = {each.name: each.key for each in service.functions}
    for tool in (hook_of(service), step_of(service)):
        if tool and tool.name in taken:
            raise InputError(
                f"Two functions would be called {tool.name}: functions.{taken[tool.name]}, and the one of "
                f"`deploy tools` that {FILE} sets up by `{tool.key.removeprefix('tool-')}`.",
                todo=f"Give functions.{taken[tool.name]} another `name`.",
            )
    if hook := hook_of(service):
        yield hook, roles.hook_policy(service, target)
    if step := step_of(service):
        here = replace(target, settings=replace(target.settings, alias=service.alias))
        yield step, _step_policy(here, step.name)


def _step_policy(target: Target, name: str) -> dict[str, Any]:
    if not target.settings.fleet_prefix:
        raise InputError(
            "service.json sets up the CodePipeline step, and _LAMBDA_FLEET_PREFIX is not set.",
            why="The step's role may change functions alone whose names begin with it.",
            todo="Set it among the settings, or set `step` to false.",
        )
    any_function = FunctionReference("any", roles.TOKEN_ACCOUNT)
    here = replace(target, region=roles.TOKEN_REGION, function=any_function)
    role = f"arn:aws:iam::{roles.TOKEN_ACCOUNT}:role/step"
    policy: Any = with_references(step_roles(Member(here, None), role, name)["step"]["policy"])
    return dict(policy)
