"""Terraform applies the configuration, and leaves alone what deploys change: the real one, against moto."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda.models import LambdaFunction
from moto.server import ThreadedMotoServer

from command import make_slug
from in_process import deploy as run
from tools import require

LIMIT = 300  # seconds of a run of Terraform
ROOTS = ("/opt", "/usr/local/share", "/usr/share", str(Path.home()), "/var/lib")
PROVIDER = "registry.terraform.io/hashicorp/aws"
DEEPEST = 3  # levels below a root
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret"}
REGION = "eu-west-1"
CHANGES = 2  # the exit status of `plan -detailed-exitcode`
SERVICE = {
    "functions": {"greeting": {"handler": "index.handler", "runtime": "nodejs22.x"}},
    "api": "openapi.json",
}
API = {
    "openapi": "3.0.3",
    "info": {"title": "Greeting", "version": "1", "description": "Greets: ${not.ours}"},
    "paths": {"/greeting/{name}": {"get": {"responses": {"200": {"description": "A greeting"}}}}},
}


def mirror() -> Path:
    """Return the folder with Terraform's AWS provider; skip the test without one."""
    require("terraform")
    for root in map(Path, ROOTS):
        for depth in range(DEEPEST):
            if found := next(root.glob(f"{'*/' * depth}{PROVIDER}"), None):
                return found.parents[len(Path(PROVIDER).parts) - 1]
    pytest.skip(f"needs Terraform's AWS provider in a mirror below one of {', '.join(ROOTS)}")


@dataclass(frozen=True)
class Terraform:
    """A working folder, and the AWS that it is for."""

    folder: Path
    slug: Path
    url: str
    variables: Mapping[str, str]

    def run(self, *arguments: str) -> int:
        """Run Terraform and return its exit status; what it said is in its log."""
        ended = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        print(ended.stdout)
        return ended.returncode

    def plan(self) -> int:
        return self.run("plan", "-input=false", "-no-color", "-detailed-exitcode")

    def apply(self) -> None:
        assert self.run("apply", "-input=false", "-no-color", "-auto-approve") == 0

    def write(self, *, memory: int = 512, ignores: bool = True) -> None:
        """Write the configuration as the command does."""
        functions = {"greeting": {**SERVICE["functions"]["greeting"], "memory": memory}}  # type: ignore[index]
        (self.slug / "service.json").write_text(json.dumps({**SERVICE, "functions": functions}))
        outcome = run(self.slug, "infrastructure", "terraform", env={})
        assert outcome.status == 0, outcome
        made = json.loads(outcome.stdout)
        if not ignores:
            for kind in ("aws_lambda_function", "aws_lambda_alias"):
                del made["resource"][kind]["greeting"]["lifecycle"]
        (self.folder / "main.tf.json").write_text(json.dumps(made))

    def deploy(self, **config: str) -> None:
        settings = {
            "_LAMBDA_FUNCTION_ARN": "greeting",  # moto knows no versions of a function that an ARN names
            "_AWS_DEFAULT_REGION": REGION,
            "_LAMBDA_ALIAS": "live",
            "_LAMBDA_CONFIG_FILES": "env.json",
            "_AWS_ENDPOINT_URL": self.url,
            **{f"_{name}": value for name, value in KEYS.items()},
        }
        outcome = run(self.slug, env={**settings, **config})
        assert outcome.status == 0, outcome

    def live(self) -> tuple[str, str, int]:
        """Return the version that the alias points at, its code, and the memory of the function itself."""
        client = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        version = client.get_alias(FunctionName="greeting", Name="live")["FunctionVersion"]
        code = client.get_function_configuration(FunctionName="greeting", Qualifier=version)["CodeSha256"]
        return version, code, client.get_function_configuration(FunctionName="greeting")["MemorySize"]


@pytest.fixture
def _revisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give moto's functions a RevisionId, which a deploy does not go without."""
    without = LambdaFunction.get_configuration

    def get_configuration(self: LambdaFunction, *arguments: Any, **named: Any) -> dict[str, Any]:
        configuration: dict[str, Any] = without(self, *arguments, **named)
        return {**configuration, "RevisionId": f"revision-{configuration['CodeSha256']}"}

    monkeypatch.setattr(LambdaFunction, "get_configuration", get_configuration)


@pytest.fixture
def terraform(tmp_path: Path, _revisions: None) -> Iterator[Terraform]:
    """Initialize a working folder with the provider of the mirror, and start moto."""
    providers = mirror()
    folder = tmp_path / "terraform"
    folder.mkdir()
    configuration = folder / "terraform.rc"
    configuration.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{providers}" }} }}\n')
    files = {"index.js": b"exports.handler = async () => 'hello'\n", "openapi.json": json.dumps(API).encode()}
    slug = make_slug(tmp_path / "slug", files)
    (slug / "openapi.json").write_text(json.dumps(API))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    of_terraform = {
        "TF_CLI_CONFIG_FILE": str(configuration),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    of_provider = {
        **KEYS,
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "2",
    }
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **of_terraform, **of_provider}
    made = Terraform(folder, slug, url, variables)
    try:
        outcome = run(slug, "infrastructure", "placeholder", "-o", str(folder / "placeholder.zip"), env={})
        assert outcome.status == 0, outcome
        made.write()
        assert made.run("init", "-input=false", "-no-color") == 0
        yield made
    finally:
        server.stop()
        shutil.rmtree(folder / ".terraform", ignore_errors=True)  # the provider has 700 MB


def test_terraform_leaves_alone_what_deploys_change(terraform: Terraform) -> None:
    """A plan after a deploy is empty; a changed memory is applied, and moves neither code nor alias."""
    terraform.apply()
    assert terraform.live()[::2] == ("1", 512)
    terraform.deploy(GREETING="hello")
    deployed = terraform.live()
    assert deployed[0] != "1"
    assert terraform.plan() == 0

    terraform.write(memory=1024)
    assert terraform.plan() == CHANGES
    terraform.apply()
    assert terraform.live() == (*deployed[:2], 1024)
    assert terraform.plan() == 0

    terraform.deploy(GREETING="welcome")
    assert terraform.live()[0] != deployed[0]
    assert terraform.plan() == 0

    # The check can fail: without what we ignore, Terraform would undo this.
    terraform.write(memory=1024, ignores=False)
    assert terraform.plan() == CHANGES
