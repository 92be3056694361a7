"""From nothing to an answering URL, on a server that is not ours: the stack, deploys, and the stack again."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from command import make_slug
from in_process import deploy as run
from ministack import REGION, Ministack, serve

pytestmark = pytest.mark.xdist_group("ministack")  # one server, not one for each of xdist's workers

ACCOUNT = "000000000000"  # whose APIs answer
HANDLER = b"""
const config = require('./env.json')
exports.handler = async event => ({statusCode: 200, body: `${config.GREETING} ${event.pathParameters.id}`})
"""
SERVICE = {
    "functions": {"orders": {"handler": "index.handler", "runtime": "nodejs22.x"}},
    "api": "openapi.json",
}
PATHS = {
    "/orders/{id}": {
        "get": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "An order"}},
        }
    }
}
API = {
    "openapi": "3.0.1",
    "info": {"title": "orders", "version": "1"},
    "paths": PATHS,
}


class Story:
    """The commands of a team on a laptop, on one app."""

    def __init__(self, server: Ministack, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.write(SERVICE, API)
        make_slug(folder, {"index.js": HANDLER})
        self.client: Any = boto3.client(
            "lambda",
            endpoint_url=server.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="any",
        )

    def write(self, service: object, api: object) -> None:
        """Write the service and the API's definition."""
        (self.folder / "service.json").write_text(json.dumps(service))
        (self.folder / "openapi.json").write_text(json.dumps(api))

    def __call__(self, *arguments: str, status: int = 0, **config: str) -> Any:
        """Run a command, and return the document that it prints."""
        settings = {
            "_LAMBDA_FUNCTION_ARN": "orders",
            "_LAMBDA_ALIAS": "live",
            "_LAMBDA_CONFIG_FILES": "env.json",
            "_AWS_DEFAULT_REGION": REGION,
            "_AWS_ACCESS_KEY_ID": ACCOUNT,
            "_AWS_SECRET_ACCESS_KEY": "any",
            "_AWS_ENDPOINT_URL": self.server.url,
        }
        outcome = run(self.folder, *arguments, "--json", env={**settings, **config})
        assert outcome.status == status, outcome
        return json.loads(outcome.stdout)

    def get(self, url: str) -> tuple[int, str]:
        """Return what the API answers; here all APIs are below one address."""
        host, _, path = url.removeprefix("https://").partition("/")
        here = f"{self.server.url}/_aws/execute-api/{host.partition('.')[0]}/{path}"
        try:
            with urllib.request.urlopen(here, timeout=20) as answer:  # noqa: S310 - http, on loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def state(self) -> tuple[str, str]:
        """Return what deploys change: the code of $LATEST, and the alias's version."""
        configuration = self.client.get_function_configuration(FunctionName="orders")
        alias = self.client.get_alias(FunctionName="orders", Name="live")
        return configuration["CodeSha256"], alias["FunctionVersion"]


@pytest.fixture(scope="module")
def server() -> Iterator[Ministack]:
    """Start ministack."""
    with serve() as server:
        yield server


def test_the_api_answers_with_what_is_deployed(server: Ministack, tmp_path: Path) -> None:
    """And then with the next version; a stack update in between changes neither code nor alias."""
    story = Story(server, tmp_path)
    planned = story("stack", "plan", "--exit-code", status=3)
    assert {each["action"] for each in planned["changes"]} == {"add"}
    applied = story("stack", "apply")
    assert applied["status"] == "CREATE_COMPLETE"
    url = applied["outputs"]["ApiUrl"]
    assert story("stack", "plan", "--exit-code")["changes"] == []

    story("deploy", GREETING="hello")
    assert story.get(f"{url}/orders/7") == (200, "hello 7")

    before = story.state()
    orders = {**SERVICE["functions"]["orders"], "memory": 1024}  # type: ignore[index]
    story.write({**SERVICE, "functions": {"orders": orders}}, API)
    changes = {each["type"]: each["action"] for each in story("stack", "plan")["changes"]}
    assert changes["AWS::Lambda::Function"] == "change"
    assert set(changes.values()) == {"change"}
    assert story("stack", "apply")["status"] == "UPDATE_COMPLETE"
    assert story.state() == before
    assert story.get(f"{url}/orders/7") == (200, "hello 7")
    assert story.client.get_function_configuration(FunctionName="orders")["MemorySize"] == 1024

    story("deploy", GREETING="welcome")
    assert story.get(f"{url}/orders/8") == (200, "welcome 8")
    assert story("stack", "plan", "--exit-code")["changes"] == []
    assert story("stack", "apply")["changed"] is False

    longer = {f"{path}/lines": operations for path, operations in PATHS.items()}
    story.write(SERVICE, {**API, "paths": {**PATHS, **longer}})
    # Unlike AWS, this server replaces an API whose definition changes.
    longer_url = story("stack", "apply", "--allow-replacement")["outputs"]["ApiUrl"]
    assert story.get(f"{longer_url}/orders/9/lines") == (200, "welcome 9")
