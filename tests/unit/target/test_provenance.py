"""Where a deploy comes from: app, release and commit."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target.provenance import Provenance, read_build, read_provenance, release_in
from deploy.target.source import read_env_file

OF_42 = Provenance("my-app", 42)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "HEROKU_APP_NAME": "my-app",
                "HEROKU_RELEASE_VERSION": "v42",
                "HEROKU_BUILD_COMMIT": "new",
                "HEROKU_SLUG_COMMIT": "old",
            },
            Provenance("my-app", 42, "new"),
        ),
        ({"HEROKU_SLUG_COMMIT": "old"}, Provenance(commit="old")),
        ({"DOKKU_APP_NAME": "my-app", "GIT_REV": "new"}, Provenance("my-app", None, "new")),
        ({"HEROKU_RELEASE_VERSION": "42"}, Provenance()),
        ({"HEROKU_RELEASE_VERSION": "v٣"}, Provenance()),
        ({"HEROKU_RELEASE_VERSION": ""}, Provenance()),
    ],
)
def test_it_is_read_from_what_the_platforms_say(variables: dict[str, str], expected: Provenance) -> None:
    """Heroku's dyno metadata, or what Dokku sets; a release that is none is not known."""
    assert read_provenance(variables) == expected


SHA = "0123456789abcdef0123456789abcdef01234567"
CI = {
    "GitHub Actions": {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "me/app", "GITHUB_SHA": SHA},
    "GitLab CI": {"GITLAB_CI": "true", "CI_PROJECT_PATH": "me/app", "CI_COMMIT_SHA": SHA},
    "CircleCI": {
        "CIRCLECI": "true",
        "CIRCLE_PROJECT_USERNAME": "me",
        "CIRCLE_PROJECT_REPONAME": "app",
        "CIRCLE_SHA1": SHA,
    },
    "Bitbucket": {
        "BITBUCKET_BUILD_NUMBER": "7",
        "BITBUCKET_REPO_FULL_NAME": "me/app",
        "BITBUCKET_COMMIT": SHA,
    },
    "Buildkite": {
        "BUILDKITE": "true",
        "BUILDKITE_ORGANIZATION_SLUG": "me",
        "BUILDKITE_PIPELINE_SLUG": "app",
        "BUILDKITE_COMMIT": SHA,
    },
    "CodeBuild": {
        "CODEBUILD_BUILD_ID": "me/app:b1e6661e-e4f2-4156-9ab9-82a19EXAMPLE",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": SHA,
    },
    "Azure Pipelines": {"TF_BUILD": "True", "BUILD_REPOSITORY_NAME": "me/app", "BUILD_SOURCEVERSION": SHA},
    "Jenkins": {"JENKINS_URL": "https://ci.example.com", "JOB_NAME": "me/app", "GIT_COMMIT": SHA},
}


@pytest.mark.parametrize("variables", CI.values(), ids=CI)
def test_ci_says_which_repository_and_commit(variables: dict[str, str], tmp_path: Path) -> None:
    """Beside a .env file, and for a build; a run's number is no release."""
    (tmp_path / ".env").touch()
    beside_a_file = read_env_file(tmp_path / ".env", {**variables, "GITHUB_RUN_NUMBER": "7"})
    assert read_provenance(beside_a_file) == Provenance("me/app")
    assert read_build(variables).commit == read_build(beside_a_file).commit == SHA


@pytest.mark.parametrize("variables", CI.values(), ids=CI)
def test_where_the_environment_is_config_ci_says_nothing(variables: dict[str, str]) -> None:
    """An app may have a config var JENKINS_URL, and no value of one is shown."""
    assert read_provenance(variables) == Provenance()


def test_a_commit_that_is_none_is_not_known() -> None:
    """Buildkite has HEAD until it has looked."""
    assert read_build({"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}).commit is None


@pytest.mark.parametrize(
    ("ours", "recorded", "older"),
    [
        (Provenance("a", 41), Provenance("a", 42), True),
        (Provenance("a", 42), Provenance("a", 42), False),
        (Provenance("a", 43), Provenance("a", 42), False),
        (Provenance("a", 9), Provenance("a", 10), True),
        (Provenance("a", 41), Provenance("b", 42), False),
        (Provenance(None, 41), Provenance(None, 42), True),
        (Provenance("a", 41), None, False),
        (Provenance("a"), Provenance("a", 42), False),
        (Provenance("a", 42), Provenance("a"), False),
    ],
)
def test_an_older_release_of_the_same_app_is_known_as_such(
    ours: Provenance, recorded: Provenance | None, *, older: bool
) -> None:
    """By number, not as text; another app's numbers say nothing."""
    assert ours.is_older_than(recorded) is older


@given(
    st.text("abc [:]-v0", max_size=12),
    st.text("abc-0", min_size=1, max_size=12) | st.none(),
    st.integers(0, 999_999_999),
)
def test_a_release_survives_being_noted(words: str, app: str | None, release: int) -> None:
    """What is kept in an alias's description is found there again, and the owner's words stay."""
    provenance = Provenance(app, release)
    text, recorded = release_in(f"{words} {provenance.note}".strip())
    assert (text, recorded) == (words.strip(), provenance)


def test_without_a_release_there_is_nothing_to_note() -> None:
    """A deploy from a laptop belongs to no release."""
    assert Provenance("app").note == ""
    assert release_in("mine") == ("mine", None)
