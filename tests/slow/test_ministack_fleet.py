"""A fleet in two accounts of a server that is not ours, which runs code and checks whose calls they are."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from command import make_slug
from deploy.aws.session import Session
from in_process import Outcome, deploy
from ministack import REGION, Function, Ministack, serve
from zips import zip_of

pytestmark = pytest.mark.xdist_group("ministack")  # one server, not one for each of xdist's workers

LOWER, HERE = "111111111111", "222222222222"
STUB = zip_of({"index.js": b"exports.handler = async () => 'a stub'\n"})
HANDLER = "exports.handler = async () => ({{version: '{version}', ...require('./env.json')}})\n"
EXTERNAL_ID = "of-the-fleet"
STAGING, PRODUCTION = {"STAGE": "staging-canary"}, {"STAGE": "production"}
COUNTS = {"nothing": 5, "move": 6, "promote": 7, "unknown": 1, "other": 1}
NAMES = [f"{kind}-{number}" for kind, count in COUNTS.items() for number in range(count)]


@pytest.fixture(scope="module")
def server() -> Iterator[Ministack]:
    """Start ministack, which checks signatures and policies."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with serve(enforces=True) as server:
        for account in (LOWER, HERE):
            create_role(root(server, "iam", account), "function", trust)
        yield server


@pytest.fixture(autouse=True)
def ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ranges of a package as S3 gives them: ministack ignores the header, and gives all of it."""

    def fetch(_session: Session, url: str, first: int, last: int) -> bytes:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - http, on loopback
            content: bytes = answer.read()
        return content[first : last + 1]

    monkeypatch.setattr("deploy.aws.function.fetch", fetch)


@pytest.fixture(scope="module")
def slugs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make two versions of an app that answers with its version and its config."""
    return {
        version: make_slug(
            tmp_path_factory.mktemp("slug"), {"index.js": HANDLER.format(version=version).encode()}
        )
        for version in ("1.0.0", "1.1.0")
    }


@pytest.fixture(scope="module")
def functions(server: Ministack, slugs: dict[str, Path]) -> dict[str, Function]:
    """Create functions here and their sources."""
    here = {}
    for name in NAMES:
        function = here[name] = server.create_function(HERE, f"team-{name}", STUB)
        release(slugs["1.0.0"], function, "1.0.0", PRODUCTION, _LAMBDA_ALIAS="live")
        if name.startswith(("nothing", "move")):
            live = {"_LAMBDA_ALIAS": "live"} if name.startswith("nothing") else {}
            release(slugs["1.1.0"], function, "1.1.0", PRODUCTION, **live)
        elif not name.startswith("unknown"):
            other = {"runtime": "nodejs20.x"} if name.startswith("other") else {}
            source = server.create_function(LOWER, f"team-{name}", STUB, **other)
            release(slugs["1.1.0"], source, "1.1.0", STAGING)
    return here


def release(slug: Path, function: Function, version: str, config: Mapping[str, str], **others: str) -> None:
    """Deploy a named version as root of its account."""
    settings = {"_LAMBDA_VERSION": version, "_LAMBDA_CONFIG_FILES": "env.json"}
    outcome = deploy(slug, env={**function.settings, **settings, **config, **others})
    assert outcome.status == 0, outcome


