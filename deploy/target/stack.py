"""The environment → what a stack's changes need: region, credentials, and the stack's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.target.arn import FunctionReference, split_functions
from deploy.target.environment import FUNCTION, Target, explain_problems, kind_of_dyno, read_settings
from deploy.target.parsers import STACK_NAME
from deploy.target.provenance import Provenance
from deploy.target.sdk import find_near_misses, find_region, read_sdk_settings
from deploy.target.setting import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "_LAMBDA_STACK"
REGION = "_AWS_DEFAULT_REGION"


def read_stack(variables: Mapping[str, str], name: str = "") -> Target:
    """Read what changing a stack needs; no config var counts, and the function need not exist.

    Its name is that of the settings, or else `name`, or else the only function's. Raise InputError with all
    problems of the settings at once.
    """
    own = {name: text for name, text in variables.items() if name.startswith("_")}
    functions = split_functions(own.get(FUNCTION, ""))
    if len(functions) > 1:
        own[FUNCTION] = functions[0]  # for the region: all are in this stack
    settings, problems = read_settings(own)
    sdk, sdk_problems = read_sdk_settings(own)
    region, region_problems = find_region(sdk, settings.function)
    problems = [each for each in problems if each.stage != "build"] + sdk_problems + region_problems
    wrong = {each.name for each in problems}
    if settings.function and len(functions) == 1:
        name = name or settings.function.name
    name = name.replace("_", "-")  # which the name of a stack can't have
    stack = settings.stack or (name if STACK_NAME.fullmatch(name) else "")
    if not stack and NAME not in wrong:
        problems.append(Problem(NAME, "is not set"))
    if not region and not {REGION, FUNCTION} & wrong:
        problems.append(Problem(REGION, "is not set"))
    if problems:
        raise explain_problems(problems)
    return Target(
        Path(),
        replace(settings, stack=stack),
        variables={},
        provenance=Provenance(),
        dyno=kind_of_dyno(variables),
        notices=tuple(find_near_misses(own)),
        function=settings.function or FunctionReference(stack),
        region=region,
        sdk=sdk,
    )
