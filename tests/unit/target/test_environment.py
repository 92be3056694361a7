"""From an environment to a target: every problem at once, by name, never by value."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.target.environment import kind_of_dyno, read_app, read_target
from deploy.target.sdk import SDK_SETTINGS
from deploy.target.settings import SETTINGS, Bucket, Settings, Verification
from targets import ARN, VALID, target

SLUG = Path("/no/slug")
EXAMPLES = {setting.name: setting.example for setting in (*SETTINGS.values(), *SDK_SETTINGS)}


def problems(variables: Mapping[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        read_target(variables, SLUG)
    return caught.value.why


# --- a target --------------------------------------------------------------------------------------


def test_an_arn_and_two_keys_are_enough() -> None:
    """The region comes from the ARN, and all settings have their defaults."""
    made = target()
    assert (made.function.name, made.region) == ("my-function", "eu-west-1")
    assert made.sdk == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    assert made.settings == Settings(function=made.function)
    assert made.settings.config_files == ("env.properties",)


def test_repairing_drift_needs_an_alias() -> None:
    """`repair` would do nothing without one, and so it is refused; by default nothing is said."""
    assert "_LAMBDA_RECONCILE is `repair`, but _LAMBDA_ALIAS" in problems(
        {**VALID, "_LAMBDA_RECONCILE": "repair"}
    )
    assert target(_LAMBDA_RECONCILE="repair", _LAMBDA_ALIAS="live").settings.repairs_drift
    assert target(_LAMBDA_RECONCILE="repair", _LAMBDA_FUNCTION_ARN=f"{ARN}:live").settings.repairs_drift


def test_everything_that_is_set_is_read() -> None:
    """Each by its own setting, trimmed: a line break at the end of a pasted value is never meant."""
    made = target(
        _LAMBDA_ALIAS=" live\n",
        _LAMBDA_TIMEOUT="60",
        _LAMBDA_KEEP_VERSIONS="5",
        _LAMBDA_VERIFY_PAYLOAD='{"ping": true}',
        _LAMBDA_VERIFY_EXPECT="pong",
        _LAMBDA_S3_BUCKET="deploys",
        _LAMBDA_S3_PREFIX="lambda/",
        _LAMBDA_S3_KMS_KEY_ID="alias/key",
        _LAMBDA_RECONCILE_INTERVAL="30s",
        _LAMBDA_RECONCILE="report",
        _HTTPS_PROXY="http://proxy:3128",
        _NO_PROXY="internal, amazonaws.com",
    )
    settings = made.settings
    assert (settings.alias, settings.timeout, settings.keep_versions) == ("live", 60, 5)
    assert settings.verification == Verification(b'{"ping": true}', "pong")
    assert settings.bucket == Bucket("deploys", "lambda/", "alias/key")
    assert (settings.reconcile_interval, settings.reconcile_repairs) == (30, False)
    assert (settings.https_proxy, settings.no_proxy) == ("http://proxy:3128", ("internal", "amazonaws.com"))
    assert made.object_prefix == "lambda/my-function-"


@pytest.mark.parametrize(
    ("changed", "alias"),
    [
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live"}, "live"),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live", "_LAMBDA_ALIAS": "live"}, "live"),
        ({"_LAMBDA_ALIAS": "live"}, "live"),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:$LATEST"}, None),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:$LATEST", "_LAMBDA_ALIAS": "live"}, "live"),
    ],
)
def test_a_qualifier_of_the_arn_is_the_alias(changed: dict[str, str], alias: str | None) -> None:
    """`…:live` says the same as _LAMBDA_ALIAS=live; $LATEST says that the ARN names none."""
    assert target(**changed).settings.alias == alias


def test_no_representation_of_a_target_holds_a_secret() -> None:
    """Neither a config var's value nor a credential: representations end up in logs and tracebacks."""
    secrets = {
        "_AWS_ACCESS_KEY_ID": "AKIA-canary",
        "_AWS_SECRET_ACCESS_KEY": "canary",
        "_AWS_SESSION_TOKEN": "canary",
        "_HTTPS_PROXY": "http://canary@proxy",
        "_LAMBDA_ALIAS": "live",
        "_LAMBDA_VERIFY_PAYLOAD": '"canary"',
        "_LAMBDA_VERIFY_EXPECT": "canary",
        "DATABASE_URL": "canary",
    }
    assert "canary" not in repr(target(**secrets))


def test_an_app_needs_neither_a_function_nor_credentials() -> None:
    """A package is made without AWS; of its settings only those that concern it have to be right."""
    app = read_app({"NAME": "value", "_LAMBDA_CONFIG_FILES": "env.json", "DYNO": "run.1"}, SLUG)
    assert (app.settings.config_files, app.variables["NAME"], app.dyno) == (("env.json",), "value", "other")
    wrong = {"_LAMBDA_TIMEOUT": "long", "_LAMBDA_CONFIG_FILES": "env.yaml"}
    with pytest.raises(InputError) as caught:
        read_app(wrong, SLUG, ["config"])
    assert "_LAMBDA_CONFIG_FILES" in caught.value.why
    assert "_LAMBDA_TIMEOUT" not in caught.value.why


def test_where_to_correct_it_is_said_by_stage() -> None:
    """A build reads no .env file, and after it the build has to run again."""
    wrong = {"_LAMBDA_ARCHITECTURE": "z80", "_LAMBDA_TIMEOUT": "long"}
    for stage, expected in (("build", "push or build again"), ("release", "in the .env file")):
        with pytest.raises(InputError) as caught:
            read_app(wrong, SLUG, [stage])  # type: ignore[list-item]
        assert expected in caught.value.todo
        assert (".env" in caught.value.todo) == (stage == "release")


