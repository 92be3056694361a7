"""Whose credentials a deploy uses: those that its settings or an option name, and no others."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_answers import Answer, Answers
from command import deploy as in_own_process
from command import make_slug
from deploy.aws.function import Function as Client
from deploy.aws.session import Session
from deploy.errors import DeployError
from deploy.target.environment import read_target
from embedded_aws import EmbeddedAWS, Function
from in_process import Impatient, Outcome
from in_process import deploy as run

TOKEN = "eyJhbGciOiJSUzI1NiJ9.canary-of-a-token.c2ln"
EXTERNAL_ID = "canary-external-id"


@pytest.fixture
def aws() -> Iterator[EmbeddedAWS]:
    """Start an AWS for one test: roles and sessions stay in it."""
    with EmbeddedAWS() as server:
        yield server


@pytest.fixture
def slug(tmp_path: Path) -> Path:
    return make_slug(tmp_path / "slug")


def settings(function: Function, /, *, keys: bool = True, **others: str) -> dict[str, str]:
    """Return the settings of a deploy, with or without the deployer's own keys."""
    given = {**function.aws.settings(function), **others}
    return given if keys else {name: text for name, text in given.items() if "_KEY" not in name}


def deploys(slug: Path, *arguments: str | Path, env: dict[str, str]) -> Outcome:
    """Deploy, and see that it works and shows no secret."""
    outcome = run(slug, *map(str, arguments), env=env)
    assert outcome.status == 0, outcome
    assert "canary" not in outcome.stdout + outcome.stderr
    return outcome


def keys_of(aws: EmbeddedAWS, service: str = "lambda") -> set[str]:
    """Return the kinds of keys that calls of a service were signed with, but for the administrator's."""
    keys = {call.access_key for call in aws.calls if call.service == service}
    return {key[:4] if key.startswith("ASIA") else key for key in keys - {aws.administrator.access_key}}


def operations(aws: EmbeddedAWS, name: str) -> int:
    return sum(call.operation == name for call in aws.calls)


def machine(home: Path, aws: EmbeddedAWS) -> dict[str, str]:
    """Return the variables of a machine that is full of somebody's credentials, none of which is right."""
    (home / ".aws").mkdir(parents=True, exist_ok=True)
    (home / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKIAOFTHEMACHINE0000\naws_secret_access_key = wrong\n"
    )
    return {
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "AKIAOFTHEPROCESS0000",
        "AWS_SECRET_ACCESS_KEY": "wrong",
        "AWS_SESSION_TOKEN": "wrong",
        "AWS_PROFILE": "default",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/somebody",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/credentials",
    }


# --- roles -----------------------------------------------------------------------------------------


def test_a_role_is_assumed_with_the_access_key(aws: EmbeddedAWS, slug: Path) -> None:
    """STS alone sees the key; everything else is signed by the role's session."""
    function = aws.create_function()
    role = aws.create_role("deployer")
    deploys(slug, env=settings(function, _AWS_ROLE_ARN=role))
    assert keys_of(aws) == {"ASIA"}
    assert keys_of(aws, "sts") == {aws.deployer.access_key}


def test_an_external_id_is_handed_over(aws: EmbeddedAWS, slug: Path) -> None:
    """A role of somebody else's account asks for it; without it the refusal says what to set."""
    function = aws.create_function(account="210987654321")
    role = aws.create_role("theirs", external_id=EXTERNAL_ID, account=function.account)
    refused = run(slug, env=settings(function, _AWS_ROLE_ARN=role))
    assert refused.status == 1
    for part in (role, "sts:AssumeRole", "arn:aws:iam::123456789012:user/deployer", "_AWS_EXTERNAL_ID=…"):
        assert part in refused.stderr
    deploys(slug, env=settings(function, _AWS_ROLE_ARN=role, _AWS_EXTERNAL_ID=EXTERNAL_ID))


