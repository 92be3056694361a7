"""`deploy infrastructure` from outside: what it reads and writes, and what it says of bad input."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from command import make_slug
from in_process import Outcome
from in_process import deploy as run
from paths import REPOSITORY

OPERATION = {"get": {"responses": {"200": {"description": "OK"}}}}
API = {"openapi": "3.0.3", "info": {"title": "a", "version": "1"}, "paths": {"/a": OPERATION}}


def write(folder: Path, service: object, api: object = None) -> Path:
    (folder / "service.json").write_text(json.dumps(service), encoding="utf-8")
    if api is not None:
        (folder / "openapi.json").write_text(json.dumps(api), encoding="utf-8")
    return folder


def infrastructure(folder: Path, action: str = "cloudformation", *, status: int = 0, **env: str) -> Outcome:
    outcome = run(folder, "infrastructure", action, env=env)
    assert outcome.status == status, outcome
    return outcome


@pytest.mark.parametrize("action", ["cloudformation", "terraform"])
@pytest.mark.parametrize("name", ["api-swagger", "api-openapi"])
def test_an_app_s_documents_are_written_to_stdout(name: str, action: str) -> None:
    """Nothing else is; no credentials, no AWS and no build are needed, and the same comes again."""
    app = REPOSITORY / "tests/apps" / name
    first, second = (infrastructure(app, action, _LAMBDA_ALIAS="live") for _ in range(2))
    assert json.loads(first.stdout)
    assert first == second
    assert first.stderr == ""


def test_without_service_json_the_settings_give_one_function(tmp_path: Path) -> None:
    """With the build's kind, the settings' alias, and the wrapper where an env.sh is baked."""
    slug = make_slug(tmp_path)
    settings = {"_LAMBDA_ALIAS": "prod", "_LAMBDA_CONFIG_FILES": "env.sh"}
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
    outcome = run(slug, "infrastructure", "cloudformation", env={"_LAMBDA_FUNCTION_ARN": arn, **settings})
    made = json.loads(outcome.stdout)["Resources"]
    function = made["MyFunctionFunction"]["Properties"]
    assert (function["FunctionName"], function["Handler"]) == ("my-function", "index.handler")
    assert function["Environment"] == {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/env.sh"}}
    assert made["MyFunctionAlias"]["Properties"]["Name"] == "prod"
    assert "Neither a service.json" in infrastructure(slug, status=2).stderr


def test_settings_that_deploys_would_miss_the_api_with_are_refused(tmp_path: Path) -> None:
    """Without the alias, or with another one; a function that is not set up is pointed out."""
    function = {"handler": "index.handler", "runtime": "nodejs22.x"}
    write(tmp_path, {"alias": "prod", "functions": {"api": function, "other": function}})
    refused = infrastructure(tmp_path, status=2, _LAMBDA_FUNCTION_ARN="api,other")
    assert "Set _LAMBDA_ALIAS=prod" in refused.stderr
    refused = infrastructure(tmp_path, status=2, _LAMBDA_FUNCTION_ARN="api,other", _LAMBDA_ALIAS="live")
    assert "callers would reach prod" in refused.stderr
    outcome = infrastructure(tmp_path, _LAMBDA_FUNCTION_ARN="api,users", _LAMBDA_ALIAS="prod")
    assert "names users, and service.json has api, other" in outcome.stderr
    assert "have to set _LAMBDA_ALIAS=prod" in infrastructure(tmp_path).stderr


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("app.handler", "has no `app.js`"),
        ("src/index.handler", "has no `src/index.js`"),
        ("index.handler", ""),
    ],
)
def test_the_package_has_the_handler(handler: str, said: str, tmp_path: Path) -> None:
    """What was built is looked at, and the place in service.json named."""
    slug = write(make_slug(tmp_path), {"functions": {"api": {"handler": handler}}})
    outcome = infrastructure(slug, status=2 if said else 0)
    assert said in outcome.stderr
    assert ("service.json, line 1, column 35" in outcome.stderr) is bool(said)


def test_a_definition_that_is_not_there_is_named_with_its_place(tmp_path: Path) -> None:
    """It is looked for in the app's folder."""
    write(
        tmp_path,
        {"functions": {"api": {"handler": "index.handler", "runtime": "nodejs22.x"}}, "api": "gone.json"},
    )
    assert (
        "service.json, line 1, column 86: the API's definition `gone.json`"
        in infrastructure(tmp_path, status=2).stderr
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/etc/hostname", "is outside of the app"),
        ("../openapi.json", "is outside of the app"),
        ("link.json", "is outside of the app"),
        ("folder", "is not a regular file"),
        ("nul\0", "can't be read"),
    ],
)
def test_a_definition_is_a_file_of_the_app(path: str, said: str, tmp_path: Path) -> None:
    """No other file of the machine gets into a template."""
    app = tmp_path / "app"
    (app / "folder").mkdir(parents=True)
    (tmp_path / "openapi.json").write_text(json.dumps(API), encoding="utf-8")
    (app / "link.json").symlink_to("../openapi.json")
    function = {"handler": "index.handler", "runtime": "nodejs22.x"}
    assert said in infrastructure(write(app, {"functions": {"a": function}, "api": path}), status=2).stderr


def test_no_config_var_gets_into_a_template(tmp_path: Path) -> None:
    """Config is baked, and a template is read by many."""
    write(tmp_path, {"functions": {"api": {"handler": "index.handler", "runtime": "nodejs22.x"}}})
    for action in ("cloudformation", "terraform"):
        outcome = infrastructure(
            tmp_path, action, SECRET="canary", _AWS_SECRET_ACCESS_KEY="canary", _LAMBDA_ALIAS="x"
        )
        assert "canary" not in f"{outcome}"


def test_yaml_is_read_by_its_name(tmp_path: Path) -> None:
    """The same definition makes the same template."""
    service = {
        "functions": {"api": {"handler": "index.handler", "runtime": "nodejs22.x"}},
        "api": "openapi.json",
    }
    first = infrastructure(write(tmp_path, service, API)).stdout
    (tmp_path / "openapi.yaml").write_text(json.dumps(API), encoding="utf-8")
    assert infrastructure(write(tmp_path, {**service, "api": "openapi.yaml"})).stdout == first


def test_the_first_package_suits_every_runtime(tmp_path: Path) -> None:
    """It is written where it is asked for, and is the same each time."""
    packages = []
    for name in ("a.zip", "b.zip"):
        outcome = run(tmp_path, "infrastructure", "placeholder", "-o", str(tmp_path / name), env={})
        assert outcome.status == 0, outcome
        packages.append((tmp_path / name).read_bytes())
    assert packages[0] == packages[1]
    names = zipfile.ZipFile(io.BytesIO(packages[0])).namelist()
    assert names == ["bootstrap", "index.js", "lambda_function.py"]
    assert "needs -o FILE" in run(tmp_path, "infrastructure", "placeholder", env={}).stderr
