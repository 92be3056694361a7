"""The environment of a pipeline's stage → what the step is asked in its account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.fleet import read_fleet
from deploy.target.job import NUMBERS, SETTINGS, read_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whose credentials they are does not matter for what is written.
NOBODY = {"_AWS_ACCESS_KEY_ID": "nobody", "_AWS_SECRET_ACCESS_KEY": "nobody"}
EXTERNAL_ID = "source_external_id"  # a parameter of the template brings it, so it is not in the template
VERIFICATION = ("verify_payload", "verify_expect")
OF_THE_STEP = "region"  # it works in its own


@dataclass(frozen=True)
class Stage:
    """What the step is asked in one account. Its stage and its parameters begin with `name`."""

    name: str
    parameters: Mapping[str, object]
    region: str
    has_external_id: bool

    @property
    def external_id(self) -> str:
        """The name of the template's parameter for the external ID."""
        return f"{self.name}ExternalId"

    @property
    def text(self) -> str:
        """The parameters as JSON, in which Fn::Sub finds no reference, and CodePipeline no variable."""
        return _as_json(self.parameters)


def read_stage(name: str, variables: Mapping[str, str], file: str, payload_folder: str) -> Stage:
    """Return the stage with the settings of an account.

    Raise InputError if they are wrong for a fleet, or do not fit into UserParameters.
    """
    given = {each: text.strip() for each, text in variables.items() if text.strip()}
    (member,) = read_fleet({**NOBODY, **given}, [f"{given.get('_LAMBDA_FLEET_PREFIX', '')}function"])
    if verifying := [SETTINGS[key] for key in VERIFICATION if SETTINGS[key] in given]:
        raise InputError(
            f"{' and '.join(verifying)} would stand in the pipeline, where everybody reads it.",
            todo="Write the payload of each function into a folder of the repository, as FOLDER/NAME.json: "
            "--payload-dir FOLDER",
        )
    parameters: dict[str, object] = {"file": file}
    if payload_folder:
        parameters["payload_dir"] = payload_folder
    for key, variable in SETTINGS.items():
        if variable in given and key != OF_THE_STEP:
            parameters[key] = int(given[variable]) if key in NUMBERS else given[variable]
    read_parameters(_as_json(parameters))
    has_external_id = parameters.pop(EXTERNAL_ID, None) is not None
    return Stage(name, parameters, member.target.region, has_external_id)


def _as_json(parameters: Mapping[str, object]) -> str:
    return json.dumps(parameters).replace("${", "\\u0024{").replace("#{", "\\u0023{")
