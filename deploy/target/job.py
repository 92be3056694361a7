"""The event of a CodePipeline job → the job, and its action's UserParameters → the settings of a fleet.

The event holds credentials, so no error repeats anything of it but names.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.errors import InputError
from deploy.located import parse_json
from deploy.target.arn import FunctionReference
from deploy.target.environment import Target
from deploy.target.fleet import find_problems
from deploy.target.provenance import Provenance
from deploy.target.sdk import SDK_SETTINGS, find_region, read_sdk_settings
from deploy.target.settings import PREFIX, Settings, closest
from deploy.target.settings import SETTINGS as ALL_SETTINGS
from deploy.text import printable

if TYPE_CHECKING:
    from deploy.target.setting import Problem

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST_PARAMETERS = 1000  # characters; CodePipeline takes no more
LONGEST_SHOWN = 60  # characters of a name in an error
EXAMPLE = '{"file": "fleet.json", "fleet_prefix": "team-", "alias": "live"}'
REGION = "_AWS_DEFAULT_REGION"
ANY_REGION = "us-east-1"
EXAMPLES = {each.name: each.example for each in (*ALL_SETTINGS.values(), *SDK_SETTINGS)}

# The settings that mean something for a fleet; a key is a setting's name in small letters, without _LAMBDA_.
SETTINGS = {
    name: f"{PREFIX}{name.upper()}"
    for name in """
        fleet_prefix alias source_role_arn source_external_id source_region source_prefix config_from
        config_include config_exclude verify_payload verify_expect timeout max_calls_per_second
        shift codedeploy hook_before hook_after
        s3_bucket s3_prefix s3_kms_key_id source_kms_key_arn
    """.split()
} | {"region": REGION}
TEXTS = ("file", "artifact", "payload_dir")
NUMBERS = ("timeout", "max_calls_per_second")
SWITCHES = ("keep_going", "as_is")
KEYS = (*TEXTS, *SETTINGS, *SWITCHES)

# What Lambda gives a function: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
OF_THE_ROLE = """
AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
""".split()
ENDPOINTS = "AWS_ENDPOINT_URL"  # and one for each service


@dataclass(frozen=True)
class Artifact:
    """An input artifact: an object in S3."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Job:
    """A job: what it asks for, and the credentials that read its artifacts, under the SDK's names."""

    id: str
    parameters: str = field(repr=False)
    artifacts: tuple[Artifact, ...]
    credentials: Mapping[str, str] = field(repr=False)
    token: str


@dataclass(frozen=True)
class Parameters:
    """What the action's UserParameters say: the fleet file in an artifact, and settings as variables."""

    file: str
    artifact: str = ""
    payload_folder: str = ""
    keep_going: bool = False
    as_is: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_job_id(event: object) -> str | None:
    """Return the ID of the job that an event is about; None if it is not an event of CodePipeline's."""
    found = _get(event, "CodePipeline.job", "id")
    return found if isinstance(found, str) and JOB_ID.fullmatch(found) else None


