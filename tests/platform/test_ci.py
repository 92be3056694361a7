"""The action and the recipes of docs/ci.md: valid by their schemas, and run as CI would run them."""

import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from buildpack import Result, make_nodejs_app, run
from documents import recipes
from embedded_aws import EmbeddedAWS, Function
from installation import Installation
from paths import REPOSITORY
from tools import require

pytestmark = pytest.mark.xdist_group("installation")

DOCUMENT = REPOSITORY / "docs/ci.md"
RECIPES = {recipe.name: recipe.code for recipe in recipes(DOCUMENT)}
ACTION = REPOSITORY / "action.yml"
SCHEMAS = {"github-actions": "vendor.github-workflows", "gitlab-ci": "vendor.gitlab-ci"}

CONFIG = "GREETING=hello from CI\nSECRET='canary-in-ci'\n"
TOKEN = "canary-of-a-token"

# What the runs need besides our own command, on every image.
PROGRAMS = ("bash", "cat", "chmod", "sed", "sh", "tee")
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")


def load(text: str) -> Any:
    """Return YAML; `on` is a name there, and not a truth."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - which makes texts alone


def check_schema(name: str, path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def scripts() -> Iterator[tuple[str, str]]:
    """Yield every piece of shell in the action and in the recipes, with its name."""
    for step in load(ACTION.read_text())["runs"]["steps"]:
        yield f"action: {step['name']}", step["run"]
    for step in load(RECIPES["github-actions"])["jobs"]["deploy"]["steps"]:
        if "run" in step:
            yield f"github: {step['run'][:20]}", step["run"]
    for name, job in load(RECIPES["gitlab-ci"]).items():
        yield f"gitlab: {name}", "\n".join([*job.get("before_script", ()), *job.get("script", ())])
    yield "docker", RECIPES["docker"]


SCRIPTS = dict(scripts())


# --- valid -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_workflows_follow_their_schemas(name: str, tmp_path: Path) -> None:
    """As the editors of the two services check them."""
    path = tmp_path / f"{name}.yml"
    path.write_text(RECIPES[name])
    check_schema(SCHEMAS[name], path)


def test_the_action_follows_its_schema() -> None:
    """GitHub refuses an action that does not."""
    check_schema("vendor.github-actions", ACTION)


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    """In the action and in what people copy."""
    (tmp_path / "script").write_text(SCRIPTS[name])
    program = Path(sys.executable).with_name("shellcheck")
    result = run(program, "--shell=bash", tmp_path / "script", environment={})
    assert result.status == 0, result.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_expression_becomes_shell(name: str) -> None:
    """The name of a branch is anybody's: what GitHub puts into a script is run."""
    assert "${{" not in SCRIPTS[name]


