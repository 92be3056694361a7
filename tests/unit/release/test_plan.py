"""A release: every decision of the plan, made without AWS."""

import io
import zipfile
from typing import Any

import pytest

from deploy.artifact.limits import UNZIPPED_LIMIT
from deploy.artifact.package import Package
from deploy.aws.function import Alias, Configuration
from deploy.aws.upload import ZipFileBody
from deploy.errors import DeployError, InputError
from deploy.release.plan import (
    DIRECT_LIMIT,
    DeleteVersions,
    PointAlias,
    PublishVersion,
    RecordRelease,
    State,
    UpdateCode,
    VerifyVersion,
    check_rollback,
    plan,
    plan_rollback,
    previous_version,
)
from deploy.target.provenance import Origin, release_in
from deploy.target.settings import Bucket, ReleaseSettings, Verification

OURS, OTHER = "ours", "other"
VERIFICATION = Verification(b"{}")
LIVE = ReleaseSettings(alias="live")


class OurPackage(Package):
    """A package whose digest is easy to read."""

    code_sha256 = OURS


def package(size: int = 1000, unzipped_size: int = 3000) -> Package:
    return OurPackage(io.BytesIO(CONTENT), b"", size, unzipped_size)


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number in (3, 1, 4, 6, 2, 5):
            file.writestr(f"zeros-{number}", bytes(number * 1024 * 1024))
    return content.getvalue()


CONTENT = _zip()


def version(number: str, code_sha256: str = OURS, **changed: Any) -> Configuration:
    values = {
        "revision_id": f"revision-{number}",
        "state": "Active",
        "state_reason": "",
        "update_status": "Successful",
        "update_reason": "",
        "last_modified": "",
        "description": "",
        "arn": "arn:of:the:function",
        "running": {"MemorySize": 128},
        **changed,
    }
    return Configuration(number, code_sha256, **values)


def latest(code_sha256: str = OTHER, **changed: Any) -> Configuration:
    return version("$LATEST", code_sha256, **changed)


def alias(number: str, description: str = "", **weights: float) -> Alias:
    named = {name.removeprefix("v"): weight for name, weight in weights.items()}
    return Alias("live", number, named, description, "alias-revision")


UPLOAD = UpdateCode(OURS, 1000, "revision-$LATEST")
PUBLISH = PublishVersion(OURS, "from here")


def planned(settings: ReleaseSettings, state: State, *, force: bool = False) -> tuple[object, ...]:
    return plan(package(), settings, state, "from here", force=force)


# --- without an alias ------------------------------------------------------------------------------


def test_a_plain_deploy_is_one_upload() -> None:
    """UpdateFunctionCode and nothing else, over the revision that was read."""
    assert planned(ReleaseSettings(), State(latest())) == (UPLOAD,)


def test_a_deployer_who_may_not_read_uploads_all_the_same() -> None:
    """One permission is enough; then it is not known what is there."""
    assert planned(ReleaseSettings(), State(None)) == (UpdateCode(OURS, 1000, None),)


def test_nothing_to_do_is_nothing_done() -> None:
    """The same CodeSha256 means no upload, unless the last update of it failed."""
    assert planned(ReleaseSettings(), State(latest(OURS))) == ()
    assert planned(ReleaseSettings(), State(latest(OURS, update_status="Failed"))) == (UPLOAD,)


# --- with an alias ---------------------------------------------------------------------------------


def test_the_first_deploy_publishes_and_makes_the_alias() -> None:
    """Upload, publish, point: in this order."""
    assert planned(LIVE, State(latest())) == (UPLOAD, PUBLISH, PointAlias("live", None, "", None))


def test_verification_stands_before_the_alias() -> None:
    """Traffic reaches nothing that was not asked before."""
    settings = ReleaseSettings(alias="live", verification=VERIFICATION)
    steps = planned(settings, State(latest(), alias("3")))
    assert [type(step) for step in steps] == [UpdateCode, PublishVersion, VerifyVersion, PointAlias]


def test_what_is_uploaded_already_is_published_only() -> None:
    """A run that was killed after its upload is carried on."""
    point = PointAlias("live", "3", "[previous version: 3]", "alias-revision")
    assert planned(LIVE, State(latest(OURS), alias("3"))) == (PUBLISH, point)


