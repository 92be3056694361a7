"""Where a deploy comes from: app, release and commit, as far as the platform says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# HEROKU_SLUG_COMMIT is the older name of HEROKU_BUILD_COMMIT; GIT_REV is Dokku's.
COMMIT_NAMES = ("HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "GIT_REV")

# The repository and the commit, by the variable that each CI system always sets. A run's number is no number
# of a release: two workflows count for themselves, and who runs an older one again means to deploy it.
# https://docs.github.com/en/actions/reference/workflows-and-actions/variables
# https://docs.gitlab.com/ci/variables/predefined_variables
# https://circleci.com/docs/reference/variables
# https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets
# https://buildkite.com/docs/pipelines/configure/environment-variables
# https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
# https://learn.microsoft.com/azure/devops/pipelines/build/variables
# https://plugins.jenkins.io/git
CI_SYSTEMS = {
    "GITHUB_ACTIONS": (("GITHUB_REPOSITORY",), "GITHUB_SHA"),
    "GITLAB_CI": (("CI_PROJECT_PATH",), "CI_COMMIT_SHA"),
    "CIRCLECI": (("CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME"), "CIRCLE_SHA1"),
    "BITBUCKET_BUILD_NUMBER": (("BITBUCKET_REPO_FULL_NAME",), "BITBUCKET_COMMIT"),
    "BUILDKITE": (("BUILDKITE_ORGANIZATION_SLUG", "BUILDKITE_PIPELINE_SLUG"), "BUILDKITE_COMMIT"),
    "CODEBUILD_BUILD_ID": (("CODEBUILD_BUILD_ID",), "CODEBUILD_RESOLVED_SOURCE_VERSION"),
    "TF_BUILD": (("BUILD_REPOSITORY_NAME",), "BUILD_SOURCEVERSION"),
    "JENKINS_URL": (("JOB_NAME",), "GIT_COMMIT"),
}
CI_VARIABLES = tuple({*CI_SYSTEMS} | {each for names, sha in CI_SYSTEMS.values() for each in (*names, sha)})
COMMIT = re.compile("[0-9a-f]{40,64}")
RELEASE_NOTE = re.compile(r" ?\[release: (?:(\S+) )?v([0-9]+)\]")


@dataclass(frozen=True)
class Provenance:
    """App, number of the release and commit; None if the platform does not say."""

    app: str | None = None
    release: int | None = None
    commit: str | None = None

    @property
    def note(self) -> str:
        """The release as it is kept with what was deployed; empty if it is not known."""
        if self.release is None:
            return ""
        return f"[release: {f'{self.app} ' if self.app else ''}v{self.release}]"

    def is_older_than(self, other: Provenance | None) -> bool:
        """Whether another one is a later release of the same app."""
        if other is None or other.app != self.app or other.release is None or self.release is None:
            return False
        return self.release < other.release


@dataclass(frozen=True)
class Build:
    """What the environment of a build says: the commit by the platform, or by CI, and the stack."""

    source_version: str | None
    commit: str | None
    stack: str | None


def read_build(variables: Mapping[str, str]) -> Build:
    """Read it; the platform's word is final, CI's is what started it."""
    commit = _read_ci(variables)[1] or _read_ci(variables, "_")[1]
    return Build(variables.get("SOURCE_VERSION") or None, commit, variables.get("STACK") or None)


def read_provenance(variables: Mapping[str, str]) -> Provenance:
    """Read it from Heroku's dyno metadata, or from what Dokku sets, or a CI system.

    CI's variables count under names that start with `_`, as they stand beside a .env file; others may be
    config. The commit is that of the base, and not of this run, which may deploy what another one built.
    https://devcenter.heroku.com/articles/dyno-metadata
    """
    release = re.fullmatch("v([0-9]{1,9})", variables.get("HEROKU_RELEASE_VERSION", ""))
    return Provenance(
        variables.get("HEROKU_APP_NAME") or variables.get("DOKKU_APP_NAME") or _read_ci(variables, "_")[0],
        int(release[1]) if release else None,
        next((commit for name in COMMIT_NAMES if (commit := variables.get(name))), None),
    )


def _read_ci(variables: Mapping[str, str], prefix: str = "") -> tuple[str | None, str | None]:
    """Return the repository and the commit."""
    for mark, (names, sha) in CI_SYSTEMS.items():
        if variables.get(f"{prefix}{mark}"):
            parts = (variables.get(f"{prefix}{name}", "").partition(":")[0] for name in names)
            commit = variables.get(f"{prefix}{sha}", "")
            return "/".join(filter(None, parts)) or None, commit if COMMIT.fullmatch(commit) else None
    return None, None


def release_in(text: str) -> tuple[str, Provenance | None]:
    """Return a text without the note of a release in it, and the provenance that the note names."""
    found = RELEASE_NOTE.search(text)
    if not found:
        return text, None
    return RELEASE_NOTE.sub("", text).strip(), Provenance(found[1], int(found[2]))
