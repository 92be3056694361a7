"""The `_AWS_…` settings: what the SDK is given, under its own names."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.session import Session

from deploy.target.arn import parse_function
from deploy.target.sdk import find_near_misses, find_region, read_sdk_settings
from targets import ARN, VALID


def problems(**changed: str) -> dict[str, str]:
    """Return what is wrong with valid keys and some other settings, by the setting's name."""
    return {each.name: each.wrong for each in read_sdk_settings({**VALID, **changed})[1]}


def test_each_setting_reaches_the_sdk_and_nothing_of_the_apps_own() -> None:
    """`_AWS_X` is `AWS_X` to the SDK, trimmed; `AWS_X` is the function's."""
    settings, wrong = read_sdk_settings(
        {
            "_AWS_ACCESS_KEY_ID": " AKIAIOSFODNN7EXAMPLE\n",
            "_AWS_SECRET_ACCESS_KEY": "secret",
            "_AWS_SESSION_TOKEN": "token",
            "_AWS_EMPTY": " ",
            "AWS_SESSION_TOKEN": "the app's",
            "AWS_PROFILE": "app",
            "_LAMBDA_ALIAS": "live",
        }
    )
    assert wrong == []
    assert settings == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("_AWS_ACCESS_KEY_ID", "", "is not set"),
        ("_AWS_SECRET_ACCESS_KEY", " ", "is not set"),
        ("_AWS_ACCESS_KEY_ID", "AKIA IOSF", "holds a blank"),
        ("_AWS_SECRET_ACCESS_KEY", "sécret", "not printable ASCII"),
        ("_AWS_DEFAULT_REGION", "Ireland", "not the name of a region"),
        ("_AWS_ENDPOINT_URL", "localhost", "not an http(s) URL"),
        ("_AWS_ENDPOINT_URL_S3", "localhost", "not an http(s) URL"),
        ("_AWS_MAX_ATTEMPTS", "many", "not a whole number"),
        ("_AWS_MAX_ATTEMPTS", "0", "not a whole number"),
        ("_AWS_RETRY_MODE", "often", "legacy, standard, adaptive"),
        ("_AWS_CA_BUNDLE", "/no/such/file", "does not exist"),
        ("_AWS_PROFILE", "canary", "Unset _AWS_PROFILE"),
        ("_AWS_DEFAULT_PROFILE", "canary", "Unset _AWS_DEFAULT_PROFILE"),
    ],
)
def test_what_the_sdk_would_fail_on_is_explained_before(name: str, text: str, wrong: str) -> None:
    """Each problem by the setting's name, and never by its value."""
    found = problems(**{name: text})
    assert found.keys() == {name}
    assert wrong in found[name]
    assert "canary" not in found[name]


def test_a_temporary_key_needs_its_token() -> None:
    """AWS would say that it does not know the key."""
    key = {"_AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}
    assert problems(**key).keys() == {"_AWS_SESSION_TOKEN"}
    assert problems(**key, _AWS_SESSION_TOKEN="token") == {}


def test_a_profile_may_be_in_a_file_of_ones_own(tmp_path: Path) -> None:
    """With a file that holds it, it is not looked for in ~/.aws."""
    assert problems(_AWS_PROFILE="deployer", _AWS_CONFIG_FILE=str(tmp_path / "config")) == {}


# --- the region ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "settings", "region"),
    [
        (ARN, {}, "eu-west-1"),
        (ARN, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ("f", {"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ("f", {"AWS_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_region_is_the_arns_or_the_settings(
    function: str, settings: Mapping[str, str], region: str
) -> None:
    """A bare name with a region is as good as an ARN."""
    assert find_region(settings, parse_function(function)) == (region, [])


@pytest.mark.parametrize(
    ("function", "settings", "name", "wrong"),
    [
        (ARN, {"AWS_DEFAULT_REGION": "us-east-1"}, "_AWS_DEFAULT_REGION", "from _LAMBDA_FUNCTION_ARN"),
        (
            "f",
            {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "us-east-1"},
            "_AWS_REGION",
            "from _AWS_DEFAULT_REGION",
        ),
        ("f", {}, "_AWS_DEFAULT_REGION", "is not set"),
    ],
)
def test_regions_that_do_not_agree_are_shown(
    function: str, settings: Mapping[str, str], name: str, wrong: str
) -> None:
    """A deploy to the other region would find no function there, or a different one."""
    region, found = find_region(settings, parse_function(function))
    assert (region, [each.name for each in found]) == ("", [name])
    assert wrong in found[0].wrong


def test_a_region_that_is_wrong_by_itself_is_one_problem() -> None:
    """It is among those of its setting already."""
    assert find_region({"AWS_REGION": "Ireland"}, parse_function(ARN)) == ("", [])


# --- near misses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LAMBDA_FUNCTION_ARN", "_LAMBDA_FUNCTION_ARN"),
        ("_lambda_alias", "_LAMBDA_ALIAS"),
        ("_LAMDBA_ALIAS", "_LAMBDA_ALIAS"),
        ("_AWS_ACESS_KEY_ID", "_AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_name_that_is_close_to_a_setting_is_pointed_out(name: str, meant: str) -> None:
    """It would have no effect, silently."""
    (notice,) = find_near_misses({name: "canary"})
    assert name in notice
    assert meant in notice
    assert "canary" not in notice


def test_settings_of_the_sdk_and_the_apps_own_variables_are_no_near_misses() -> None:
    """Every `_AWS_X` that the SDK knows is one, and `AWS_X` is the function's."""
    declared = [variables for _, variables, *_ in Session.SESSION_VARIABLES.values() if variables]
    names = {name for each in declared for name in ([each] if isinstance(each, str) else each)}
    assert "AWS_MAX_ATTEMPTS" in names
    names |= {"AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_LAMBDA"}
    ours = {f"_{name}" for name in names} | VALID.keys()
    assert find_near_misses(dict.fromkeys({*ours, *names, "DATABASE_URL", "MY_ARN", "PATH"}, "")) == []