def test_a_version_that_is_wanted_already_is_used_again() -> None:
    """Going back to an earlier release moves the alias and uploads nothing."""
    state = State(latest(), alias("3"), (version("2"), version("3", OTHER)))
    point = PointAlias("live", "3", "[previous version: 3]", "alias-revision", "2")
    assert planned(LIVE, state) == (point,)


def test_a_version_with_another_configuration_is_not_used_again() -> None:
    """More memory since then: the version of then would take it away again."""
    state = State(latest(OURS, running={"MemorySize": 256}), alias("3"), (version("2"), version("3", OTHER)))
    assert planned(LIVE, state)[0] == PUBLISH


def test_an_alias_that_is_right_is_left_alone() -> None:
    """Also when $LATEST was changed by hand: it serves no traffic."""
    assert planned(LIVE, State(latest(), alias("2"), (version("2"),))) == ()


def test_weights_stop_a_deploy_and_force_overrides() -> None:
    """Somebody may be in the middle of a shift; the message says between which versions."""
    state = State(latest(), alias("3", v4=0.1))
    with pytest.raises(DeployError, match="routes by weights") as caught:
        planned(LIVE, state)
    assert "points at version 3 and sends 10% to version 4" in caught.value.why
    assert "--force" in caught.value.todo
    assert planned(LIVE, state, force=True)[-1] == PointAlias(
        "live", "3", "[previous version: 3]", "alias-revision"
    )
    right_but_weighted = State(latest(), alias("2", v3=0.5), (version("2"),))
    with pytest.raises(DeployError, match="routes by weights"):
        planned(LIVE, right_but_weighted)


def test_descriptions_keep_to_their_length_and_the_owners_words() -> None:
    """256 characters; an alias keeps its own text beside the version before."""
    steps = plan(package(), LIVE, State(latest(), alias("3", "x" * 256)), "y" * 300)
    publish, point = steps[-2:]
    assert isinstance(publish, PublishVersion)
    assert isinstance(point, PointAlias)
    assert publish.description == "y" * 256
    assert len(point.description) == 256
    assert point.description.endswith("x [previous version: 3]")
    again = planned(LIVE, State(latest(), alias("4", "mine [previous version: 3]")))[-1]
    assert isinstance(again, PointAlias)
    assert again.description == "mine [previous version: 4]"
    assert previous_version(alias("4", "mine [previous version: 3]")) == "3"
    assert previous_version(alias("4", "mine")) is None


def test_old_versions_go_but_none_that_an_alias_needs() -> None:
    """Neither what an alias points or shifts to, nor where a rollback would go after this deploy."""
    settings = ReleaseSettings(alias="live", keep_versions=3)
    versions = tuple(version(str(number), OTHER) for number in range(1, 9))
    aliases = (alias("8", "[previous version: 2]"), Alias("test", "3", {"4": 0.5}, "", ""))
    state = State(latest(), alias("8", "[previous version: 2]"), versions, aliases)
    assert planned(settings, state)[-1] == DeleteVersions(("1", "2", "5", "6"))
    few = State(latest(), alias("2"), versions[:2], (alias("2"),))
    assert not any(isinstance(step, DeleteVersions) for step in planned(settings, few))


def test_the_version_in_use_is_kept_when_one_is_kept() -> None:
    """The new one counts; the one that it takes over from is where a rollback goes."""
    settings = ReleaseSettings(alias="live", keep_versions=1)
    state = State(latest(), alias("2"), (version("1", OTHER), version("2", OTHER)), (alias("2"),))
    assert planned(settings, state)[-1] == DeleteVersions(("1",))


# --- the record of the release ---------------------------------------------------------------------

OF_42 = Origin("my-app", 42)


def test_a_release_is_recorded_with_the_alias_that_it_moves() -> None:
    """In the alias's description, behind the version before; no step of its own."""
    steps = plan(package(), LIVE, State(latest(), alias("3")), "from here", origin=OF_42)
    point = steps[-1]
    assert isinstance(point, PointAlias)
    assert point.description == "[previous version: 3] [release: my-app v42]"


