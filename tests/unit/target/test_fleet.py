"""The environment → the functions of a fleet."""

from typing import Any

import pytest

from deploy.errors import InputError
from deploy.target.fleet import Member, read_fleet

ENV = {
    "_LAMBDA_FLEET_PREFIX": "team-",
    "_LAMBDA_ALIAS": "live",
    "_AWS_DEFAULT_REGION": "eu-west-1",
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "canary/secret",
}
SOURCE = {
    "_LAMBDA_SOURCE_ROLE_ARN": "arn:aws:iam::111111111111:role/source",
    "_LAMBDA_SOURCE_EXTERNAL_ID": "canary-id",
}


def member(**changed: str) -> Member:
    (found,) = read_fleet({**ENV, **changed}, ["team-orders"])
    return found


def test_a_function_is_a_target_like_any_other() -> None:
    """With the settings, the region and the credentials, and without any variable that could be config."""
    here = member(SECRET="canary", DATABASE_URL="canary").target
    assert (here.function.identifier, here.region, here.settings.alias) == (
        "team-orders",
        "eu-west-1",
        "live",
    )
    assert here.sdk["AWS_ACCESS_KEY_ID"] == "AKIAIOSFODNN7EXAMPLE"
    assert here.variables == {}
    assert here.role is None
    assert member().source is None
    assert "canary" not in repr(member(**SOURCE))


def test_the_counterpart_is_reached_by_a_role() -> None:
    """In the account of the role, under the name and in the region that the settings say."""
    source = member(**SOURCE).source
    assert source is not None
    assert source.role is not None
    assert source.role.external_id == "canary-id"
    assert source.function.identifier == "arn:aws:lambda:eu-west-1:111111111111:function:team-orders"
    other = member(**SOURCE, _LAMBDA_SOURCE_PREFIX="staging-", _LAMBDA_SOURCE_REGION="us-east-1").source
    assert other is not None
    assert other.function.identifier == "arn:aws:lambda:us-east-1:111111111111:function:staging-orders"
    assert other.region == "us-east-1"


def test_what_concerns_one_app_does_not_count() -> None:
    """Its function, the name of its version, and how many versions it keeps."""
    changed = {
        "_LAMBDA_FUNCTION_ARN": "arn:aws:lambda:us-east-1:123456789012:function:other:prod",
        "_LAMBDA_VERSION": "package",
        "_LAMBDA_KEEP_VERSIONS": "3",
    }
    here = member(**changed).target
    assert (here.region, here.settings.alias) == ("eu-west-1", "live")
    assert (here.settings.version, here.settings.keep_versions) == (None, None)
    assert here.settings.function == here.function


