"""What pip is given of the environment when a build installs the dependencies of a Python app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The only variables that pip gets, with what they are for at the start of each line: every process needs
# some, some are for the network, and some are settings of pip: where packages come from, and how to get
# there. lib/pip.sh reads the file, too.
NAMES = Path(__file__).with_name("pip.txt")


def read_pip_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that pip gets: no secret of a CI job, and none that would change what it does."""
    lines = (line.split() for line in NAMES.read_text(encoding="ascii").splitlines())
    return {name: variables[name] for _, *names in lines for name in names if name in variables}
