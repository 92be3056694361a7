"""CodePipeline's side of a job: it makes the event, and takes exactly one result for each job.

Requests are checked by the SDK's own model of the API, and by what the model says in words alone: output
variables and a continuation token exclude each other. A token makes another job, which carries it.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.wrappers import Response

from api_model import parameters, refused
from aws_calls import Call
from iam import Identities

State = Literal["in progress", "succeeded", "failed", "continued", "expired"]

_MOST_OF_VARIABLES = 122_880  # bytes


@dataclass
class JobOfTests:
    """A job, its event, and its result as it was reported."""

    event: dict[str, Any] = field(repr=False)
    state: State = "in progress"
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the ID of the job."""
        job_id: str = self.event["CodePipeline.job"]["id"]
        return job_id

    @property
    def failure(self) -> tuple[str, str]:
        """Return the type and the message of a failure."""
        assert self.state == "failed", self
        details = self.result["failureDetails"]
        return details["type"], details["message"]

    @property
    def summary(self) -> str:
        """Return the summary of a success or a continuation."""
        assert self.state in {"succeeded", "continued"}, self
        summary: str = self.result["executionDetails"]["summary"]
        return summary


class Jobs:
    """All jobs. `most_of_variables` is how many bytes a result's output variables may have."""

    def __init__(self, identities: Identities) -> None:
        self.most_of_variables = _MOST_OF_VARIABLES
        self._identities = identities
        self._jobs: dict[str, JobOfTests] = {}

    def reset(self) -> None:
        """Return to the defaults."""
        self.most_of_variables = _MOST_OF_VARIABLES

    def start(self, data: Mapping[str, Any]) -> JobOfTests:
        """Start a job; return it with the event that the function gets."""
        job = JobOfTests(
            {"CodePipeline.job": {"id": str(uuid.uuid4()), "accountId": "123456789012", "data": data}}
        )
        self._jobs[job.id] = job
        return job

    def go_on(self, job: JobOfTests) -> JobOfTests:
        """Start the job that carries on with the token of another one."""
        assert job.state == "continued", job
        data = {**job.event["CodePipeline.job"]["data"], "continuationToken": job.result["continuationToken"]}
        return self.start(data)

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call."""
        self._identities.check(call, call.action, "*")
        result = parameters("codepipeline", call.operation, body)
        job = self._jobs.get(result["jobId"])
        if job is None:
            raise refused("JobNotFoundException", "The job was specified in an invalid format or not found.")
        if job.state != "in progress":
            raise refused("InvalidJobStateException", f"The job {job.id} is not in progress: {job.state}.")
        if call.operation == "PutJobFailureResult":
            state: State = "failed"
        elif "continuationToken" in result:
            if "outputVariables" in result:
                raise refused("ValidationException", "outputVariables beside a continuation token")
            state = "continued"
        else:
            if len(json.dumps(result.get("outputVariables", {}))) > self.most_of_variables:
                raise refused("OutputVariablesSizeExceededException", "Exceeded the total size limit.")
            state = "succeeded"
        job.state, job.result = state, result
        return Response("{}", content_type="application/x-amz-json-1.1")
