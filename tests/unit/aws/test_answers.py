"""Answers of AWS: taken as values if they make sense, and refused as what they are if they do not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.aws import answers
from targets import ARN

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CONFIGURATION = {
    "FunctionName": "my-function",
    "FunctionArn": ARN,
    "Version": "7",
    "CodeSha256": "x" * 44,
    "RevisionId": "revision",
    "State": "Active",
    "StateReason": "",
    "LastUpdateStatus": "Successful",
    "LastUpdateStatusReason": "",
    "LastUpdateStatusReasonCode": "",
    "LastModified": "2026-11-21T00:00:00.000+0000",
    "Description": "",
    "SnapStart": {"ApplyOn": "None"},
}
ALIAS = {
    "Name": "live",
    "FunctionVersion": "7",
    "Description": "",
    "RevisionId": "revision",
    "RoutingConfig": {"AdditionalVersionWeights": {"6": 0.5}},
}
READERS: dict[str, tuple[Callable[[Any], object], dict[str, Any]]] = {
    "current": (answers.current, CONFIGURATION),
    "published": (answers.published, CONFIGURATION),
    "alias": (answers.alias, ALIAS),
}
EACH = pytest.mark.parametrize("name", READERS)
SENSELESS = (ValueError, TypeError, AttributeError)  # each is an answer that makes no sense, and is told so


@EACH
def test_what_aws_answers_is_taken(name: str) -> None:
    """Whole answers make values."""
    reader, answer = READERS[name]
    assert reader(answer)


@EACH
@given(data=st.data())
def test_an_answer_that_makes_no_sense_is_refused_or_has_its_types(name: str, data: st.DataObject) -> None:
    """One member is anything: there is no value that breaks something else later."""
    reader, answer = READERS[name]
    member = data.draw(st.sampled_from(sorted(answer)))
    changed = {**answer, member: data.draw(JSON)}
    try:
        value: Any = reader(changed)
    except SENSELESS:
        return
    texts = {key: each for key, each in vars(value).items() if key not in {"running", "weights"}}
    assert all(isinstance(text, str) for text in texts.values())
    json.dumps(vars(value))


@EACH
@pytest.mark.parametrize("missing", ["RevisionId", "CodeSha256", "Version", "FunctionVersion"])
def test_what_decisions_hang_on_may_not_be_missing(name: str, missing: str) -> None:
    """Without a revision a change would overwrite whatever is there."""
    reader, answer = READERS[name]
    needed = {
        "current": {"RevisionId", "CodeSha256"},
        "published": {"Version", "CodeSha256"},
        "alias": {"RevisionId", "FunctionVersion"},
    }[name]
    cut = {key: each for key, each in answer.items() if key != missing}
    if missing in needed:
        with pytest.raises(ValueError, match=missing):
            reader(cut)
    else:
        assert reader(cut)


@pytest.mark.parametrize("page", [{}, {"Versions": None}, {"Versions": "none"}, {"Versions": {"1": {}}}])
def test_a_page_without_items_is_not_an_empty_one(page: dict[str, Any]) -> None:
    """An empty listing has an empty list: otherwise every version would seem to be gone."""
    with pytest.raises(ValueError, match="Versions"):
        answers.items(page, "Versions")
    assert answers.items({"Versions": []}, "Versions") == []


@pytest.mark.parametrize(
    ("state", "status", "has_failed"),
    [
        ("Active", "Successful", False),
        ("Pending", "InProgress", False),
        ("Inactive", "", False),
        ("Failed", "Successful", True),
        ("Active", "Failed", True),
    ],
)
def test_either_state_makes_a_failure(state: str, status: str, *, has_failed: bool) -> None:
    """That of the function, and that of its last update; AWS's reason is that of the one that failed."""
    reasons = {"StateReason": "No role.", "LastUpdateStatusReason": "No subnet."}
    made = answers.configuration({**CONFIGURATION, "State": state, "LastUpdateStatus": status, **reasons})
    assert made.has_failed == has_failed
    if has_failed:
        assert made.failure == ("No subnet." if status == "Failed" else "No role.")
