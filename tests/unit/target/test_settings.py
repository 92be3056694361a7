"""Settings: every problem at once, by name, never by value."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.target.arn import FunctionReference, parse_function
from deploy.target.settings import (
    SETTINGS,
    Bucket,
    ReleaseSettings,
    Verification,
    read_config_settings,
    read_settings,
    unknown_settings,
)
from paths import REPOSITORY

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
VALID = {
    "_LAMBDA_FUNCTION_ARN": ARN,
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


def problems(environment: dict[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        read_settings(environment)
    return caught.value.why


# --- the function ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ARN, FunctionReference("my-function", "123456789012", "eu-west-1", "aws")),
        (f"{ARN}:live", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "live")),
        (f"{ARN}:42", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "42")),
        (f"{ARN}:$LATEST", FunctionReference("my-function", "123456789012", "eu-west-1", "aws", "$LATEST")),
        (
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
            FunctionReference("f", "123456789012", "cn-north-1", "aws-cn"),
        ),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f",
            FunctionReference("f", "123456789012", "us-gov-west-1", "aws-us-gov"),
        ),
        ("123456789012:function:f", FunctionReference("f", "123456789012")),
        ("123456789012:function:f:live", FunctionReference("f", "123456789012", qualifier="live")),
        ("function:f", FunctionReference("f")),
        ("f", FunctionReference("f")),
        ("f:live", FunctionReference("f", qualifier="live")),
        ("function", FunctionReference("function")),
        ("123456789012", FunctionReference("123456789012")),
    ],
)
def test_every_form_of_a_function_name_is_taken_apart(text: str, expected: FunctionReference) -> None:
    """Full ARNs, partial ARNs and names, with and without qualifier, in every partition."""
    assert parse_function(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("arn:aws:iam::123456789012:role/deployer", "not one of Lambda"),
        ("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3", "not one of a function"),
        ("arn:aws:lambda:eu-west-1:123456789012", "cut short"),
        ("arn:aws:lambda:eu-west-1:12345:function:f", "account"),
        ("arn:aws:lambda:Ireland:123456789012:function:f", "region"),
        ("arn:aws:lambda:cn-north-1:123456789012:function:f", "aws-cn"),
        ("arn:aws-cn:lambda:eu-west-1:123456789012:function:f", "belongs to aws"),
        ("arn:amazon:lambda:eu-west-1:123456789012:function:f", "partition"),
        (f"{ARN}:live:more", "more parts"),
        (f"{ARN}:no/alias", "qualifier"),
        ("my function", "blank"),
        ("", "no valid function name"),
        ("f" * 65, "1 to 64"),
        ("my.function", "no valid function name"),
        ("123456789012:f", "`function:` does not follow"),
        ("https://eu-west-1.console.aws.amazon.com/lambda", "qualifier"),
    ],
)
def test_what_is_no_function_is_refused_with_the_reason(text: str, wrong: str) -> None:
    """An ARN is parsed, so the message can say which part of it is wrong."""
    with pytest.raises(ValueError, match=re.escape(wrong)):
        parse_function(text)


@given(st.text())
def test_any_text_is_either_a_function_or_a_value_error(text: str) -> None:
    """No input makes the parser fail in another way, and what it takes survives being put together."""
    try:
        reference = parse_function(text)
    except ValueError:
        return
    again = parse_function(reference.identifier)
    assert (again.name, again.account, again.region) == (reference.name, reference.account, reference.region)


def test_the_identifier_keeps_what_is_known_and_drops_the_qualifier() -> None:
    """AWS is asked for the ARN where there is one, and UpdateFunctionCode takes no qualifier."""
    assert parse_function(f"{ARN}:$LATEST").identifier == ARN
    assert parse_function("123456789012:function:f").identifier == "123456789012:function:f"
    assert parse_function("f").identifier == "f"


# --- all of them -----------------------------------------------------------------------------------


def test_an_arn_and_two_keys_are_enough() -> None:
    """The region comes from the ARN, and the SDK gets to see the keys under its own names."""
    settings = read_settings(VALID)
    function, config = settings.function, settings.config
    assert function.region == "eu-west-1"
    assert function.sdk_environment == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
    }
    assert config.files == ("env.properties",)


def test_values_pasted_with_blanks_around_them_are_trimmed() -> None:
    """A line break at the end of a pasted key is the most common fault, and never meant."""
    function = read_settings({name: f" {value}\n" for name, value in VALID.items()}).function
    assert function.sdk_environment["AWS_ACCESS_KEY_ID"] == VALID["_AWS_ACCESS_KEY_ID"]


def test_any_other_aws_setting_reaches_the_sdk_and_none_of_the_apps_own() -> None:
    """`_AWS_X` is `AWS_X` to the SDK; `AWS_X` is the function's."""
    function = read_settings(
        {**VALID, "_AWS_SESSION_TOKEN": "token", "AWS_SESSION_TOKEN": "the app's", "AWS_PROFILE": "app"}
    ).function
    assert function.sdk_environment["AWS_SESSION_TOKEN"] == "token"
    assert "AWS_PROFILE" not in function.sdk_environment


