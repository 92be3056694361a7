"""What pip is given of the environment when a build installs the dependencies of a Python app."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The only settings of pip that are passed on: where packages come from, and how to get there.
PASSED_ON = frozenset(
    """
    PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
    PIP_INDEX_URL PIP_KEYRING_PROVIDER PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_TIMEOUT PIP_TRUSTED_HOST
""".split()
)


def read_pip_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that pip gets: none of the deploy's own, none that would change what it does."""
    return {
        name: value
        for name, value in variables.items()
        if name in PASSED_ON or not name.startswith(("_", "PIP_", "PYTHON"))
    }
