"""Where a deploy comes from: app, release and commit, as far as the platform says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# HEROKU_SLUG_COMMIT is the older name of HEROKU_BUILD_COMMIT; GIT_REV is Dokku's.
COMMIT_NAMES = ("HEROKU_BUILD_COMMIT", "HEROKU_SLUG_COMMIT", "GIT_REV")
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

    def describe(self, base_sha256: str, config_digest: str) -> str:
        """Return where a version comes from: app, release, commit, and the digests of base and config."""
        parts = (
            self.app,
            f"v{self.release}" if self.release is not None else None,
            f"commit {self.commit[:12]}" if self.commit else None,
            f"base {base_sha256[:12]}",
            f"config {config_digest[:12]}",
        )
        return ", ".join(part for part in parts if part)

    def is_older_than(self, other: Provenance | None) -> bool:
        """Whether another one is a later release of the same app."""
        if other is None or other.app != self.app or other.release is None or self.release is None:
            return False
        return self.release < other.release


def read_provenance(variables: Mapping[str, str]) -> Provenance:
    """Read it from Heroku's dyno metadata, or from what Dokku sets.

    https://devcenter.heroku.com/articles/dyno-metadata
    """
    release = re.fullmatch("v([0-9]{1,9})", variables.get("HEROKU_RELEASE_VERSION", ""))
    return Provenance(
        variables.get("HEROKU_APP_NAME") or variables.get("DOKKU_APP_NAME"),
        int(release[1]) if release else None,
        next((commit for name in COMMIT_NAMES if (commit := variables.get(name))), None),
    )


def release_in(text: str) -> tuple[str, Provenance | None]:
    """Return a text without the note of a release in it, and the provenance that the note names."""
    found = RELEASE_NOTE.search(text)
    if not found:
        return text, None
    return RELEASE_NOTE.sub("", text).strip(), Provenance(found[1], int(found[2]))
