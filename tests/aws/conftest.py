"""What several tests of releases share."""

from pathlib import Path

import pytest

from embedded_aws import Function
from in_process import Outcome
from in_process import deploy as run
from releases import Deploy


@pytest.fixture
def deployed(slug: Path, function: Function) -> Deploy:
    """Give what runs a command on the function with some settings and config, and looks at how it ends."""

    def deployed(*arguments: str, status: int = 0, **environment: str) -> Outcome:
        env = {**function.aws.settings(function), **environment}
        outcome = run(slug, *arguments, env=env)
        assert outcome.status == status, outcome
        assert "Traceback" not in outcome.stderr
        assert "canary" not in outcome.stdout + outcome.stderr
        assert (status == 0) == (outcome.stderr == ""), outcome.stderr
        return outcome

    return deployed
