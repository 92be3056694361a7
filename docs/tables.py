"""Writes into the documents what is made from the code: `make docs`. With --check, only says what differs.

Each of these parts stands between `<!-- NAME -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.aws.permissions import ANYTHING, bases_arn, bucket_arn, function_arn, objects_arn
from deploy.config.buildpacks import BUILDPACK_VARIABLES, SHARED_VARIABLES
from deploy.config.platforms import PLATFORM_VARIABLES
from deploy.infrastructure.declaration import ALARMS, API, CORS, FUNCTION, SERVICE, json_schema
from deploy.infrastructure.policy import grants, policy
from deploy.infrastructure.stack import stack_policy
from deploy.target.environment import read_target
from deploy.target.sdk import SDK_SETTINGS
from deploy.target.settings import SETTINGS
from deploy.target.stack import read_stack
from transcript import transcript

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.config.dyno import DynoVariables
    from deploy.target.environment import Target

REPOSITORY = Path(__file__).parent.parent
SCHEMA = REPOSITORY / "docs/service.schema.json"

# The settings: what says where and who, what is the SDK's, and the others.
FIRST, *OTHERS = SETTINGS.values()
ALL_SETTINGS = (FIRST, *SDK_SETTINGS, *OTHERS)
EXAMPLES = {setting.name: setting.example for setting in ALL_SETTINGS}

RESULTS = REPOSITORY / "tests/slow/bench/RESULTS.md"

REQUIRED = ("_LAMBDA_FUNCTION_ARN", "_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY")

# Those of the documented policy.
FEATURES = (
    "_LAMBDA_ALIAS",
    "_LAMBDA_VERIFY_PAYLOAD",
    "_LAMBDA_KEEP_VERSIONS",
    "_LAMBDA_S3_BUCKET",
    "_LAMBDA_S3_KMS_KEY_ID",
)

# What resources are called that are not the function, by a part of their ARNs.
KINDS = {
    ":application:": "the application",
    ":deploymentgroup:": "the deployment group",
    ":deploymentconfig:": "the deployment config",
    ":ssm:": "the path, and what is below it",
}


def parts() -> dict[tuple[str, str], str]:
    """Return what is made from the code, by document and name."""
    return {
        ("README.md", "transcript"): _transcript(),
        ("README.md", "numbers"): numbers(RESULTS.read_text(encoding="utf-8")),
        ("docs/settings.md", "settings"): _settings(),
        ("docs/config.md", "dyno variables"): _dyno_variables(),
        ("docs/permissions.md", "permissions"): _permissions(),
        ("docs/permissions.md", "policy"): _policy(),
        ("docs/stacks.md", "stack policy"): _stack_policy(),
        ("docs/infrastructure.md", "service.json"): _service(),
    }


def _settings() -> str:
    rows = ((f"`{each.name}`", each.meaning, f"`{each.example}`") for each in ALL_SETTINGS)
    return _table(("setting", "meaning", "example"), rows)


def numbers(results: str) -> str:
    """Return what the first screen shows of the bench's results."""
    rows = []
    for what, section, column in (
        ("deploy after a config change", "1 Deploy after a config change", "median s"),
        ("deploy of what runs already", "2 Unchanged redeploy", "median s"),
        ("memory of a deploy", "1 Deploy after a config change", "peak MB"),
    ):
        unit = column.split()[-1]
        ours, theirs = (f"{value} {unit}" for value in _measured(results, section, column))
        rows.append((what, ours, theirs))
    source = "by `make bench`: [RESULTS.md](tests/slow/bench/RESULTS.md)."
    table = _table(("of a 149 MB Node.js app", "lambda-deploy", "`zip` and the AWS CLI"), rows)
    return f"{table}\n\nMeasured side by side on one machine, the network aside, {source}"


def _transcript() -> str:
    ours, _ = _measured(RESULTS.read_text(encoding="utf-8"), "1 Deploy after a config change", "median s")
    return transcript(float(ours))


def _measured(results: str, section: str, column: str) -> tuple[str, str]:
    """Return a column of the first two rows of a section's table: ours, and the original's way."""
    _, _, text = results.partition(f"\n## {section}\n")
    head, _rule, ours, theirs, *_ = (line for line in text.splitlines() if line.startswith("|"))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, ours, theirs)]
    number = cells[0].index(column)
    return cells[1][number], cells[2][number]