def test_the_action_asks_for_what_it_says() -> None:
    """The document's table has each input, and the workflow gives those that are required."""
    inputs = load(ACTION.read_text())["inputs"]
    documented = re.findall(r"^\| `([a-z][a-z-]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert set(documented) == set(inputs)
    step = load(RECIPES["github-actions"])["jobs"]["deploy"]["steps"][-1]
    required = {name for name, each in inputs.items() if each.get("required") == "true"}
    assert required <= set(step["with"]) <= set(inputs)


def test_the_trust_policy_is_json() -> None:
    """And lets a token of the provider assume the role, for these subjects alone."""
    found = re.search(r"<!-- trust policy: github -->\n```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    (statement,) = json.loads(found[1])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert len(statement["Condition"]["StringEquals"]) == 2


# --- run -------------------------------------------------------------------------------------------


class Runner:
    """A machine of CI: a few programs, ours, and others that only note how they were called."""

    def __init__(self, folder: Path, installation: Installation) -> None:
        self.folder = folder
        self.python = installation.programs / "python"
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in PROGRAMS:
            (self.programs / name).symlink_to(str(shutil.which(name)))
        (self.programs / "lambda-deploy").symlink_to(installation.programs / "lambda-deploy")
        self.calls = folder / "calls"
        self.calls.touch()
        for name in ("npm", "pip"):
            self._add(name, f'echo "{name} $*" >>"{self.calls}"')
        # `python3 -m venv FOLDER` makes one that has our dependencies; pip in it only notes.
        self._add(
            "python3",
            f"""
            for folder; do :; done
            /bin/mkdir -p "$folder/bin"
            cat >"$folder/bin/python" <<'EOF'
#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then echo "$*" >>"{self.calls}"; else exec "{self.python}" "$@"; fi
EOF
            chmod +x "$folder/bin/python"
            """,
        )

    def _add(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, script: str, app: Path, **environment: str) -> Result:
        """Run a script as both services do: by Bash, which stops at the first failure."""
        return run(
            self.programs / "bash",
            *("--noprofile", "--norc", "-eo", "pipefail", "-c", script),
            environment={"PATH": str(self.programs), "HOME": str(self.folder), **environment},
            cwd=app,
        )


@pytest.fixture
def runner(tmp_path: Path, installation: Installation) -> Runner:
    require(*PROGRAMS)
    return Runner(tmp_path, installation)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return make_nodejs_app(tmp_path / "app")


def evaluated(values: Mapping[str, str], inputs: Mapping[str, str]) -> dict[str, str]:
    """Return values with the expressions in them that name an input, a secret or the like."""
    return {name: EXPRESSION.sub(lambda found: inputs[found[1]], text) for name, text in values.items()}


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_the_workflow_of_github_plans_and_deploys(
    function: Function, runner: Runner, app: Path, tmp_path: Path, event: str
) -> None:
    """With the credentials that configure-aws-credentials exports; a pull request is planned alone."""
    aws, summary, temporary = function.aws, tmp_path / "summary.md", tmp_path / "runner temp"
    temporary.mkdir()
    job = load(RECIPES["github-actions"])["jobs"]["deploy"]
    environment = {
        **{name: text for name, text in aws.settings(function).items() if "_KEY" not in name},
        "_LAMBDA_ALIAS": job["env"]["_LAMBDA_ALIAS"],
        "AWS_ACCESS_KEY_ID": aws.deployer.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.deployer.secret_key,
        "AWS_REGION": "eu-west-1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(REPOSITORY),
        "GITHUB_REPOSITORY": "OWNER/my-app",
        "GITHUB_SHA": "c" * 40,
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_TOKEN": "canary-of-github",
        "RUNNER_TEMP": str(temporary),
    }
    known = {"secrets.FUNCTION_CONFIG": CONFIG, "runner.temp": str(temporary)}
    said = ""
    for step in job["steps"]:
        if "run" in step:
            result = runner.run(step["run"], app, **environment, **evaluated(step.get("env", {}), known))
            assert result.status == 0, result
    given = evaluated(job["steps"][-1]["with"], known)
    action = load(ACTION.read_text())
    expression = action["inputs"]["deploy"]["default"]
    assert expression == "${{ github.event_name != 'pull_request' }}"
    inputs = {name: given.get(name, each.get("default", "")) for name, each in action["inputs"].items()}
    inputs["deploy"] = str(event != "pull_request").lower()
    for step in action["runs"]["steps"]:
        known_inputs = {f"inputs.{name}": text for name, text in inputs.items()}
        result = runner.run(step["run"], app, **environment, **evaluated(step.get("env", {}), known_inputs))
        assert result.status == 0, result
        said += result.stdout + result.stderr
    assert "canary" not in said + summary.read_text()
    assert summary.read_text().startswith("### Plan\n\n    ----->")
    assert "+ GREETING" in summary.read_text()
    assert (function.alias("live") is not None) == (event == "push")
    (install,) = [line for line in runner.calls.read_text().splitlines() if line.startswith("-m pip")]
    assert f"--require-hashes --only-binary :all: -r {REPOSITORY}/requirements.lock" in install
    mode = stat.S_IMODE((temporary / "function.env").stat().st_mode)
    assert mode == 0o600


def test_the_pipeline_of_gitlab_plans_and_deploys(
    aws: EmbeddedAWS, function: Function, runner: Runner, app: Path, tmp_path: Path
) -> None:
    """With the ID token that GitLab issues, and no key at all."""
    jobs = load(RECIPES["gitlab-ci"])
    template = jobs[".lambda-deploy"]
    (config := tmp_path / "FUNCTION_CONFIG").write_text(CONFIG)
    role = aws.create_role("my-function-deployer", web_identity=TOKEN)
    assert template["variables"]["_AWS_ROLE_ARN"] == role
    given = {name: text for name, text in aws.settings(function).items() if "_KEY" not in name}
    environment = {
        **template["variables"],
        **given,
        "_AWS_ROLE_SESSION_NAME": template["variables"]["_AWS_ROLE_SESSION_NAME"].replace(
            "$CI_PIPELINE_ID", "7"
        ),
        "_AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "id-token"),
        "CI_COMMIT_SHA": "d" * 40,
        "CI_JOB_TOKEN": "canary-of-gitlab",
        "CI_PROJECT_PATH": "my-group/my-app",
        "FUNCTION_CONFIG": str(config),
        "GITLAB_CI": "true",
        **dict.fromkeys(template["id_tokens"], TOKEN),
    }
    for name in ("build", "plan", "deploy"):
        job = jobs[name]
        before = template["before_script"] if job.get("extends") == ".lambda-deploy" else []
        result = runner.run("\n".join([*before, *job["script"]]), app, **environment)
        assert result.status == 0, result
        assert "canary" not in result.stdout + result.stderr
        assert (function.alias("live") is not None) == (name == "deploy")
    assert stat.S_IMODE((tmp_path / "id-token").stat().st_mode) == 0o600
    assert runner.calls.read_text().splitlines()[0] == "npm ci --omit=dev"


def test_the_image_builds_once_and_deploys(
    aws: EmbeddedAWS, function: Function, runner: Runner, app: Path, tmp_path: Path
) -> None:
    """Each line of the Dockerfile that is ours, and the command line of `docker run`, without Docker."""
    lines = [line.split(maxsplit=1) for line in RECIPES["dockerfile"].splitlines() if line]
    (app / "package-lock.json").touch()
    build_arguments = dict.fromkeys(re.findall(r"--build-arg (\w+)=", RECIPES["docker"]), "e" * 40)
    declared = {text for name, text in lines if name == "ARG"}
    assert set(build_arguments) == declared
    for name, text in lines:
        if name == "RUN":
            result = runner.run(text, app, **build_arguments)
            assert result.status == 0, result
    entry, arguments = (json.loads(text) for name, text in lines if name in {"ENTRYPOINT", "CMD"})
    (mounted,) = re.findall(r"--volume \S+:(/\S+):ro", RECIPES["docker"])
    assert mounted in arguments
    (config := tmp_path / "function.env").write_text(CONFIG)
    passed = set(re.findall(r"--env (\w+)", RECIPES["docker"]))
    environment = {name: text for name, text in aws.settings(function).items() if name in passed}
    command = " ".join([*entry, *arguments]).replace(mounted, str(config))
    deployed = runner.run(command, app, **environment, _AWS_ENDPOINT_URL=aws.url)
    assert deployed.status == 0, deployed
    assert function.deploy_calls
