"""Two deploys at once: one of the two packages, whole, and nobody overwritten without being told."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployers import Deployer
from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome
from in_process import deploy as run

ROUNDS = 8
ALIAS = {"_LAMBDA_ALIAS": "live", "_LAMBDA_VERIFY_PAYLOAD": "{}", "_LAMBDA_KEEP_VERSIONS": "2"}


@pytest.fixture(scope="module")
def deployers() -> Iterator[dict[str, Deployer]]:
    """Start the two that are at it at once."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Deployer()) for name in ("alice", "bob")}


@pytest.fixture(scope="module")
def digests(slug: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tell the CodeSha256 of what each of the two deploys."""
    target = tmp_path_factory.mktemp("package") / "package.zip"
    result = {}
    for name in ("alice", "bob"):
        outcome = run(slug, "package", "-o", str(target), env={"NAME": name})
        result[name] = outcome.stdout.rpartition("CodeSha256 ")[2].partition(".")[0]
    return result


@dataclass
class Race:
    """Two deploys of one function, started together."""

    slug: Path
    deployers: dict[str, Deployer]
    digests: dict[str, str]
    function: Function
    verified: set[str] = field(default_factory=set)

    def run(self, number: int, settings: dict[str, str]) -> dict[str, Outcome]:
        """Let the two run, one of them a little later; how long AWS takes differs from round to round."""
        chance = random.Random(number)  # noqa: S311 - no secret
        self.function.aws.polls_per_update = chance.randrange(3)
        self.function.aws.polls_per_version = chance.randrange(3)
        for name, deployer in self.deployers.items():
            # The SDK sends the name of the app along, which tells the calls of the two apart.
            own = {"NAME": name, "_AWS_SDK_UA_APP_ID": name}
            env = {**self.function.aws.settings(self.function), **settings, **own}
            deployer.prepare(self.slug, env, chance.choice((0, 0, 0.02, 0.05, 0.1)))
        for deployer in self.deployers.values():
            deployer.start()
        outcomes = {name: deployer.wait() for name, deployer in self.deployers.items()}
        for outcome in outcomes.values():
            assert outcome.status in {0, 1}, outcome
            assert (outcome.status == 1) == ("Another deploy or a person" in outcome.stderr), outcome
        return outcomes

    def check(self, outcomes: dict[str, Outcome], final: str, read: str, written: set[str]) -> None:
        """Whoever was told of success serves now, or gave way to one that had looked after it was done."""
        winner = next(name for name, digest in self.digests.items() if digest == final)
        (loser,) = outcomes.keys() - {winner}
        assert outcomes[winner].status == 0, outcomes
        if outcomes[loser].status == 0:
            calls = [
                (name, call.operation)
                for call in self.function.carried_out
                for name in outcomes
                if f"app/{name}" in call.headers["user-agent"]
            ]
            writes = {
                name: [i for i, (who, what) in enumerate(calls) if who == name and what in written]
                for name in outcomes
            }
            looked = max(i for i, call in enumerate(calls[: writes[winner][0]]) if call == (winner, read))
            done = writes[loser][-1]
            assert done < looked, calls


@pytest.fixture
def race(slug: Path, deployers: dict[str, Deployer], digests: dict[str, str], function: Function) -> Race:
    """Set up a race."""
    new = Race(slug, deployers, digests, function)

    def handler(_payload: Any, version: str) -> str:
        new.verified.add(version)
        return "pong"

    function.aws.answers(function, handler)
    return new


@pytest.mark.parametrize("number", range(ROUNDS))
def test_latest_is_one_of_the_two_packages(race: Race, number: int) -> None:
    """Without an alias: $LATEST is whole, and whoever did not get through is told."""
    outcomes = race.run(number, {})
    final = race.function.code_sha256()
    assert final in race.digests.values()
    race.check(outcomes, final, "GetFunctionConfiguration", {"UpdateFunctionCode"})


@pytest.mark.parametrize("first", [True, False], ids=["first", "next"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_alias_points_at_one_of_the_two_packages(
    race: Race, slug: Path, number: int, first: bool
) -> None:
    """With an alias that both make, or that both move: at a version that was verified."""
    function = race.function
    if not first:
        env = {**function.aws.settings(function), **ALIAS, "NAME": "carol"}
        assert run(slug, env=env).status == 0
    outcomes = race.run(number, ALIAS)
    final = function.code_sha256("live")
    assert final in race.digests.values()
    assert function.alias() in race.verified
    race.check(outcomes, final, "GetAlias", {"CreateAlias", "UpdateAlias"})


def test_without_reading_the_last_one_wins(race: Race) -> None:
    """With lambda:UpdateFunctionCode alone there is nothing to guard it by; still it is one whole package."""
    aws: EmbeddedAWS = race.function.aws
    aws.allowed = {"lambda:UpdateFunctionCode"}
    outcomes = race.run(0, {})
    assert {outcome.status for outcome in outcomes.values()} == {0}
    assert race.function.code_sha256() in race.digests.values()