def read_job(event: object) -> Job:
    """Return the job of an event; raise InputError if it lacks what the fleet needs."""
    data = _get(event, "CodePipeline.job", "data")
    listed = _get(data, "inputArtifacts")
    artifacts = tuple(map(_artifact, listed if isinstance(listed, list) else ()))
    parameters = _get(data, "actionConfiguration", "configuration", "UserParameters")
    given = {
        name: _get(data, "artifactCredentials", key)
        for name, key in (
            ("AWS_ACCESS_KEY_ID", "accessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "secretAccessKey"),
            ("AWS_SESSION_TOKEN", "sessionToken"),
        )
    }
    credentials = {name: text for name, text in given.items() if isinstance(text, str) and text}
    token = _get(data, "continuationToken")
    if not isinstance(parameters, str) or not parameters.strip():
        raise InputError("The action has no UserParameters.", todo=_as_this())
    if not artifacts:
        raise InputError("The action has no input artifact.", todo="Name the one that holds the fleet file.")
    if len(credentials) < len(given):
        raise InputError("The event of the job has no credentials for its artifacts.")
    job_id = find_job_id(event) or ""
    return Job(job_id, parameters, artifacts, credentials, token if isinstance(token, str) else "")


def _artifact(given: object) -> Artifact:
    place = _get(given, "location", "s3Location")
    found = (_get(given, "name"), _get(place, "bucketName"), _get(place, "objectKey"))
    name, bucket, key = (text if isinstance(text, str) else "" for text in found)
    if not (bucket and key):
        raise InputError("An input artifact of the job is not in S3.")
    return Artifact(name, bucket, key)


def _get(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def choose_artifact(job: Job, parameters: Parameters) -> Artifact:
    """Return the artifact that the parameters name, or the only one; raise InputError if it is missing."""
    wanted, known = parameters.artifact, ", ".join(artifact.name for artifact in job.artifacts)
    found = [each for each in job.artifacts if wanted in ("", each.name)]
    if not found:
        raise InputError(
            f"The action has no input artifact {_shown(wanted)}.", why=f"There are {printable(known)}."
        )
    if len(found) > 1:
        raise InputError(
            "The action has several input artifacts.",
            why=f"There are {printable(known)}.",
            todo='Say in UserParameters which of them holds the fleet file: "artifact": "NAME"',
        )
    return found[0]


# --- UserParameters ---------------------------------------------------------------------------------


def read_parameters(text: str) -> Parameters:
    """Return what UserParameters say; raise InputError with all that is wrong with them."""
    if len(text) > LONGEST_PARAMETERS:
        raise InputError(
            f"UserParameters are longer than {LONGEST_PARAMETERS} characters: they have {len(text)}.",
            todo="Leave out what is the default.",
        )
    values = _read_object(text)
    payload = json.dumps(values.get("verify_payload"))
    problems = [f"{_shown(key)} {wrong}." for key, value in values.items() if (wrong := _wrong(key, value))]
    folder = values.get("payload_dir", "")
    if isinstance(folder, str) and folder and not folder.strip("/ "):
        problems.append("payload_dir is not a folder in the artifact: payloads at its top are not read.")
    if "file" not in values:
        problems.append("file is missing: the path of the fleet file in the artifact.")
    variables = {
        SETTINGS[key]: payload if key == "verify_payload" else str(value)
        for key, value in values.items()
        if key in SETTINGS and not _wrong(key, value)
    }
    # The region is the step's own by default.
    _, found = find_problems({REGION: ANY_REGION, **variables}, has_payloads="payload_dir" in values)
    wrong_keys = {key for key, value in values.items() if _wrong(key, value)}
    problems += [_told(each) for each in found if NAMES.get(each.name) not in wrong_keys]
    if problems:
        raise InputError("UserParameters are wrong.", why="\n".join(problems), todo=_as_this())
    return Parameters(
        values["file"],
        values.get("artifact", ""),
        values.get("payload_dir", "").rstrip("/"),
        keep_going=values.get("keep_going", False),
        as_is=values.get("as_is", False),
        variables=variables,
    )


def _read_object(text: str) -> dict[str, Any]:
    """Return the members of a JSON object; raise InputError if it is not one, without any of its text."""
    try:
        content = text.encode("utf-8", "surrogatepass")
        root = parse_json(content, "UserParameters", is_secret=True)
    except InputError as error:
        why = "\n".join(filter(None, (error.what, error.why)))
        what = "UserParameters are not a JSON object in which each key is there once."
        raise InputError(what, why=why, todo=_as_this()) from None
    if not isinstance(root.value, dict):
        raise InputError("UserParameters are not a JSON object.", todo=_as_this())
    return {key: node.plain() for key, node in root.members.items()}


def _wrong(key: str, value: object) -> str:
    """Return what is wrong with a parameter as such; what it means is looked at with the others."""
    if key in SWITCHES:
        return "" if isinstance(value, bool) else "is neither true nor false"
    if key in NUMBERS:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return "" if is_number else "is not a whole number"
    if key == "verify_payload":
        return ""
    if key in KEYS:
        return "" if isinstance(value, str) and value.strip() else "is empty, or not a text"
    close = NAMES.get(key) or closest(key, KEYS)
    return f"is not one of its keys (did you mean {close}?)" if close else "is not one of its keys"


def _told(problem: Problem) -> str:
    """Return what is wrong with a setting, with its key and an example as JSON has it."""
    key, example = NAMES.get(problem.name, problem.name), problem.example or EXAMPLES.get(problem.name, "")
    told = f"{key} {as_keys(problem.wrong)}."
    if not example:
        return told
    is_json = key in NUMBERS or key == "verify_payload"
    return f'{told}\n  For example: "{key}": {example if is_json else json.dumps(example)}'


def _shown(key: str) -> str:
    return printable(key if len(key) <= LONGEST_SHOWN else f"{key[:LONGEST_SHOWN]}…")


def _as_this() -> str:
    return f"They are a JSON object, like this: {EXAMPLE}"


NAMES = {variable: key for key, variable in SETTINGS.items()}
VARIABLE = re.compile(r"_(?:LAMBDA|AWS)_[A-Z0-9_]+\b(?! is not one of its keys)")


def as_keys(text: str) -> str:
    """Return a message with the keys of UserParameters in place of the settings' variables."""
    return VARIABLE.sub(lambda found: NAMES.get(found[0], found[0]), text)


# --- credentials ------------------------------------------------------------------------------------


def read_role(process: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a Lambda function that are its role's and its region's, as settings."""
    names = [name for name in process if name in OF_THE_ROLE or name.startswith(ENDPOINTS)]
    region = {REGION: process["AWS_REGION"]} if process.get("AWS_REGION") else {}
    return {f"_{name}": process[name] for name in names if process[name]} | region


def read_caller(variables: Mapping[str, str]) -> Target:
    """Return the function of the step itself, as what calls CodePipeline with the credentials of its role."""
    sdk, _ = read_sdk_settings(variables)
    region, _ = find_region(sdk, None)
    function = FunctionReference("the step")
    return Target(Path(), Settings(), {}, Provenance(), "other", (), function, region, sdk)


def with_credentials(caller: Target, job: Job) -> Target:
    """Return what reads the artifacts of a job: with the job's credentials and no other."""
    endpoints = {name: text for name, text in caller.sdk.items() if name.startswith(ENDPOINTS)}
    return replace(caller, sdk={**endpoints, **job.credentials})
