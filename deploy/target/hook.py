"""The event of a CodeDeploy hook, and the environment of its function → what the new version is asked.

Lambda takes no variable whose name starts with `_`, so the hook's are called as the deploy's settings are,
without `_LAMBDA_`. No error repeats a value.

https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.located import parse_json
from deploy.target import parsers
from deploy.target.arn import FUNCTION_NAME
from deploy.target.settings import Verification
from deploy.text import printable

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD = "VERIFY_PAYLOAD"
EXPECT = "VERIFY_EXPECT"
FUNCTIONS = "VERIFY_FUNCTIONS"
NAMES = (PAYLOAD, EXPECT, FUNCTIONS)
KEYS = ("payload", "expect")
EXAMPLE = '{"my-function": {"payload": {"ping": true}, "expect": "\\"ok\\": *true"}}'
LONGEST_ID = 256  # characters


@dataclass(frozen=True)
class HookEvent:
    """A lifecycle event that waits for its status."""

    deployment_id: str
    execution_id: str = field(repr=False)


@dataclass(frozen=True)
class Checks:
    """What new versions are asked: those of a function by its name, and all others."""

    of_function: Mapping[str, Verification]
    of_others: Verification | None

    def find(self, name: str) -> Verification:
        """Return what a function is asked; raise InputError if nobody has said it."""
        found = self.of_function.get(name, self.of_others)
        if found is None:
            raise InputError(
                f"The hook does not know what to ask {name}.",
                why=f"{PAYLOAD} is not set, and {FUNCTIONS} does not name the function.",
                todo=f"Set one of them in the hook's own environment: {FUNCTIONS}={EXAMPLE}",
            )
        return found


def read_event(event: object) -> HookEvent | None:
    """Return what an event is about; None if it is not one of a CodeDeploy hook."""
    if not isinstance(event, Mapping):
        return None
    found = [event.get("DeploymentId"), event.get("LifecycleEventHookExecutionId")]
    texts = [text for text in found if isinstance(text, str) and 0 < len(text) <= LONGEST_ID]
    return HookEvent(*texts) if len(texts) == len(found) else None


def read_checks(process: Mapping[str, str], folder: Path) -> Checks:
    """Return what the hook's variables say; raise InputError with all that is wrong with them.

    A file that one of them names is looked for in `folder`, that of the hook's package.
    """
    problems: list[str] = []
    payload, expect = (process.get(name, "").strip() for name in (PAYLOAD, EXPECT))
    if expect and not payload:
        problems.append(f"{PAYLOAD} is not set, but {EXPECT} is.")
    others = _verification(payload, expect, (PAYLOAD, EXPECT), problems) if payload else None
    of_function = _read_functions(process.get(FUNCTIONS, "").strip(), folder, problems)
    if problems:
        raise InputError(
            "The hook's variables are wrong.",
            why="\n".join(problems),
            todo=f"Correct them in the environment of the hook's function, as {FUNCTIONS}={EXAMPLE}",
        )
    return Checks(of_function, others)


def _read_functions(text: str, folder: Path, problems: list[str]) -> dict[str, Verification]:
    if not text:
        return {}
    wrong = f"{FUNCTIONS} is not a JSON object, and does not name a file with one (@FILE)."
    try:
        is_file = text.startswith("@")
        content = (folder / text[1:]).read_bytes() if is_file else text.encode("utf-8", "surrogateescape")
        given = parse_json(content, FUNCTIONS, is_secret=True).plain()
    except OSError as error:
        problems.append(f"{FUNCTIONS} names a file that can't be read: {error.strerror}.")
        return {}
    except InputError as error:
        problems.append("\n".join(filter(None, (wrong, error.what, error.why))))
        return {}
    if not isinstance(given, dict):
        problems.append(wrong)
        return {}
    found = {}
    for name, check in given.items():
        shown = f"{FUNCTIONS}, {printable(name)}"
        if not FUNCTION_NAME.fullmatch(name):
            problems.append(f"{shown}: is not the name of a function.")
        elif not isinstance(check, dict) or "payload" not in check or not set(check) <= set(KEYS):
            problems.append(f"{shown}: is not an object with `payload`, and `expect` if you like.")
        elif not isinstance(check.get("expect", ""), str):
            problems.append(f"{shown}: `expect` is not a text.")
        else:
            names = (f"{shown}: `payload`", f"{shown}: `expect`")
            payload = json.dumps(check["payload"])
            found[name] = _verification(payload, check.get("expect", ""), names, problems)
    return found


def _verification(payload: str, expect: str, names: tuple[str, str], problems: list[str]) -> Verification:
    """Return a payload and a regular expression, each with its problem if it has one."""
    parsed, pattern = b"", None
    try:
        parsed = parsers.json_payload(payload)
    except ValueError as error:
        problems.append(f"{names[0]} {error}.")
    try:
        pattern = parsers.regular_expression(expect) if expect else None
    except ValueError as error:
        problems.append(f"{names[1]} {error}.")
    return Verification(parsed, pattern)