def test_a_wrong_external_id_is_not_shown(aws: EmbeddedAWS, slug: Path) -> None:
    """The refusal names the setting, not its value."""
    role = aws.create_role("theirs", external_id="another")
    env = settings(aws.create_function(), _AWS_ROLE_ARN=role, _AWS_EXTERNAL_ID=EXTERNAL_ID)
    refused = run(slug, env=env)
    assert "the value of _AWS_EXTERNAL_ID" in refused.stderr
    assert "canary" not in refused.stdout + refused.stderr


def test_a_web_identity_token_needs_no_key(aws: EmbeddedAWS, slug: Path, tmp_path: Path) -> None:
    """As CI has it: the role is assumed with the token in a file, and nothing signs that call."""
    (tmp_path / "token").write_text(TOKEN)
    role = aws.create_role("ci", web_identity=TOKEN)
    env = settings(
        aws.create_function(),
        keys=False,
        _AWS_ROLE_ARN=role,
        _AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
        _AWS_ROLE_SESSION_NAME="run-42",
    )
    deploys(slug, env=env)
    assert keys_of(aws) == {"ASIA"}
    doctor = deploys(slug, "doctor", env=env)
    assert "arn:aws:sts::123456789012:assumed-role/ci/run-42, by a web identity token" in doctor.stdout


@pytest.mark.parametrize(
    ("token", "expected"), [("expired", "has expired"), ("canary of another", "trust policy")]
)
def test_a_token_that_is_refused_is_explained(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, token: str, expected: str
) -> None:
    """By deploy and by doctor, which says so once and asks no further; the token is not shown."""
    (tmp_path / "token").write_text(token)
    env = settings(
        aws.create_function(),
        keys=False,
        _AWS_ROLE_ARN=aws.create_role("ci", web_identity=TOKEN),
        _AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
    )
    for arguments in ([], ["doctor"]):
        refused = run(slug, *arguments, env=env)
        assert refused.status == 1
        said = refused.stdout + refused.stderr
        assert "can't be assumed" in said
        assert expected in said
        assert "canary" not in said
    assert said.count("can't be assumed") == 1


@pytest.mark.parametrize("token", ["", "abc"])
def test_a_file_without_a_token_is_named(aws: EmbeddedAWS, slug: Path, tmp_path: Path, token: str) -> None:
    """CI may not have issued one; the SDK does not send what is too short, so there is no answer of AWS's."""
    path = tmp_path / "token"
    path.write_text(token)
    env = settings(
        aws.create_function(),
        keys=False,
        _AWS_ROLE_ARN=aws.create_role("ci", web_identity=TOKEN),
        _AWS_WEB_IDENTITY_TOKEN_FILE=str(path),
    )
    for arguments in ([], ["doctor"]):
        refused = run(slug, *arguments, env=env)
        assert refused.status == 1
        said = refused.stdout + refused.stderr
        assert f"There is no token in {path}, which _AWS_WEB_IDENTITY_TOKEN_FILE names." in said
        assert "cut off" not in said


def test_a_session_is_renewed_before_it_expires(aws: EmbeddedAWS) -> None:
    """A formation dyno runs for days, and a session for an hour."""
    function = aws.create_function()
    aws.sessions_last(60)
    target = read_target(settings(function, _AWS_ROLE_ARN=aws.create_role("deployer")), Path())
    client = Client(Session(target), Impatient())
    for _ in range(3):
        assert client.configuration().code_sha256
    assert operations(aws, "AssumeRole") == 3
    aws.sessions_last(3600)
    for _ in range(3):
        assert client.configuration().code_sha256
    assert operations(aws, "AssumeRole") == 4


def test_a_role_that_can_no_longer_be_assumed_is_an_error_that_names_it(aws: EmbeddedAWS) -> None:
    """Be it hours after the start."""
    function, role = aws.create_function(), aws.create_role("deployer")
    aws.sessions_last(60)
    client = Client(Session(read_target(settings(function, _AWS_ROLE_ARN=role), Path())), Impatient())
    client.configuration()
    aws.delete_role(role)
    with pytest.raises(DeployError, match=re.escape(role)):
        client.configuration()