def test_a_release_is_recorded_where_nothing_else_changes() -> None:
    """Otherwise an older one that comes late would pass it by; once is enough."""
    right = alias("2", "mine [release: my-app v41]")
    (record,) = plan(package(), LIVE, State(latest(), right, (version("2"),)), "", origin=OF_42)
    assert record == RecordRelease("mine [release: my-app v42]", alias=right)
    recorded = alias("2", "mine [release: my-app v42]")
    assert plan(package(), LIVE, State(latest(), recorded, (version("2"),)), "", origin=OF_42) == ()


def test_without_an_alias_a_release_is_recorded_in_a_tag_if_tags_can_be_read() -> None:
    """After the upload, or alone where there is nothing to upload; not without the permission."""
    tagged = State(latest(OURS), tags={})
    assert plan(package(), ReleaseSettings(), tagged, "", origin=OF_42) == (
        RecordRelease("my-app v42", arn="arn:of:the:function"),
    )
    same = State(latest(OURS), tags={"lambda-deploy-release": "my-app v42"})
    assert plan(package(), ReleaseSettings(), same, "", origin=OF_42) == ()
    assert plan(package(), ReleaseSettings(), State(latest(OURS)), "", origin=OF_42) == ()


@pytest.mark.parametrize(
    ("ours", "recorded", "older"),
    [
        (Origin("a", 41), Origin("a", 42), True),
        (Origin("a", 42), Origin("a", 42), False),
        (Origin("a", 43), Origin("a", 42), False),
        (Origin("a", 9), Origin("a", 10), True),
        (Origin("a", 41), Origin("b", 42), False),
        (Origin(None, 41), Origin(None, 42), True),
        (Origin("a", 41), None, False),
        (Origin("a"), Origin("a", 42), False),
    ],
)
def test_an_older_release_of_the_same_app_is_known_as_such(
    ours: Origin, recorded: Origin | None, *, older: bool
) -> None:
    """By number, not as text; another app's numbers say nothing."""
    assert ours.is_older_than(recorded) is older


def test_an_origin_survives_being_noted() -> None:
    """What is kept in a description is found there again, and the owner's words stay."""
    for origin in (OF_42, Origin(None, 7)):
        assert release_in(f"mine {origin.note} more") == ("mine more", origin)
    assert release_in("mine") == ("mine", None)
    assert Origin("app").note == ""


# --- rollback --------------------------------------------------------------------------------------

VERSIONS = (version("1"), version("2"), version("3"))


def test_a_rollback_goes_to_the_version_before() -> None:
    """The alias's description remembers it, and then remembers the one that is left."""
    state = State(latest(), alias("3", "[previous version: 1]"), VERSIONS)
    point = PointAlias("live", "3", "[previous version: 3]", "alias-revision", "1")
    assert plan_rollback(LIVE, state, None) == (point,)


def test_a_rollback_goes_to_the_version_that_is_named_and_verifies_it() -> None:
    """The same checks as a deploy's."""
    settings = ReleaseSettings(alias="live", verification=VERIFICATION)
    steps = plan_rollback(settings, State(latest(), alias("3"), VERSIONS), "2")
    assert steps[0] == VerifyVersion(VERIFICATION, "2")
    assert isinstance(steps[1], PointAlias)
    assert plan_rollback(settings, State(latest(), alias("3"), VERSIONS), "3") == ()


@pytest.mark.parametrize(
    ("state", "named", "expected"),
    [
        (State(latest(), None, VERSIONS), None, "no alias live yet"),
        (State(latest(), alias("3"), VERSIONS), None, "does not remember a version before 3"),
        (State(latest(), alias("3"), VERSIONS), "9", "There is no version 9"),
        (State(latest(), alias("3", "[previous version: 9]"), VERSIONS), None, "There is no version 9"),
    ],
)
def test_a_rollback_to_nowhere_is_refused(state: State, named: str | None, expected: str) -> None:
    """Before anything is changed, with exit status 2."""
    with pytest.raises(InputError, match=expected):
        plan_rollback(LIVE, state, named)


def test_a_rollback_that_can_not_be_is_refused_without_asking_aws() -> None:
    """No alias, no versions; and $LATEST is none."""
    with pytest.raises(InputError, match="nothing to roll back"):
        check_rollback(ReleaseSettings(), None)
    with pytest.raises(InputError, match="which is a number"):
        check_rollback(LIVE, "$LATEST")
    check_rollback(LIVE, "12")
    check_rollback(LIVE, None)


