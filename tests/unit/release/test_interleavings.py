"""Deploys at the same time, to an alias: the newest release that has ended well is what the alias serves.

Every order of their calls is tried, with the real code against a model of Lambda. What makes it long, faults
at each call and more tries, is in tests/slow/test_interleavings.py.
"""

import random

import pytest

from interleavings import SCENARIOS, Answer, Call, Deployer, Model, Scenario, prepare

QUICK = ("two", "two of the same code", "one back to the code before", "two that delete versions")


@pytest.mark.parametrize("name", QUICK)
def test_no_order_of_calls_breaks_the_order_of_releases(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two deploys that may each lose a race once: all of it."""
    prepare(monkeypatch, tries=2)
    scenario = SCENARIOS[name]
    search = scenario.search()
    found = search.run(scenario.start)
    assert found.states > 100
    assert search.longest < 30


@pytest.mark.parametrize("name", ["two of the same code", "one back to the code before"])
def test_a_fault_at_any_call_does_not_break_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is killed, or a request or an answer is lost, or the SDK sends a request twice."""
    prepare(monkeypatch, tries=2)
    scenario = SCENARIOS[name]
    assert scenario.search(faults=1).run(scenario.start).states > 1000


@pytest.mark.parametrize("settings", [{}, {"_LAMBDA_KEEP_VERSIONS": "1"}], ids=["", "deleting versions"])
def test_three_deploys_with_faults(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as they try in reality, along ways that chance takes."""
    prepare(monkeypatch, tries=10)
    chance = random.Random(1)  # noqa: S311 - no secret
    scenario = Scenario(((10, "B"), (11, "C"), (12, "B")), settings=settings)
    search = scenario.search(faults=2)
    lengths = [search.walk(scenario.start, chance) for _ in range(60)]
    assert max(lengths) > 40


def test_a_broken_order_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search itself: a deploy that takes an alias at its version for its own work is caught."""
    prepare(monkeypatch, tries=2)
    monkeypatch.setattr(
        "deploy.release.steps.alias.WriteAlias._is_done", lambda self, alias: alias.version == self.version
    )
    scenario = SCENARIOS["two of the same code"]
    with pytest.raises(AssertionError, match="v11 ended well, and is not served"):
        scenario.search().run(scenario.start)


def test_the_model_keeps_what_lambda_keeps() -> None:
    """Versions do not change, revisions do; what has not changed is not published again."""
    model = Model().deployed(9, "A")
    assert (model.serving, model.release, model.versions) == ("A", 9, ((1, "A"),))
    again = model.deployed(10, "A")
    assert (again.versions, again.release) == (model.versions, 10)
    assert again.deployed(11, "B").versions == ((1, "A"), (2, "B"))


def test_a_deploy_alone_takes_these_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is searched is what a deploy does: its calls, in their order."""
    prepare(monkeypatch, tries=2)
    deployer, model = Deployer(10, "B"), Model().deployed(9, "A")
    answers: tuple[Answer, ...] = ()
    calls = []
    while isinstance(asked := deployer.after(answers), Call):
        calls.append(asked.operation)
        model, answer = model.answer(asked)
        answers = (*answers, answer)
    assert calls == [
        *("configuration", "alias", "versions"),
        *("update_code", "configuration", "publish", "configuration", "update_alias"),
    ]
    assert (model.serving, model.release) == ("B", 10)
