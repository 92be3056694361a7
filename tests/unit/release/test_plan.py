"""The plan: every decision of a deploy, made without AWS."""

import pytest

from deploy.artifact.limits import DIRECT_LIMIT
from deploy.aws.answers import Alias
from deploy.errors import DeployError
from deploy.release.plan import Plan, decide
from deploy.release.state import State
from deploy.release.steps.alias import MoveAlias, RecordRelease
from deploy.release.steps.cleanup import DeleteVersions
from deploy.release.steps.code import UpdateCode
from deploy.release.steps.step import Step
from deploy.release.steps.verification import VerifyVersion
from deploy.release.steps.version import PublishVersion
from deploy.target.provenance import Provenance
from deploy.target.settings import Bucket, Settings
from states import OTHER, OURS, alias, candidate, latest, version

LIVE = Settings(alias="live")
UPLOAD = UpdateCode(OURS, 1000, "revision-$LATEST")
PUBLISH = PublishVersion(OURS, candidate().record)
OF_42 = Provenance("my-app", 42)


def steps(
    settings: Settings, state: State, *, force: bool = False, provenance: Provenance | None = None
) -> tuple[Step, ...]:
    return decide(candidate(provenance=provenance), settings, state, force=force).steps


# --- without an alias ------------------------------------------------------------------------------


def test_a_plain_deploy_is_one_upload() -> None:
    """UpdateFunctionCode and nothing else, over the revision that was read."""
    assert steps(Settings(), State(latest())) == (UPLOAD,)


def test_a_deployer_who_may_not_read_uploads_nevertheless() -> None:
    """One permission is enough; then it is not known what is there."""
    assert steps(Settings(), State(None)) == (UpdateCode(OURS, 1000, None),)


def test_nothing_to_do_is_nothing_done() -> None:
    """The same CodeSha256 means no upload, unless the last update of it failed."""
    assert steps(Settings(), State(latest(OURS))) == ()
    assert steps(Settings(), State(latest(OURS, update_status="Failed"))) == (UPLOAD,)


def test_without_an_alias_a_release_is_not_recorded() -> None:
    """There is nowhere to keep it that one permission is enough for."""
    assert steps(Settings(), State(latest(OURS)), provenance=OF_42) == ()


# --- with an alias ---------------------------------------------------------------------------------


def test_the_first_deploy_publishes_and_creates_the_alias() -> None:
    """Upload, publish, move: in this order."""
    assert steps(LIVE, State(latest())) == (UPLOAD, PUBLISH, MoveAlias("live", None, "", None))


def test_verification_stands_before_the_alias() -> None:
    """Traffic reaches nothing that was not asked before."""
    settings = Settings(alias="live", verify_payload=b"{}")
    planned = steps(settings, State(latest(), alias("3")))
    assert [type(step) for step in planned] == [UpdateCode, PublishVersion, VerifyVersion, MoveAlias]


def test_what_is_uploaded_already_is_published_only() -> None:
    """A deploy that was killed after its upload is continued."""
    move = MoveAlias("live", "3", "[previous version: 3]", "alias-revision")
    assert steps(LIVE, State(latest(OURS), alias("3"))) == (PUBLISH, move)
    failed = State(latest(OURS, update_status="Failed"), alias("3"))
    assert steps(LIVE, failed) == (UPLOAD, PUBLISH, move)


def test_a_version_that_is_wanted_already_is_used_again() -> None:
    """Going back to an earlier release moves the alias and uploads nothing."""
    state = State(latest(), alias("3"), (version("1"), version("2"), version("3", OTHER)))
    move = MoveAlias("live", "3", "[previous version: 3]", "alias-revision", "2")
    assert steps(LIVE, state) == (move,)


def test_a_version_with_a_different_configuration_is_not_used_again() -> None:
    """More memory since then: the version of then would take it away again."""
    state = State(latest(OURS, running={"MemorySize": 256}), alias("3"), (version("2"), version("3", OTHER)))
    assert steps(LIVE, state)[0] == PUBLISH


def test_an_alias_that_is_right_is_left_alone() -> None:
    """Also if $LATEST was changed by hand: it serves no traffic."""
    assert steps(LIVE, State(latest(), alias("2"), (version("2"),))) == ()


def test_weights_stop_a_deploy_and_force_overrides() -> None:
    """Somebody may be in the middle of a shift; the message says between which versions."""
    state = State(latest(), alias("3", v4=0.1))
    with pytest.raises(DeployError, match="routes by weights") as caught:
        steps(LIVE, state)
    assert "version 3" in caught.value.why
    assert "10% to version 4" in caught.value.why
    assert "--force" in caught.value.todo
    move = MoveAlias("live", "3", "[previous version: 3]", "alias-revision")
    assert steps(LIVE, state, force=True)[-1] == move
    right_but_weighted = State(latest(), alias("2", v3=0.5), (version("2"),))
    with pytest.raises(DeployError, match="routes by weights"):
        steps(LIVE, right_but_weighted)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[previous version: 3]"),
        ("mine", "mine [previous version: 3]"),
        ("mine [previous version: 2]", "mine [previous version: 3]"),
        ("mine [previous version: 2] [release: app v1]", "mine [previous version: 3] [release: app v1]"),
        ("x" * 256, f"{'x' * 234} [previous version: 3]"),
    ],
)
def test_an_alias_keeps_its_owners_words_beside_the_version_before(before: str, after: str) -> None:
    """Within the 256 characters that AWS takes."""
    move = steps(LIVE, State(latest(), alias("3", before)))[-1]
    assert isinstance(move, MoveAlias)
    assert move.description == after
    assert len(after) <= 256