def test_two_targets_with_two_roles_side_by_side(aws: EmbeddedAWS) -> None:
    """Each calls with its own role's session."""
    functions = [aws.create_function() for _ in range(2)]
    names = ("staging", "production")
    targets = [
        read_target(settings(each, _AWS_ROLE_ARN=aws.create_role(name)), Path())
        for each, name in zip(functions, names, strict=True)
    ]
    sessions = [Session(target) for target in targets]
    for _ in range(2):
        arns = [session.client("sts").get_caller_identity()["Arn"] for session in sessions]
        assert [arn.split("/")[1] for arn in arns] == list(names)
    assert operations(aws, "AssumeRole") == 2


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"_AWS_ROLE_ARN": "deployer"}, "_AWS_ROLE_ARN is not the ARN of a role"),
        ({"_AWS_EXTERNAL_ID": "x1"}, "_AWS_ROLE_ARN is not set, but _AWS_EXTERNAL_ID is"),
        ({"_AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null"}, "_AWS_ROLE_ARN is not set"),
        ({"_AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such"}, "names a file that does not exist"),
        (
            {
                "_AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
                "_AWS_EXTERNAL_ID": "x1",
                "_AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null",
            },
            "_AWS_EXTERNAL_ID is of no use",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    aws: EmbeddedAWS, slug: Path, changed: dict[str, str], wrong: str
) -> None:
    """Before AWS is asked."""
    refused = run(slug, env={**settings(aws.create_function()), **changed})
    assert refused.status == 2
    assert wrong in refused.stderr


def test_the_policy_says_that_it_is_the_roles(aws: EmbeddedAWS, slug: Path) -> None:
    """On stderr; stdout has the policy alone."""
    env = settings(aws.create_function(), _AWS_ROLE_ARN="arn:aws:iam::123456789012:role/deployer")
    outcome = run(slug, "doctor", "--policy", env=env)
    assert json.loads(outcome.stdout)["Statement"]
    assert "policy of the role arn:aws:iam::123456789012:role/deployer" in outcome.stderr


# --- the machine's own, if an option says so --------------------------------------------------------


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("GREETING=hello\n")
    return path


