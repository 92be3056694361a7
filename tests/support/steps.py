"""The CodePipeline step for tests: a pipeline with an artifact, and the step's function with its role.

The function has the credentials of its role and no other; only the job's own read the artifact.
"""

import contextlib
import io
import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock
from zipfile import ZipFile

import boto3
import botocore.endpoint

from codepipeline import JobOfTests
from deploy.step import LIMITS, Limits, handler
from fleets import FleetOfTests
from in_process import Hurried, Impatient, environment

if TYPE_CHECKING:
    from embedded_aws import EmbeddedAWS

REGION = "eu-west-1"


def zipped(**files: bytes | str) -> bytes:
    """Return a ZIP of these files; `__` stands for a slash and `_` for a dot."""
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return content.getvalue()


@dataclass
class Clock:
    """What Lambda tells a handler: how much time is left."""

    seconds: float = 900.0
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left."""
        return int((self.seconds - (time.monotonic() - self.started)) * 1000)


@dataclass(frozen=True)
class Outcome:
    """How a run of the function ended, and what it has logged."""

    answer: Mapping[str, str]
    log: str


class StepOfTests:
    """A pipeline whose action starts the step."""

    def __init__(self, fleet: FleetOfTests, policy: Mapping[str, Any] | None = None) -> None:
        self.aws: EmbeddedAWS = fleet.aws
        self.fleet = fleet
        self.bucket = self.aws.create_bucket(REGION)
        self.key = f"pipeline/artifact/{uuid.uuid4().hex[:7]}"
        readable = {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{self.bucket}/{self.key}"],
        }
        self.of_job = self._session("pipeline", {"Version": "2012-10-17", "Statement": [readable]})
        refused = {"Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]}
        anything = {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
        self.of_function = self._session("step", policy or {"Statement": [anything, refused]})
        self.parameters: dict[str, Any] = {
            "file": "fleet.json",
            "fleet_prefix": fleet.prefix,
            "alias": "live",
            "source_role_arn": fleet.role,
            "source_external_id": "of-the-fleet",
            "max_calls_per_second": 999_999,
        }
        self.environment = {
            "AWS_ACCESS_KEY_ID": self.of_function["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.of_function["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self.of_function["SessionToken"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_LAMBDA_FUNCTION_NAME": "fleet-step",
            "LAMBDA_TASK_ROOT": "/var/task",
        }

    def _session(self, name: str, policy: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the credentials of a role that may do just this."""
        arn = self.aws.create_role(f"{name}-{uuid.uuid4().hex[:7]}", policy=policy)
        administrator = self.aws.administrator
        client = boto3.client(
            "sts",
            region_name=REGION,
            endpoint_url=self.aws.url,
            aws_access_key_id=administrator.access_key,
            aws_secret_access_key=administrator.secret_key,
        )
        found: Any = client.assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
        return {name: str(value) for name, value in found.items()}

    @property
    def secrets(self) -> list[str]:
        """Return what may stand nowhere."""
        names = ("SecretAccessKey", "SessionToken")
        keys = [credentials[name] for credentials in (self.of_job, self.of_function) for name in names]
        return [*keys, self.of_job["AccessKeyId"], "of-the-fleet", "canary"]

    def wants(self, **wanted: str) -> bytes:
        """Return the fleet file with these versions, by the names of functions without the prefix."""
        lambdas = [{"name": f"{self.fleet.prefix}{name}", "version": text} for name, text in wanted.items()]
        return json.dumps({"lambdas": lambdas}).encode()

    def job(self, content: bytes, **parameters: Any) -> JobOfTests:
        """Start a job with an artifact; parameters that are None are left out."""
        self.aws.s3().put_object(Bucket=self.bucket, Key=self.key, Body=content)
        given = {**self.parameters, **parameters}
        text = json.dumps({name: value for name, value in given.items() if value is not None})
        return self.aws.jobs.start(self.data(text))

    def data(self, parameters: str) -> dict[str, Any]:
        """Return the data of a job, as CodePipeline documents them."""
        configuration = {"FunctionName": "fleet-step", "UserParameters": parameters}
        place = {"bucketName": self.bucket, "objectKey": self.key}
        return {
            "actionConfiguration": {"configuration": configuration},
            "inputArtifacts": [
                {
                    "name": "SourceArtifact",
                    "revision": None,
                    "location": {"type": "S3", "s3Location": place},
                }
            ],
            "outputArtifacts": [],
            "artifactCredentials": {
                "accessKeyId": self.of_job["AccessKeyId"],
                "secretAccessKey": self.of_job["SecretAccessKey"],
                "sessionToken": self.of_job["SessionToken"],
                "expirationTime": 1575493418000,
            },
            "encryptionKey": {"id": "arn:aws:kms:eu-west-1:123456789012:key/1", "type": "KMS"},
        }

    def run(
        self, event: object, clock: Clock | None = None, limits: Limits = LIMITS, **variables: str
    ) -> Outcome:
        """Run the function on an event in this process; what must not be logged is looked for."""
        (outcome,) = self.run_at_once(event, 1, clock, limits, **variables)
        return outcome

    def run_at_once(
        self,
        event: object,
        count: int,
        clock: Clock | None = None,
        limits: Limits = LIMITS,
        **variables: str,
    ) -> list[Outcome]:
        """Run the function on the same event several times at once; all write into one log."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            environment({**self.environment, **variables}),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            mock.patch.object(botocore.endpoint, "time", Hurried),
            ThreadPoolExecutor(count) as pool,
        ):
            runs = [pool.submit(handler, event, clock or Clock(), limits, Impatient) for _ in range(count)]
            answers = [run.result() for run in runs]
        log = stdout.getvalue() + stderr.getvalue()
        self.check(log + json.dumps(answers))
        return [Outcome(answer, log) for answer in answers]

    def check(self, text: str) -> None:
        """Check that nothing stands in a text that must not be there."""
        for secret in self.secrets:
            assert secret not in text
        assert "Traceback" not in text

    def run_job(self, content: bytes, **parameters: Any) -> JobOfTests:
        """Run a job, and return it with its result."""
        job = self.job(content, **parameters)
        self.run(job.event)
        self.check(json.dumps(job.result))
        return job

    def apply(self, **wanted: str) -> JobOfTests:
        """Run a job with these versions in its fleet file."""
        return self.run_job(zipped(fleet_json=self.wants(**wanted)))
