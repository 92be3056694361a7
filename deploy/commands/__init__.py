"""The commands, one a module: its arguments, and `run`, which returns the exit status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.cancel import Cancellation
    from deploy.output import Report


@dataclass(frozen=True)
class Context:
    """What a command is given besides its arguments."""

    variables: Mapping[str, str] = field(repr=False)
    slug: Path
    report: Report
    cancellation: Cancellation
