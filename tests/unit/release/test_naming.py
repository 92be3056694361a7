"""Names of versions: when a version gets one, and when it is taken. Decided without AWS."""

from dataclasses import replace

import pytest

from deploy.artifact.base import Base
from deploy.aws.answers import Alias
from deploy.errors import DeployError, InputError
from deploy.release.candidate import find_name
from deploy.release.naming import called, find_conflict
from deploy.release.plan import decide
from deploy.release.state import State
from deploy.release.steps.alias import MoveAlias, RecordRelease
from deploy.release.steps.cleanup import DeleteVersions
from deploy.release.steps.code import UpdateCode
from deploy.release.steps.name import NameVersion
from deploy.release.steps.step import Step
from deploy.release.steps.verification import VerifyVersion
from deploy.release.steps.version import PublishVersion
from deploy.target.provenance import Provenance
from deploy.target.record import Record
from deploy.target.settings import Settings
from deploy.target.version import VersionName
from states import OTHER, OURS, alias, candidate, latest, version

NAMED = Settings(version="1.1.1")
LIVE = Settings(version="1.1.1", alias="live")
BASE, OTHER_BASE = "b" * 64, "a" * 64
RECORD = Record(BASE, (), 0, candidate().record.config, name="1.1.1")


def name_at(number: str, base: str = BASE, name: str | None = "1.1.1", **weights: float) -> Alias:
    """Return the alias 1-1-1 as a deploy makes it for a base."""
    description = replace(RECORD, base_sha256=base, name=name).describe() if name else ""
    named = {each.removeprefix("v"): weight for each, weight in weights.items()}
    return Alias("1-1-1", number, named, description, "name-revision")


def steps(settings: Settings, state: State, *, force: bool = False, name: str = "1.1.1") -> tuple[Step, ...]:
    return decide(candidate(name=name), settings, state, force=force).steps


def naming(settings: Settings, state: State, *, force: bool = False) -> NameVersion:
    """Return the one step that names."""
    (step,) = (each for each in steps(settings, state, force=force) if isinstance(each, NameVersion))
    return step


def published(base: str = OTHER_BASE, code_sha256: str = OTHER) -> State:
    """Return a function whose version 3 has the name, with what is recorded of its base."""
    of_base = Record(base, ("env.properties",), 1).describe()
    return State(
        latest(), alias("3"), (version("3", code_sha256, description=of_base),), named=name_at("3", base)
    )


# --- when it is given ------------------------------------------------------------------------------


def test_a_version_is_published_and_named_without_a_live_alias() -> None:
    """What is live is somebody else's decision then."""
    update, publish, name = steps(NAMED, State(latest()))
    assert isinstance(update, UpdateCode)
    assert isinstance(publish, PublishVersion)
    assert name == NameVersion(VersionName("1.1.1"), None, RECORD, None)
    assert str(name) == "give it the name 1.1.1 (alias 1-1-1)"


def test_it_is_named_after_the_verification_and_before_the_live_alias_moves() -> None:
    """What fails leaves what serves traffic as it was, and no name on what was not verified."""
    settings = replace(LIVE, verify_payload=b"{}")
    kinds = [type(step) for step in steps(settings, State(latest(), alias("3")))]
    assert kinds == [UpdateCode, PublishVersion, VerifyVersion, NameVersion, MoveAlias]


def test_a_version_that_is_live_already_gets_its_name() -> None:
    """The setting may come after the version; it is verified first, and the release is recorded."""
    settings = replace(LIVE, verify_payload=b"{}")
    state = State(latest(OURS), alias("3"), (version("3"),))
    ours = candidate(name="1.1.1", provenance=Provenance("my-app", 42))
    verify, name, record = decide(ours, settings, state).steps
    assert isinstance(verify, VerifyVersion)
    assert isinstance(name, NameVersion)
    assert name.version == "3"
    assert isinstance(record, RecordRelease)
    assert decide(ours, settings, state).changes


def test_what_has_its_name_needs_nothing() -> None:
    """Also if somebody made the alias by hand."""
    state = State(latest(OURS), alias("3"), (version("3"),), named=name_at("3"))
    assert steps(LIVE, state) == ()
    assert steps(NAMED, replace(state, alias=None)) == ()
    assert steps(NAMED, replace(state, alias=None, named=name_at("3", name=None))) == ()


def test_an_older_release_names_nothing() -> None:
    """It is skipped as a whole."""
    state = State(latest(), alias("3", "[release: my-app v43]"), (version("3"),))
    plan = decide(candidate(name="1.1.1", provenance=Provenance("my-app", 42)), LIVE, state)
    assert (plan.steps, plan.is_older) == ((), True)


# --- when it is taken ------------------------------------------------------------------------------


def test_a_name_moves_to_another_config_of_its_base() -> None:
    """The version that is left stays; the revision that was read guards the move."""
    step = naming(LIVE, published(BASE))
    assert step == NameVersion(VersionName("1.1.1"), "3", RECORD, "name-revision")
    assert str(step) == "give it the name 1.1.1 (alias 1-1-1), away from version 3"


def test_another_base_under_a_name_that_is_taken_is_an_error() -> None:
    """Exit status 2, before anything is changed; --force moves the name nevertheless."""
    with pytest.raises(InputError, match=r"there already, with a different base: .* version 3") as caught:
        steps(LIVE, published())
    assert "base aaaaaaaaaaaa" in caught.value.why
    assert naming(LIVE, published(), force=True).previous == "3"


