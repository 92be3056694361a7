"""The settings' declarations, from which everything else about them is made."""

from dataclasses import replace

import pytest

from deploy.target.arn import FunctionReference
from deploy.target.setting import Setting
from deploy.target.settings import NAMES, SETTINGS, Bucket, Settings, Verification, closest
from deploy.target.shift_settings import Shift


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_each_example_is_one_that_the_setting_takes(setting: Setting) -> None:
    """People copy it out of the README or out of a message."""
    setting.parse(setting.example)
    assert setting.meaning.endswith(".")
    assert "|" not in f"{setting.meaning}{setting.example}"  # it is a cell of a table


def test_each_setting_has_a_name_of_its_own_that_is_never_baked() -> None:
    """What begins with an underscore configures the deploy."""
    assert len(NAMES) == len(SETTINGS)
    assert {name for name in NAMES if not name.startswith("_")} == set()


def test_a_verification_and_a_bucket_are_put_together_from_their_settings() -> None:
    """None if nothing asks for them."""
    assert (Settings().verification, Settings().bucket) == (None, None)
    settings = Settings(
        verify_payload=b"{}", verify_expect="ok", s3_bucket="deploys", s3_prefix="a/", s3_kms_key_id="key"
    )
    assert settings.verification == Verification(b"{}", "ok")
    assert settings.bucket == Bucket("deploys", "a/", "key")


def test_what_may_be_a_secret_is_not_in_a_representation() -> None:
    """A payload may hold a token, and a proxy's URL a password."""
    settings = Settings(verify_payload=b"canary", verify_expect="canary", https_proxy="http://canary@proxy")
    assert "canary" not in repr(settings)
    assert "canary" not in repr(settings.verification)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_LAMBDA_CONFIG_FILE", "_LAMBDA_CONFIG_FILES"),
        ("_LAMDBA_ALIAS", "_LAMBDA_ALIAS"),
        ("_LAMBDA_XYZ", ""),
    ],
)
def test_a_mistyped_name_is_close_to_the_one_that_is_meant(name: str, expected: str) -> None:
    """And to none if it is far from all."""
    assert closest(name, NAMES) == expected


def test_a_shift_is_put_together_from_its_settings_and_the_name_of_the_function() -> None:
    """Application and group are called like the function and its alias, unless the setting names others."""
    settings = Settings(function=FunctionReference("thumbs"), alias="live", shift="Slowly")
    assert settings.shifting == Shift("Slowly", "thumbs", "live")
    named = replace(settings, codedeploy=("fleet", "{name}-group"), hook_before="hook")
    assert named.shifting == Shift("Slowly", "fleet", "thumbs-group", "hook")
    assert Settings(function=FunctionReference("thumbs"), alias="live").shifting is None


def test_several_functions_share_a_group_unless_its_name_holds_theirs() -> None:
    """A group makes one deployment at a time."""
    assert Settings(codedeploy=("fleet", "live")).shares_group
    assert not Settings(codedeploy=("{name}", "live")).shares_group
    assert not Settings().shares_group