def test_nothing_of_the_machines_is_used_by_accident(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """Neither variables nor files nor what a container offers, whatever else there is."""
    function = aws.create_function()
    env = {**machine(tmp_path / "home", aws), **settings(function)}
    deploys(slug, "--env-file", env_file, env=env)
    assert keys_of(aws) == {aws.deployer.access_key}
    before = len(aws.calls)
    refused = run(
        slug,
        "--env-file",
        str(env_file),
        env={**machine(tmp_path / "home", aws), **settings(function, keys=False)},
    )
    assert refused.status == 2
    assert "_AWS_ACCESS_KEY_ID is not set" in refused.stderr
    assert len(aws.calls) == before


def test_a_profile_is_used_if_an_option_names_it(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """And nothing else: neither the variables nor the keys in the settings."""
    function, home = aws.create_function(), tmp_path / "home"
    env = {**machine(home, aws), **settings(function)}
    env["_AWS_ACCESS_KEY_ID"] = "AKIAOFTHESETTINGS000"
    with (home / ".aws/credentials").open("a") as file:
        file.write(
            f"[prod]\naws_access_key_id = {aws.deployer.access_key}\n"
            f"aws_secret_access_key = {aws.deployer.secret_key}\n"
        )
    deploys(slug, "--env-file", env_file, "--aws-profile", "prod", env=env)
    assert keys_of(aws) == {aws.deployer.access_key}
    doctor = deploys(slug, "doctor", "--env-file", env_file, "--aws-profile", "prod", env=env)
    assert "with the profile prod" in doctor.stdout


def test_a_profile_may_assume_a_role_with_another_one(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """`role_arn` and `source_profile`, as on every second laptop; STS is asked at the deploy's endpoint."""
    home, role = tmp_path / "home", aws.create_role("deployer", external_id=EXTERNAL_ID)
    env = {**machine(home, aws), **settings(aws.create_function(), keys=False)}
    (home / ".aws/config").write_text(
        f"[profile base]\naws_access_key_id = {aws.deployer.access_key}\n"
        f"aws_secret_access_key = {aws.deployer.secret_key}\n"
        f"[profile prod]\nrole_arn = {role}\nsource_profile = base\nexternal_id = {EXTERNAL_ID}\n"
    )
    deploys(slug, "--env-file", env_file, "--aws-profile", "prod", env=env)
    assert keys_of(aws) == {"ASIA"}
    assert keys_of(aws, "sts") == {aws.deployer.access_key}


def test_a_profile_may_sign_in_by_sso(aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path) -> None:
    """After `aws sso login`, whose token lies in ~/.aws."""
    home, start = tmp_path / "home", "https://example.awsapps.com/start"
    env = {**machine(home, aws), **settings(aws.create_function(), keys=False)}
    (home / ".aws/config").write_text(
        f"[profile sso]\nsso_start_url = {start}\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Deployer\n"
    )
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"startUrl": start, "accessToken": TOKEN, "expiresAt": "2999-01-01T00:00:00Z"}
    (cache / f"{hashlib.sha1(start.encode()).hexdigest()}.json").write_text(json.dumps(token))  # noqa: S324
    credentials = {
        "accessKeyId": aws.deployer.access_key,
        "secretAccessKey": aws.deployer.secret_key,
        "sessionToken": "",
        "expiration": 32_503_680_000_000,
    }
    with Answers([Answer(body={"roleCredentials": credentials})]) as sso:
        env["_AWS_ENDPOINT_URL_SSO"] = sso.url
        result = in_own_process(slug, "--env-file", env_file, "--aws-profile", "sso", env=env)
    assert result.returncode == 0, result
    assert "canary" not in result.stdout + result.stderr
    assert keys_of(aws) == {aws.deployer.access_key}
    assert "Authorization" not in sso.requests[0].headers


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("nobody", "There is no profile nobody"),
        ("code", "MFA"),
        ("sso", "`aws sso login --profile sso`"),
        ("broken", "`aws sts get-caller-identity`"),
    ],
)
def test_a_profile_that_can_not_be_used_is_explained(
    function: Function, slug: Path, env_file: Path, profile: str, expected: str
) -> None:
    """Missing, one that asks a person, one that has to sign in, one whose program fails."""
    home = env_file.parent / "home"
    env = {**machine(home, function.aws), **settings(function, keys=False)}
    (home / ".aws/config").write_text(
        "[profile code]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile sso]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Deployer\n"
        "[profile broken]\ncredential_process = false\n"
    )
    refused = run(slug, "--env-file", str(env_file), "--aws-profile", profile, env=env)
    assert refused.status in {1, 2}
    assert expected in refused.stderr