def _dyno_variables() -> str:
    """Return a row for each reason that `deploy config` gives, with the names."""
    if_not_set = (*BUILDPACK_VARIABLES, *SHARED_VARIABLES)
    reasons = dict.fromkeys(group.reason for group in (*PLATFORM_VARIABLES, *if_not_set))
    rows = ((reason, _names(reason, PLATFORM_VARIABLES), _names(reason, if_not_set)) for reason in reasons)
    return _table(("left out, because it is", "always", "unless you have set it"), rows)


def _names(reason: str, groups: Iterable[DynoVariables]) -> str:
    names: dict[str, None] = {}
    for group in groups:
        if group.reason == reason:
            names |= dict.fromkeys(f"`{name}`" for name in group.names)
            names |= dict.fromkeys(f"but not `{name}`" for name in group.but)
    return ", ".join(names)


def _permissions() -> str:
    return _table(("for", "permission", "on", "needed to"), _permission_rows())


def _permission_rows() -> Iterator[tuple[str, ...]]:
    """Yield what each setting adds to the permissions that those before it need."""
    known = set[tuple[str, ...]]()
    names = [setting.name for setting in OTHERS]
    for number in range(len(names) + 1):
        target = _target(names[:number])
        feature = f"`{names[number - 1]}`" if number else "every deploy"
        for grant in grants(target):
            where = ", ".join(dict.fromkeys(_shown(resource, target) for resource in grant.resources))
            for permission in grant.permissions:
                purpose = permission.purpose + ("" if permission.needed else " (optional)")
                row = (f"`{permission.action}`", where, purpose)
                if row not in known:
                    yield feature, *row
                known.add(row)


def _shown(resource: str, target: Target) -> str:
    exact = {
        objects_arn(target): "OBJECTS",
        bases_arn(target): "BASES",
        bucket_arn(target): "`arn:aws:s3:::BUCKET`",
        ANYTHING: "`*`",
    }
    if resource in exact:
        return exact[resource]
    if kind := next((kind for kind in KINDS if kind in resource), ""):
        return KINDS[kind]
    function, _, qualifier = resource.partition(function_arn(target))
    if function:
        return "the key"
    return f"`FUNCTION{qualifier}`" if qualifier else "FUNCTION"


def _policy() -> str:
    return f"```json\n{json.dumps(policy(_target(FEATURES)), indent=2)}\n```"


def _stack_policy() -> str:
    names = (*REQUIRED[1:], "_LAMBDA_STACK")
    target = read_stack({**{name: EXAMPLES[name] for name in names}, "_AWS_DEFAULT_REGION": "eu-west-1"})
    return f"```json\n{json.dumps(stack_policy(target), indent=2)}\n```"


def _target(features: Iterable[str]) -> Target:
    return read_target({name: EXAMPLES[name] for name in (*REQUIRED, *features)}, Path())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(" ".join(f"| {' | '.join(line)} |".split()) for line in lines)


def with_part(text: str, name: str, content: str) -> str:
    """Return a document's text with one of its parts made anew; raises ValueError if it has no such part."""
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"\n\n<!-- end of {name} -->\n")
    if not begin or not end:
        raise ValueError(f"there is no {name} between two marks")
    return f"{before}{begin}{content}{end}{after}"


def _service() -> str:
    """Return a row for each key of service.json."""
    levels = (
        ("", SERVICE),
        ("functions.KEY.", FUNCTION),
        ("functions.KEY.alarms.", ALARMS),
        ("api.", API),
        ("api.cors.", CORS),
    )
    rows = (
        (f"`{level}{name}`", each.meaning, each.default or ("required" if each.is_required else ""))
        for level, shape in levels
        for name, each in shape.fields.items()
    )
    return _table(("key", "meaning", "default"), rows)


def main(arguments: list[str]) -> int:
    """Write the documents, or with --check say which parts differ, and exit with 1 if some do."""
    differs = False
    schema = f"{json.dumps(json_schema(), indent=2)}\n"
    if not SCHEMA.exists() or SCHEMA.read_text(encoding="utf-8") != schema:
        differs = True
        print(f"docs/{SCHEMA.name}")
        if "--check" not in arguments:
            SCHEMA.write_text(schema, encoding="utf-8")
    for (name, part), content in parts().items():
        path = REPOSITORY / name
        before = path.read_text(encoding="utf-8")
        after = with_part(before, part, content)
        if after != before:
            differs = True
            print(f"{name}: {part}")
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    return int(differs and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
