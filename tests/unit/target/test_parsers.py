"""Parsers of single settings: a value, or what is wrong with the text and never the text itself."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target import parsers
from deploy.target.settings import SETTINGS


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parsers.alias, "live", "live"),
        (parsers.bucket, "my.deploys-1", "my.deploys-1"),
        (parsers.key_prefix, "lambda/", "lambda/"),
        (parsers.http_url, "http://proxy:3128", "http://proxy:3128"),
        (parsers.http_url, "https://user:secret@proxy.example.com", "https://user:secret@proxy.example.com"),
        (parsers.whole_number, "300", 300),
        (parsers.interval, "30s", 30),
        (parsers.interval, "10m", 600),
        (parsers.interval, "6h", 21_600),
        (parsers.repair_or_report, "repair", True),
        (parsers.repair_or_report, "report", False),
        (
            parsers.deployment_config,
            "Canary10Percent5Minutes",
            "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        ),
        (parsers.deployment_config, "CodeDeployDefault.LambdaAllAtOnce", "CodeDeployDefault.LambdaAllAtOnce"),
        (parsers.deployment_config, "Canary10Percent7Minutes", "Canary10Percent7Minutes"),
        (parsers.deployment_group, "{name}/live", ("{name}", "live")),
        (parsers.hook_function, "CodeDeployHook_before", "CodeDeployHook_before"),
        (parsers.json_payload, '{"name": "ä"}', b'{"name": "\xc3\xa4"}'),
        (parsers.regular_expression, "a|b", "a|b"),
        (parsers.comma_separated, "PORT, JAVA_*,\n", ("PORT", "JAVA_*")),
        (parsers.config_files, "env.json, config/env.sh,\n", ("env.json", "config/env.sh")),
    ],
)
def test_what_is_right_is_taken(parse: Callable[[str], Any], text: str, value: object) -> None:
    """Lists are split at commas and trimmed, for people write blanks, line breaks and a comma at the end."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "wrong"),
    [
        (parsers.alias, "42", "not the name of an alias"),
        (parsers.alias, "$LATEST", "not the name of an alias"),
        (parsers.bucket, "s3://deploys", "without s3://"),
        (parsers.key_prefix, "/x", "begins with a slash"),
        (parsers.printable_ascii, "sécret", "not printable ASCII"),
        (parsers.http_url, "localhost", "not an http(s) URL"),
        (parsers.http_url, "http://host:port", "not an http(s) URL"),
        (parsers.http_url, "http://[::1", "not an http(s) URL"),
        (parsers.http_url, "ftp://host", "not an http(s) URL"),
        (parsers.whole_number, "0", "not a whole number"),
        (parsers.whole_number, "5m", "not a whole number"),
        (parsers.whole_number, "٣", "not a whole number"),
        (parsers.interval, "10", "not a time such as"),
        (parsers.interval, "0s", "not a time such as"),
        (parsers.repair_or_report, "no", "neither repair nor report"),
        (parsers.deployment_config, "a b", "not the name of a CodeDeploy deployment config"),
        (parsers.deployment_config, "CodeDeployDefault.OneAtATime", "none of AWS's own deployment configs"),
        (parsers.deployment_group, "application", "with a slash between them"),
        (parsers.deployment_group, "a/b/c", "with a slash between them"),
        (parsers.hook_function, "hook:live", "without a version or an alias"),
        (parsers.hook_function, "arn:aws:sns:eu-west-1:123456789012:topic", "not one of Lambda"),
        (parsers.json_payload, "{", "not valid JSON"),
        (parsers.json_payload, "[" * 100_000, "not valid JSON"),
        (parsers.regular_expression, "(", "not a valid regular expression"),
        (parsers.config_files, "env.yaml", "none of .properties, .json, .sh"),
        (parsers.config_files, "../env.json", "leads out of the package"),
        (parsers.config_files, "/env.json", "leads out of the package"),
        (parsers.config_files, "env.json,env.json", "env.json twice"),
        (parsers.config_files, "a//env.json", "not a plain path"),
        (parsers.config_files, "./env.json", "not a plain path"),
        (parsers.config_files, "a\\env.json", "not a plain path"),
        (parsers.config_files, "env.json,env.json/env.sh", "but env.json is a file"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(parse: Callable[[str], Any], text: str, wrong: str) -> None:
    """The reason follows the setting's name in a sentence."""
    with pytest.raises(ValueError, match=re.escape(wrong)):
        parse(text)


SECRET = "canary-"


@given(
    st.sampled_from([name for name in SETTINGS if name != "config_files"]),
    st.text() | st.text(st.sampled_from("([{*+?\\|^$:/@.,-0159smh")),
)
def test_no_parser_fails_in_another_way_or_repeats_a_value(name: str, text: str) -> None:
    """A secret pasted into the wrong setting is not printed; only names of config files are shown."""
    try:
        SETTINGS[name].parse(SECRET + text)
    except ValueError as error:
        assert SECRET not in str(error)