def test_what_is_recorded_with_the_version_counts() -> None:
    """Somebody may have moved the alias by hand, and its description tells of what was there before."""
    moved = replace(published(), named=name_at("3", BASE))
    assert find_conflict(candidate(name="1.1.1"), LIVE, moved)
    back = replace(published(BASE), named=name_at("3", OTHER_BASE))
    assert find_conflict(candidate(name="1.1.1"), LIVE, back) is None


def test_without_a_record_of_the_version_the_alias_tells() -> None:
    """A version that was published by hand, or by an earlier buildpack, and then named by a deploy."""
    versions = (version("3", OTHER, description="by hand"),)
    known = State(latest(), None, versions, named=name_at("3"))
    assert find_conflict(candidate(name="1.1.1"), NAMED, known) is None
    early = (version("3", OTHER, description=f"base {BASE[:12]}, config cccccccccccc"),)
    assert find_conflict(candidate(name="1.1.1"), NAMED, replace(known, versions=early)) is None


def test_a_version_of_unknown_origin_is_not_of_this_base() -> None:
    """Unless its code is just ours."""
    unknown = State(latest(), None, (version("3", OTHER),), named=name_at("3", name=None))
    conflict = find_conflict(candidate(name="1.1.1"), NAMED, unknown)
    assert conflict
    assert conflict.why.endswith("Nothing is recorded about the base of version 3.")
    same = replace(unknown, versions=(version("3", OURS),))
    assert find_conflict(candidate(name="1.1.1"), NAMED, same) is None


def test_two_names_with_the_same_alias_are_told() -> None:
    """The second one is refused, also for the same base."""
    with pytest.raises(InputError, match=r"versions 1\.1\.1 and 1\.1-1 would have the same alias, 1-1-1"):
        steps(NAMED, published(BASE), name="1.1-1")
    assert steps(NAMED, published(BASE), name="1.1-1", force=True)


def test_a_name_that_is_shifted_by_weights_is_left_alone() -> None:
    """As the live alias is; --force ends it."""
    state = replace(published(BASE), named=name_at("3", v2=0.5))
    with pytest.raises(DeployError, match="The alias 1-1-1 routes by weights"):
        steps(LIVE, state)
    assert naming(LIVE, state, force=True).previous == "3"


@pytest.mark.parametrize("force", [False, True])
def test_the_live_alias_can_not_be_a_name(force: bool) -> None:
    """Each deploy would move it away from its version."""
    settings = Settings(version="1.1.1", alias="1-1-1")
    with pytest.raises(InputError, match="would be the name of one version and what each deploy moves"):
        steps(settings, State(latest()), force=force)


def test_a_name_is_not_taken_for_the_live_alias() -> None:
    """_LAMBDA_ALIAS=1-1-1, or a qualifier; --force makes it one."""
    settings = Settings(alias="1-1-1")
    state = State(latest(), replace(name_at("3"), name="1-1-1"), (version("3", OTHER),))
    with pytest.raises(InputError, match=r"1-1-1 is the name of version 1\.1\.1, and stays with it"):
        decide(candidate(), settings, state)
    assert decide(candidate(), settings, state, force=True).changes


# --- old versions ----------------------------------------------------------------------------------


def test_a_version_with_a_name_is_never_deleted() -> None:
    """Its name is an alias; one that gets its name now is not deleted either."""
    settings = replace(NAMED, keep_versions=1)
    versions = tuple(version(str(number), OTHER) for number in range(1, 5))
    other = replace(name_at("2"), name="1-0-0")
    state = State(latest(), None, versions, (other,))
    (deletion,) = (step for step in steps(settings, state) if isinstance(step, DeleteVersions))
    assert deletion.versions == ("1", "3", "4")
    reused = replace(state, versions=(version("1"), *versions[1:]))
    (deletion,) = (step for step in steps(settings, reused) if isinstance(step, DeleteVersions))
    assert deletion.versions == ("3",)


# --- which name ------------------------------------------------------------------------------------


def base(app_version: str | None) -> Base:
    return Base("nodejs", "base.zip", BASE, 1, 1, 1, None, "0.1.0", None, None, version=app_version)


def test_the_name_is_the_settings_or_the_apps_own() -> None:
    """`package` takes what the build has found."""
    assert find_name(Settings(), base("2.0.0")) is None
    assert find_name(NAMED, base("2.0.0")) == VersionName("1.1.1")
    assert find_name(Settings(version="package"), base("2.0.0")) == VersionName("2.0.0")


@pytest.mark.parametrize(
    ("app_version", "expected"),
    [(None, "the build found no version"), ("2", "2, is a number"), ("1!2.0\n", r"1!2\.0.*, is not a name")],
)
def test_an_app_without_a_usable_version_is_told(app_version: str | None, expected: str) -> None:
    """With both ways out: set it in the app, or in the setting."""
    with pytest.raises(InputError, match=expected) as caught:
        find_name(Settings(version="package"), base(app_version))
    assert "_LAMBDA_VERSION=1.1.1" in caught.value.todo


def test_an_alias_without_a_record_is_called_as_it_is() -> None:
    """Somebody made it by hand."""
    assert called(name_at("3", name=None)) == "1-1-1"
    assert called(name_at("3")) == "1.1.1"
