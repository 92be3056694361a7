"""Every interleaving of two deploys with a fault at each call, and of three deploys.

The quick part, and what is proved, is in tests/unit/release/test_interleavings.py.
"""

import random

import pytest

from interleavings import SCENARIOS, Scenario, prepare

EACH = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
THREE = Scenario(((10, "B"), (11, "C"), (12, "B")))


@EACH
def test_two_deploys_with_a_fault_at_each_call(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before and after it took effect, lost before and after, sent twice."""
    prepare(monkeypatch, tries=2)
    found = scenario.search(faults=1).run(scenario.start)
    print(f"\n{found}")


@EACH
def test_two_deploys_that_try_three_times(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may lose the race to the other twice."""
    prepare(monkeypatch, tries=3)
    found = scenario.search().run(scenario.start)
    print(f"\n{found}")


def test_three_deploys_that_try_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All orders of their calls; who loses a race fails, and whoever ends well is served."""
    prepare(monkeypatch, tries=1)
    found = THREE.search().run(THREE.start)
    print(f"\n{found}")


@pytest.mark.parametrize("seed", range(4))
def test_many_ways_of_three_deploys_with_faults(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of ways that chance takes, with as many tries as in reality."""
    prepare(monkeypatch, tries=10)
    chance = random.Random(seed)  # noqa: S311 - no secret
    search = THREE.search(faults=2)
    for _ in range(2000):
        search.walk(THREE.start, chance)
