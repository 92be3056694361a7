"""What `deploy doctor` says, as a test looks at it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in_process import deploy
from targets import ARN

PLAIN = {
    "_LAMBDA_FUNCTION_ARN": ARN,
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-key",
}
RELEASE = {"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_KEEP_VERSIONS": "1"}

# What these settings need, and a bucket.
LAMBDA_ACTIONS = {
    "lambda:UpdateFunctionCode",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunction",
    "lambda:GetAlias",
    "lambda:ListVersionsByFunction",
    "lambda:PublishVersion",
    "lambda:CreateAlias",
    "lambda:UpdateAlias",
    "lambda:InvokeFunction",
    "lambda:ListAliases",
    "lambda:DeleteFunction",
}
S3_ACTIONS = {
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListBucket",
}
# What only a change would show: doctor asks IAM's simulator.
SIMULATED = {
    "lambda:PublishVersion",
    "lambda:CreateAlias",
    "lambda:UpdateAlias",
    "lambda:DeleteFunction",
    *(S3_ACTIONS - {"s3:ListBucket"}),
}


@dataclass(frozen=True)
class Examination:
    """What doctor said, by check."""

    exit_status: int
    checks: Mapping[str, Mapping[str, Any]]
    output: str

    def names(self, status: str) -> set[str]:
        """Return the checks that ended so: ok, failed or unknown."""
        return {name for name, check in self.checks.items() if check["status"] == status}


def examine(slug: Path, env: Mapping[str, str]) -> Examination:
    """Run `deploy doctor --json`."""
    outcome = deploy(slug, "doctor", "--json", env=env)
    checks = {check["name"]: check for check in json.loads(outcome.stdout)["checks"]}
    return Examination(outcome.status, checks, outcome.stdout + outcome.stderr)


def printed_policy(slug: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """Run `deploy doctor --policy`."""
    outcome = deploy(slug, "doctor", "--policy", env=env)
    assert outcome.status == 0, outcome.stderr
    policy: dict[str, Any] = json.loads(outcome.stdout)
    return policy
