"""CodePipeline's side of a job: it makes the event, and takes exactly one result for each job.

Requests are checked by the SDK's own model of the API, and by what the model says in words alone: output
variables and a continuation token exclude each other. A token makes another job, which carries it.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html
"""

import functools
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import botocore.session
from botocore.validate import ParamValidator
from werkzeug.wrappers import Response

from aws_calls import Call
from aws_refusals import RefusedError
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
        result = _parameters(call.operation, body)
        job = self._jobs.get(result["jobId"])
        if job is None:
            raise _refused("JobNotFoundException", "The job was specified in an invalid format or not found.")
        if job.state != "in progress":
            raise _refused("InvalidJobStateException", f"The job {job.id} is not in progress: {job.state}.")
        if call.operation == "PutJobFailureResult":
            state: State = "failed"
        elif "continuationToken" in result:
            if "outputVariables" in result:
                raise _refused("ValidationException", "outputVariables beside a continuation token")
            state = "continued"
        else:
            if len(json.dumps(result.get("outputVariables", {}))) > self.most_of_variables:
                raise _refused("OutputVariablesSizeExceededException", "Exceeded the total size limit.")
            state = "succeeded"
        job.state, job.result = state, result
        return Response("{}", content_type="application/x-amz-json-1.1")


def _refused(code: str, message: str) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, code, message)


@functools.cache
def _input_shape(operation: str) -> Any:
    model = botocore.session.get_session().get_service_model("codepipeline")
    return model.operation_model(operation).input_shape


def _parameters(operation: str, body: bytes) -> Mapping[str, Any]:
    """Return a request's parameters; refuses what the model of the operation does not have."""
    parameters: Mapping[str, Any] = json.loads(body)
    shape = _input_shape(operation)
    problems = [*_unknown(shape, parameters), *_problems(shape, parameters)]
    problems += filter(None, [ParamValidator().validate(parameters, shape).generate_report()])
    if problems:
        raise _refused("ValidationException", "; ".join(problems))
    return parameters


def _unknown(shape: Any, value: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unknown: {name}" for name in value if name not in shape.members)


def _problems(shape: Any, value: Any) -> Iterator[str]:
    """Yield what the SDK does not check, and AWS does: lengths, patterns and enumerations."""
    if shape.type_name == "structure":
        yield from _unknown(shape, value)
        for name in value.keys() & shape.members.keys():
            yield from _problems(shape.members[name], value[name])
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from (*_problems(shape.key, name), *_problems(shape.value, member))
    elif shape.type_name == "integer":
        if not shape.metadata["min"] <= value <= shape.metadata["max"]:
            yield f"{value} is too small or too large"
    elif shape.type_name == "string":
        yield from _problems_of_text(shape, value)


def _problems_of_text(shape: Any, value: str) -> Iterator[str]:
    metadata = shape.metadata
    if shape.enum and value not in shape.enum:
        yield f"{value} is none of {shape.enum}"
    if "pattern" in metadata and not re.fullmatch(metadata["pattern"], value):
        yield f"{value} does not match {metadata['pattern']}"
    if not metadata.get("min", 0) <= len(value) <= metadata.get("max", len(value)):
        yield f"{len(value)} characters are too few or too many"
