"""AWS CodePipeline: the result of a job. CodePipeline takes one for each job.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from deploy.aws.result import CONFIG, report_once
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation

FailureType = Literal[
    "JobFailed",
    "ConfigurationError",
    "PermissionError",
    "RevisionOutOfSync",
    "RevisionUnavailable",
    "SystemUnavailable",
]

LONGEST_SUMMARY = 2048  # characters
LONGEST_MESSAGE = 5000
LONGEST_TOKEN = 2048

SUCCESS = "codepipeline:PutJobSuccessResult"
FAILURE = "codepipeline:PutJobFailureResult"

# The job has a result already, or it has expired: another one is of no use.
GONE = frozenset({"InvalidJobStateException", "JobNotFoundException"})
TOO_MANY_VARIABLES = "OutputVariablesSizeExceededException"


class Pipeline:
    """Reports the results of jobs. What is too long is cut."""

    def __init__(self, session: Session, cancellation: Cancellation) -> None:
        self._session = session
        self._cancellation = cancellation
        self._client = session.client("codepipeline", CONFIG)

    def succeed(self, job_id: str, summary: str, variables: Mapping[str, str]) -> bool:
        """Report success; return whether the job was still there. Needs codepipeline:PutJobSuccessResult."""
        details = {"summary": _cut(summary, LONGEST_SUMMARY), "percentComplete": 100}
        result: dict[str, Any] = {"jobId": job_id, "executionDetails": details}
        try:
            return self._put(SUCCESS, {**result, "outputVariables": dict(variables)})
        except DeployError as error:
            if error.code != TOO_MANY_VARIABLES:
                raise
        return self._put(SUCCESS, result)

    def go_on(self, job_id: str, token: str, summary: str, percent: int) -> bool:
        """Ask for another run with a token. Needs codepipeline:PutJobSuccessResult."""
        if len(token) > LONGEST_TOKEN:
            raise RuntimeError("a token that is too long")
        details = {"summary": _cut(summary, LONGEST_SUMMARY), "percentComplete": percent}
        return self._put(SUCCESS, {"jobId": job_id, "continuationToken": token, "executionDetails": details})

    def fail(self, job_id: str, kind: FailureType, message: str) -> bool:
        """Report a failure. Needs codepipeline:PutJobFailureResult."""
        details = {"type": kind, "message": _cut(message, LONGEST_MESSAGE)}
        return self._put(FAILURE, {"jobId": job_id, "failureDetails": details})

    def _put(self, action: str, result: Mapping[str, Any]) -> bool:
        def put() -> None:
            with self._session.explaining(action, "*"):
                if action == SUCCESS:
                    self._client.put_job_success_result(**result)
                else:
                    self._client.put_job_failure_result(**result)

        return report_once(put, GONE, self._cancellation)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