# --- sizes -----------------------------------------------------------------------------------------


def test_the_limits_hold_to_the_byte() -> None:
    """What is just allowed passes, one byte more does not."""
    state = State(None)
    assert plan(package(DIRECT_LIMIT, UNZIPPED_LIMIT - 1), ReleaseSettings(), state, "")
    for size, unzipped_size in ((DIRECT_LIMIT + 1, 1), (1, UNZIPPED_LIMIT)):
        with pytest.raises(InputError, match="that Lambda takes"):
            plan(package(size, unzipped_size), ReleaseSettings(), state, "")


def test_a_bucket_takes_what_is_too_large_for_a_direct_upload_and_no_more() -> None:
    """The unzipped limit holds either way, and a small package takes the direct way."""
    bucket = Bucket("deploys")
    settings = ReleaseSettings(bucket=bucket)
    large = plan(package(DIRECT_LIMIT + 1), settings, State(None), "")
    assert large == (UpdateCode(OURS, DIRECT_LIMIT + 1, None, bucket),)
    assert plan(package(DIRECT_LIMIT), settings, State(None), "") == (UpdateCode(OURS, DIRECT_LIMIT),)
    with pytest.raises(InputError, match="unzipped"):
        plan(package(1, UNZIPPED_LIMIT), settings, State(None), "")


def test_the_direct_limit_leaves_room_for_base64_and_json() -> None:
    """Lambda refuses a request of 69,905,067 bytes; the largest package that passes stays below it."""

    class Large(io.BytesIO):
        def seek(self, *_: int) -> int:
            return DIRECT_LIMIT

    assert len(ZipFileBody(Large(), {"FunctionName": "f" * 140, "RevisionId": "r" * 36})) < 69_905_067


def test_a_package_over_a_limit_is_told_by_how_much_and_what_it_is_made_of() -> None:
    """The message names size, excess and limit, the five largest entries, and what makes it smaller."""
    with pytest.raises(InputError) as caught:
        plan(package(DIRECT_LIMIT + 5 * 1024 * 1024), ReleaseSettings(), State(None), "")
    assert caught.value.what.startswith("The package is 55.0 MB, 5.0 MB over the 50 MB that Lambda takes.")
    compressed = [line.split() for line in caught.value.why.splitlines()[1:]]
    assert [(unit, name) for _, unit, name in compressed] == [("KB", f"zeros-{n}") for n in (6, 5, 4, 3, 2)]
    assert ".lambdaignore" in caught.value.todo
    assert "_LAMBDA_S3_BUCKET" in caught.value.todo
    with pytest.raises(InputError) as caught:
        plan(package(1, UNZIPPED_LIMIT + 1024 * 1024), ReleaseSettings(), State(None), "")
    assert caught.value.what.startswith("The package is 251.0 MB unzipped, 1.0 MB over the 250 MB")
    assert caught.value.why.splitlines()[1:] == [
        "      6.0 MB  zeros-6",
        "      5.0 MB  zeros-5",
        "      4.0 MB  zeros-4",
        "      3.0 MB  zeros-3",
        "      2.0 MB  zeros-2",
    ]
    assert ".lambdaignore" in caught.value.todo
    assert "_LAMBDA_S3_BUCKET" not in caught.value.todo


# --- steps as a person reads them ------------------------------------------------------------------


def test_steps_are_told_in_words() -> None:
    """What `deploy plan` shows."""
    settings = ReleaseSettings(alias="live", verification=VERIFICATION, keep_versions=1)
    state = State(latest(), alias("2"), (version("1", OTHER), version("2", OTHER)), (alias("2"),))
    assert [str(step) for step in plan(package(), settings, state, "from here")] == [
        "upload 1000 bytes as the code of $LATEST",
        "publish a version (from here)",
        "invoke it with _LAMBDA_VERIFY_PAYLOAD",
        "point the alias live at it, away from version 2",
        "delete version 1",
    ]
    assert str(PointAlias("live", None, "", None, "7")) == "make the alias live, pointing at version 7"
    assert str(UpdateCode(OURS, 1, None, Bucket("deploys"))).endswith(
        "by way of s3://deploys as the code of $LATEST"
    )
