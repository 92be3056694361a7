"""The CodeDeploy hook for tests: its function, with the credentials of its role."""

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from unittest import mock

import botocore.endpoint

from deploy.hook import LIMITS, Limits, handler
from embedded_aws import EmbeddedAWS
from in_process import Hurried, Impatient, environment
from lifecycle_events import Lifecycle
from steps import Clock

SECRETS = ("canary", "deployer-secret")


@dataclass(frozen=True)
class Outcome:
    """How a run of the function ended, and what it has logged."""

    answer: Mapping[str, str]
    log: str


@dataclass(frozen=True)
class HookOfTests:
    """The hook's function."""

    aws: EmbeddedAWS
    lifecycle: Lifecycle

    @property
    def environment(self) -> dict[str, str]:
        """Return what Lambda gives the function, besides its own variables."""
        return {
            "AWS_ACCESS_KEY_ID": self.aws.deployer.access_key,
            "AWS_SECRET_ACCESS_KEY": self.aws.deployer.secret_key,
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_LAMBDA": self.aws.url,
            "AWS_ENDPOINT_URL_CODEDEPLOY": self.lifecycle.url,
            "LAMBDA_TASK_ROOT": "/var/task",
        }

    def run(
        self, event: object, clock: Clock | None = None, limits: Limits = LIMITS, **variables: str
    ) -> Outcome:
        """Run the function on an event in this process; what must not be logged is looked for."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            environment({**self.environment, **variables}),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            mock.patch.object(botocore.endpoint, "time", Hurried),
        ):
            try:
                answer = handler(event, clock or Clock(60), limits, Impatient)
            finally:
                log = stdout.getvalue() + stderr.getvalue()
                for secret in (*SECRETS, "Traceback"):
                    assert secret not in log, log
        assert "canary" not in json.dumps(answer)
        return Outcome(answer, log)
