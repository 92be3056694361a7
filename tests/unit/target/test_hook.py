"""What the variables of a hook's function say, and what is wrong with them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.target.hook import HookEvent, read_checks, read_event
from deploy.target.settings import Verification

NOWHERE = Path("/no/folder")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ("canary", "is not a JSON object"),
        ("[1]", "is not a JSON object"),
        ('{"f": {"payload": 1},\n"f": {"payload": 2}}', "line 2, column 1: this key is there already"),
        ('{"f": {"payload": {"canary": 1, "canary": 2}}}', "column 33: this key is there already"),
        ("@missing.json", "names a file that can't be read: No such file or directory"),
        ('{"canary fn": {"payload": 1}}', "canary fn: is not the name of a function"),
        ('{"f": {}}', "f: is not an object with `payload`"),
        ('{"f": {"payload": 1, "expects": "canary"}}', "f: is not an object with `payload`"),
        ('{"f": {"payload": 1, "expect": 2}}', "f: `expect` is not a text"),
        ('{"f": {"payload": 1, "expect": "canary("}}', "f: `expect` is not a valid regular expression"),
    ],
)
def test_what_is_wrong_is_said_without_a_value(functions: str, message: str) -> None:
    """Together with what is wrong with the other variables."""
    with pytest.raises(InputError) as raised:
        read_checks({"VERIFY_FUNCTIONS": functions, "VERIFY_PAYLOAD": "{canary"}, NOWHERE)
    assert message in raised.value.why
    assert "VERIFY_PAYLOAD is not valid JSON." in raised.value.why
    assert "canary" not in raised.value.why.replace("canary fn", "")


def test_each_function_has_its_check_and_others_the_common_one() -> None:
    """A payload may be any JSON, and an answer need not match anything."""
    checks = read_checks(
        {
            "VERIFY_FUNCTIONS": '{"f": {"payload": null}, "g": {"payload": {"ü": 1}, "expect": "ok$"}}',
            "VERIFY_PAYLOAD": " {} ",
            "VERIFY_EXPECT": "x",
        },
        NOWHERE,
    )
    assert checks.find("f") == Verification(b"null")
    assert checks.find("g") == Verification(json.dumps({"ü": 1}).encode(), "ok$")
    assert checks.find("h") == Verification(b"{}", "x")


@given(ANYTHING)
def test_any_json_is_understood_or_refused(value: object) -> None:
    """And so is any event."""
    found = read_event(value)
    assert found is None or found.deployment_id
    try:
        checks = read_checks({"VERIFY_FUNCTIONS": json.dumps(value)}, NOWHERE)
    except InputError:
        return
    assert isinstance(value, dict)
    assert set(checks.of_function) == set(value)


def test_an_event_has_both_ids() -> None:
    """Nothing else of it is looked at."""
    event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e", "More": 1}
    assert read_event(event) == HookEvent("d-1", "e")