def test_a_version_says_where_it_comes_from_as_far_as_there_is_room() -> None:
    """256 characters, even with an app's name of any length."""
    publish = steps(LIVE, State(latest()), provenance=Provenance("a" * 300, 42))[1]
    assert isinstance(publish, PublishVersion)
    assert len(publish.record.describe()) <= 256


# --- old versions ----------------------------------------------------------------------------------


def test_old_versions_go_but_none_that_an_alias_needs() -> None:
    """Neither what an alias points or shifts to, nor where a rollback would go after this deploy."""
    settings = Settings(alias="live", keep_versions=3)
    versions = tuple(version(str(number), OTHER) for number in range(1, 9))
    aliases = (alias("8", "[previous version: 2]"), Alias("test", "3", {"4": 0.5}, "", ""))
    state = State(latest(), alias("8", "[previous version: 2]"), versions, aliases)
    assert steps(settings, state)[-1] == DeleteVersions(("1", "2", "5", "6"))
    few = State(latest(), alias("2"), versions[:2], (alias("2"),))
    assert not any(isinstance(step, DeleteVersions) for step in steps(settings, few))


def test_old_versions_go_also_if_nothing_else_is_to_be_done() -> None:
    """The setting may be new; where a rollback would go is kept."""
    settings = Settings(alias="live", keep_versions=1)
    right = alias("3", "[previous version: 2]")
    state = State(latest(), right, (version("1", OTHER), version("2", OTHER), version("3")), (right,))
    assert steps(settings, state) == (DeleteVersions(("1",)),)


def test_the_version_in_use_is_kept_when_one_is_kept() -> None:
    """The new one counts; the one that it takes over from is where a rollback goes."""
    settings = Settings(alias="live", keep_versions=1)
    state = State(latest(), alias("2"), (version("1", OTHER), version("2", OTHER)), (alias("2"),))
    assert steps(settings, state)[-1] == DeleteVersions(("1",))


# --- the order of releases -------------------------------------------------------------------------


def test_a_release_is_recorded_with_the_alias_that_it_moves() -> None:
    """In the alias's description, behind the version before; no step of its own."""
    move = steps(LIVE, State(latest(), alias("3")), provenance=OF_42)[-1]
    assert isinstance(move, MoveAlias)
    assert move.description == "[previous version: 3] [release: my-app v42]"


def test_a_release_is_recorded_also_if_nothing_else_changes() -> None:
    """Otherwise an older one that comes late would overtake it; once is enough, and it is no change."""
    right = alias("2", "mine [release: my-app v41]")
    plan = decide(candidate(provenance=OF_42), LIVE, State(latest(), right, (version("2"),)))
    assert plan == Plan((RecordRelease("mine [release: my-app v42]", alias=right),))
    assert not plan.changes
    recorded = alias("2", "mine [release: my-app v42]")
    assert steps(LIVE, State(latest(), recorded, (version("2"),)), provenance=OF_42) == ()


def test_an_older_release_is_skipped_unless_it_is_forced() -> None:
    """Of two releases the older never wins, whichever comes last."""
    state = State(latest(), alias("3", "[release: my-app v43]"))
    ours = candidate(provenance=OF_42)
    assert decide(ours, LIVE, state) == Plan((), is_older=True)
    forced = decide(ours, LIVE, state, force=True)
    assert (forced.is_older, forced.changes) == (False, True)


# --- sizes -----------------------------------------------------------------------------------------


def test_a_bucket_takes_what_is_too_large_for_a_direct_upload_and_no_more() -> None:
    """A small package takes the direct way."""
    settings, state = Settings(s3_bucket="deploys"), State(None)
    large = decide(candidate(DIRECT_LIMIT + 1), settings, state)
    assert large.steps == (UpdateCode(OURS, DIRECT_LIMIT + 1, None, Bucket("deploys")),)
    small = decide(candidate(DIRECT_LIMIT), settings, state)
    assert small.steps == (UpdateCode(OURS, DIRECT_LIMIT),)


# --- steps as a person reads them ------------------------------------------------------------------


def test_steps_are_told_in_words() -> None:
    """What `deploy plan` shows."""
    settings = Settings(alias="live", verify_payload=b"{}", keep_versions=1)
    state = State(latest(), alias("2"), (version("1", OTHER), version("2", OTHER)), (alias("2"),))
    assert [str(step) for step in steps(settings, state)] == [
        "upload 1000 bytes as the code of $LATEST",
        f"publish a version ({candidate().record.summary()})",
        "invoke it with _LAMBDA_VERIFY_PAYLOAD",
        "move the alias live to it, away from version 2",
        "delete version 1",
    ]
    assert "version 7" in str(MoveAlias("live", None, "", None, "7"))
    assert "s3://deploys" in str(UpdateCode(OURS, 1, None, Bucket("deploys")))