# --- problems --------------------------------------------------------------------------------------


def test_all_problems_are_reported_together_and_each_with_an_example() -> None:
    """Nobody has to deploy five times to learn of five problems."""
    text = problems(
        {
            "_LAMBDA_FUNCTION_ARN": "my function",
            "_AWS_DEFAULT_REGION": "Ireland",
            "_AWS_ENDPOINT_URL": "localhost",
            "_AWS_RETRY_MODE": "often",
            "_LAMBDA_CONFIG_FILES": "env.yaml",
            "_HTTPS_PROXY": "proxy",
        }
    )
    lines = text.splitlines()
    for name in (
        "_LAMBDA_FUNCTION_ARN",
        "_AWS_ACCESS_KEY_ID",
        "_AWS_SECRET_ACCESS_KEY",
        "_AWS_DEFAULT_REGION",
        "_AWS_ENDPOINT_URL",
        "_AWS_RETRY_MODE",
        "_LAMBDA_CONFIG_FILES",
        "_HTTPS_PROXY",
    ):
        assert len([line for line in lines if line.startswith(f"{name} ")]) == 1
        assert len([line for line in lines if line.startswith(f"  For example: {name}=")]) == 1


def test_without_any_setting_the_function_is_asked_for_first() -> None:
    """And no region, which may come with it."""
    names = [line.split()[0] for line in problems({}).splitlines() if not line.startswith(" ")]
    assert names == ["_LAMBDA_FUNCTION_ARN", "_AWS_ACCESS_KEY_ID", "_AWS_SECRET_ACCESS_KEY"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:42"}, "_LAMBDA_FUNCTION_ARN ends in a version"),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live", "_LAMBDA_ALIAS": "test"}, "_LAMBDA_ALIAS names a different"),
        ({"_AWS_DEFAULT_REGION": "us-east-1"}, "_AWS_DEFAULT_REGION names a different region"),
        ({"_LAMBDA_CONFIG_FILE": "x"}, "did you mean _LAMBDA_CONFIG_FILES?"),
        ({"_LAMBDA_XYZ": "x"}, "_LAMBDA_XYZ is not a setting"),
        ({"_LAMBDA_A\x1b[31m": "x"}, "_LAMBDA_A\\x1b[31m is not a setting"),
    ],
)
def test_settings_that_contradict_each_other_or_are_none_are_refused(
    changed: dict[str, str], expected: str
) -> None:
    """A mistyped one would have no effect, silently."""
    assert expected in problems({**VALID, **changed})


def test_a_name_for_versions_does_without_an_alias() -> None:
    """A version is published, so it can be verified, and others deleted."""
    given = {"_LAMBDA_VERSION": "1.1.1", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_KEEP_VERSIONS": "5"}
    settings = read_target({**VALID, **given}, SLUG).settings
    assert (settings.version, settings.alias, settings.publishes) == ("1.1.1", None, True)
    assert "_LAMBDA_VERSION is a number" in problems({**VALID, "_LAMBDA_VERSION": "2"})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (["_LAMBDA_KEEP_VERSIONS"], ["_LAMBDA_ALIAS"]),
        (["_LAMBDA_VERIFY_PAYLOAD", "_LAMBDA_KEEP_VERSIONS"], ["_LAMBDA_ALIAS"]),
        (["_LAMBDA_VERIFY_EXPECT"], ["_LAMBDA_VERIFY_PAYLOAD", "_LAMBDA_ALIAS"]),
        (["_LAMBDA_S3_KMS_KEY_ID"], ["_LAMBDA_S3_BUCKET"]),
        (["_LAMBDA_S3_PREFIX", "_LAMBDA_S3_KMS_KEY_ID"], ["_LAMBDA_S3_BUCKET"]),
    ],
)
def test_of_settings_that_belong_together_the_missing_one_is_shown(
    given: list[str], missing: list[str]
) -> None:
    """The example is of what has to be set, not of what is set already."""
    lines = problems({**VALID, **{name: EXAMPLES[name] for name in given}}).splitlines()
    assert [line.split()[0] for line in lines[::2]] == missing
    for line in lines[::2]:
        assert " is not set, but " in line
        assert all(name in line for name in given)
    assert lines[1::2] == [f"  For example: {name}={EXAMPLES[name]}" for name in missing]


@given(
    st.dictionaries(
        st.sampled_from([name for name in EXAMPLES if name not in {"_AWS_…", "_LAMBDA_CONFIG_FILES"}]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")).map("canary-{}".format),
    )
)
def test_no_message_ever_holds_a_value(variables: dict[str, str]) -> None:
    """A secret pasted into the wrong setting is not printed; only _LAMBDA_CONFIG_FILES shows names."""
    try:
        read_target(variables, SLUG)
    except InputError as error:
        assert "canary" not in f"{error.what}{error.why}{error.todo}"


# --- dynos -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dyno", "kind"),
    [
        *((name, "formation") for name in ("deploy.1", "web.1", "worker.12", "my-deploy_2.1", "releases.3")),
        *((name, "other") for name in ("run.1234", "scheduler.1234", "cron.32767", "", "deploy", "1", ".1")),
        ("release.1234", "release"),
    ],
)
def test_the_kind_of_a_dyno_is_known_by_its_name(dyno: str, kind: str) -> None:
    """The platform starts a formation dyno again when it ends, whatever its process type is called."""
    assert kind_of_dyno({"DYNO": dyno}) == kind


def test_what_is_no_dyno_deploys_once() -> None:
    """On a laptop and in CI there is no DYNO."""
    assert kind_of_dyno({}) == "other"
