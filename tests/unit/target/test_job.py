"""Jobs and UserParameters: what they may be, and that nothing of an event is repeated."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.target.job import KEYS, SETTINGS, as_keys, find_job_id, read_job, read_parameters
from deploy.target.settings import SETTINGS as ALL
from paths import REPOSITORY

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(given=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=12), VALUES, max_size=5))
def test_parameters_are_read_or_refused(given: dict[str, Any]) -> None:
    """Whatever they are; what is read has no other keys, and the right types."""
    try:
        parameters = read_parameters(json.dumps(given))
    except InputError as error:
        assert error.what.startswith("UserParameters")
        return
    assert set(given) <= set(KEYS)
    assert parameters.file == given["file"]
    assert isinstance(parameters.keep_going, bool)
    assert all(isinstance(text, str) for text in parameters.variables.values())


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """And what is no JSON is not repeated."""
    with pytest.raises(InputError) as raised:
        read_parameters(text)
    assert len(text) < 4 or text not in f"{raised.value.what} {raised.value.why}"


@given(event=VALUES)
def test_any_event_has_a_job_or_not(event: object) -> None:
    """An event that is not CodePipeline's has none."""
    assert find_job_id(event) is None
    with pytest.raises(InputError):
        read_job(event)


def test_credentials_are_in_no_representation() -> None:
    """An exception that shows a job shows none of them."""
    place = {"s3Location": {"bucketName": "b", "objectKey": "k"}}
    data = {
        "actionConfiguration": {"configuration": {"UserParameters": '{"source_external_id": "canary-id"}'}},
        "inputArtifacts": [{"name": "a", "location": place}],
        "artifactCredentials": {
            "accessKeyId": "canary-key",
            "secretAccessKey": "canary-secret",
            "sessionToken": "canary-token",
        },
    }
    job = read_job({"CodePipeline.job": {"id": "x", "data": data}})
    assert job.credentials["AWS_SECRET_ACCESS_KEY"] == "canary-secret"
    role = '"source_role_arn": "arn:aws:iam::111111111111:role/r", "source_external_id": "canary-id"'
    parameters = read_parameters(f'{{"file": "f", "fleet_prefix": "t-", "alias": "live", {role}}}')
    assert "canary" not in repr(job) + repr(parameters)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Keys and what they mean, with examples that can be copied into the JSON."""
    with pytest.raises(InputError) as raised:
        read_parameters('{"fil": "f", "source_role_arn": "x", "verify_expect": "(", "timeout": "1"}')
    wrong = raised.value.why.splitlines()
    told = [line for line in wrong if not line.startswith(" ")]
    assert [line.partition(" ")[0] for line in told[:5]] == [
        "fil",
        "timeout",
        "file",
        "fleet_prefix",
        "alias",
    ]
    others = {"source_role_arn", "verify_expect", "verify_payload"}
    assert {line.partition(" ")[0] for line in told[5:]} == others
    assert "alias is not set." in told
    for line in wrong:
        if line.startswith("  For example: "):
            json.loads(f"{{{line.removeprefix('  For example: ')}}}")


def test_each_key_is_a_setting_and_documented() -> None:
    """Messages name settings by their keys, and the document lists them all."""
    known = {setting.name for setting in ALL.values()}
    assert {name for key, name in SETTINGS.items() if key != "region"} <= known
    assert as_keys("_LAMBDA_FLEET_PREFIX is not set, _LAMBDA_OTHER is") == (
        "fleet_prefix is not set, _LAMBDA_OTHER is"
    )
    document = (REPOSITORY / "docs/pipeline-step.md").read_text(encoding="utf-8")
    table = document.partition("| key | meaning |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == set(KEYS)