def test_all_problems_are_reported_together() -> None:
    """Nobody has to deploy five times to learn of five problems."""
    text = problems(
        {
            "_LAMBDA_FUNCTION_ARN": "my function",
            "_AWS_DEFAULT_REGION": "Ireland",
            "_AWS_ENDPOINT_URL": "localhost",
            "_AWS_MAX_ATTEMPTS": "many",
            "_AWS_RETRY_MODE": "often",
            "_AWS_CA_BUNDLE": "/no/such/file",
            "_LAMBDA_CONFIG_FILES": "env.yaml",
        }
    )
    for name in (
        "_LAMBDA_FUNCTION_ARN holds a blank",
        "_AWS_ACCESS_KEY_ID is not set",
        "_AWS_SECRET_ACCESS_KEY is not set",
        "_AWS_DEFAULT_REGION is not the name of a region",
        "_AWS_ENDPOINT_URL is not an http(s) URL",
        "_AWS_MAX_ATTEMPTS is not a whole number",
        "_AWS_RETRY_MODE is not one of legacy, standard, adaptive",
        "_AWS_CA_BUNDLE names a file that does not exist",
        "_LAMBDA_CONFIG_FILES holds env.yaml",
    ):
        assert name in text
        setting = name.split(" ", maxsplit=1)[0]
        assert f"For example: {setting}=" in text


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"_AWS_DEFAULT_REGION": "us-east-1"}, "names another region than _LAMBDA_FUNCTION_ARN"),
        ({"_LAMBDA_FUNCTION_ARN": "f", "_AWS_DEFAULT_REGION": ""}, "_AWS_DEFAULT_REGION is not set"),
        (
            {"_LAMBDA_FUNCTION_ARN": "f", "_AWS_DEFAULT_REGION": "eu-west-1", "_AWS_REGION": "us-east-1"},
            "names another region than _AWS_DEFAULT_REGION",
        ),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:42"}, "ends in a version, which can't be changed"),
        ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live", "_LAMBDA_ALIAS": "test"}, "another alias"),
        ({"_LAMBDA_ALIAS": "42"}, "_LAMBDA_ALIAS is not the name of an alias"),
        ({"_LAMBDA_ALIAS": "$LATEST"}, "_LAMBDA_ALIAS is not the name of an alias"),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_KEEP_VERSIONS": "0"}, "is not a whole number above 0"),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{"}, "is not valid JSON"),
        ({"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_EXPECT": "x"}, "_LAMBDA_VERIFY_PAYLOAD is not set"),
        (
            {"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_VERIFY_EXPECT": "("},
            "is not a valid regular expression",
        ),
        ({"_LAMBDA_TIMEOUT": "5m"}, "_LAMBDA_TIMEOUT is not a whole number above 0"),
        ({"_LAMBDA_S3_BUCKET": "s3://deploys"}, "without s3://"),
        ({"_LAMBDA_S3_BUCKET": "deploys", "_LAMBDA_S3_PREFIX": "/x"}, "begins with a slash"),
        ({"_AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}, "_AWS_SESSION_TOKEN is not set"),
        ({"_AWS_ACCESS_KEY_ID": "AKIA IOSF"}, "_AWS_ACCESS_KEY_ID holds a blank"),
        ({"_AWS_SECRET_ACCESS_KEY": "sécret"}, "is not printable ASCII"),
        ({"_AWS_ENDPOINT_URL": "http://host:port"}, "is not an http(s) URL"),
        ({"_LAMBDA_CONFIG_FILES": "../env.json"}, "leads out of the package"),
        ({"_LAMBDA_CONFIG_FILES": "/env.json"}, "leads out of the package"),
        ({"_LAMBDA_CONFIG_FILES": "env.json,env.json"}, "env.json twice"),
        ({"_LAMBDA_CONFIG_FILES": "a//env.json"}, "not a plain path"),
        ({"_LAMBDA_CONFIG_FILES": "./env.json"}, "not a plain path"),
        ({"_LAMBDA_CONFIG_FILES": "env.json,env.json/env.sh"}, "but env.json is a file"),
    ],
)
def test_each_problem_names_its_setting(changed: dict[str, str], expected: str) -> None:
    """One problem at a time, for each kind that a single setting can have."""
    assert expected in problems({**VALID, **changed})


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
    """The example is of what has to be set, not of what is set already; the whole text."""
    examples = {setting.name: setting.example for setting in SETTINGS}
    are = f"{' and '.join(given)} {'are' if len(given) > 1 else 'is'}"
    why = {"_LAMBDA_ALIAS": ": versions are published for an alias alone"}
    assert problems({**VALID, **{name: examples[name] for name in given}}) == "\n".join(
        f"{name} is not set, but {are}{why.get(name, '')}.\n  For example: {name}={examples[name]}"
        for name in missing
    )


