"""A formation dyno over a thousand rounds: a week of them, every ten minutes."""

import random
from pathlib import Path

from command import make_slug
from embedded_aws import Function
from formation_story import Story, play
from outage import Outage

ROUNDS = 1000


def test_a_thousand_rounds(function: Function, tmp_path: Path) -> None:
    """Drift, faults, config changes: right after each round, one call in a quiet one, memory flat."""
    slug = make_slug(tmp_path / "slug")
    with Outage(function.aws.url) as network:
        story = Story(function, network, random.Random(1))  # noqa: S311 - no secret
        play(slug, story, tmp_path, ROUNDS, restarts=(100, 200, 300))
    assert story.drifts > 100
    assert story.failures > 20
    early, late = max(story.memory[:50]), story.memory[-1]
    print(
        f"\n{ROUNDS} rounds: {story.quiet} quiet, {story.drifts} drifts, {story.failures} failures; "
        f"calls {story.calls}; memory {early / 2**20:.1f} MB after 50 rounds, {late / 2**20:.1f} MB "
        f"after {len(story.memory)}"
    )
    assert late - early < 4 * 2**20
