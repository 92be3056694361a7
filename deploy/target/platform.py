"""Whether the environment is a platform's, whose config vars are meant for the function."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from deploy.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Set by Heroku and Dokku, by our own start script and layer, by herokuish, the lifecycle of Cloud Native
# Buildpacks, Scalingo, Clever Cloud, Cloud Foundry and Gigalixir.
MARKS = """
DYNO _DEPLOY_STARTED_WITH DOKKU_APP_NAME HEROKUISH_* CNB_* SCALINGO_APPLICATION_ID CC_DEPLOYMENT_ID
VCAP_APPLICATION LOGPLEX_TOKEN
""".split()


def is_platform(variables: Mapping[str, str]) -> bool:
    """Whether a process with these variables runs in a dyno, or in a container of a known platform."""
    return any(fnmatchcase(name, mark) for mark in MARKS for name in variables)


def check_source(variables: Mapping[str, str]) -> None:
    """Raise InputError if nobody has said that the variables of this process are config.

    On a laptop and in a CI runner most of them belong to the machine, some of them secrets (GITHUB_TOKEN).
    """
    if not is_platform(variables):
        raise InputError(
            "This is not a dyno, so the variables of this process may not be the function's config.",
            why="Everything that does not start with _ would be baked: tokens of this machine, too.",
            todo="Name a file that holds the config: --env-file FILE\n"
            "If this environment is the config, as in a container made for it: --env-from-process",
        )
