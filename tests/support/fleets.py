"""Fleets for tests: functions in two accounts of the embedded AWS, and the command that is run on them."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aws_calls import ACCOUNT_ID
from command import make_slug
from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome, deploy

LOWER = "111111111111"
HERE = ACCOUNT_ID
SOURCE_CONFIG = {"SECRET": "staging-canary-5b1f", "GREETING": "hello from staging"}
CONFIG = {"SECRET": "production-canary-77ac", "GREETING": "hello"}


def release(slug: Path, function: Function, version: str, config: Mapping[str, str], **others: str) -> None:
    """Deploy a slug as a version with a name, and make nothing live."""
    env = {**function.aws.settings(function), "_LAMBDA_VERSION": version, **config, **others}
    outcome = deploy(slug, env=env)
    assert outcome.status == 0, outcome.stderr


def names_of(function: Function) -> dict[str, str]:
    """Return the version of each alias."""
    aliases = function.client.list_aliases(FunctionName=function.name)["Aliases"]
    return {alias["Name"]: alias["FunctionVersion"] for alias in aliases}


NONE: Mapping[str, str] = MappingProxyType({})


@dataclass
class FleetOfTests:
    """A fleet file, and the settings that go with it."""

    aws: EmbeddedAWS
    folder: Path
    prefix: str = field(default_factory=lambda: f"f{uuid.uuid4().hex[:8]}-")
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the settings: the deployer's key here, and a role in the lower account."""
        self.role = self.aws.create_role(f"source-{self.prefix}", external_id="of-the-fleet", account=LOWER)
        self.env = {
            "_LAMBDA_FLEET_PREFIX": self.prefix,
            "_LAMBDA_ALIAS": "live",
            "_AWS_DEFAULT_REGION": "eu-west-1",
            "_AWS_ACCESS_KEY_ID": self.aws.deployer.access_key,
            "_AWS_SECRET_ACCESS_KEY": self.aws.deployer.secret_key,
            "_AWS_ENDPOINT_URL": self.aws.url,
            "_LAMBDA_SOURCE_ROLE_ARN": self.role,
            "_LAMBDA_SOURCE_EXTERNAL_ID": "of-the-fleet",
            "_LAMBDA_MAX_CALLS_PER_SECOND": "999999",
        }

    def function(self, name: str, account: str = HERE, **others: Any) -> Function:
        """Create a function of the fleet in an account."""
        return self.aws.create_function(f"{self.prefix}{name}", account=account, **others)

    def copy(self, model: Function, name: str) -> Function:
        """Create a function of the fleet that is as another one."""
        return self.aws.copy_function(model, f"{self.prefix}{name}")

    def slug(self, name: str, files: Mapping[str, bytes] | None = None) -> Path:
        """Make an app of its own."""
        folder = self.folder / "slugs" / name
        folder.mkdir(parents=True)
        return make_slug(folder, files or {"index.js": f"exports.name = '{name}'\n".encode()})

    def run(
        self,
        action: str,
        wanted: Mapping[str, str],
        *arguments: str,
        status: int = 0,
        file: Path | None = None,
        settings: Mapping[str, str] = NONE,
    ) -> Outcome:
        """Run `deploy fleet ACTION` with these versions, by the names of functions without the prefix."""
        file = file or self.write(wanted)
        outcome = deploy(self.folder, "fleet", action, str(file), *arguments, env={**self.env, **settings})
        assert outcome.status == status, outcome
        assert "Traceback" not in outcome.stderr
        for canary in ("canary", "hello from", "of-the-fleet", self.aws.deployer.secret_key):
            assert canary not in outcome.stdout + outcome.stderr
        return outcome

    def write(self, wanted: Mapping[str, str]) -> Path:
        """Write the fleet file."""
        file = self.folder / "fleet.json"
        lambdas = [{"name": f"{self.prefix}{name}", "version": version} for name, version in wanted.items()]
        file.write_text(json.dumps({"lambdas": lambdas}))
        return file

    def document(self, action: str, wanted: Mapping[str, str], *arguments: str, **others: Any) -> Any:
        """Return what a program reads, by the functions' names without the prefix."""
        outcome = self.run(action, wanted, "--json", *arguments, **others)
        functions = json.loads(outcome.stdout)["functions"]
        return {each["function"].removeprefix(self.prefix): each for each in functions}
