"""Two at once: release phase, scheduler and formation dyno may meet, and no older release wins."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import in_process
from deploy.release import deploy as deploying
from deploy.release.state import State, read_state
from deployers import Deployer
from embedded_aws import Function
from in_process import Outcome


@dataclass(frozen=True)
class Releases:
    """An app whose releases differ in one config var, RELEASE, and the function that they deploy to."""

    slug: Path
    function: Function

    def environment(
        self, number: int | None, *, app: str = "my-app", config: str | None = None
    ) -> dict[str, str]:
        """Give a release's environment: as dyno metadata has it, or without, where it has no number."""
        metadata = {"HEROKU_APP_NAME": app, "HEROKU_RELEASE_VERSION": f"v{number}"} if number else {}
        dyno = {"DYNO": "release.1234", **metadata}
        return {
            **self.function.aws.settings(self.function),
            "_LAMBDA_ALIAS": "live",
            **dyno,
            "RELEASE": config or str(number),
        }

    def deploy(
        self, number: int | None, *arguments: str, app: str = "my-app", config: str | None = None
    ) -> Outcome:
        """Deploy a release."""
        environment = self.environment(number, app=app, config=config)
        return in_process.deploy(self.slug, *arguments, env=environment)

    @property
    def running(self) -> str:
        """Return the digest of what serves."""
        return self.function.code_sha256("live")

    @property
    def recorded(self) -> str | None:
        """Return the release that is recorded with the function."""
        client = self.function.aws.client()
        description = client.get_alias(FunctionName=self.function.name, Name="live")["Description"]
        return description.partition("[release: ")[2].partition("]")[0] or None

    @property
    def operations(self) -> list[str]:
        """Return what the deployer has asked of AWS so far."""
        return [call.operation for call in self.function.deploy_calls]


@pytest.fixture
def releases(slug: Path, function: Function) -> Releases:
    """Set up an app that deploys to a function of its own."""
    return Releases(slug, function)


def ok(outcome: Outcome) -> Outcome:
    assert outcome.status == 0, outcome.stderr
    return outcome


# --- recorded --------------------------------------------------------------------------------------


def test_a_deploy_leaves_its_release_behind(releases: Releases) -> None:
    """The app and the number, each time the last one's."""
    for number in (9, 10, 11):
        ok(releases.deploy(number))
        assert releases.recorded == f"my-app v{number}"


def test_a_newer_release_of_the_same_package_is_recorded(releases: Releases) -> None:
    """Otherwise the release between the two would pass it by."""
    ok(releases.deploy(9, config="same"))
    again = ok(releases.deploy(11, config="same"))
    assert again.stdout.splitlines()[-1].startswith("-----> Nothing to do: ")
    assert releases.recorded == "my-app v11"
    assert "Skipped" in ok(releases.deploy(10)).stdout


def test_the_same_release_again_writes_nothing(releases: Releases) -> None:
    """What is recorded already is not recorded once more."""
    ok(releases.deploy(9))
    before = len(releases.operations)
    ok(releases.deploy(9))
    reads = ["GetFunctionConfiguration", "GetAlias", "ListVersionsByFunction", "GetFunctionConfiguration"]
    assert releases.operations[before:] == reads


def test_the_owners_words_and_the_version_before_stay(releases: Releases) -> None:
    """The release takes its place in the alias's description beside what is there."""
    ok(releases.deploy(9))
    client, name = releases.function.aws.client(), releases.function.name
    client.update_alias(FunctionName=name, Name="live", Description="Ours, of Team Blue.")
    ok(releases.deploy(10))
    description = client.get_alias(FunctionName=name, Name="live")["Description"]
    assert description == "Ours, of Team Blue. [previous version: 1] [release: my-app v10]"


# --- skipped ---------------------------------------------------------------------------------------


def test_an_older_release_is_skipped(releases: Releases) -> None:
    """With a notice and exit status 0: nothing has failed, and nothing is changed."""
    ok(releases.deploy(11))
    newer, before = releases.running, len(releases.operations)
    older = ok(releases.deploy(10))
    assert (releases.running, releases.recorded) == (newer, "my-app v11")
    name = releases.function.name
    assert older.stderr.startswith(f" !     Release v11 is live on {name}, and this is the older v10.")
    assert "`deploy --force`" in older.stderr
    assert older.stdout.splitlines()[-1] == f"-----> Skipped: a newer release is live on {name}, v11"
    assert releases.operations[before:] == ["GetFunctionConfiguration", "GetAlias", "ListVersionsByFunction"]


def test_a_program_is_told_that_it_was_skipped(releases: Releases) -> None:
    """`--json` says so, with no step taken."""
    ok(releases.deploy(11))
    document = json.loads(ok(releases.deploy(10, "--json")).stdout)
    assert (document["stepped_back"], document["changed"], document["steps"]) == (True, False, [])
    assert json.loads(ok(releases.deploy(12, "--json")).stdout)["stepped_back"] is False


def test_force_overrides(releases: Releases) -> None:
    """`--force` deploys the older one all the same, and it is the recorded one from then on."""
    ok(releases.deploy(11))
    newer = releases.running
    ok(releases.deploy(10, "--force"))
    assert releases.running != newer
    assert releases.recorded == "my-app v10"


def test_numbers_are_compared_as_numbers(releases: Releases) -> None:
    """v10 is later than v9."""
    ok(releases.deploy(9))
    nine = releases.running
    ok(releases.deploy(10))
    assert releases.running != nine
    ok(releases.deploy(9))
    assert releases.running != nine