@pytest.fixture(scope="module")
def settings(server: Ministack) -> dict[str, str]:
    """Make the role in the lower account and the user here, with the policies that doctor prints."""
    common = {
        "_LAMBDA_FLEET_PREFIX": "team-",
        "_LAMBDA_ALIAS": "live",
        "_LAMBDA_VERIFY_PAYLOAD": "{}",
        "_LAMBDA_SOURCE_ROLE_ARN": f"arn:aws:iam::{LOWER}:role/fleet-source",
        "_LAMBDA_SOURCE_EXTERNAL_ID": EXTERNAL_ID,
        "_AWS_DEFAULT_REGION": REGION,
        "_AWS_ENDPOINT_URL": server.url,
    }
    iam = {account: root(server, "iam", account) for account in (LOWER, HERE)}
    user = iam[HERE].create_user(UserName="fleet")["User"]["Arn"]
    iam[HERE].put_user_policy(
        UserName="fleet", PolicyName="fleet", PolicyDocument=printed("deployer", common)
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": user},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    create_role(iam[LOWER], "fleet-source", trust)
    iam[LOWER].put_role_policy(
        RoleName="fleet-source", PolicyName="fleet", PolicyDocument=printed("source", common)
    )
    key = iam[HERE].create_access_key(UserName="fleet")["AccessKey"]
    return {
        **common,
        "_AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "_AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def create_role(iam: Any, name: str, trust: dict[str, Any]) -> None:
    """Create a role that whom the statement names may assume."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


def root(server: Ministack, service: str, account: str) -> Any:
    """Return a client of an account's root."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=account,
        aws_secret_access_key="any",
    )


def printed(whose: str, env: Mapping[str, str]) -> str:
    """Return a policy as doctor prints it."""
    outcome = deploy(Path("/no/slug"), "doctor", "--policy", "--fleet", whose, env=env)
    assert outcome.status == 0, outcome.stderr
    return outcome.stdout


def fleet(
    folder: Path, action: str, names: list[str], env: Mapping[str, str], *arguments: str, status: int = 0
) -> Outcome:
    """Run `deploy fleet ACTION` for 1.1.0 of these functions."""
    file = folder / "fleet.json"
    file.write_text(json.dumps({"lambdas": [{"name": f"team-{name}", "version": "1.1.0"} for name in names]}))
    outcome = deploy(folder, "fleet", action, str(file), *arguments, env=env)
    assert outcome.status == status, outcome
    for canary in ("canary", EXTERNAL_ID, env["_AWS_SECRET_ACCESS_KEY"], "Traceback"):
        assert canary not in outcome.stdout + outcome.stderr
    return outcome


def live(functions: Mapping[str, Function]) -> dict[str, Any]:
    """Return what the live alias of each function answers."""
    return {name: function.invoke("live") for name, function in functions.items()}


def test_twenty_functions(functions: dict[str, Function], settings: dict[str, str], tmp_path: Path) -> None:
    """Some are live, some move, some are promoted, two fail: what runs afterwards is asked by Invoke."""
    old, new = ({"version": version, **PRODUCTION} for version in ("1.0.0", "1.1.0"))
    before = live(functions)
    assert before == {name: new if name.startswith("nothing") else old for name in NAMES}

    planned = fleet(tmp_path, "plan", NAMES, settings, status=1)
    assert "20 functions: 2 failed, 7 would be promoted, 6 would move, 5 live" in planned.stdout
    assert "team-unknown-0 can't be promoted: there is no function team-unknown-0" in planned.stderr
    assert "has the runtime nodejs20.x, and the function here has nodejs22.x" in planned.stderr

    refused = fleet(tmp_path, "apply", NAMES, settings, status=1)
    assert "No live alias was moved." in refused.stderr
    assert live(functions) == before

    going = fleet(tmp_path, "apply", NAMES, settings, "--keep-going", status=1)
    assert "20 functions: 2 failed, 7 promoted, 6 moved, 5 live" in going.stdout
    good = [name for name in NAMES if not name.startswith(("unknown", "other"))]
    assert live(functions) == {name: new if name in good else old for name in NAMES}

    again = fleet(tmp_path, "apply", good, settings)
    assert "18 functions: 18 live" in again.stdout


def test_what_is_not_allowed_is_refused_by_the_server(
    server: Ministack, functions: dict[str, Function], settings: dict[str, str], tmp_path: Path
) -> None:
    """A wrong external ID, a name outside the prefix that the policy knows, and a right that is missing."""
    wrong = fleet(
        tmp_path, "plan", ["other-0"], {**settings, "_LAMBDA_SOURCE_EXTERNAL_ID": "wrong"}, status=1
    )
    assert "The role arn:aws:iam::111111111111:role/fleet-source can't be assumed." in wrong.stderr
    stranger = server.create_function(HERE, "stranger", STUB)
    (tmp_path / "other.json").write_text('{"lambdas": [{"name": "stranger", "version": "1.1.0"}]}')
    env = {**settings, "_LAMBDA_FLEET_PREFIX": "stranger"}
    refused = deploy(tmp_path, "fleet", "apply", str(tmp_path / "other.json"), env=env)
    assert refused.status == 1
    assert "lacks the permission lambda:GetAlias on stranger" in refused.stderr
    assert stranger.invoke() == "a stub"
    iam, name = root(server, "iam", HERE), "move-0"
    policy = json.loads(printed("deployer", settings))
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "Verify"]
    iam.put_user_policy(UserName="fleet", PolicyName="fleet", PolicyDocument=json.dumps(policy))
    functions[name].client.update_alias(FunctionName=functions[name].arn, Name="live", FunctionVersion="1")
    missing = fleet(tmp_path, "apply", [name], settings, status=1)
    assert f"lacks the permission lambda:InvokeFunction on team-{name}" in missing.stderr
    assert functions[name].alias("live") == "1"