def test_a_payload_is_one_functions_own() -> None:
    """It goes before the settings' one; what is expected holds for both."""
    expect = {**ENV, "_LAMBDA_VERIFY_EXPECT": "ok"}
    names = ["team-a", "team-b"]
    one, other = read_fleet(expect, names, {"team-a": b"{}"})
    assert one.target.settings.verification is not None
    assert one.target.settings.verification.payload == b"{}"
    assert one.target.settings.verification.expect == "ok"
    assert other.target.settings.verification is None
    both = {**expect, "_LAMBDA_VERIFY_PAYLOAD": "[]"}
    payloads = [each.target.settings.verify_payload for each in read_fleet(both, names, {"team-a": b"{}"})]
    assert payloads == [b"{}", b"[]"]
    with pytest.raises(InputError, match="One setting"):
        read_fleet(expect, names)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"_LAMBDA_FLEET_PREFIX": ""}, "_LAMBDA_FLEET_PREFIX is not set"),
        ({"_LAMBDA_FLEET_PREFIX": "a b"}, "_LAMBDA_FLEET_PREFIX is not the beginning of function names"),
        ({"_LAMBDA_FLEET_PREFIX": "*"}, "_LAMBDA_FLEET_PREFIX is not the beginning of function names"),
        ({"_LAMBDA_ALIAS": ""}, "_LAMBDA_ALIAS is not set"),
        ({"_AWS_DEFAULT_REGION": ""}, "_AWS_DEFAULT_REGION is not set"),
        ({"_AWS_DEFAULT_REGION": "nowhere"}, "_AWS_DEFAULT_REGION is not the name of a region"),
        ({"_AWS_ACCESS_KEY_ID": ""}, "_AWS_ACCESS_KEY_ID is not set"),
        ({"_LAMBDA_SOURCE_PREFIX": "s-"}, "_LAMBDA_SOURCE_ROLE_ARN is not set, but _LAMBDA_SOURCE_PREFIX is"),
        ({"_LAMBDA_SOURCE_ROLE_ARN": "arn:aws:iam::1:role/x"}, "is not the ARN of a role"),
        ({**SOURCE, "_LAMBDA_SOURCE_REGION": "nowhere"}, "_LAMBDA_SOURCE_REGION is not the name of a region"),
        ({**SOURCE, "_LAMBDA_SOURCE_EXTERNAL_ID": "canary!"}, "_LAMBDA_SOURCE_EXTERNAL_ID is not 2 or more"),
        ({"_LAMBDA_CONFIG_FROM": "s3://x"}, "_LAMBDA_CONFIG_FROM is not `ssm:` and a path"),
        ({"_LAMBDA_MAX_CALLS_PER_SECOND": "0"}, "_LAMBDA_MAX_CALLS_PER_SECOND is not a whole number above 0"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changed: dict[str, str], wrong: str) -> None:
    """All at once, and no value that may be a secret."""
    with pytest.raises(InputError) as refused:
        member(**changed)
    assert wrong in refused.value.why
    assert "canary" not in refused.value.why
    assert refused.value.why.count("_LAMBDA_FLEET_PREFIX is") <= 1


def test_names_outside_the_prefix_are_refused() -> None:
    """All of them are named."""
    with pytest.raises(InputError) as refused:
        read_fleet(ENV, ["team-orders", "teams-orders", "orders"])
    assert "2 of 3 functions are outside this fleet: teams-orders, orders." in refused.value.what


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("ssm:/my-app/{name}/", "/my-app/{name}/"),
        ("ssm:/my-app/{name}", "/my-app/{name}/"),
        ("ssm:/a.b/c_d", "/a.b/c_d/"),
        ("ssm:/app-{name}-x/", "/app-{name}-x/"),
    ],
)
def test_a_path_of_parameters(text: str, path: str) -> None:
    """With or without a slash at its end, and with the function's name in it."""
    settings: Any = member(_LAMBDA_CONFIG_FROM=text).target.settings
    assert settings.config_from == path


@pytest.mark.parametrize("name", ["_LAMBDA_VERSION", "_LAMBDA_KEEP_VERSIONS", "_LAMBDA_FUNCTION_ARN"])
def test_what_is_an_apps_own_is_ignored_whatever_it_says(name: str) -> None:
    """Even if a single app could not be deployed with it."""
    assert member(**{name: "-1"}).target == member().target


def test_what_is_wrong_is_corrected_in_the_environment() -> None:
    """A fleet has no app and no config vars; on a laptop there are profiles."""
    with pytest.raises(InputError) as raised:
        read_fleet({"_LAMBDA_ALIAS": "", "_LAMBDA_VERIFY_EXPECT": "x"}, ["team-orders"])
    assert "app's config vars" not in raised.value.todo
    assert "--aws-profile NAME" in raised.value.todo
    assert "_LAMBDA_ALIAS is not set." in raised.value.why


def test_payloads_of_a_folder_go_with_a_common_expectation() -> None:
    """So no payload for all others is needed."""
    env = {**ENV, "_LAMBDA_VERIFY_EXPECT": "ok"}
    (found,) = read_fleet(env, ["team-orders"], {"team-orders": b"{}"})
    verification = found.target.settings.verification
    assert verification is not None
    assert (verification.payload, verification.expect) == (b"{}", "ok")