@pytest.mark.parametrize(
    ("option", "variables"),
    [
        (["--aws-profile", "prod"], {}),
        (["--aws-default-credentials"], {"AWS_PROFILE": "prod"}),
        (["--aws-default-credentials"], {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-3"}),
    ],
)
def test_the_region_comes_with_the_credentials(
    aws: EmbeddedAWS, slug: Path, env_file: Path, option: list[str], variables: dict[str, str]
) -> None:
    """Of a function that is named without one, and only if no setting names it; as the AWS CLI finds it."""
    function, home = aws.create_function(), env_file.parent / "home"
    keys = (
        f"aws_access_key_id = {aws.deployer.access_key}\naws_secret_access_key = {aws.deployer.secret_key}\n"
    )
    (home / ".aws").mkdir(parents=True)
    (home / ".aws/config").write_text(
        f"[default]\nregion = eu-west-2\n{keys}[profile prod]\n{keys}s3 =\n  region = x\nregion = eu-west-1\n"
    )
    env = {**settings(function, keys=False), "HOME": str(home), **variables}
    env["_LAMBDA_FUNCTION_ARN"] = function.name
    deploys(slug, "--env-file", env_file, *option, env=env)
    elsewhere = run(
        slug, "--env-file", str(env_file), *option, env={**env, "_AWS_DEFAULT_REGION": "eu-central-1"}
    )
    assert f"There is no function {function.name} in the region eu-central-1" in elsewhere.stderr


def test_the_default_credentials_are_those_of_the_aws_cli(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """Variables, as aws-actions/configure-aws-credentials exports them; then the files."""
    home, option = tmp_path / "home", "--aws-default-credentials"
    function = aws.create_function()
    sts = Session(read_target(settings(function), Path())).client("sts")
    exported = sts.assume_role(RoleArn=aws.create_role("ci"), RoleSessionName="run")["Credentials"]
    env = {
        **settings(function, keys=False),
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": exported["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": exported["SecretAccessKey"],
        "AWS_SESSION_TOKEN": exported["SessionToken"],
    }
    deploys(slug, "--env-file", env_file, option, env=env)
    assert keys_of(aws) == {"ASIA"}
    (home / ".aws").mkdir(parents=True)
    (home / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id = {aws.deployer.access_key}\n"
        f"aws_secret_access_key = {aws.deployer.secret_key}\n"
    )
    without = {name: text for name, text in env.items() if not name.startswith("AWS_")}
    deploys(slug, "--env-file", env_file, option, env=without)
    assert aws.deployer.access_key in keys_of(aws)


def test_the_default_credentials_may_be_a_role_by_a_token(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """As in a pod of EKS: the role and the file of the token come from the process."""
    (tmp_path / "token").write_text(TOKEN)
    env = {
        **settings(aws.create_function(), keys=False),
        "HOME": str(tmp_path),
        "AWS_ROLE_ARN": aws.create_role("pod", web_identity=TOKEN),
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    deploys(slug, "--env-file", env_file, "--aws-default-credentials", env=env)
    assert keys_of(aws) == {"ASIA"}


def test_the_default_credentials_may_be_the_containers_or_the_machines(
    aws: EmbeddedAWS, slug: Path, tmp_path: Path, env_file: Path
) -> None:
    """As in ECS, CodeBuild and EC2: what is asked for them is what the process's variables name."""
    home = {"HOME": str(tmp_path), "AWS_METADATA_SERVICE_TIMEOUT": "1"}
    option = "--aws-default-credentials"
    content = {
        "AccessKeyId": aws.deployer.access_key,
        "SecretAccessKey": aws.deployer.secret_key,
        "Token": "",
        "Expiration": "2999-01-01T00:00:00Z",
        "Code": "Success",
    }
    env = {**settings(aws.create_function(), keys=False), **home}
    with Answers([Answer(body=content)]) as server:
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/container"}
        deploys(slug, "--env-file", env_file, option, env={**env, **container})
    with Answers([Answer(body=b"token"), Answer(body=b"role"), Answer(body=content)]) as server:
        instance = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url}
        deploys(slug, "--env-file", env_file, option, env={**env, **instance})
        assert len(server.requests) == 3
        disabled = {**instance, "AWS_EC2_METADATA_DISABLED": "true"}
        refused = run(slug, "--env-file", str(env_file), option, env={**env, **disabled})
        assert len(server.requests) == 3
    assert refused.status == 1
    assert "There are no credentials" in refused.stderr
    keys = settings(aws.create_function(), HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true")
    ignored = run(slug, "--env-file", str(env_file), option, env=keys)
    assert (ignored.status, "The settings name none" in ignored.stderr) == (1, False)
    assert "--aws-default-credentials, keys in the settings do not count." in ignored.stderr


def test_without_a_file_for_the_config_the_options_are_refused(aws: EmbeddedAWS, slug: Path) -> None:
    """In a dyno AWS_… variables are the function's config."""
    for option in (["--aws-default-credentials"], ["--aws-profile", "prod"]):
        refused = run(slug, *option, env=settings(aws.create_function()))
        assert refused.status == 2
        assert "need --env-file" in refused.stderr
