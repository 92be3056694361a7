"""Whether deploys with the same settings reach what is set up: the alias, and the functions. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.infrastructure.declaration import FILE
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy.infrastructure.service import Service


def check_alias(service: Service, alias: str | None, names: Sequence[str]) -> None:
    """Raise InputError if deploys of the functions `names` do not move the alias that serves."""
    if not names or alias == service.alias:
        return
    if alias is None:
        raise InputError(
            "_LAMBDA_ALIAS is not set, and callers reach the functions by an alias.",
            why=f"A deploy would change $LATEST alone, and the alias {service.alias} would keep the "
            "placeholder, which fails.",
            todo=f"Set _LAMBDA_ALIAS={service.alias}",
        )
    raise InputError(
        f"_LAMBDA_ALIAS is {alias}, and {FILE} names the alias {service.alias}.",
        why=f"Deploys would move {alias}, and callers would reach {service.alias}, which keeps the "
        "placeholder.",
        todo=f"Remove `alias` from {FILE}, or name the same one.",
    )


def notices(service: Service, alias: str | None, names: Sequence[str]) -> Iterator[str]:
    """Yield what deploys need, or will miss."""
    if not names and alias != service.alias:
        yield f"Deploys have to set _LAMBDA_ALIAS={service.alias}: callers reach the functions by that alias."
    known = [each.name for each in service.functions]
    if unknown := [name for name in names if name not in known]:
        yield (
            f"_LAMBDA_FUNCTION_ARN names {', '.join(map(printable, unknown))}, and {FILE} has "
            f"{', '.join(known)}: a deploy with these settings will not find what it names."
        )
