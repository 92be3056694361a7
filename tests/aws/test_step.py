"""The CodePipeline step: one result for each job, of the right type, whatever comes in between."""

import io
import json
import struct
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.fleet import apply
from deploy.fleet.pipeline import Progress
from deploy.handler import NotReported
from deploy.step import Limits
from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, FleetOfTests, names_of, release
from lambda_invocations import Invoked
from step_cuts import release_models, survive_cuts
from steps import Clock, StepOfTests, zipped


@pytest.fixture
def step(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[StepOfTests]:
    """Return the step of a pipeline of this test alone."""
    yield StepOfTests(FleetOfTests(aws, tmp_path, f"s{uuid.uuid4().hex[:8]}-"))
    aws.jobs.reset()
    aws.reset()


@pytest.fixture(scope="module")
def models(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> tuple[Function, Function]:
    """Return a function at 1.0.0 and one in the lower account that has 1.1.0."""
    return release_models(FleetOfTests(aws, tmp_path_factory.mktemp("models")))


@pytest.fixture
def orders(step: StepOfTests, models: tuple[Function, Function]) -> Function:
    """Return a function at 1.0.0, with 1.1.0 in the lower account."""
    here, _ = (step.fleet.copy(model, "orders") for model in models)
    return here


# --- what a job does --------------------------------------------------------------------------------


def test_a_job_promotes_moves_and_reports_it(step: StepOfTests, orders: Function) -> None:
    """A version from the lower account goes live, and what comes later in the pipeline can use the counts."""
    job = step.apply(orders="1.1.0")
    assert job.state == "succeeded"
    assert job.result["outputVariables"] == {
        "functions": "1",
        "unchanged": "0",
        "moved": "0",
        "promoted": "1",
    }
    assert f"{orders.name}: 1.1.0, version 2" in job.summary
    assert names_of(orders) == {"live": "2", "1-0-0": "1", "1-1-0": "2"}
    back = step.apply(orders="1.0.0")
    assert back.result["outputVariables"]["moved"] == "1"
    assert orders.alias() == "1"
    again = step.apply(orders="1.0.0")
    assert again.result["outputVariables"]["unchanged"] == "1"


def test_the_artifact_is_read_with_the_credentials_of_the_job_alone(
    step: StepOfTests, orders: Function
) -> None:
    """The role of the function has no right to it, and the job's credentials do nothing else."""
    before = len(step.aws.calls)
    assert step.apply(orders="1.0.0").state == "succeeded"
    calls = [call for call in step.aws.calls[before:] if call.access_key != step.aws.administrator.access_key]
    by_job = [call for call in calls if call.access_key == step.of_job["AccessKeyId"]]
    assert {call.operation for call in by_job} == {"GetObject"}
    assert {call.operation for call in calls if call not in by_job} == {"GetAlias", "PutJobSuccessResult"}
    assert orders.alias() == "1"


def test_a_large_artifact_is_not_downloaded(step: StepOfTests, orders: Function) -> None:
    """Only its directory and the fleet file are."""
    artifact = zipped(a_bin=b"\0" * 3_000_000, fleet_json=step.wants(orders="1.0.0"), z_bin=b"\0" * 3_000_000)
    before = len(step.aws.calls)
    job = step.run_job(artifact)
    assert job.state == "succeeded"
    ranges = [call.headers["range"] for call in step.aws.calls[before:] if call.operation == "GetObject"]
    assert len(ranges) < 6
    assert all(_size(text) < 100_000 for text in ranges)
    assert orders.alias() == "1"


def _size(text: str) -> int:
    start, _, end = text.removeprefix("bytes=").partition("-")
    return int(end) - int(start or 0)


def test_payloads_in_the_artifact_verify(step: StepOfTests, orders: Function) -> None:
    """Each function has its own; one that answers wrongly keeps its alias, and the message names it."""
    asked: list[Any] = []

    def answer(payload: Any, _version: str) -> Invoked:
        asked.append(payload)
        return Invoked(payload={"ok": payload == {"ask": 1}})

    step.aws.answers(orders, answer)
    files: dict[str, bytes | str] = {
        "fleet_json": step.wants(orders="1.1.0"),
        f"checks__{orders.name}_json": '{"ask": 2}',
    }
    job = step.run_job(zipped(**files), payload_dir="checks", verify_expect='"ok": *true')
    assert asked == [{"ask": 2}]
    kind, message = job.failure
    assert (kind, orders.name in message) == ("JobFailed", True)
    assert "No live alias was moved." in message
    assert orders.alias() == "1"
    files[f"checks__{orders.name}_json"] = '{"ask": 1}'
    job = step.run_job(zipped(**files), payload_dir="checks/", verify_expect='"ok": *true')
    assert job.state == "succeeded"
    assert orders.alias() == "2"


def test_config_from_ssm_is_baked(step: StepOfTests, orders: Function) -> None:
    """The promoted version has it, and none of the lower account's."""
    step.aws.put_parameter(f"/apps/{orders.name}/GREETING", "hello from canary ssm")
    job = step.run_job(zipped(fleet_json=step.wants(orders="1.1.0")), config_from="ssm:/apps/{name}/")
    assert job.state == "succeeded"
    code = orders.code("2")
    assert b"hello from canary ssm" in code
    assert b"staging" not in code


# --- what goes wrong --------------------------------------------------------------------------------


def test_a_failure_names_each_function_and_why(step: StepOfTests, orders: Function) -> None:
    """No alias moves then; with keep_going those move that can."""
    missing = {"orders": "1.1.0", "gone": "1.0.0"}
    kind, message = step.run_job(zipped(fleet_json=step.wants(**missing))).failure
    assert kind == "JobFailed"
    assert f"1 of 2 functions failed: {step.fleet.prefix}gone." in message
    assert "There is no function" in message
    assert orders.alias() == "1"
    kind, message = step.run_job(zipped(fleet_json=step.wants(**missing)), keep_going=True).failure
    assert f"Moved: {orders.name}" in message
    assert orders.alias() == "2"


def test_an_unknown_version_is_a_revision_that_is_not_available(step: StepOfTests, orders: Function) -> None:
    """In neither account."""
    kind, message = step.apply(orders="9.9.9").failure
    assert (kind, "9.9.9" in message, orders.name in message) == ("RevisionUnavailable", True, True)


@pytest.mark.parametrize("action", ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:PublishVersion"])
def test_a_missing_permission_is_named(step: StepOfTests, orders: Function, action: str) -> None:
    """The type tells it from other failures."""
    step.aws.denied = {action}
    kind, message = step.apply(orders="1.1.0").failure
    assert (kind, action in message) == ("PermissionError", True)
    step.aws.denied = set()
    assert orders.alias() == "1"


@pytest.mark.usefixtures("orders")
def test_a_role_that_can_not_be_assumed_is_a_matter_of_permissions(step: StepOfTests) -> None:
    """Such as with a wrong external ID, which is not repeated."""
    job = step.run_job(zipped(fleet_json=step.wants(orders="1.1.0")), source_external_id="canary-wrong")
    kind, message = job.failure
    assert (kind, "can't be assumed" in message, "source_external_id" in message) == (
        "PermissionError",
        True,
        True,
    )


def _with_filler(step: StepOfTests) -> bytes:
    """Return an artifact whose small fleet file has megabytes behind the end of its compressed data."""
    text = step.wants(a="1.0.0")
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = deflater.compress(text) + deflater.flush() + bytes(2_000_000)
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("fleet.json", data)
    found = bytearray(content.getvalue())
    for signature, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = found.rindex(signature) + place
        found[start : start + 2] = struct.pack("<H", 8)  # deflated
        found[start + 6 : start + 10] = struct.pack("<L", zlib.crc32(text))
        found[start + 14 : start + 18] = struct.pack("<L", len(text))
    return bytes(found)


ARTIFACTS: dict[str, tuple[Callable[[StepOfTests], bytes], dict[str, Any], str, str]] = {
    "no ZIP": (lambda _: b"{}", {}, "ConfigurationError", "is not a ZIP"),
    "empty": (lambda _: b"", {}, "ConfigurationError", "is not a ZIP"),
    "cut short": (
        lambda step: zipped(fleet_json=step.wants(a="1.0.0"))[:-9],
        {},
        "ConfigurationError",
        "ZIP",
    ),
    "another name": (lambda _: zipped(other_json="{}"), {}, "ConfigurationError", "no fleet.json in the"),
    "no JSON": (lambda _: zipped(fleet_json="{"), {}, "ConfigurationError", "fleet.json, line 1, column 2"),
    "more than a list": (
        lambda _: zipped(fleet_json='{"lambdas": [], "x": 1}'),
        {},
        "ConfigurationError",
        "fleet.json, line 1, column 17",
    ),
    "a name outside": (
        lambda _: zipped(fleet_json='{"lambdas": [{"name": "other-x", "version": "1.0.0"}]}'),
        {},
        "ConfigurationError",
        "outside this fleet",
    ),
    "a large file": (lambda _: zipped(fleet_json=b" " * 1_100_000), {}, "ConfigurationError", "1 MiB"),
    "no payloads": (
        lambda step: zipped(fleet_json=step.wants(a="1.0.0")),
        {"payload_dir": "checks"},
        "ConfigurationError",
        "No file in the folder checks/ of the artifact SourceArtifact belongs to a function",
    ),
    "no folder of payloads": (
        lambda step: zipped(fleet_json=step.wants(a="1.0.0"), **{f"{step.fleet.prefix}a_json": "{}"}),
        {"payload_dir": "//"},
        "ConfigurationError",
        "payload_dir is not a folder in the artifact",
    ),
    "a file behind which there is more": (_with_filler, {}, "ConfigurationError", "larger than 1 MiB"),
    "a payload that is none": (
        lambda step: zipped(fleet_json=step.wants(a="1.0.0"), **{f"p__{step.fleet.prefix}a_json": "{"}),
        {"payload_dir": "p"},
        "ConfigurationError",
        "is not JSON",
    ),
}


@pytest.mark.parametrize("case", ARTIFACTS)
def test_what_is_wrong_with_the_artifact_is_said(step: StepOfTests, case: str) -> None:
    """Before the first call about a function."""
    make, parameters, kind, text = ARTIFACTS[case]
    before = len(step.aws.calls)
    failure = step.run_job(make(step), **parameters).failure
    assert failure[0] == kind
    assert text in failure[1]
    assert {call.service for call in step.aws.calls[before:]} <= {"s3", "codepipeline"}


def test_a_file_that_is_there_twice_is_refused(step: StepOfTests) -> None:
    """Readers disagree which of them counts."""
    content = io.BytesIO(zipped(fleet_json=step.wants(a="1.0.0")))
    with ZipFile(content, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("fleet.json", "{}")
    assert "more than once" in step.run_job(content.getvalue()).failure[1]


def test_an_artifact_that_is_gone_or_forbidden(step: StepOfTests) -> None:
    """Each has its type."""
    job = step.job(b"")
    step.aws.s3().delete_object(Bucket=step.bucket, Key=step.key)
    step.run(job.event)
    assert job.failure[0] == "RevisionUnavailable"
    job = step.job(zipped(fleet_json=step.wants(a="1.0.0")))
    place = job.event["CodePipeline.job"]["data"]["inputArtifacts"][0]["location"]["s3Location"]
    place["objectKey"] = "another/artifact"
    step.run(job.event)
    kind, message = job.failure
    assert (kind, "the pipeline's role" in message) == ("PermissionError", True)


PARAMETERS = {
    "no JSON": ("fleet.json", "not a JSON object"),
    "a list": ("[]", "not a JSON object"),
    "a text": ('"x"', "not a JSON object"),
    "deep": ("[" * 999, "not a JSON object"),
    "unknown": ('{"file": "f", "fleet_prefix": "t-", "alias": "live", "prefixx": "x"}', "prefixx is not one"),
    "mistyped": ('{"file": "f", "alais": "live"}', "did you mean alias?"),
    "a variable": ('{"file": "f", "_LAMBDA_ALIAS": "live"}', "_LAMBDA_ALIAS is not one"),
    "twice": ('{"file": "f", "file": "g"}', "column 15: this key is there already"),
    "no file": ('{"fleet_prefix": "t-"}', "file is missing"),
    "a number": ('{"file": 1}', "file is empty, or not a text"),
    "an empty text": ('{"file": "f", "alias": " "}', "alias is empty, or not a text"),
    "no switch": ('{"file": "f", "keep_going": "true"}', "keep_going is neither"),
    "no number": ('{"file": "f", "timeout": true}', "timeout is not a whole number"),
    "too long": (json.dumps({"file": "f" * 1000}), "longer than 1000 characters: they have 1012"),
    "no prefix": ('{"file": "fleet.json", "alias": "live"}', "fleet_prefix is not set"),
    "no alias": ('{"file": "fleet.json", "fleet_prefix": "t-"}', "alias is not set"),
    "a wrong role": (
        '{"file": "fleet.json", "fleet_prefix": "t-", "alias": "live", "source_role_arn": "canary"}',
        "source_role_arn is not",
    ),
    "another region": (
        '{"file": "fleet.json", "fleet_prefix": "t-", "alias": "live", "region": "mars"}',
        "region",
    ),
    "an expectation alone": (
        '{"file": "fleet.json", "fleet_prefix": "t-", "alias": "live", "verify_expect": "x"}',
        "verify_payload is not set",
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_wrong_user_parameters(step: StepOfTests, case: str) -> None:
    """Whatever is wrong with them is told by the names of their keys."""
    text, wrong = PARAMETERS[case]
    step.job(zipped(fleet_json='{"lambdas": [{"name": "t-a", "version": "1.0.0"}]}'))
    job = step.aws.jobs.start(step.data(text))
    step.run(job.event)
    kind, message = job.failure
    assert kind == "ConfigurationError"
    assert wrong in message
    assert "heroku" not in message


def test_several_artifacts(step: StepOfTests, orders: Function) -> None:
    """The one that is meant has to be named."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.0.0")))
    artifacts = job.event["CodePipeline.job"]["data"]["inputArtifacts"]
    artifacts.append({**artifacts[0], "name": "Other"})
    step.run(job.event)
    assert "several input artifacts" in job.failure[1]
    for name, state in (("Other", "succeeded"), ("Third", "failed")):
        job = step.job(zipped(fleet_json=step.wants(orders="1.0.0")), artifact=name)
        job.event["CodePipeline.job"]["data"]["inputArtifacts"] = artifacts
        step.run(job.event)
        assert job.state == state
    assert orders.alias() == "1"


# --- events of any shape ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event", [None, {}, [], "x", 1, {"CodePipeline.job": None}, {"CodePipeline.job": {"id": "canary"}}]
)
def test_an_event_that_is_not_of_codepipeline(step: StepOfTests, event: object) -> None:
    """There is nobody to report to, so the log and the answer say it."""
    before = len(step.aws.calls)
    outcome = step.run(event)
    assert outcome.answer["result"] == "none"
    assert "not a job of CodePipeline's" in outcome.log
    assert len(step.aws.calls) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
PATHS = (
    ("actionConfiguration",),
    ("actionConfiguration", "configuration"),
    ("actionConfiguration", "configuration", "UserParameters"),
    ("inputArtifacts",),
    ("inputArtifacts", 0),
    ("inputArtifacts", 0, "name"),
    ("inputArtifacts", 0, "location"),
    ("inputArtifacts", 0, "location", "s3Location", "bucketName"),
    ("artifactCredentials",),
    ("artifactCredentials", "sessionToken"),
    ("artifactCredentials", "secretAccessKey"),
    ("continuationToken",),
)


@given(path=st.sampled_from(PATHS), value=JSON)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_part_of_an_event_may_be_anything(step: StepOfTests, path: tuple[Any, ...], value: Any) -> None:
    """The job gets one result, and nothing of the event is logged."""
    job = step.job(zipped(fleet_json='{"lambdas": [{"name": "other", "version": "1.0.0"}]}'))
    place: Any = job.event["CodePipeline.job"]["data"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    step.run(job.event)
    assert job.state == "failed"


# --- time -------------------------------------------------------------------------------------------


SHORT = Limits(shortest=1.0, begin=1.0, end=0.8, leave=0.5, cleaning=0.1)


def slowly(step: StepOfTests, function: Function, seconds: float = 1.5) -> None:
    """Have the verification of a function take longer than a run has."""

    def answer(_payload: Any, _version: str) -> Any:
        time.sleep(seconds)
        return {"ok": True}

    step.aws.answers(function, answer)


def test_a_function_with_a_short_timeout_says_so(step: StepOfTests) -> None:
    """Lambda's default is 3 seconds, and the result has to be reported within them."""
    job = step.job(zipped(fleet_json=step.wants(a="1.0.0")))
    step.run(job.event, Clock(3.0))
    kind, message = job.failure
    assert (kind, "--timeout 900" in message) == ("ConfigurationError", True)


def test_a_job_that_runs_out_of_time_goes_on_later(step: StepOfTests, orders: Function) -> None:
    """The next run plans from what AWS says, and completes it; a token carries no output variables."""
    slowly(step, orders)
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")), verify_payload={"ping": True})
    clock = Clock(2.5)
    outcome = step.run(job.event, clock, SHORT)
    assert (job.state, outcome.answer["result"]) == ("continued", "continuation"), job
    assert clock.get_remaining_time_in_millis() > 0
    assert "0 of 1 functions were live" in job.summary
    assert orders.alias() == "1"
    step.aws.answers(orders, lambda _payload, _version: {"ok": True})
    more = step.aws.jobs.go_on(job)
    step.run(more.event)
    assert more.state == "succeeded"
    assert more.result["outputVariables"]["promoted"] == "1"  # by both runs together
    assert "1 function: 1 promoted" in more.summary
    assert names_of(orders) == {"live": "2", "1-0-0": "1", "1-1-0": "2"}


def test_runs_without_progress_end(step: StepOfTests, orders: Function) -> None:
    """A job does not go round for a day."""
    release(step.fleet.slug("new"), orders, "1.0.1", CONFIG)
    slowly(step, orders)
    job = step.job(zipped(fleet_json=step.wants(orders="1.0.1")), verify_payload={})
    step.run(job.event, Clock(1.6), SHORT)
    runs = 1
    while job.state == "continued" and runs < 9:
        job = step.aws.jobs.go_on(job)
        step.run(job.event, Clock(1.6), SHORT)
        runs += 1
    kind, message = job.failure
    assert (kind, orders.name in message) == ("JobFailed", True)
    assert "without any progress" in message
    assert orders.alias() == "1"


@pytest.mark.usefixtures("orders")
def test_a_run_that_is_interrupted_while_it_looks_goes_on(step: StepOfTests) -> None:
    """It has planned nothing yet, so the token says nothing of what there is to do."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    step.run(job.event, Clock(900), Limits(begin=900))
    assert job.state == "continued"
    assert json.loads(job.result["continuationToken"]) == {
        "runs": 1,
        "left": None,
        "idle": 1,
        "begun": None,
    }


def test_a_job_that_looks_again_counts_what_it_did_before(
    step: StepOfTests, orders: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else moves one of two aliases in between: at the end this job has moved both."""
    billing = step.fleet.function("billing")
    release(step.fleet.slug("first"), billing, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(step.fleet.slug("second"), billing, "1.1.0", CONFIG)
    move = apply._Run.move

    def overtaken(run: Any, *, keep_going: bool) -> None:
        monkeypatch.setattr(apply._Run, "move", move)
        live = {"FunctionName": billing.name, "Name": "live", "FunctionVersion": "1"}
        billing.client.update_alias(**live, Description="somebody else")  # type: ignore[arg-type]
        move(run, keep_going=keep_going)

    monkeypatch.setattr(apply._Run, "move", overtaken)
    job = step.apply(orders="1.1.0", billing="1.1.0")
    assert job.result["outputVariables"] == {
        "functions": "2",
        "unchanged": "0",
        "moved": "1",
        "promoted": "1",
    }
    for line in ("2 functions: 1 promoted, 1 moved", f"{orders.name}: 1.1.0", f"{billing.name}: 1.1.0"):
        assert line in job.summary


numbers = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**2000, 10**2001), st.floats(), st.text(max_size=3)
)


@given(
    st.one_of(
        st.text(max_size=20),
        st.just("[" * 2000),
        st.fixed_dictionaries(
            {
                "runs": numbers,
                "left": numbers,
                "idle": numbers,
                "begun": st.one_of(numbers, st.lists(numbers)),
            }
        ).map(json.dumps),
    )
)
def test_a_token_that_is_not_ours_counts_as_none(token: str) -> None:
    """The run plans from AWS in any case, and the next token is short enough for CodePipeline."""
    progress = Progress()
    progress.resume(token)
    assert progress.runs >= 1
    assert progress.idle >= 0
    assert progress.left is None or progress.left >= 0
    assert len(progress.token()) < 200
    if progress.runs < 10**6:
        again = Progress()
        again.resume(progress.token())
        assert (again.runs, again.begun) == (progress.runs + 1, progress.begun)


def test_a_token_that_is_too_long_is_not_even_read() -> None:
    """Deep inside of one Python has no room left for what its garbage collector may call meanwhile."""
    token = json.dumps({"runs": 1, "left": 1, "idle": 0, "begun": None})
    known, unknown = Progress(), Progress()
    known.resume(token)
    unknown.resume(token + " " * 200)
    assert (known.runs, unknown.runs) == (2, 1)


@pytest.mark.parametrize("token", ["x", '{"runs": 1, "left": -1, "idle": 2, "begun": null}'])
def test_a_job_with_a_token_of_another_kind_is_done(step: StepOfTests, orders: Function, token: str) -> None:
    """As if it had none."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    job.event["CodePipeline.job"]["data"]["continuationToken"] = token
    step.run(job.event)
    assert (job.state, orders.alias()) == ("succeeded", "2")


# --- the result -------------------------------------------------------------------------------------


def test_an_event_that_comes_twice_reports_once(step: StepOfTests, orders: Function) -> None:
    """Lambda may deliver one more than once; the second run finds nothing to do, and ends quietly."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    step.run(job.event)
    result = job.result
    outcome = step.run(job.event)
    assert "has a result already" in outcome.log
    assert job.result is result
    assert orders.versions() == ["1", "2"]


def test_an_event_that_comes_twice_at_once_reports_success(step: StepOfTests, orders: Function) -> None:
    """Each finds the other at work, and looks again."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    step.run_at_once(job.event, 2)
    assert job.state == "succeeded", job
    assert names_of(orders)["live"] == names_of(orders)["1-1-0"] != "1"


@pytest.mark.usefixtures("orders")
def test_a_job_that_is_not_there_any_more_ends_quietly(step: StepOfTests) -> None:
    """It has expired, or nobody knows it."""
    job = step.job(zipped(fleet_json=step.wants(orders="1.0.0")))
    job.state = "expired"
    assert "has a result already, or has expired" in step.run(job.event).log
    job.event["CodePipeline.job"]["id"] = str(uuid.uuid4())
    assert "has a result already, or has expired" in step.run(job.event).log


def test_who_may_not_report_success_reports_that(step: StepOfTests, orders: Function) -> None:
    """A failure that names the permission is better than twenty minutes of silence."""
    step.aws.denied = {"codepipeline:PutJobSuccessResult"}
    kind, message = step.apply(orders="1.1.0").failure
    assert (kind, "codepipeline:PutJobSuccessResult" in message) == ("PermissionError", True)
    assert orders.alias() == "2"


@pytest.mark.usefixtures("orders")
def test_a_result_that_can_not_be_reported_makes_lambda_run_the_event_again(step: StepOfTests) -> None:
    """The next run, with the permission, finds all done."""
    step.aws.denied = {"codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"}
    job = step.job(zipped(fleet_json=step.wants(orders="1.1.0")))
    with pytest.raises(NotReported) as raised:
        step.run(job.event)
    assert raised.value.__cause__ is None
    step.aws.denied = set()
    step.run(job.event)
    assert job.result["outputVariables"]["unchanged"] == "1"


@pytest.mark.usefixtures("orders")
def test_variables_that_are_too_much_are_left_out(step: StepOfTests) -> None:
    """The job succeeded, whatever other actions have filled."""
    step.aws.jobs.most_of_variables = 10
    job = step.apply(orders="1.0.0")
    assert job.state == "succeeded"
    assert "outputVariables" not in job.result


def test_long_messages_are_cut(step: StepOfTests) -> None:
    """A hundred functions that fail fit into CodePipeline's 5,000 characters, the first by name."""
    missing = {f"a-function-with-a-long-name-{number:03}": "1.0.0" for number in range(100)}
    job = step.apply(**missing)
    assert job.failure[1].startswith("100 of 100 functions failed: ")
    assert "and " in job.failure[1]
    assert len(job.failure[1]) <= 5000


def test_a_run_may_be_cut_off(step: StepOfTests) -> None:
    """At every third call; at each one in tests/slow/test_step.py."""
    survive_cuts(step, every=3)
