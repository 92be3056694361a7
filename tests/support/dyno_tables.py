"""Writes the table of dyno variables for the documents, from the tables of the code."""

from collections.abc import Iterable

from deploy.config.buildpacks import BUILDPACK_VARIABLES, SHARED_VARIABLES
from deploy.config.dyno import DynoVariables
from deploy.config.platforms import PLATFORM_VARIABLES

__all__ = ["dyno_variables"]

HEAD = """\
| left out, because it is | always | unless you have set it |
| --- | --- | --- |
"""


def dyno_variables() -> str:
    """Return the table: a row for each reason that `deploy config` gives, with the names."""
    reasons = dict.fromkeys(
        group.reason for group in (*PLATFORM_VARIABLES, *BUILDPACK_VARIABLES, *SHARED_VARIABLES)
    )
    rows = (
        f"| {reason} | {_names(reason, PLATFORM_VARIABLES)} | "
        f"{_names(reason, (*BUILDPACK_VARIABLES, *SHARED_VARIABLES))} |"
        for reason in reasons
    )
    return HEAD + "\n".join(" ".join(row.split()) for row in rows)


def _names(reason: str, groups: Iterable[DynoVariables]) -> str:
    names: dict[str, None] = {}
    for group in groups:
        if group.reason == reason:
            names |= dict.fromkeys(f"`{name}`" for name in group.names)
            names |= dict.fromkeys(f"but not `{name}`" for name in group.but)
    return ", ".join(names)


if __name__ == "__main__":
    print(dyno_variables())
