"""The generated documents, checked by cfn-lint and openapi-spec-validator."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from deploy.infrastructure.cloudformation import template
from deploy.infrastructure.integrations import body_of
from deploy.infrastructure.references import resolve
from deploy.infrastructure.service import Service
from paths import REPOSITORY
from services import apis, read, services
from targets import target

EXAMPLES = 30

CFN_LINT = (
    Path(sys.executable).with_name("cfn-lint"),
    *("--include-checks", "W", "--regions", "eu-west-1"),
    *("--ignore-checks", "E1029"),  # a `${…}` in a text of the user's own is no forgotten Fn::Sub
)


def app(name: str) -> Service:
    folder = REPOSITORY / "tests/apps" / name
    service = json.loads((folder / "service.json").read_text(encoding="utf-8"))
    path = service["api"] if isinstance(service["api"], str) else service["api"]["definition"]
    return read(service, json.loads((folder / path).read_text(encoding="utf-8")))


def check_definition(service: Service) -> None:
    assert service.api is not None
    body: Any = resolve(body_of(service, service.api), lambda _text: "arn:aws:apigateway:…", str)
    validator = OpenAPIV2SpecValidator if service.api.is_swagger else OpenAPIV30SpecValidator
    assert [error.message for error in validator(body).iter_errors()] == []


def check_templates(paths: list[Path]) -> None:
    ended = subprocess.run(
        [*CFN_LINT, "--", *paths],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("name", ["api-swagger", "api-openapi"])
def test_the_apps_templates_have_no_finding(name: str, tmp_path: Path) -> None:
    """Neither has the definition of the API."""
    service = app(name)
    check_definition(service)
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template(service, target()), ensure_ascii=False), encoding="utf-8")
    check_templates([path])


def test_any_templates_have_no_finding(tmp_path: Path) -> None:
    """Whatever functions, alarms, shifts, hooks and APIs a service has."""
    paths: list[Path] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(services(), st.data())
    def write(said: dict[str, Any], data: st.DataObject) -> None:
        service = read(said, data.draw(apis(tuple(said["functions"]))))
        check_definition(service)
        paths.append(tmp_path / f"{len(paths)}.json")
        paths[-1].write_text(json.dumps(template(service, target()), ensure_ascii=False), encoding="utf-8")

    write()
    check_templates(paths)
