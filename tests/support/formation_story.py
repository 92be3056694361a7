"""What happens to a formation dyno round by round: drift, faults and config changes, by chance."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import in_process
from deploy.release.watch import FIRST_BACKOFF, JITTER
from dyno_rounds import DynoRounds, Round
from embedded_aws import Function
from outage import Outage

INTERVAL = 600  # seconds, by default
FAULTS = ("the network", "the upload", "AWS's side")


@dataclass
class Story:
    """What happens between two rounds, and what the round after it has to come out as."""

    function: Function
    network: Outage
    chance: random.Random
    wanted: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    quiet: int = 0
    drifts: int = 0
    faults: int = 0
    failures: int = 0
    seen: int = 0
    memory: list[int] = field(default_factory=list)

    @property
    def running(self) -> str:
        """Return the digest of what the alias serves."""
        return self.function.code_sha256("live")

    def drift(self) -> None:
        """Have somebody do by hand what people do."""
        self.drifts += 1
        client, name = self.function.aws.client(), self.function.name
        self.function.aws.polls_per_update = 0  # it is in place by the time of the look
        if self.drifts % 3:
            client.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
        else:
            client.delete_alias(FunctionName=name, Name="live")

    def fault(self) -> None:
        """Have the next round fail, or its deploy, if there is one."""
        self.faults += 1
        aws = self.function.aws
        kind = self.chance.choice(FAULTS)
        if kind == "the network":
            self.network.down = True
        elif kind == "the upload":
            aws.denied.update({"UpdateAlias", "CreateAlias"})
        else:
            aws.fails_updates(self.function)

    def mend(self) -> None:
        """Take back what the fault has done."""
        self.network.down = False
        self.function.aws.denied.clear()
        self.function.aws.works_again(self.function)

    def new_calls(self) -> list[str]:
        """Return what the deployer has asked of AWS since this was asked last."""
        aws = self.function.aws
        new, self.seen = aws.calls[self.seen :], len(aws.calls)
        return [call.operation for call in new if call.access_key == aws.deployer.access_key]

    def check(self, end: Round, *, drifted: bool, faulty: bool) -> None:
        """Hold a round against what it has to be."""
        calls = self.new_calls()
        for call in calls:
            self.calls[call] = self.calls.get(call, 0) + 1
        failed = end.pause < INTERVAL * (1 - JITTER)
        if failed:
            assert faulty
            self.failures += 1
            assert end.pause >= FIRST_BACKOFF * (1 - JITTER)
        else:
            assert self.running == self.wanted
            assert end.pause <= INTERVAL * (1 + JITTER)
        if not (drifted or faulty or failed):
            assert calls == ["GetFunctionConfiguration"]
            self.quiet += 1


def play(slug: Path, story: Story, folder: Path, rounds: int, restarts: Sequence[int]) -> str:
    """Play some rounds, with a config change and a new dyno at some of them; return what the dynos said.

    Right after each round that did not fail, the function is what it has to be; a quiet one is one call.
    """
    aws = story.function.aws
    once = {"_AWS_ENDPOINT_URL": story.network.url, "_AWS_MAX_ATTEMPTS": "1"}
    base = {**aws.settings(story.function), **once, "_LAMBDA_ALIAS": "live", "DYNO": "deploy.1"}
    aws.client().publish_version(FunctionName=story.function.name)  # which somebody can move the alias to
    log = folder / "log"
    # A round that failed leaves its drift to the next ones.
    left = False
    for start, end in zip((0, *restarts), (*restarts, rounds), strict=True):
        config = {**base, "RELEASE": str(start)}
        story.wanted = digest(slug, config, folder / "package.zip")
        story.memory.clear()
        with DynoRounds(slug, config, log) as dyno:
            for number in range(start, end):
                first = number == start
                drifted = story.chance.random() < 0.15
                faulty = not first and story.chance.random() < 0.1
                if drifted and not first and not left:
                    story.drift()
                aws.polls_per_update = story.chance.randrange(2)
                if faulty:
                    story.fault()
                failures = story.failures
                passed = dyno.next_round()
                story.check(passed, drifted=drifted or first or left, faulty=faulty)
                left = story.failures > failures
                story.mend()
                story.memory.append(passed.memory)
            assert dyno.terminate() == 0
    said = log.read_text()
    assert story.failures == said.count("Trying again in ")
    assert said.count("-----> Stopped by SIGTERM") == len(restarts) + 1
    assert "stopped at an internal error" not in said
    return said


def digest(slug: Path, config: dict[str, str], target: Path) -> str:
    """Give the CodeSha256 of the package that this config makes."""
    said = in_process.deploy(slug, "package", "-o", str(target), env=config).stdout
    return said.rpartition("CodeSha256 ")[2].partition(".")[0]