@pytest.mark.parametrize("name", ["_AWS_PROFILE", "_AWS_DEFAULT_PROFILE"])
def test_a_profile_is_refused_where_no_file_could_hold_it(name: str, tmp_path: Path) -> None:
    """The SDK would look for it in ~/.aws, which is never read; with a file of one's own it may be there."""
    with pytest.raises(InputError) as caught:
        read_settings({**VALID, name: "canary"})
    assert caught.value.why == (
        f"{name} names a profile, but there is none in a dyno: a deploy goes by the keys in its settings and "
        f"reads no file in ~/.aws. Remove it: `heroku config:unset {name}`."
    )
    assert "`heroku config:unset NAME`" in caught.value.todo
    read_settings({**VALID, name: "canary", "_AWS_CONFIG_FILE": str(tmp_path / "config")})


def test_a_qualifier_of_the_arn_is_the_alias() -> None:
    """`…:live` says the same as _LAMBDA_ALIAS=live; $LATEST says that there is none."""
    for changed in ({"_LAMBDA_FUNCTION_ARN": f"{ARN}:live"}, {"_LAMBDA_ALIAS": "live"}):
        assert read_settings({**VALID, **changed}).release == ReleaseSettings(alias="live")
    assert read_settings({**VALID, "_LAMBDA_FUNCTION_ARN": f"{ARN}:$LATEST"}).release == ReleaseSettings()


def test_everything_about_a_release_is_read() -> None:
    """Timeout, versions to keep, verification and bucket, each by its own setting."""
    settings = read_settings(
        {
            **VALID,
            "_LAMBDA_ALIAS": "live",
            "_LAMBDA_TIMEOUT": "60",
            "_LAMBDA_KEEP_VERSIONS": "5",
            "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}',
            "_LAMBDA_VERIFY_EXPECT": "pong",
            "_LAMBDA_S3_BUCKET": "deploys",
            "_LAMBDA_S3_PREFIX": "lambda/",
            "_LAMBDA_S3_KMS_KEY_ID": "alias/key",
        }
    )
    assert settings.release == ReleaseSettings(
        alias="live",
        timeout=60,
        keep_versions=5,
        verification=Verification(b'{"ping": true}', "pong"),
        bucket=Bucket("deploys", "lambda/", "alias/key"),
    )


def test_the_region_alone_completes_a_name() -> None:
    """A bare name with _AWS_DEFAULT_REGION is as good as an ARN."""
    named = {"_LAMBDA_FUNCTION_ARN": "f", "_AWS_DEFAULT_REGION": "eu-west-1"}
    function = read_settings({**VALID, **named}).function
    assert (function.region, function.function.identifier) == ("eu-west-1", "f")


@given(
    st.dictionaries(
        st.sampled_from([setting.name for setting in SETTINGS if "…" not in setting.name]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=6).map(
            lambda text: f"canary{text}"
        ),
    )
)
def test_no_message_ever_holds_a_value(environment: dict[str, str]) -> None:
    """A secret pasted into the wrong setting is not printed; only _LAMBDA_CONFIG_FILES shows names."""
    environment.pop("_LAMBDA_CONFIG_FILES", None)
    try:
        read_settings(environment)
    except InputError as error:
        for value in environment.values():
            assert value.strip() not in f"{error.what}{error.why}{error.todo}"


def test_lists_are_split_at_commas_and_trimmed() -> None:
    """People write lists with blanks, line breaks and a comma at the end."""
    config = read_config_settings(
        {
            "_LAMBDA_CONFIG_FILES": "env.properties, config/env.json,\n env.sh,",
            "_LAMBDA_CONFIG_INCLUDE": "PORT, JAVA_*",
            "_LAMBDA_CONFIG_EXCLUDE": "*_TEST",
        }
    )
    assert config.files == ("env.properties", "config/env.json", "env.sh")
    assert (config.include, config.exclude) == (("PORT", "JAVA_*"), ("*_TEST",))


def test_a_mistyped_setting_is_found() -> None:
    """A setting with a typo would have no effect, silently."""
    found = dict(unknown_settings({**VALID, "_LAMBDA_CONFIG_FILE": "x", "_LAMBDA_XYZ": "x", "_OTHER": "x"}))
    assert found == {"_LAMBDA_CONFIG_FILE": "_LAMBDA_CONFIG_FILES", "_LAMBDA_XYZ": None}


def test_the_readme_lists_every_setting() -> None:
    """The README's table is the same as the code's list, word for word."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert f"| `{setting.name}` | {setting.meaning} | `{setting.example}` |" in readme
