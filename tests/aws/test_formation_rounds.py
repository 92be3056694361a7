"""A formation dyno over many rounds against the embedded AWS, its clock in our hands."""

import random
from pathlib import Path

from command import make_slug
from embedded_aws import Function
from formation_story import Story, play
from outage import Outage


def test_a_hundred_rounds(function: Function, tmp_path: Path) -> None:
    """Drift, faults, config changes: right after each round, one call in a quiet one."""
    slug = make_slug(tmp_path / "slug")
    with Outage(function.aws.url) as network:
        story = Story(function, network, random.Random(1))  # noqa: S311 - no secret
        play(slug, story, tmp_path, 100, restarts=(30,))
    assert story.drifts > 10
    assert story.failures > 3