def test_a_rollback_is_a_later_release(releases: Releases) -> None:
    """`heroku rollback` gives the older slug and config a higher number, which wins."""
    ok(releases.deploy(10, config="good"))
    good = releases.running
    ok(releases.deploy(11, config="bad"))
    before = len(releases.operations)
    ok(releases.deploy(12, config="good"))
    assert (releases.running, releases.recorded) == (good, "my-app v12")
    assert releases.operations[before:][-1:] == ["UpdateAlias"]
    assert "UpdateFunctionCode" not in releases.operations[before:]


def test_another_app_is_not_held_back(releases: Releases) -> None:
    """Numbers of two apps that deploy to the same function say nothing about which one is later."""
    ok(releases.deploy(11, app="old-app"))
    old = releases.running
    ok(releases.deploy(2, app="new-app"))
    assert releases.running != old
    assert releases.recorded == "new-app v2"


# --- doing without ---------------------------------------------------------------------------------


def test_without_dyno_metadata_there_are_no_numbers(releases: Releases) -> None:
    """None is recorded, and a deploy is not held back by what was recorded before."""
    ok(releases.deploy(None, config="first"))
    assert releases.recorded is None
    ok(releases.deploy(11))
    newer = releases.running
    ok(releases.deploy(None, config="second"))
    assert releases.running != newer


def test_without_an_alias_there_is_no_order(slug: Path, function: Function) -> None:
    """The last one wins, by the calls of any other deploy, and nothing is recorded with the function."""
    digests = []
    for number in (11, 10):
        env = {**Releases(slug, function).environment(number), "_LAMBDA_ALIAS": ""}
        ok(in_process.deploy(slug, env=env))
        digests.append(function.code_sha256())
    assert digests[0] != digests[1]
    look, upload = "GetFunctionConfiguration", "UpdateFunctionCode"
    assert [call.operation for call in function.deploy_calls] == [look, "GetFunction", upload, look] * 2
    assert function.get()["Configuration"].get("Description") == ""


# --- at once ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deployers() -> Iterator[tuple[Deployer, Deployer]]:
    """Start two processes, for the older and for the newer release."""
    with ExitStack() as stack:
        yield stack.enter_context(Deployer()), stack.enter_context(Deployer())


def digest(releases: Releases, number: int, target: Path) -> str:
    """Give the CodeSha256 of a release's package."""
    environment = releases.environment(number)
    said = in_process.deploy(releases.slug, "package", "-o", str(target), env=environment).stdout
    return said.rpartition("CodeSha256 ")[2].partition(".")[0]


@pytest.mark.parametrize("lag", [0.0, 0.05])
def test_an_older_one_that_comes_within_the_newer_ones_update_is_skipped(
    releases: Releases, deployers: tuple[Deployer, Deployer], tmp_path: Path, lag: float
) -> None:
    """The newer one's upload is taken but not yet in place: the older one waits, and sees whose it is."""
    older, newer = deployers
    ok(releases.deploy(9))
    aws = releases.function.aws
    aws.polls_per_update = aws.polls_per_version = 8
    newer.prepare(releases.slug, releases.environment(11), 0)
    older.prepare(releases.slug, releases.environment(10), 0)
    begun = len(releases.operations)
    newer.start()
    deadline = time.monotonic() + 20
    while "UpdateAlias" not in releases.operations[begun:] and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(lag)
    older.start()
    outcomes = {"newer": newer.wait(), "older": older.wait()}
    assert outcomes["newer"].status == 0, outcomes
    assert outcomes["older"].status == 0, outcomes
    assert "Skipped" in outcomes["older"].stdout
    assert releases.running == digest(releases, 11, tmp_path / "package.zip")
    assert releases.recorded == "my-app v11"


@pytest.mark.parametrize("slips", [1, 5])
def test_older_ones_that_slip_in_do_not_win(
    releases: Releases,
    deployers: tuple[Deployer, Deployer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    slips: int,
) -> None:
    """Each time the newer one has looked, another deploy comes between; it wins in the end."""
    older, _ = deployers
    ok(releases.deploy(9))
    left = iter(range(slips))

    def read_and_be_overtaken(*arguments: Any, **named: Any) -> State:
        state = read_state(*arguments, **named)
        for slip in left:
            older.prepare(releases.slug, releases.environment(10, config=f"slip {slip}"), 0)
            older.start()
            ok(older.wait())
            break
        return state

    monkeypatch.setattr(deploying, "read_state", read_and_be_overtaken)
    newer = ok(releases.deploy(11))
    assert newer.stdout.count("Another deploy came between") == slips
    assert releases.running == digest(releases, 11, tmp_path / "package.zip")
    assert releases.recorded == "my-app v11"


@pytest.mark.parametrize("number", range(6))
def test_started_together_the_newer_one_wins(
    releases: Releases, deployers: tuple[Deployer, Deployer], tmp_path: Path, number: int
) -> None:
    """Whichever is quicker; the older one was skipped, or overtaken, or told that it lost."""
    older, newer = deployers
    ok(releases.deploy(9))
    aws = releases.function.aws
    aws.polls_per_update = aws.polls_per_version = number % 3
    newer.prepare(releases.slug, releases.environment(11), 0.02 * (number % 4))
    older.prepare(releases.slug, releases.environment(10), 0)
    newer.start()
    older.start()
    outcomes = {"newer": newer.wait(), "older": older.wait()}
    ok(outcomes["newer"])
    assert releases.running == digest(releases, 11, tmp_path / "package.zip"), outcomes
    assert releases.recorded == "my-app v11", outcomes
