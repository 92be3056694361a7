"""A formation dyno over many rounds against the embedded AWS, its clock in our hands."""

import random
from pathlib import Path

import pytest

from command import make_slug
from embedded_aws import Function
from formation_story import Story, play
from outage import Outage


@pytest.mark.parametrize("alias", [False, True], ids=["latest", "alias"])
def test_a_hundred_rounds(function: Function, alias: bool, tmp_path: Path) -> None:
    """Drift, faults, config changes: right after each round, one call in a quiet one."""
    slug = make_slug(tmp_path / "slug")
    with Outage(function.aws.url) as network:
        story = Story(function, network, alias, random.Random(alias))  # noqa: S311 - no secret
        play(slug, story, tmp_path, 100, restarts=(30,))
    assert story.drifts > 10
    assert story.failures > (3 if alias else 0)
